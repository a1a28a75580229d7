package dev.sluice.forward;

import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.ConnectionCounts;
import dev.sluice.schedule.SchedulerState;
import dev.sluice.schedule.SchedulerTable;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Takes a batch of frames from the RX ring to its verdicts: parse, flow, scheduler, rewrite. Owned by: worker.
 *
 * <p>Three passes over the batch: the first parses and loads the line on which each flow's search begins, so that cache
 * misses overlap; the second finds or makes each flow, in the order of arrival; the third rewrites. Nothing allocates but
 * the first new flow of a service, which makes the worker's {@link SchedulerState} for it.
 */
public final class Pipeline {
    /** The most frames a batch may have. */
    public static final int MAX_BATCH = 256;
    /** In {@code egress}: the packet is dropped, and counted. */
    public static final int DROPPED = -1;

    private static final Counter[] PARSE_DROPS = parseDrops();
    private static final int FIN_WAIT = FlowState.FIN_WAIT.code();
    private static final int TIME_WAIT = FlowState.TIME_WAIT.code();
    private static final int CLOSE = FlowState.CLOSE.code();

    private final MemorySegment umem;
    private final FlowTable flows;
    private final ConnectionCounts connections;
    private final FlowHasher hasher;
    private final Counters counters;
    private final ConnectionPolicy policy;
    private final FlowAdmission admission;
    private final FlowAdoption adoption;
    private final NodestSweep nodestSweep;
    private final @Nullable SchedulerState[] states = new @Nullable SchedulerState[ForwardingSnapshot.MAX_SERVICES];

    private final PacketView[] packets = new PacketView[MAX_BATCH];
    private final long[] hashes = new long[MAX_BATCH];
    private final int[] realServers = new int[MAX_BATCH];
    /** Keeps the loads of the first pass alive; of no other meaning. */
    long touched;

    /**
     * A pipeline of one worker.
     *
     * @param umem all frames' segment
     * @param flows the worker's connection table, with room for {@link ForwardingSnapshot#MAX_REAL_SERVERS} ids
     * @param connections over all workers, this one's included
     * @param hasher under the director's key
     * @param counters the worker's
     * @param policy what becomes of connections where there is a choice
     * @param exchange with the other workers' tables, which {@code flows} joins here
     */
    public Pipeline(
            MemorySegment umem,
            FlowTable flows,
            ConnectionCounts connections,
            FlowHasher hasher,
            Counters counters,
            ConnectionPolicy policy,
            FlowExchange exchange) {
        this.umem = umem;
        this.flows = flows;
        this.connections = connections;
        this.hasher = hasher;
        this.counters = counters;
        this.policy = policy;
        this.admission = new FlowAdmission(flows, policy.maxNewFlowsPerSecond());
        this.adoption = new FlowAdoption(exchange, exchange.join(flows), flows, counters);
        this.nodestSweep = new NodestSweep(flows, counters);
        for (int i = 0; i < MAX_BATCH; i++) {
            packets[i] = new PacketView();
        }
    }

    /**
     * Decides on every frame of a batch and rewrites those that go on. Every frame is counted as input and, if dropped,
     * under its reason; the caller counts the others by {@link #transmitted}.
     *
     * @param snapshot the configuration that holds for the whole batch
     * @param addresses absolute offsets of the frames
     * @param lengths of the frames in bytes
     * @param count how many, up to {@link #MAX_BATCH}
     * @param egress set to each frame's egress port, or {@link #DROPPED}
     * @param nowMs the worker's monotonic clock, read once a duty cycle
     */
    public void process(
            ForwardingSnapshot snapshot, long[] addresses, int[] lengths, int count, int[] egress, long nowMs) {
        counters.add(Counter.PACKETS_IN, count);
        parse(addresses, lengths, count, egress);
        direct(snapshot, count, egress, nowMs);
        rewrite(snapshot, addresses, count, egress);
    }

    /**
     * Counts what became of the frames that {@link #process} let go on.
     *
     * @param sent frames put into a TX ring
     * @param refused frames for which a TX ring had no room
     */
    public void transmitted(int sent, int refused) {
        counters.add(Counter.FORWARDED, sent);
        counters.add(Counter.TX_RING_FULL, refused);
    }

    /**
     * Forgets expired flows and those that other workers have taken over, a few at a time; between batches, once a duty
     * cycle.
     *
     * @param snapshot the configuration that holds
     * @param budget the most steps of the flow table's timer wheel
     * @return how many flows were looked at
     */
    public int expire(ForwardingSnapshot snapshot, int budget, long nowMs) {
        int looked = adoption.collect();
        looked += policy.expireNodest() ? nodestSweep.run(snapshot, budget) : 0;
        return looked + flows.expire(budget, nowMs);
    }

    private void parse(long[] addresses, int[] lengths, int count, int[] egress) {
        long sink = 0;
        for (int i = 0; i < count; i++) {
            PacketView packet = packets[i];
            int code = PacketParser.parse(umem, addresses[i], lengths[i], packet);
            if (code == PacketParser.OK) {
                long hash = hasher.hash(packet);
                hashes[i] = hash;
                sink ^= flows.touchHome(hash);
                egress[i] = 0;
            } else {
                counters.increment(PARSE_DROPS[code]);
                egress[i] = DROPPED;
            }
        }
        touched ^= sink;
    }

    private void direct(ForwardingSnapshot snapshot, int count, int[] egress, long nowMs) {
        for (int i = 0; i < count; i++) {
            if (egress[i] == DROPPED) {
                continue;
            }
            int realServer = realServerOf(snapshot, packets[i], hashes[i], nowMs);
            realServers[i] = realServer;
            if (realServer < 0) {
                egress[i] = DROPPED;
            }
        }
    }

    /** The id of the real server that gets the packet, or a negative number when it was dropped and counted. */
    private int realServerOf(ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        int slot = flows.find(packet, hash, nowMs);
        if (slot == FlowTable.NOT_FOUND) {
            slot = adoption.adopt(snapshot, packet, hash, nowMs);
            if (slot < 0) {
                return unheld(slot, snapshot, packet, hash, nowMs);
            }
        }
        int realServer = flows.realServer(slot);
        if (isReuse(snapshot, packet, flows.stateCode(slot), realServer)) {
            counters.increment(Counter.FLOW_REUSED);
            flows.remove(slot);
            adoption.forgetElsewhere(packet, hash, nowMs);
            return open(snapshot, packet, hash, nowMs);
        }
        if (snapshot.serviceOf(realServer) == ForwardingSnapshot.NONE) {
            if (policy.expireNodest()) {
                counters.increment(Counter.FLOW_NODEST_EXPIRED);
                flows.remove(slot);
                return open(snapshot, packet, hash, nowMs);
            }
            // The entry's timer runs on, so that the id becomes free.
            counters.increment(Counter.FLOW_HIT);
            counters.increment(Counter.REAL_SERVER_GONE);
            return DROPPED;
        }
        counters.increment(Counter.FLOW_HIT);
        flows.touch(slot, packet, nowMs);
        return realServer;
    }

    /** A packet whose flow is in this worker's table neither now nor before: {@code why} as {@link FlowAdoption#adopt} says. */
    private int unheld(int why, ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        if (why == FlowAdoption.NO_ROOM) {
            counters.increment(Counter.FLOW_HIT);
            counters.increment(Counter.FLOW_TABLE_FULL);
            return adoption.realServer();
        }
        if (why == FlowAdoption.GONE && !policy.expireNodest()) {
            counters.increment(Counter.FLOW_HIT);
            counters.increment(Counter.REAL_SERVER_GONE);
            return DROPPED;
        }
        if (why == FlowAdoption.UNKNOWN) {
            // The sender repeats it; a flow that were scheduled anew would be broken for good.
            counters.increment(Counter.FLOW_LOOKUP_BUSY);
            return DROPPED;
        }
        return open(snapshot, packet, hash, nowMs);
    }

    /** Whether a packet of a known flow begins a new one, as ip_vs_in_hook and is_new_conn_expected ask. */
    private boolean isReuse(ForwardingSnapshot snapshot, PacketView packet, int stateCode, int realServer) {
        if ((packet.tcpFlags() & Transport.SYN) == 0) {
            return false;
        }
        if (policy.expireNodest() && snapshot.isQuiesced(realServer)) {
            return true;
        }
        return policy.reuseMode() != 0
                && (stateCode == CLOSE
                        || stateCode == TIME_WAIT
                        || (stateCode == FIN_WAIT && (policy.reuseMode() & 2) != 0));
    }

    private int open(ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        int service = snapshot.findService(packet);
        SchedulerTable table = service == ForwardingSnapshot.NONE ? null : snapshot.table(service);
        if (table == null) {
            counters.increment(Counter.NO_SERVICE);
            return DROPPED;
        }
        // IPVS never schedules a reset: there is nothing left to reset at a real server chosen now.
        if ((packet.tcpFlags() & Transport.RST) != 0) {
            counters.increment(Counter.RST_WITHOUT_FLOW);
            return DROPPED;
        }
        boolean sloppy = packet.protocol() == Transport.TCP && (packet.tcpFlags() & Transport.SYN) == 0;
        boolean byHash = admission.mayBeUnremembered(packet, nowMs);
        if (sloppy && !policy.sloppyTcp() && !byHash) {
            counters.increment(Counter.TCP_WITHOUT_FLOW);
            return DROPPED;
        }
        Counter refusal = admission.refuse(packet, nowMs);
        int realServer = byHash || refusal != null
                ? table.pickByHash(packet, hash)
                : table.pick(state(service), packet, hash, nowMs);
        if (realServer == SchedulerTable.NO_REAL_SERVER) {
            counters.increment(Counter.NO_REAL_SERVER);
            return DROPPED;
        }
        if (refusal != null) {
            counters.increment(refusal);
            return realServer;
        }
        int slot = flows.insert(packet, hash, realServer, sloppy ? FlowTable.FLAG_SLOPPY : 0, nowMs);
        flows.touch(slot, packet, nowMs);
        counters.increment(sloppy ? Counter.FLOW_NEW_SLOPPY : Counter.FLOW_NEW);
        counters.connection(service, realServer);
        return realServer;
    }

    private SchedulerState state(int service) {
        SchedulerState state = states[service];
        if (state == null) {
            state = new SchedulerState(connections);
            states[service] = state;
        }
        return state;
    }

    private void rewrite(ForwardingSnapshot snapshot, long[] addresses, int count, int[] egress) {
        for (int i = 0; i < count; i++) {
            if (egress[i] == DROPPED) {
                continue;
            }
            PacketView packet = packets[i];
            int realServer = realServers[i];
            int port = snapshot.egressPort(realServer);
            if (packet.ttl() <= 1) {
                counters.increment(Counter.TTL_EXPIRED);
                egress[i] = DROPPED;
            } else if (port == ForwardingSnapshot.NONE) {
                counters.increment(Counter.NO_NEIGHBOUR);
                egress[i] = DROPPED;
            } else if (packet.ipLengthBytes() > snapshot.mtuBytes(realServer)) {
                counters.increment(Counter.FRAME_TOO_LARGE);
                egress[i] = DROPPED;
            } else {
                DirectRouting.rewrite(
                        umem,
                        addresses[i],
                        packet,
                        snapshot.destinationMac(realServer),
                        snapshot.sourceMac(realServer));
                counters.packet(snapshot.serviceOf(realServer), realServer, packet.ipLengthBytes());
                egress[i] = port;
            }
        }
    }

    private static Counter[] parseDrops() {
        Counter[] drops = new Counter[PacketParser.CODES];
        drops[PacketParser.OK] = Counter.PACKETS_IN;
        drops[PacketParser.TRUNCATED_ETHERNET] = Counter.PARSE_TRUNCATED_ETHERNET;
        drops[PacketParser.NOT_IP] = Counter.PARSE_NOT_IP;
        drops[PacketParser.TRUNCATED_IP] = Counter.PARSE_TRUNCATED_IP;
        drops[PacketParser.BAD_IP_VERSION] = Counter.PARSE_BAD_IP_VERSION;
        drops[PacketParser.BAD_IHL] = Counter.PARSE_BAD_IHL;
        drops[PacketParser.BAD_TOTAL_LENGTH] = Counter.PARSE_BAD_TOTAL_LENGTH;
        drops[PacketParser.BAD_IP_CHECKSUM] = Counter.PARSE_BAD_IP_CHECKSUM;
        drops[PacketParser.BAD_EXTENSION_HEADER] = Counter.PARSE_BAD_EXTENSION_HEADER;
        drops[PacketParser.TOO_MANY_EXTENSION_HEADERS] = Counter.PARSE_TOO_MANY_EXTENSION_HEADERS;
        drops[PacketParser.FRAGMENT] = Counter.FRAGMENT;
        drops[PacketParser.UNSUPPORTED_PROTOCOL] = Counter.UNSUPPORTED_PROTOCOL;
        drops[PacketParser.TRUNCATED_TRANSPORT] = Counter.PARSE_TRUNCATED_TRANSPORT;
        return drops;
    }
}

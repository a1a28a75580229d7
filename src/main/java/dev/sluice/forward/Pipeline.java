package dev.sluice.forward;

import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
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
    public static final int MAX_BATCH = Batch.MAX_RECEIVED;

    private static final int DROPPED = Batch.DROPPED;

    private static final Counter[] PARSE_DROPS = parseDrops();
    private static final int FIN_WAIT = FlowState.FIN_WAIT.code();
    private static final int TIME_WAIT = FlowState.TIME_WAIT.code();
    private static final int CLOSE = FlowState.CLOSE.code();
    private static final int SCTP_CLOSED = FlowState.SCTP_CLOSED.code();
    /** ISAKMP, as in ip_vs_proto_ah_esp.c. */
    private static final int IKE_PORT = 500;
    /** IKE that has moved for the sake of NAT (RFC 3947, RFC 7296 section 2.23). */
    private static final int IKE_NAT_PORT = 4500;

    private final MemorySegment umem;
    private final FlowTable flows;
    private final FlowCounts connections;
    private final FlowHasher hasher;
    private final Counters counters;
    private final ConnectionPolicy policy;
    private final FlowAdmission admission;
    private final FlowAdoption adoption;
    private final NodestSweep nodestSweep;
    private final PersistentChoice persistent;
    private final PersistenceTable.Sweeper templateSweep;
    private final @Nullable SchedulerState[] states = new @Nullable SchedulerState[ForwardingSnapshot.MAX_SERVICES];

    private final PacketView[] packets = new PacketView[MAX_BATCH];
    private final long[] hashes = new long[MAX_BATCH];
    private final int[] realServers = new int[MAX_BATCH];
    /** The IKE flow of an ESP or AH packet, while it is looked up. */
    private final PacketView ike = new PacketView();
    /** Keeps the loads of the first pass alive; of no other meaning. */
    long touched;

    /**
     * A pipeline of one worker.
     *
     * @param umem all frames' segment
     * @param flows the worker's connection table, with room for {@link ForwardingSnapshot#MAX_REAL_SERVERS} ids
     * @param connections over all workers, this one's included
     * @param templates the worker's part of the persistence table, which the connection table knows
     * @param hasher under the director's key
     * @param counters the worker's
     * @param policy what becomes of connections where there is a choice
     * @param exchange with the other workers' tables, which {@code flows} joins here
     */
    public Pipeline(
            MemorySegment umem,
            FlowTable flows,
            FlowCounts connections,
            PersistenceTable.Sweeper templates,
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
        this.persistent = new PersistentChoice(templates.table(), counters, policy.expireQuiescentTemplate());
        this.templateSweep = templates;
        for (int i = 0; i < MAX_BATCH; i++) {
            packets[i] = new PacketView();
        }
    }

    /**
     * Decides on every frame of a batch and rewrites those that go on. Every frame is counted as input and, if dropped,
     * under its reason; the caller counts the others by {@link #transmitted}.
     *
     * @param snapshot the configuration that holds for the whole batch
     * @param batch up to {@link #MAX_BATCH} packets
     * @param ingressPort the port by which all of them came in
     * @param nowMs the worker's monotonic clock, read once a duty cycle
     */
    public void process(ForwardingSnapshot snapshot, Batch batch, int ingressPort, long nowMs) {
        int count = batch.count();
        counters.add(Counter.PACKETS_IN, count);
        parse(batch, count);
        direct(snapshot, count, batch.egress(), nowMs);
        rewrite(snapshot, batch.addresses(), count, batch.egress());
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

    /** Counts packets that came in but were in more frames than a batch takes of one packet, and dropped for that. */
    public void inTooManyFrames(int packets) {
        counters.add(Counter.PACKETS_IN, packets);
        counters.add(Counter.TOO_MANY_FRAMES, packets);
    }

    /**
     * Forgets expired flows, a few at a time; between batches, once a duty cycle.
     *
     * @param snapshot the configuration that holds
     * @param budget the most steps of the flow table's timer wheel
     * @return how many flows were looked at
     */
    public int expire(ForwardingSnapshot snapshot, int budget, long nowMs) {
        int looked = adoption.collect();
        looked += policy.expireNodest() ? nodestSweep.run(snapshot, budget) : 0;
        return looked + flows.expire(budget, nowMs) + templateSweep.run(nowMs);
    }

    private void parse(Batch batch, int count) {
        long[] addresses = batch.addresses();
        int[] lengths = batch.lengths();
        int[] egress = batch.egress();
        long sink = 0;
        for (int i = 0; i < count; i++) {
            PacketView packet = packets[i];
            int code = PacketParser.parse(umem, addresses[i], lengths[i], batch.tailsLength(i), packet);
            if (code == PacketParser.OK) {
                long hash = packet.isIpsec() ? hashOfIke(packet, IKE_PORT) : hasher.hash(packet);
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
        int slot = packet.isIpsec() ? findIke(snapshot, packet, hash, nowMs) : find(snapshot, packet, hash, nowMs);
        if (slot < 0) {
            return unheld(slot, snapshot, packet, hash, nowMs);
        }
        int realServer = flows.realServer(slot);
        if (isReuse(snapshot, packet, slot, realServer)) {
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

    /** The slot of a flow, which another worker may have had until now, or a code of {@link FlowAdoption#adopt}. */
    private int find(ForwardingSnapshot snapshot, PacketView flow, long hash, long nowMs) {
        int slot = flows.find(flow, hash, nowMs);
        return slot == FlowTable.NOT_FOUND ? adoption.adopt(snapshot, flow, hash, nowMs) : slot;
    }

    /**
     * As {@link #find}, of the IKE flow that an ESP or AH packet belongs to, as ah_esp_conn_in_get looks for it, and then on
     * the port for NAT.
     *
     * @param hash of the flow on {@link #IKE_PORT}
     */
    private int findIke(ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        ike.setFlow(packet, Transport.UDP, IKE_PORT);
        int slot = find(snapshot, ike, hash, nowMs);
        if (slot == FlowTable.NOT_FOUND) {
            long natHash = hashOfIke(packet, IKE_NAT_PORT);
            slot = find(snapshot, ike, natHash, nowMs);
        }
        return slot;
    }

    private long hashOfIke(PacketView packet, int port) {
        ike.setFlow(packet, Transport.UDP, port);
        return hasher.hash(ike);
    }

    /** Whether a packet of a known flow begins a new one, as ip_vs_in_hook and is_new_conn_expected ask. */
    private boolean isReuse(ForwardingSnapshot snapshot, PacketView packet, int slot, int realServer) {
        if (!packet.opensConnection()) {
            return false;
        }
        if (policy.expireNodest() && snapshot.isQuiesced(realServer)) {
            return true;
        }
        int stateCode = flows.stateCode(slot);
        // One under a template would come back to the same real server.
        return policy.reuseMode() != 0
                && !flows.hasTemplate(slot)
                && (stateCode == CLOSE
                        || stateCode == TIME_WAIT
                        || stateCode == SCTP_CLOSED
                        || (stateCode == FIN_WAIT && (policy.reuseMode() & 2) != 0));
    }

    private int open(ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        if (packet.isIpsec()) {
            counters.increment(Counter.NO_IKE_FLOW);
            return DROPPED;
        }
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
        boolean sloppy = packet.protocol() != Transport.UDP && !packet.opensConnection();
        boolean byHash = admission.mayBeUnremembered(packet, nowMs);
        Sloppy mode = packet.protocol() == Transport.TCP ? policy.sloppyTcp() : policy.sloppySctp();
        if (sloppy && ((mode == Sloppy.OFF && !byHash) || isWithoutChunk(packet))) {
            counters.increment(
                    packet.protocol() == Transport.TCP ? Counter.TCP_WITHOUT_FLOW : Counter.SCTP_WITHOUT_FLOW);
            return DROPPED;
        }
        byHash |= sloppy && mode == Sloppy.HASH;
        boolean onePacket =
                packet.protocol() == Transport.UDP && snapshot.options().isOnePacket(service);
        Counter refusal = onePacket ? null : admission.refuse(packet, nowMs);
        int realServer = choose(snapshot, service, table, packet, hash, byHash, refusal != null, nowMs);
        if (realServer == SchedulerTable.NO_REAL_SERVER) {
            counters.increment(Counter.NO_REAL_SERVER);
            return DROPPED;
        }
        if (refusal != null) {
            counters.increment(refusal);
            return realServer;
        }
        counters.connection(service, realServer);
        if (onePacket) {
            counters.increment(Counter.ONE_PACKET);
            persistent.release(nowMs);
            connections.passed(realServer);
            return realServer;
        }
        int slot = flows.insert(packet, hash, realServer, sloppy ? FlowTable.FLAG_SLOPPY : 0, nowMs);
        if (persistent.template() != PersistenceTable.NONE) {
            flows.setTemplate(slot, persistent.template());
        }
        flows.touch(slot, packet, nowMs);
        connections.opened(realServer);
        counters.increment(sloppy ? Counter.FLOW_NEW_SLOPPY : Counter.FLOW_NEW);
        return realServer;
    }

    /**
     * @param byHash whether the flow may have had no entry before: it must lead where its packets led then
     * @param forgotten whether it gets no entry
     */
    private int choose(
            ForwardingSnapshot snapshot,
            int service,
            SchedulerTable table,
            PacketView packet,
            long hash,
            boolean byHash,
            boolean forgotten,
            long nowMs) {
        if (snapshot.options().isPersistent(service)) {
            return persistent.choose(snapshot, service, table, state(service), packet, byHash, forgotten, nowMs);
        }
        persistent.none();
        return byHash || forgotten ? table.pickByHash(packet, hash) : table.pick(state(service), packet, hash, nowMs);
    }

    /** Such an SCTP packet never opens an association: sctp_conn_schedule. */
    private static boolean isWithoutChunk(PacketView packet) {
        return packet.protocol() == Transport.SCTP && packet.sctpChunk() == Sctp.NO_CHUNK;
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
            HopTable hops = snapshot.hops();
            int hop = hops.of(realServer, hashes[i]);
            if (packet.ttl() <= 1) {
                counters.increment(Counter.TTL_EXPIRED);
                egress[i] = DROPPED;
            } else if (hop == HopTable.NONE) {
                counters.increment(Counter.NO_NEIGHBOUR);
                egress[i] = DROPPED;
            } else if (packet.ipLengthBytes() > hops.mtuBytes(hop)) {
                counters.increment(Counter.FRAME_TOO_LARGE);
                egress[i] = DROPPED;
            } else {
                DirectRouting.rewrite(umem, addresses[i], packet, hops.destinationMac(hop), hops.sourceMac(hop));
                counters.packet(snapshot.serviceOf(realServer), realServer, packet.ipLengthBytes());
                egress[i] = hops.egressPort(hop);
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

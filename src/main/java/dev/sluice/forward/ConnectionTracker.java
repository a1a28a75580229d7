package dev.sluice.forward;

import dev.sluice.flow.Expectations;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.SchedulerState;
import dev.sluice.schedule.SchedulerTable;
import org.jspecify.annotations.Nullable;

/**
 * Finds the connection that a packet belongs to, or schedules it and enters a new one, as ip_vs_in_hook() does: what comes of a
 * packet is the real server that gets it. Owned by: worker.
 */
final class ConnectionTracker {
    private static final int DROPPED = Batch.DROPPED;
    private static final int FIN_WAIT = FlowState.FIN_WAIT.code();
    private static final int TIME_WAIT = FlowState.TIME_WAIT.code();
    private static final int CLOSE = FlowState.CLOSE.code();
    private static final int SCTP_CLOSED = FlowState.SCTP_CLOSED.code();
    /** ISAKMP, as in ip_vs_proto_ah_esp.c. */
    private static final int IKE_PORT = 500;
    /** IKE that has moved for the sake of NAT (RFC 3947, RFC 7296 section 2.23). */
    private static final int IKE_NAT_PORT = 4500;

    private final FlowTable flows;
    private final FlowCounts connections;
    private final FlowHasher hasher;
    private final Counters counters;
    private final ConnectionPolicy policy;
    private final FlowAdmission admission;
    private final FlowAdoption adoption;
    private final RelatedFlows related;
    private final PersistentChoice persistent;
    private final Translator translator;
    private final SynGate gate;
    private final NumberedSegments segments;
    private final @Nullable SchedulerState[] states = new @Nullable SchedulerState[ForwardingSnapshot.MAX_SERVICES];
    /** The IKE flow of an ESP or AH packet, while it is looked up. */
    private final PacketView ike = new PacketView();

    ConnectionTracker(
            FlowTable flows,
            FlowCounts connections,
            FlowHasher hasher,
            Counters counters,
            ConnectionPolicy policy,
            FlowAdoption adoption,
            PersistenceTable templates,
            Translator translator,
            RelatedFlows related,
            SynGate gate,
            NumberedSegments segments) {
        this.flows = flows;
        this.connections = connections;
        this.hasher = hasher;
        this.counters = counters;
        this.policy = policy;
        this.admission = new FlowAdmission(flows, policy.maxNewFlowsPerSecond());
        this.adoption = adoption;
        this.translator = translator;
        this.related = related;
        this.gate = gate;
        this.segments = segments;
        this.persistent = new PersistentChoice(templates, counters, policy.expireQuiescentTemplate());
    }

    /** The hash by which a packet's connection is found. */
    long hash(PacketView packet) {
        return packet.isIpsec() ? hashOfIke(packet, IKE_PORT) : hasher.hash(packet);
    }

    /**
     * The real server of a connection that an ICMP error is about, or a negative number when it was dropped and counted. Nothing
     * about the connection changes.
     *
     * @param flow the quoted packet's, as from the client
     * @param hash the flow's
     */
    int realServerOfError(ForwardingSnapshot snapshot, PacketView flow, long hash, long nowMs) {
        translator.begin();
        int realServer = peek(flow, hash, nowMs);
        if (realServer < 0 && flow.isIpsec()) {
            realServer = peek(ike, hashOfIke(flow, IKE_NAT_PORT), nowMs);
        }
        if (realServer < 0 && isByHash(flow)) {
            // The director before, or beside, knew the flow; its packets come here by hash as well.
            int service = snapshot.findService(flow);
            SchedulerTable table = service == ForwardingSnapshot.NONE ? null : snapshot.table(service);
            realServer = table == null ? FlowAdoption.NOT_FOUND : table.pickByHash(flow, hash);
        }
        if (realServer < 0
                || snapshot.serviceOf(realServer) == ForwardingSnapshot.NONE
                || (snapshot.nat().translates(realServer) && translator.current() == null)) {
            counters.increment(Counter.ICMP_WITHOUT_FLOW);
            return DROPPED;
        }
        counters.increment(Counter.ICMP_RELAYED);
        return realServer;
    }

    private int peek(PacketView flow, long hash, long nowMs) {
        PacketView known = flow;
        if (flow.isIpsec()) {
            ike.setFlow(flow, Transport.UDP, IKE_PORT);
            known = ike;
        }
        int slot = flows.find(known, hash, nowMs);
        if (slot >= 0) {
            translator.peek(slot);
            return flows.realServer(slot);
        }
        int realServer = adoption.peek(known, hash, nowMs);
        if (realServer >= 0) {
            translator.peek(adoption.peeked());
        }
        return realServer;
    }

    private boolean isByHash(PacketView flow) {
        return switch (flow.protocol()) {
            case Transport.TCP -> policy.sloppyTcp() == Sloppy.HASH;
            case Transport.SCTP -> policy.sloppySctp() == Sloppy.HASH;
            default -> false;
        };
    }

    /**
     * The id of the real server that gets the packet, {@link SynGate#ANSWERED}, or another negative number when it was dropped and
     * counted.
     */
    int realServerOf(ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        translator.begin();
        int slot = packet.isIpsec() ? findIke(snapshot, packet, hash, nowMs) : find(snapshot, packet, hash, nowMs);
        if (slot < 0) {
            return unheld(slot, snapshot, packet, hash, nowMs);
        }
        int realServer = flows.realServer(slot);
        int verdict = meet(snapshot, packet, slot, realServer, nowMs);
        if (verdict == SynGate.REOPENS || (verdict >= 0 && isReuse(snapshot, packet, slot, realServer))) {
            counters.increment(Counter.FLOW_REUSED);
            flows.remove(slot);
            adoption.forgetElsewhere(packet, hash, nowMs);
            return open(snapshot, packet, hash, nowMs);
        }
        if (verdict < 0) {
            return verdict;
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
        if (flows.isTranslated(slot)) {
            translator.follow(packet, slot);
        }
        flows.touch(slot, packet, nowMs);
        return realServer;
    }

    /** What a SYN proxy says to a packet of a known flow. */
    private int meet(ForwardingSnapshot snapshot, PacketView packet, int slot, int realServer, long nowMs) {
        if (packet.protocol() != Transport.TCP
                || !flows.isTranslated(slot)
                || snapshot.serviceOf(realServer) == ForwardingSnapshot.NONE) {
            return SynGate.GOES_ON;
        }
        boolean quiesced = policy.expireNodest() && snapshot.isQuiesced(realServer);
        return gate.meet(snapshot, packet, slot, quiesced, nowMs);
    }

    /** A packet whose flow is in this worker's table neither now nor before: {@code why} as {@link FlowAdoption#adopt} says. */
    private int unheld(int why, ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        if (why == FlowAdoption.NO_ROOM) {
            counters.increment(Counter.FLOW_HIT);
            counters.increment(Counter.FLOW_TABLE_FULL);
            translator.peek(adoption.peeked());
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

    long hashOfIke(PacketView packet, int port) {
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
                        || (stateCode == FIN_WAIT && (policy.reuseMode() & 2) != 0 && !flows.isTranslated(slot)));
    }

    private int open(ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        if (packet.isIpsec()) {
            counters.increment(Counter.NO_IKE_FLOW);
            return DROPPED;
        }
        if (packet.opensConnection() && snapshot.nat().any()) {
            long expected = related.expected(packet, nowMs);
            if (expected != Expectations.NONE) {
                return related.openExpected(snapshot, packet, hash, expected, nowMs);
            }
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
        int verdict = gate.enter(snapshot, service, packet, nowMs);
        if (verdict < 0) {
            return verdict;
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
        Counter refusal = onePacket && !snapshot.nat().any() ? null : admission.refuse(packet, nowMs);
        int realServer = choose(snapshot, service, table, packet, hash, byHash, refusal != null, nowMs);
        if (realServer == SchedulerTable.NO_REAL_SERVER) {
            counters.increment(Counter.NO_REAL_SERVER);
            return DROPPED;
        }
        boolean translated = snapshot.nat().translates(realServer);
        if (!translated && gate.hasAdmitted()) {
            // It would be answered directly, by numbers that the client does not know.
            counters.increment(Counter.NO_REAL_SERVER);
            persistent.release(nowMs);
            return DROPPED;
        }
        if (translated && (refusal != null || !translator.isReady())) {
            counters.increment(Counter.NAT_WITHOUT_FLOW);
            return DROPPED;
        }
        if (refusal != null) {
            counters.increment(refusal);
            return realServer;
        }
        if (translated && !prepare(snapshot.nat(), packet, hash, realServer, nowMs)) {
            return DROPPED;
        }
        counters.connection(service, realServer);
        if (onePacket && !translated) {
            counters.increment(Counter.ONE_PACKET);
            persistent.release(nowMs);
            connections.passed(realServer);
            return realServer;
        }
        int flags =
                (sloppy ? FlowTable.FLAG_SLOPPY : 0) | (translated ? Translator.flags(snapshot.nat(), realServer) : 0);
        boolean numbered = translated && segments.concern(snapshot, service, realServer, packet);
        flags |= numbered ? FlowTable.FLAG_NUMBERED : 0;
        int slot = flows.insert(packet, hash, realServer, flags, nowMs);
        if (translated) {
            Translation translation = translator.open(packet, packet, realServer, numbered, slot);
            if (numbered && !segments.open(snapshot, service, packet, translation)) {
                counters.increment(Counter.NAT_WITHOUT_FLOW);
                persistent.release(nowMs);
                connections.opened(realServer);
                flows.remove(slot);
                return DROPPED;
            }
        }
        if (persistent.template() != PersistenceTable.NONE) {
            flows.setTemplate(slot, persistent.template());
        }
        flows.touch(slot, packet, nowMs);
        connections.opened(realServer);
        counters.increment(sloppy ? Counter.FLOW_NEW_SLOPPY : Counter.FLOW_NEW);
        return realServer;
    }

    private boolean prepare(NatTable nat, PacketView packet, long hash, int realServer, long nowMs) {
        int port = nat.port(realServer, packet.destinationPort());
        if (translator.prepare(nat, packet, hash, realServer, port, FtpControl.isControl(packet), nowMs)) {
            return true;
        }
        counters.increment(Counter.LOCAL_PORTS_EXHAUSTED);
        persistent.release(nowMs);
        return false;
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
}

package dev.sluice.forward;

import dev.sluice.flow.Expectations;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import org.jspecify.annotations.Nullable;

/**
 * Enters flows that no scheduler places, because another flow has announced them: data connections of FTP, as ip_vs_ftp.c enters them with
 * ip_vs_conn_new(). Owned by: worker.
 */
final class RelatedFlows {
    private final FlowTable flows;
    private final FlowCounts connections;
    private final FlowHasher hasher;
    private final Counters counters;
    private final Translator translator;
    private final Expectations expectations;
    private final PacketView flow = new PacketView();

    RelatedFlows(
            FlowTable flows,
            FlowCounts connections,
            FlowHasher hasher,
            Counters counters,
            Translator translator,
            Expectations expectations) {
        this.flows = flows;
        this.connections = connections;
        this.hasher = hasher;
        this.counters = counters;
        this.translator = translator;
        this.expectations = expectations;
    }

    /** What a client's SYN was announced as, or {@link Expectations#NONE}. */
    long expected(PacketView packet, long nowMs) {
        return expectations.find(packet, flow, nowMs);
    }

    /** Opens a flow that was announced; its real server, or {@link Batch#DROPPED}. */
    int openExpected(ForwardingSnapshot snapshot, PacketView packet, long hash, long expected, long nowMs) {
        int realServer = Expectations.realServer(expected);
        if (!mayOpen(snapshot, packet, hash, realServer, Expectations.realPort(expected), nowMs)) {
            return Batch.DROPPED;
        }
        int slot = flows.insert(packet, hash, realServer, flags(snapshot, realServer), nowMs);
        translator.open(packet, packet, realServer, false, slot);
        flows.touch(slot, packet, nowMs);
        opened(snapshot, realServer);
        return realServer;
    }

    /**
     * Enters a flow that the real server will open, from the port below the control connection's (RFC 959 section 3.2).
     *
     * @param control a client's packet of the control connection
     * @param clientPort where the client expects it
     * @param controlPort the control connection's RPORT
     * @return what it is translated by; null when it could not be entered
     */
    @Nullable
    Translation listen(
            ForwardingSnapshot snapshot,
            PacketView control,
            int realServer,
            int clientPort,
            int controlPort,
            long nowMs) {
        flow.setFlow(
                control.inet6(),
                Transport.TCP,
                control.sourceHigh(),
                control.sourceLow(),
                clientPort,
                control.destinationHigh(),
                control.destinationLow(),
                control.destinationPort() - 1);
        long hash = hasher.hash(flow);
        int before = flows.find(flow, hash, nowMs);
        if (before != FlowTable.NOT_FOUND) {
            return translator.announced(before);
        }
        if (!mayOpen(snapshot, flow, hash, realServer, controlPort - 1, nowMs)) {
            return null;
        }
        int slot = flows.insert(flow, hash, realServer, flags(snapshot, realServer), nowMs);
        Translation translation = translator.announce(flow, control, realServer, slot);
        flows.listen(slot, nowMs);
        opened(snapshot, realServer);
        return translation;
    }

    private static int flags(ForwardingSnapshot snapshot, int realServer) {
        return Translator.flags(snapshot.nat(), realServer) | FlowTable.FLAG_RELATED;
    }

    private boolean mayOpen(
            ForwardingSnapshot snapshot, PacketView newFlow, long hash, int realServer, int realPort, long nowMs) {
        if (snapshot.serviceOf(realServer) == ForwardingSnapshot.NONE
                || !snapshot.nat().translates(realServer)) {
            counters.increment(Counter.REAL_SERVER_GONE);
            return false;
        }
        if (flows.isFull() || !translator.isReady()) {
            counters.increment(Counter.NAT_WITHOUT_FLOW);
            return false;
        }
        if (!translator.prepare(snapshot.nat(), newFlow, hash, realServer, realPort, true, nowMs)) {
            counters.increment(Counter.LOCAL_PORTS_EXHAUSTED);
            return false;
        }
        return true;
    }

    private void opened(ForwardingSnapshot snapshot, int realServer) {
        counters.connection(snapshot.serviceOf(realServer), realServer);
        connections.opened(realServer);
        counters.increment(Counter.FLOW_NEW);
    }
}

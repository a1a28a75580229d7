package dev.sluice.forward;

import dev.sluice.flow.FlowCopy;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Enters beside a new flow of NAT's what its replies look like and where they go, as ip_vs_conn_new() does in one entry. Owned by:
 * worker.
 */
final class Translator {
    private final MemorySegment umem;
    private final FlowTable flows;
    private final FlowHasher hasher;
    private final Translation fresh = new Translation();
    private final Translation known = new Translation();
    private final Translation announced = new Translation();
    private final PacketView reply = new PacketView();
    private final LocalPorts ports;
    private int ingressPort;
    /** The translation of the packet in hand's flow; null of a flow that is not translated. */
    private @Nullable Translation current;

    Translator(MemorySegment umem, FlowTable flows, FlowHasher hasher, FlowExchange exchange, int worker) {
        this.umem = umem;
        this.flows = flows;
        this.hasher = hasher;
        fresh.setOwner(worker);
        known.setOwner(worker);
        announced.setOwner(worker);
        this.ports = new LocalPorts(flows, hasher, exchange, worker);
    }

    /** The packets of a batch come in by this port. */
    void ingress(int port) {
        ingressPort = port;
    }

    /** The next packet is looked for. */
    void begin() {
        current = null;
    }

    /** The translation of the flow that was found or opened last, or null. */
    @Nullable
    Translation current() {
        return current;
    }

    /** An ICMP error is about a flow of this worker's. */
    void peek(int slot) {
        current = flows.isTranslated(slot) && flows.translation(slot, known) ? known : null;
    }

    /** An ICMP error is about a flow of another worker's, or a packet is of one for which there is no room here. */
    void peek(FlowCopy flow) {
        current = flow.isTranslated() && flow.translation().isThere() ? flow.translation() : null;
    }

    /** Whether there is room for what replies look like. */
    boolean isReady() {
        return flows.keepsTranslations();
    }

    /**
     * Finds what the replies of a new flow will look like, for {@link #open}.
     *
     * @param flow its client's side
     * @param hash the flow's
     * @param realPort its RPORT
     * @param sameAddress whether all such flows of the client's are to have the same local address
     * @return false when no local address and port is free
     */
    boolean prepare(
            NatTable nat, PacketView flow, long hash, int realServer, int realPort, boolean sameAddress, long nowMs) {
        LocalPools.Pool pool = nat.pool(realServer);
        if (pool != null && sameAddress) {
            return ports.findForClient(pool, nat, realServer, flow, realPort, hash, nowMs, reply);
        }
        if (pool != null) {
            return ports.find(pool, nat, realServer, flow.protocol(), realPort, hash, nowMs, reply);
        }
        reply.setFlow(
                nat.inet6(realServer),
                flow.protocol(),
                nat.addressHigh(realServer),
                nat.addressLow(realServer),
                realPort,
                flow.sourceHigh(),
                flow.sourceLow(),
                flow.sourcePort());
        return true;
    }

    /** The flags of a flow to a real server whose packets are translated. */
    static int flags(NatTable nat, int realServer) {
        return FlowTable.FLAG_TRANSLATED | (nat.pool(realServer) == null ? 0 : FlowTable.FLAG_LOCAL);
    }

    /**
     * Enters what was {@link #prepare}d beside a flow that was just inserted.
     *
     * @param flow its client's side
     * @param packet of the flow, or of the one that has announced it
     * @param changesNumbers whether its segments may get other numbers
     */
    Translation open(PacketView flow, PacketView packet, int realServer, boolean changesNumbers, int slot) {
        enter(flow, packet, realServer, changesNumbers, slot, fresh);
        current = fresh;
        return fresh;
    }

    /** As {@link #open}, of a flow that the packet in hand announces: what that one is translated by stays. */
    Translation announce(PacketView flow, PacketView packet, int realServer, int slot) {
        enter(flow, packet, realServer, false, slot, announced);
        return announced;
    }

    /** What a flow that was announced before is translated by; null when that is not known. */
    @Nullable
    Translation announced(int slot) {
        return flows.isTranslated(slot) && flows.translation(slot, announced) ? announced : null;
    }

    private void enter(
            PacketView flow, PacketView packet, int realServer, boolean changesNumbers, int slot, Translation into) {
        into.setClientSide(flow);
        into.setRealSide(reply, realServer);
        readStation(packet, into);
        flows.translate(slot, into, hasher.hash(reply), changesNumbers);
    }

    /** A packet of a known flow may come from another router than those before. */
    void follow(PacketView packet, int slot) {
        if (flows.translation(slot, known)) {
            current = known;
            readStation(packet, fresh);
            if (!fresh.isAtStationOf(known)) {
                flows.setStation(slot, fresh);
            }
        }
    }

    private void readStation(PacketView packet, Translation into) {
        long frame = packet.l3Offset() - packet.l2LengthBytes();
        into.setStation(
                Ethernet.source(umem, frame),
                ingressPort,
                Ethernet.destination(umem, frame),
                LinkHeader.tags(umem, frame, packet.l2LengthBytes()));
    }
}

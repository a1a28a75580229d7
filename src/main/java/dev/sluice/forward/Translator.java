package dev.sluice.forward;

import dev.sluice.flow.FlowCopy;
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
    private final PacketView reply = new PacketView();
    private int ingressPort;
    /** The translation of the packet in hand's flow; null of a flow that is not translated. */
    private @Nullable Translation current;

    Translator(MemorySegment umem, FlowTable flows, FlowHasher hasher) {
        this.umem = umem;
        this.flows = flows;
        this.hasher = hasher;
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

    /** The RPORT of the flow that was found or opened last; 0 when it is not translated. */
    int realPort() {
        Translation translation = current;
        return translation == null ? 0 : translation.realPort();
    }

    /** An ICMP error is about a flow of this worker's. */
    void peek(int slot) {
        current = flows.isTranslated(slot) && flows.translation(slot, known) ? known : null;
    }

    /** An ICMP error is about a flow of another worker's. */
    void peek(FlowCopy flow) {
        current = flow.isTranslated() ? flow.translation() : null;
    }

    /** Whether there is room for what replies look like. */
    boolean isReady() {
        return flows.keepsTranslations();
    }

    /**
     * Enters what the replies of a flow look like that was just inserted.
     *
     * @param packet the flow's first
     */
    void open(NatTable nat, PacketView packet, int realServer, int slot) {
        int port = nat.port(realServer, packet.destinationPort());
        open(nat, packet, packet, realServer, port, FtpControl.isControl(packet), slot);
    }

    /**
     * As {@link #open(NatTable, PacketView, int, int)}, of a flow that another one has announced.
     *
     * @param flow its client's side
     * @param packet of the flow, or of the one that has announced it
     * @param realPort its RPORT
     */
    void openRelated(NatTable nat, PacketView flow, PacketView packet, int realServer, int realPort, int slot) {
        open(nat, flow, packet, realServer, realPort, false, slot);
    }

    private void open(
            NatTable nat,
            PacketView flow,
            PacketView packet,
            int realServer,
            int realPort,
            boolean changesNumbers,
            int slot) {
        fresh.setClientSide(flow);
        reply.setFlow(
                nat.inet6(realServer),
                flow.protocol(),
                nat.addressHigh(realServer),
                nat.addressLow(realServer),
                realPort,
                flow.sourceHigh(),
                flow.sourceLow(),
                flow.sourcePort());
        fresh.setRealSide(reply, realServer);
        readStation(packet);
        flows.translate(slot, fresh, hasher.hash(reply), changesNumbers);
        current = fresh;
    }

    /** A packet of a known flow may come from another router than those before. */
    void follow(PacketView packet, int slot) {
        if (flows.translation(slot, known)) {
            current = known;
            readStation(packet);
            if (!fresh.isAtStationOf(known)) {
                flows.setStation(slot, fresh);
            }
        }
    }

    private void readStation(PacketView packet) {
        long frame = packet.l3Offset() - packet.l2LengthBytes();
        fresh.setStation(
                Ethernet.source(umem, frame),
                ingressPort,
                Ethernet.destination(umem, frame),
                LinkHeader.tags(umem, frame, packet.l2LengthBytes()));
    }
}

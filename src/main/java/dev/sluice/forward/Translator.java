package dev.sluice.forward;

import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;

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

    Translator(MemorySegment umem, FlowTable flows, FlowHasher hasher) {
        this.umem = umem;
        this.flows = flows;
        this.hasher = hasher;
    }

    /** The packets of a batch come in by this port. */
    void ingress(int port) {
        ingressPort = port;
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
        fresh.setClientSide(packet);
        reply.setFlow(
                nat.inet6(realServer),
                packet.protocol(),
                nat.addressHigh(realServer),
                nat.addressLow(realServer),
                nat.port(realServer, packet.destinationPort()),
                packet.sourceHigh(),
                packet.sourceLow(),
                packet.sourcePort());
        fresh.setRealSide(reply, realServer);
        readStation(packet);
        flows.translate(slot, fresh, hasher.hash(reply));
    }

    /** A packet of a known flow may come from another router than those before. */
    void follow(PacketView packet, int slot) {
        if (flows.translation(slot, known)) {
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

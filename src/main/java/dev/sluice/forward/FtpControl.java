package dev.sluice.forward;

import dev.sluice.flow.Expectations;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.SequenceCopy;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * Segments of FTP control connections on their way, as app_tcp_pkt_in() and app_tcp_pkt_out() of ip_vs_app.c: their numbers are translated first,
 * then the helper looks at what they say. Owned by: worker.
 */
final class FtpControl {
    private final MemorySegment umem;
    private final FlowTable flows;
    private final FlowExchange exchange;
    private final FtpHelper helper;
    private final SequenceCopy numbers = new SequenceCopy();
    private final PacketView client = new PacketView();
    private final PacketView scratch = new PacketView();

    FtpControl(MemorySegment umem, FlowTable flows, FlowExchange exchange) {
        this.umem = umem;
        this.flows = flows;
        this.exchange = exchange;
        this.helper = new FtpHelper(umem);
    }

    /** Whether a client's packet opens, or belongs to, a control connection. */
    static boolean isControl(PacketView packet) {
        return packet.protocol() == Transport.TCP && packet.destinationPort() == FtpHelper.CONTROL_PORT;
    }

    /** {@link #toServer}: the segment must not go on. */
    static final int BUSY = -1;

    /**
     * Takes a client's segment, before its addresses are translated.
     *
     * @param translation of its connection, which is this worker's
     * @return the client's port on which it expects the server, 0 for none, or {@link #BUSY}
     */
    int toServer(Batch batch, int index, PacketView packet, Translation translation) {
        int header = Tcp.headerBytes(umem, packet.l4Offset(), SegmentEdit.available(batch, index, packet));
        if (header == 0) {
            return 0;
        }
        if (!flows.readNumbers(translation, numbers)) {
            return BUSY;
        }
        numbers.shiftToServer(umem, packet.l4Offset(), header);
        boolean announces = helper.announcesActive(batch, index, packet)
                && helper.names(packet.inet6(), packet.sourceHigh(), packet.sourceLow());
        return announces ? helper.port() : 0;
    }

    /**
     * Takes a server's segment, before its addresses are translated.
     *
     * @param translation of its connection
     * @param own whether that is this worker's
     * @return whether it announces a connection, or {@link #BUSY}
     */
    int toClient(Batch batch, int index, PacketView packet, Translation translation, boolean own, long nowMs) {
        int header = Tcp.headerBytes(umem, packet.l4Offset(), SegmentEdit.available(batch, index, packet));
        if (header == 0) {
            return 0;
        }
        if (!(own ? flows.readNumbers(translation, numbers) : exchange.numbers(translation, numbers))) {
            return BUSY;
        }
        int sequence = Wire.i32(umem, packet.l4Offset() + Tcp.SEQUENCE);
        numbers.shiftToClient(umem, packet.l4Offset(), header);
        if (!helper.announcesPassive(batch, index, packet)) {
            return 0;
        }
        int port = helper.port();
        client.setFlow(
                translation.clientInet6(),
                Transport.TCP,
                translation.clientHigh(),
                translation.clientLow(),
                0,
                translation.virtualHigh(),
                translation.virtualLow(),
                port);
        Expectations expectations = exchange.expectations();
        if (!expectations.put(client, port, translation.realServer(), port, scratch, nowMs)) {
            return BUSY;
        }
        int grown = helper.replace(
                batch,
                index,
                packet,
                translation.clientInet6(),
                translation.virtualHigh(),
                translation.virtualLow(),
                port,
                Ipv4.MAX_PACKET_BYTES);
        if (grown != 0 && grown != FtpHelper.REFUSED) {
            boolean told = own
                    ? flows.resizedToClient(translation, sequence, grown)
                    : exchange.resizedToClient(translation, sequence, grown);
            return told ? 1 : BUSY;
        }
        return 1;
    }
}

package dev.sluice.forward;

import dev.sluice.flow.Expectations;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.SequenceTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.lang.foreign.MemorySegment;

/**
 * What segments of FTP control connections say on their way, as app_tcp_pkt_in() and app_tcp_pkt_out() of ip_vs_app.c, once their numbers are
 * translated. Owned by: worker.
 */
final class FtpControl {
    /** {@link #toClient}: the segment must not go on. */
    static final int BUSY = -1;

    private final FlowExchange exchange;
    private final FtpHelper helper;
    private final PacketView client = new PacketView();
    private final PacketView scratch = new PacketView();

    FtpControl(MemorySegment umem, FlowExchange exchange) {
        this.exchange = exchange;
        this.helper = new FtpHelper(umem);
    }

    /** Whether a client's packet opens, or belongs to, a control connection. */
    static boolean isControl(PacketView packet) {
        return packet.protocol() == Transport.TCP && packet.destinationPort() == FtpHelper.CONTROL_PORT;
    }

    /** Whether a connection is a control connection. */
    static boolean isControl(Translation translation) {
        return translation.protocol() == Transport.TCP && translation.virtualPort() == FtpHelper.CONTROL_PORT;
    }

    /** The client's port on which it expects the server, as a segment of the client's says; 0 for none. */
    int toServer(Batch batch, int index, PacketView packet) {
        boolean announces = helper.announcesActive(batch, index, packet)
                && helper.names(packet.inet6(), packet.sourceHigh(), packet.sourceLow());
        return announces ? helper.port() : 0;
    }

    /**
     * Puts the local address and port of a data connection into the segment that {@link #toServer} has found to announce it.
     *
     * @return as {@link FtpHelper#replace}
     */
    int nameLocal(Batch batch, int index, PacketView packet, Translation data, int mtuBytes) {
        return helper.replace(
                batch, index, packet, data.realInet6(), data.localHigh(), data.localLow(), data.localPort(), mtuBytes);
    }

    /**
     * Takes a server's segment, before its addresses are translated.
     *
     * @param translation of its connection, whose numbers {@code table} has
     * @param sequence the segment's, as the server sent it
     * @return whether it announces a connection, or {@link #BUSY}
     */
    int toClient(
            Batch batch,
            int index,
            PacketView packet,
            Translation translation,
            SequenceTable table,
            int sequence,
            long nowMs) {
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
            boolean told = table.resizedToClient(translation.numbersSlot(), translation.numbersTag(), sequence, grown);
            return told ? 1 : BUSY;
        }
        return 1;
    }
}

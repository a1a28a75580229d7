package dev.sluice.forward;

import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.SequenceCopy;
import dev.sluice.flow.SequenceTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.ClientAddress;
import java.lang.foreign.MemorySegment;

/**
 * What becomes of segments of translated connections beyond their addresses, both ways and in the right order: numbers, the client's address by TOA or
 * PROXY, the SYN proxy's second half, FTP. Owned by: worker.
 *
 * <p>A connection whose segments change has numbers in the table of the worker that owns its flow. Once nothing is left to be changed they are
 * given back, and the connection is the fast path's from then on.
 */
final class NumberedSegments {
    /** {@link #toServer}, {@link #toClient}: the packet was dropped and counted. */
    static final int DROPPED = -1;
    /** {@link #toClient}: the packet has become an answer, and its egress is set. */
    static final int ANSWERED = -2;

    private static final int CONTROL = Transport.SYN | Transport.ACK | Transport.FIN | Transport.RST;
    /** The quoted packet's numbers and, behind them, its checksum. */
    private static final int QUOTED_CHECKSUM_END = Transport.TCP_CHECKSUM + Short.BYTES;

    private final MemorySegment umem;
    private final FlowTable flows;
    private final FlowExchange exchange;
    private final int worker;
    private final Counters counters;
    private final int toaInet6Kind;
    private final SynGate gate;
    private final FtpControl ftp;
    private final SequenceCopy numbers = new SequenceCopy();
    /** Of the packet that the director adds. */
    private final PacketView added = new PacketView();

    private boolean opened;
    /** Of the client's segment in hand, as the client sent it. */
    private int clientSequence;

    NumberedSegments(
            MemorySegment umem,
            FlowTable flows,
            FlowExchange exchange,
            int worker,
            Counters counters,
            int toaInet6Kind,
            SynGate gate) {
        this.umem = umem;
        this.flows = flows;
        this.exchange = exchange;
        this.worker = worker;
        this.counters = counters;
        this.toaInet6Kind = toaInet6Kind;
        this.gate = gate;
        this.ftp = new FtpControl(umem, exchange);
    }

    /** By how many octets client segments become longer at most. */
    static int addedBytes(ClientAddress how, boolean clientInet6) {
        return switch (how) {
            case NONE -> 0;
            case TOA -> Toa.lengthBytes(clientInet6);
            case PROXY -> ProxyHeader.lengthBytes(clientInet6);
        };
    }

    /**
     * Whether segments of a new flow may be changed.
     *
     * @param packet its first
     * @param realServer to which its packets are translated
     */
    boolean concern(ForwardingSnapshot snapshot, int service, int realServer, PacketView packet) {
        if (packet.protocol() != Transport.TCP) {
            return false;
        }
        ClientAddress how = clientAddress(snapshot, service, realServer);
        return gate.hasAdmitted()
                || FtpControl.isControl(packet)
                || how == ClientAddress.PROXY
                || (how == ClientAddress.TOA && packet.opensConnection());
    }

    /**
     * Notes what will be changed in segments of a new flow; afterwards, its segments go through {@link #toServer} and {@link #toClient}.
     *
     * @param packet its first
     * @param translation that it was given
     * @return false when it must not be opened, or its real server would take something wrong for the client's
     */
    boolean open(ForwardingSnapshot snapshot, int service, PacketView packet, Translation translation) {
        ClientAddress how = clientAddress(snapshot, service, translation.realServer());
        boolean must = gate.hasAdmitted() || how == ClientAddress.PROXY;
        SequenceTable table = exchange.sequencesOf(translation);
        if (table == null || !translation.hasNumbers()) {
            return !must;
        }
        int slot = translation.numbersSlot();
        int tag = translation.numbersTag();
        if (gate.hasAdmitted() && !gate.awaitServer(table, translation)) {
            return false;
        }
        if (!packet.opensConnection()) {
            // Whoever saw its beginning told the real server: what, and how long, is not known here.
            return how != ClientAddress.PROXY;
        }
        int initial = Wire.i32(umem, packet.l4Offset() + Tcp.SEQUENCE);
        return switch (how) {
            case NONE -> true;
            case TOA -> table.announceAddress(slot, tag, initial);
            case PROXY -> table.prefix(slot, tag, initial, ProxyHeader.lengthBytes(packet.inet6()));
        };
    }

    private static ClientAddress clientAddress(ForwardingSnapshot snapshot, int service, int realServer) {
        return snapshot.nat().pool(realServer) == null
                ? ClientAddress.NONE
                : snapshot.options().clientAddress(service);
    }

    /**
     * Takes a client's segment, before its addresses are translated.
     *
     * @param translation of its connection, which {@link Translation#hasNumbers}
     * @param hash of its flow
     * @return the client's port on which it expects the server (FTP), 0 for none, or {@link #DROPPED}
     */
    int toServer(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            Translation translation,
            long hash) {
        long l4 = packet.l4Offset();
        int header = Tcp.headerBytes(umem, l4, SegmentEdit.available(batch, index, packet));
        if (header == 0) {
            return 0;
        }
        SequenceTable table = exchange.sequencesOf(translation);
        if (table == null || !table.read(translation.numbersSlot(), translation.numbersTag(), numbers)) {
            return drop(Counter.NUMBERS_BUSY);
        }
        int flags = packet.tcpFlags() & CONTROL;
        if (numbers.awaitsServer() && (flags & (Transport.SYN | Transport.RST)) == 0) {
            // Another worker's flow, for which there is no room here.
            return drop(Counter.NUMBERS_BUSY);
        }
        int sequence = Wire.i32(umem, l4 + Tcp.SEQUENCE);
        clientSequence = sequence;
        int acknowledgement = Wire.i32(umem, l4 + Tcp.ACKNOWLEDGEMENT);
        boolean control = FtpControl.isControl(translation);
        boolean settled = numbers.isSettled() || ((flags & Transport.ACK) != 0 && numbers.isSettledBy(acknowledgement));
        if (settled) {
            release(translation, control);
            return control ? ftp.toServer(batch, index, packet) : 0;
        }
        numbers.shiftToServer(umem, l4, header);
        if (ProxyHeader.isDue(numbers, flags, sequence)
                && !addProxyHeader(batch, index, packet, translation, mtuBytes(snapshot, packet, translation, hash))) {
            return DROPPED;
        }
        if (numbers.announcesAddress() && Toa.isDue(numbers, flags, acknowledgement)) {
            addAddress(batch, index, packet, translation, mtuBytes(snapshot, packet, translation, hash));
        }
        return control ? ftp.toServer(batch, index, packet) : 0;
    }

    /**
     * Writes into a client's segment that the real server is to connect to a local address and port in place of the client's (FTP), which {@link
     * #toServer} has found there.
     *
     * @param data what the connection that it announces is translated by
     * @return false when the segment was dropped and counted
     */
    boolean announceLocal(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            Translation translation,
            Translation data,
            long hash) {
        int mtu = mtuBytes(snapshot, packet, translation, hash);
        int grown = ftp.nameLocal(batch, index, packet, data, mtu);
        SequenceTable table = exchange.sequencesOf(translation);
        boolean told = grown == 0
                || grown == FtpHelper.REFUSED
                || (table != null
                        && table.resizedToServer(
                                translation.numbersSlot(), translation.numbersTag(), clientSequence, grown));
        return told || drop(Counter.NUMBERS_BUSY) >= 0;
    }

    /** Nothing is left to be changed in a connection; its owner gives the numbers back. */
    private void release(Translation translation, boolean control) {
        if (!control && translation.isOwnedBy(worker)) {
            flows.releaseNumbers(translation);
        }
    }

    /** The MTU of the way to the real server, for a packet of the client's family. */
    private static int mtuBytes(ForwardingSnapshot snapshot, PacketView packet, Translation translation, long hash) {
        HopTable hops = snapshot.hops();
        int hop = hops.of(translation.realServer(), hash);
        int mtu = hop == HopTable.NONE ? Ipv4.MAX_PACKET_BYTES : hops.mtuBytes(hop);
        boolean grows = translation.realInet6() && !packet.inet6();
        return grows ? mtu - (Ipv6.HEADER_BYTES - Ipv4.MIN_HEADER_BYTES) : mtu;
    }

    private boolean addProxyHeader(Batch batch, int index, PacketView packet, Translation translation, int mtuBytes) {
        int length = ProxyHeader.insert(
                umem,
                batch,
                index,
                packet,
                translation.clientInet6(),
                translation.clientHigh(),
                translation.clientLow(),
                translation.clientPort(),
                translation.virtualHigh(),
                translation.virtualLow(),
                translation.virtualPort(),
                mtuBytes);
        counters.increment(length < 0 ? Counter.PROXY_HEADER_TOO_BIG : Counter.PROXY_HEADER_ADDED);
        return length >= 0;
    }

    private void addAddress(Batch batch, int index, PacketView packet, Translation translation, int mtuBytes) {
        boolean inet6 = translation.clientInet6();
        int length = Toa.insert(
                umem,
                batch,
                index,
                packet,
                inet6 ? toaInet6Kind : Toa.KIND,
                inet6,
                translation.clientHigh(),
                translation.clientLow(),
                translation.clientPort(),
                mtuBytes);
        counters.increment(length < 0 ? Counter.TOA_NO_ROOM : Counter.TOA_ADDED);
    }

    /** Whether {@link #toClient} has just completed a handshake with a real server. */
    boolean hasOpened() {
        return opened;
    }

    /**
     * Takes a server's segment, before its addresses are translated.
     *
     * @param packet read anew when it has become another
     * @param translation of its connection, which {@link Translation#hasNumbers}
     * @return 0, {@link #DROPPED} or {@link #ANSWERED}
     */
    int toClient(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            Translation translation,
            long hash,
            int ingressPort,
            long nowMs) {
        opened = false;
        int header = Tcp.headerBytes(umem, packet.l4Offset(), SegmentEdit.available(batch, index, packet));
        if (header == 0) {
            return 0;
        }
        SequenceTable table = exchange.sequencesOf(translation);
        int slot = translation.numbersSlot();
        int tag = translation.numbersTag();
        if (table == null || !table.read(slot, tag, numbers)) {
            return drop(Counter.NUMBERS_BUSY);
        }
        if (numbers.awaitsServer()) {
            int verdict = acceptServer(snapshot, batch, index, packet, translation, table, hash, ingressPort, nowMs);
            if (verdict != 0) {
                return verdict;
            }
            header = Tcp.headerBytes(umem, packet.l4Offset());
        }
        long l4 = packet.l4Offset();
        int flags = packet.tcpFlags() & CONTROL;
        int sequence = Wire.i32(umem, l4 + Tcp.SEQUENCE);
        if ((flags & Transport.ACK) != 0 && !note(translation, table, header, l4, flags, sequence)) {
            return drop(Counter.NUMBERS_BUSY);
        }
        numbers.shiftToClient(umem, l4, header);
        if (FtpControl.isControl(translation)) {
            int announced = ftp.toClient(batch, index, packet, translation, table, sequence, nowMs);
            if (announced == FtpControl.BUSY) {
                return drop(Counter.NUMBERS_BUSY);
            }
            counters.add(Counter.FTP_EXPECTED, announced);
        }
        return 0;
    }

    /** Notes what a server's segment shows of what it has of its client's address; false when the entry is busy. */
    private boolean note(Translation translation, SequenceTable table, int header, long l4, int flags, int sequence) {
        int slot = translation.numbersSlot();
        int tag = translation.numbersTag();
        boolean address = numbers.announcesAddress();
        boolean prefix = numbers.isPrefixPending();
        if (!address && !prefix) {
            return true;
        }
        if ((flags & Transport.SYN) != 0) {
            boolean inet6 = translation.clientInet6();
            int added = (address ? Toa.lengthBytes(inet6) : 0) + (prefix ? ProxyHeader.lengthBytes(inet6) : 0);
            Mss.lower(umem, l4, header, added);
            return numbers.isServerTranslated() || table.setServerFirst(slot, tag, sequence + 1);
        }
        int acknowledgement = Wire.i32(umem, l4 + Tcp.ACKNOWLEDGEMENT);
        return (!numbers.settlesPrefix(acknowledgement) || table.settle(slot, tag))
                && (!numbers.showsAddressKnown(acknowledgement) || table.addressKnown(slot, tag));
    }

    /** Takes the first answer of a real server to the SYN proxy's SYN. */
    private int acceptServer(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            Translation translation,
            SequenceTable table,
            long hash,
            int ingressPort,
            long nowMs) {
        SynProxy proxy = gate.proxy();
        int flags = packet.tcpFlags() & CONTROL;
        if (packet.isFragment() || (flags & Transport.ACK) == 0) {
            return drop(Counter.SYN_PROXY_UNEXPECTED);
        }
        if ((flags & Transport.RST) != 0) {
            proxy.passReset(packet, numbers);
            return 0;
        }
        boolean acknowledges = Wire.i32(umem, packet.l4Offset() + Tcp.ACKNOWLEDGEMENT) == numbers.clientInitial() + 1;
        if (!acknowledges) {
            // Of an earlier connection between the same ports, which a client would reset as well (RFC 9293 section
            // 3.5.1).
            proxy.resetServer(batch, index, packet, ingressPort);
            counters.increment(Counter.SYN_PROXY_RESET);
            return ANSWERED;
        }
        if ((flags & Transport.SYN) == 0) {
            return drop(Counter.SYN_PROXY_UNEXPECTED);
        }
        if (batch.spares() == 0) {
            return drop(Counter.NO_SPARE_FRAME);
        }
        int slot = translation.numbersSlot();
        int tag = translation.numbersTag();
        int made = proxy.acceptServer(batch, index, packet, ingressPort, table, slot, tag, numbers, nowMs);
        if (made < 0) {
            return drop(Counter.NUMBERS_BUSY);
        }
        counters.increment(Counter.SYN_PROXY_ACK_SENT);
        complete(snapshot, batch, made, translation, hash);
        opened = true;
        read(batch, index, packet);
        return table.read(slot, tag, numbers) ? 0 : drop(Counter.NUMBERS_BUSY);
    }

    /** Puts the client's address into the ACK that completes a handshake with a real server, and sends it the way to there. */
    private void complete(ForwardingSnapshot snapshot, Batch batch, int made, Translation translation, long hash) {
        read(batch, made, added);
        int mtu = mtuBytes(snapshot, added, translation, hash);
        if (numbers.isPrefixPending()) {
            addProxyHeader(batch, made, added, translation, mtu);
        }
        if (numbers.announcesAddress()) {
            addAddress(batch, made, added, translation, mtu);
        }
        HopTable hops = snapshot.hops();
        int hop = hops.of(translation.realServer(), hash);
        if (hop != HopTable.NONE) {
            long old = batch.address(made);
            long tags = LinkHeader.tags(umem, old, added.l2LengthBytes());
            long frame = LinkHeader.write(
                    umem,
                    tags,
                    added.l2LengthBytes(),
                    added.l3Offset(),
                    added.inet6() ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4,
                    hops.macHead(hop),
                    hops.macTail(hop),
                    hops.vlan(hop));
            batch.move(made, frame, batch.length(made) + (int) (old - frame));
            batch.setEgress(made, hops.egressPort(hop));
        }
    }

    /**
     * Gives an ICMP error to a client, about a segment of the client's, the number that the client knows.
     *
     * @param quoted of that segment, as the parser reads it; before it is translated
     */
    void quotedToClient(Batch batch, int index, PacketView packet, PacketView quoted, Translation translation) {
        if (readQuoted(quoted, translation)) {
            int sequence = Wire.i32(umem, quoted.l4Offset() + Tcp.SEQUENCE);
            putQuoted(batch, index, packet, quoted, sequence, numbers.ofClient(sequence));
        }
    }

    /** As {@link #quotedToClient}, of an error to a real server about a segment of its. */
    void quotedToServer(Batch batch, int index, PacketView packet, PacketView quoted, Translation translation) {
        if (readQuoted(quoted, translation)) {
            int sequence = Wire.i32(umem, quoted.l4Offset() + Tcp.SEQUENCE);
            putQuoted(batch, index, packet, quoted, sequence, numbers.ofServer(sequence));
        }
    }

    private boolean readQuoted(PacketView quoted, Translation translation) {
        SequenceTable table = exchange.sequencesOf(translation);
        return quoted.protocol() == Transport.TCP
                && !quoted.isLaterFragment()
                && table != null
                && table.read(translation.numbersSlot(), translation.numbersTag(), numbers);
    }

    private void putQuoted(Batch batch, int index, PacketView packet, PacketView quoted, int old, int value) {
        long end = Math.min(packet.l3Offset() + packet.ipLengthBytes(), batch.address(index) + batch.length(index));
        long l4 = quoted.l4Offset();
        if (l4 + Tcp.ACKNOWLEDGEMENT > end) {
            return;
        }
        if (l4 + QUOTED_CHECKSUM_END <= end) {
            // What the number adds to the error's sum, the quoted checksum takes away.
            Tcp.putI32(umem, l4, l4 + Tcp.SEQUENCE, value);
            return;
        }
        Wire.putI32(umem, l4 + Tcp.SEQUENCE, value);
        long at = packet.l4Offset() + Icmp.CHECKSUM;
        long change = Checksum.change(old, value);
        Wire.putU16(umem, at, Checksum.update(Wire.u16(umem, at), change));
    }

    private void read(Batch batch, int index, PacketView packet) {
        int code =
                PacketParser.parse(umem, batch.address(index), batch.length(index), batch.tailsLength(index), packet);
        assert code == PacketParser.OK;
    }

    private int drop(Counter reason) {
        counters.increment(reason);
        return DROPPED;
    }
}

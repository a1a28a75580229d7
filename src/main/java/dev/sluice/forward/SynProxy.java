package dev.sluice.forward;

import dev.sluice.flow.SequenceCopy;
import dev.sluice.flow.SequenceTable;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.RealServer;
import java.lang.foreign.MemorySegment;

/**
 * The packets of a SYN proxy: the director completes the handshake with the client by a SYN cookie, and only then opens the connection
 * to a real server. Owned by: worker.
 *
 * <ol>
 *   <li>{@link #answerSyn}: the client's SYN becomes the SYN-ACK, in place. Its window is 0, so that the client has to wait with its data,
 *       for which there is no room here (as in Linux's nf_synproxy_core.c). Nothing is remembered.
 *   <li>{@link #openServer}: the client's ACK becomes the SYN to the real server, in place, if its cookie is right; with the client's own sequence
 *       number, MSS, window scale, SACK, timestamp and ECN. From here on the pipeline treats it as a client's SYN. Each further segment of
 *       the client does the same until the real server has answered: the window probes of a client that has data repeat a lost SYN.
 *   <li>{@link #acceptServer}: the real server's SYN-ACK becomes, in a spare frame, the ACK that completes its handshake, and in place an ACK
 *       that opens the window for the client. The numbers that differ from now on are in {@link SequenceTable}.
 * </ol>
 *
 * <p>What the real server can do is not known when the client is answered. A window scale of its own, or none, is translated; timestamps go
 * on from the director's clock; SACK is never sent by a server that has not agreed. A server whose MSS is smaller than the one announced
 * for it gets segments that are too large for it, so the policy's must be right.
 */
final class SynProxy {
    private static final int TTL = 64;
    /** In what is kept of the client: it sends timestamps; below it {@link SynCookie}'s six bits. */
    private static final int TIMESTAMPS = 0x40;

    private static final int MAX_OPTIONS_BYTES = 20;
    private static final int TWO_NO_OPERATIONS = Tcp.NO_OPERATION << 8 | Tcp.NO_OPERATION;

    private final MemorySegment umem;
    private final SynCookie cookies;
    private final SynProxyPolicy policy;

    SynProxy(MemorySegment umem, SynCookie cookies, SynProxyPolicy policy) {
        this.umem = umem;
        this.cookies = cookies;
        this.policy = policy;
    }

    /**
     * Makes a client's SYN the SYN-ACK that answers it.
     *
     * @param packet a SYN without ACK, RST and FIN, no fragment
     * @param reservedBytes by how many octets a segment of the client's will grow on its way to the real server
     * @return false, and nothing done, when the header is not sound
     */
    boolean answerSyn(Batch batch, int index, PacketView packet, int ingressPort, int reservedBytes, long nowMs) {
        long l4 = packet.l4Offset();
        int header = Tcp.headerBytes(umem, l4, SegmentEdit.available(batch, index, packet));
        if (header == 0) {
            return false;
        }
        boolean inet6 = packet.inet6();
        int sequence = Wire.i32(umem, l4 + Tcp.SEQUENCE);
        int announced = Mss.announced(umem, l4, header);
        int size = announced > 0 ? announced : inet6 ? Mss.DEFAULT_INET6_BYTES : Mss.DEFAULT_BYTES;
        int cookie = cookies.make(packet, sequence, size, SynCookie.minute(nowMs));
        long stamps = Tcp.findOption(umem, l4, header, Tcp.TIMESTAMPS, Tcp.TIMESTAMPS_BYTES);
        boolean stamped = policy.timestamps() && stamps != Tcp.NONE;
        int options = stamped ? options(l4, header, packet.tcpFlags()) : SynCookie.NO_WINDOW_SCALE;
        int echo = stamped ? Wire.i32(umem, stamps + Tcp.TIMESTAMP_VALUE) : 0;

        int mss = (inet6 ? policy.mssInet6Bytes() : policy.mssInetBytes()) - reservedBytes;
        int scale = (options & SynCookie.WINDOW_SCALE_MASK) == SynCookie.NO_WINDOW_SCALE ? -1 : policy.windowScale();
        int length = writeOptions(
                l4, mss, stamped, SynCookie.timestamp(nowMs, options), echo, (options & SynCookie.SACK) != 0, scale);
        int flags = Transport.SYN | Transport.ACK | ((options & SynCookie.ECN) != 0 ? Tcp.ECE : 0);
        Wire.putI32(umem, l4, packet.destinationPort() << 16 | packet.sourcePort());
        Wire.putI32(umem, l4 + Tcp.SEQUENCE, cookie);
        Wire.putI32(umem, l4 + Tcp.ACKNOWLEDGEMENT, sequence + 1);
        writeRest(l4, length, flags, 0);
        sendBack(batch, index, packet, l4, length, ingressPort);
        return true;
    }

    /** What of the client's options is to be had again from its ACK. */
    private int options(long l4, int header, int tcpFlags) {
        long scale = Tcp.findOption(umem, l4, header, Tcp.WINDOW_SCALE, Tcp.WINDOW_SCALE_BYTES);
        boolean sack = policy.sack()
                && Tcp.findOption(umem, l4, header, Tcp.SACK_PERMITTED, Tcp.SACK_PERMITTED_BYTES) != Tcp.NONE;
        boolean ecn = policy.ecn() && (tcpFlags & (Tcp.ECE | Tcp.CWR)) == (Tcp.ECE | Tcp.CWR);
        int shift = scale == Tcp.NONE
                ? SynCookie.NO_WINDOW_SCALE
                : Math.min(Wire.u8(umem, scale + 2), Tcp.MAX_WINDOW_SCALE);
        return shift | (sack ? SynCookie.SACK : 0) | (ecn ? SynCookie.ECN : 0);
    }

    /**
     * Makes a client's segment the SYN that opens the connection to the real server, if it acknowledges a cookie. What the parser has
     * read of it does not hold any more.
     *
     * @param packet with ACK, without SYN and RST, no fragment
     * @param clientInitial the sequence number of the client's SYN: of the first segment behind it its own less one, later {@link
     *     SequenceCopy#clientInitial}
     * @return false, and nothing done, when the cookie is none, or too old
     */
    boolean openServer(Batch batch, int index, PacketView packet, int clientInitial, long nowMs) {
        long l4 = packet.l4Offset();
        int header = Tcp.headerBytes(umem, l4, SegmentEdit.available(batch, index, packet));
        if (header == 0) {
            return false;
        }
        int size = cookies.check(
                packet, clientInitial, Wire.i32(umem, l4 + Tcp.ACKNOWLEDGEMENT) - 1, SynCookie.minute(nowMs));
        if (size == SynCookie.INVALID) {
            return false;
        }
        int kept = keptOptions(l4, header);
        int window = Wire.u16(umem, l4 + Tcp.WINDOW);
        int scale = windowScale(kept);
        boolean stamped = (kept & TIMESTAMPS) != 0;
        int stamp = stamped
                ? Wire.i32(
                        umem,
                        Tcp.findOption(umem, l4, header, Tcp.TIMESTAMPS, Tcp.TIMESTAMPS_BYTES) + Tcp.TIMESTAMP_VALUE)
                : 0;
        int length = writeOptions(l4, size, stamped, stamp, 0, (kept & SynCookie.SACK) != 0, scale);
        int flags = Transport.SYN | ((kept & SynCookie.ECN) != 0 ? Tcp.ECE | Tcp.CWR : 0);
        Wire.putI32(umem, l4 + Tcp.SEQUENCE, clientInitial);
        Wire.putI32(umem, l4 + Tcp.ACKNOWLEDGEMENT, 0);
        // In a SYN the window is not scaled.
        writeRest(l4, length, flags, Math.min(window << Math.max(scale, 0), Tcp.MAX_WINDOW));
        setLength(batch, index, packet, l4, length);
        return true;
    }

    /** What is to be kept of the client for {@link #acceptServer}, from a segment that {@link #openServer} is about to take. */
    int keptOptions(long l4, int header) {
        long stamps = Tcp.findOption(umem, l4, header, Tcp.TIMESTAMPS, Tcp.TIMESTAMPS_BYTES);
        if (!policy.timestamps() || stamps == Tcp.NONE) {
            return SynCookie.NO_WINDOW_SCALE;
        }
        int options = SynCookie.options(Wire.i32(umem, stamps + Tcp.TIMESTAMP_ECHO));
        return options | TIMESTAMPS;
    }

    /** The client's window scale, or -1; 15 does not come from a client (RFC 7323 section 2.3 allows 14). */
    private static int windowScale(int kept) {
        int scale = kept & SynCookie.WINDOW_SCALE_MASK;
        return scale == SynCookie.NO_WINDOW_SCALE ? -1 : scale;
    }

    /**
     * Takes a real server's SYN-ACK: adds the ACK for the real server to the batch, to leave by the port and to the station that the SYN-ACK came
     * from; makes the SYN-ACK an ACK for the client, in the real server's numbers, which are then to be translated as those of any
     * reply; and says in the table how they differ. What the parser has read of it does not hold any more.
     *
     * @param packet a SYN-ACK as it came in, no fragment
     * @param numbers of the connection, which awaits the server
     * @return the index of the packet that was added, or -1 and nothing done: it acknowledges something else, or there is no spare
     *     frame, or the entry is busy
     */
    int acceptServer(
            Batch batch,
            int index,
            PacketView packet,
            int ingressPort,
            SequenceTable table,
            int slot,
            int tag,
            SequenceCopy numbers,
            long nowMs) {
        long l4 = packet.l4Offset();
        int header = Tcp.headerBytes(umem, l4, SegmentEdit.available(batch, index, packet));
        if (header == 0
                || Wire.i32(umem, l4 + Tcp.ACKNOWLEDGEMENT) != numbers.clientInitial() + 1
                || batch.spares() == 0) {
            return -1;
        }
        int serverInitial = Wire.i32(umem, l4 + Tcp.SEQUENCE);
        long stamps = Tcp.findOption(umem, l4, header, Tcp.TIMESTAMPS, Tcp.TIMESTAMPS_BYTES);
        boolean stamped = stamps != Tcp.NONE;
        int serverStamp = stamped ? Wire.i32(umem, stamps + Tcp.TIMESTAMP_VALUE) : 0;
        int clientStamp = stamped ? Wire.i32(umem, stamps + Tcp.TIMESTAMP_ECHO) : 0;
        long scaleOption = Tcp.findOption(umem, l4, header, Tcp.WINDOW_SCALE, Tcp.WINDOW_SCALE_BYTES);
        int clientScale = windowScale(numbers.clientOptions());
        int serverScale = scaleOption == Tcp.NONE ? 0 : Math.min(Wire.u8(umem, scaleOption + 2), Tcp.MAX_WINDOW_SCALE);
        int toClient = clientScale < 0 ? 0 : serverScale - policy.windowScale();
        int toServer = scaleOption == Tcp.NONE ? Math.max(clientScale, 0) : 0;
        int timestampDelta = stamped ? (int) nowMs - serverStamp : 0;
        if (!table.serverAnswered(slot, tag, serverInitial, timestampDelta, toClient, toServer)) {
            return -1;
        }
        int window =
                toServer > 0 ? Math.min(numbers.clientWindow() << toServer, Tcp.MAX_WINDOW) : numbers.clientWindow();
        int added =
                addAcknowledgement(batch, index, packet, serverInitial + 1, stamped, clientStamp, serverStamp, window);
        batch.setEgress(added, ingressPort);
        int length = writeStamps(l4, stamped, serverStamp, clientStamp);
        Wire.putI32(umem, l4 + Tcp.SEQUENCE, serverInitial + 1);
        writeRest(l4, length, Transport.ACK, Wire.u16(umem, l4 + Tcp.WINDOW) >>> serverScale);
        setLength(batch, index, packet, l4, length);
        return added;
    }

    /** A real server's RST in place of a SYN-ACK becomes one that the client, for whom the connection exists, takes for right. */
    void passReset(PacketView packet, SequenceCopy numbers) {
        long l4 = packet.l4Offset();
        Tcp.putI32(umem, l4, l4 + Tcp.SEQUENCE, numbers.cookie() + 1);
    }

    /**
     * Makes a segment that a SYN cannot be answered by the reset that a client sends for it (RFC 9293 section 3.5.2), in place, back to where it
     * came from.
     *
     * @param packet with ACK, no fragment
     */
    void resetServer(Batch batch, int index, PacketView packet, int ingressPort) {
        long l4 = packet.l4Offset();
        Wire.putI32(umem, l4, packet.destinationPort() << 16 | packet.sourcePort());
        Wire.putI32(umem, l4 + Tcp.SEQUENCE, Wire.i32(umem, l4 + Tcp.ACKNOWLEDGEMENT));
        Wire.putI32(umem, l4 + Tcp.ACKNOWLEDGEMENT, 0);
        writeRest(l4, Tcp.OPTIONS, Transport.RST, 0);
        sendBack(batch, index, packet, l4, Tcp.OPTIONS, ingressPort);
    }

    /** Gives a TCP header new headers in front of it, back to the packet's sender. */
    private void sendBack(Batch batch, int index, PacketView packet, long l4, int length, int ingressPort) {
        long old = batch.address(index);
        long station = Ethernet.source(umem, old);
        long self = Ethernet.destination(umem, old);
        long tags = LinkHeader.tags(umem, old, packet.l2LengthBytes());
        boolean inet6 = packet.inet6();
        long l3 = writeIp(packet, l4, length);
        putChecksum(l3, inet6, l4, length);
        long frame = LinkHeader.write(
                umem,
                tags,
                packet.l2LengthBytes(),
                l3,
                inet6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4,
                Ethernet.addressesHead(station, self),
                (int) self,
                RealServer.VLAN_KEEP);
        batch.move(index, frame, (int) (l4 + length - frame));
        batch.cutTails(index);
        batch.setEgress(index, ingressPort);
    }

    /** Adds an ACK back to where the packet came from, in a spare frame. */
    private int addAcknowledgement(
            Batch batch,
            int index,
            PacketView packet,
            int acknowledgement,
            boolean stamped,
            int stamp,
            int echo,
            int window) {
        long spare = batch.takeSpare();
        int link = packet.l2LengthBytes();
        long old = batch.address(index);
        MemorySegment.copy(umem, old, umem, spare, link);
        long station = Ethernet.source(umem, old);
        long self = Ethernet.destination(umem, old);
        Ethernet.putAddresses(umem, spare, station, self);
        // What is added to it on its way moves headers to the front, for which spare frames have headroom as well.
        long l4 = spare + link + (packet.inet6() ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES);
        int length = writeStamps(l4, stamped, stamp, echo);
        Wire.putI32(umem, l4, packet.destinationPort() << 16 | packet.sourcePort());
        Wire.putI32(umem, l4 + Tcp.SEQUENCE, Wire.i32(umem, packet.l4Offset() + Tcp.ACKNOWLEDGEMENT));
        Wire.putI32(umem, l4 + Tcp.ACKNOWLEDGEMENT, acknowledgement);
        writeRest(l4, length, Transport.ACK, window);
        long l3 = writeIp(packet, l4, length);
        putChecksum(l3, packet.inet6(), l4, length);
        return batch.add(spare, (int) (l4 + length - spare));
    }

    /** Data offset, flags, window, no checksum yet, no urgent pointer. */
    private void writeRest(long l4, int lengthBytes, int flags, int window) {
        Wire.putI32(umem, l4 + Tcp.DATA_OFFSET, lengthBytes >> 2 << 28 | flags << 16 | window);
        Wire.putI32(umem, l4 + Transport.TCP_CHECKSUM, 0);
    }

    /**
     * Writes a SYN's options, in Linux's order.
     *
     * @param scale negative for none
     * @return the header's length
     */
    private int writeOptions(long l4, int mss, boolean stamped, int stamp, int echo, boolean sack, int scale) {
        long at = l4 + Tcp.OPTIONS;
        Wire.putI32(umem, at, Tcp.MSS << 24 | Tcp.MSS_BYTES << 16 | mss);
        at += 4;
        if (stamped) {
            int before = sack ? Tcp.SACK_PERMITTED << 8 | Tcp.SACK_PERMITTED_BYTES : TWO_NO_OPERATIONS;
            at = writeStamp(at, before, stamp, echo);
        }
        if (scale >= 0) {
            Wire.putI32(
                    umem, at, Tcp.NO_OPERATION << 24 | Tcp.WINDOW_SCALE << 16 | Tcp.WINDOW_SCALE_BYTES << 8 | scale);
            at += 4;
        }
        assert at - l4 - Tcp.OPTIONS <= MAX_OPTIONS_BYTES;
        return (int) (at - l4);
    }

    /** Writes the options of a segment that is no SYN; the header's length. */
    private int writeStamps(long l4, boolean stamped, int stamp, int echo) {
        long at = l4 + Tcp.OPTIONS;
        return (int) ((stamped ? writeStamp(at, TWO_NO_OPERATIONS, stamp, echo) : at) - l4);
    }

    private long writeStamp(long at, int before, int stamp, int echo) {
        Wire.putI32(umem, at, before << 16 | Tcp.TIMESTAMPS << 8 | Tcp.TIMESTAMPS_BYTES);
        Wire.putI32(umem, at + 4, stamp);
        Wire.putI32(umem, at + 8, echo);
        return at + 12;
    }

    /** Writes an IP header back to the packet's sender straight before the TCP header; where it begins. */
    private long writeIp(PacketView packet, long l4, int length) {
        if (packet.inet6()) {
            long l3 = l4 - Ipv6.HEADER_BYTES;
            Wire.putI32(umem, l3, 6 << 28);
            Wire.putI32(umem, l3 + Ipv6.PAYLOAD_LENGTH, length << 16 | Transport.TCP << 8 | TTL);
            Wire.putI64(umem, l3 + Ipv6.SOURCE, packet.destinationHigh());
            Wire.putI64(umem, l3 + Ipv6.SOURCE + 8, packet.destinationLow());
            Wire.putI64(umem, l3 + Ipv6.DESTINATION, packet.sourceHigh());
            Wire.putI64(umem, l3 + Ipv6.DESTINATION + 8, packet.sourceLow());
            return l3;
        }
        long l3 = l4 - Ipv4.MIN_HEADER_BYTES;
        Wire.putI32(umem, l3, 0x4500 << 16 | (Ipv4.MIN_HEADER_BYTES + length));
        // RFC 6864 section 4.1: of a packet that nobody may fragment the identification says nothing.
        Wire.putI32(umem, l3 + Ipv4.IDENTIFICATION, Ipv4.DONT_FRAGMENT);
        Wire.putI32(umem, l3 + Ipv4.TTL, TTL << 24 | Transport.TCP << 16);
        Wire.putI32(umem, l3 + Ipv4.SOURCE, (int) packet.destinationLow());
        Wire.putI32(umem, l3 + Ipv4.DESTINATION, (int) packet.sourceLow());
        Wire.putU16(umem, l3 + Ipv4.CHECKSUM, Checksum.of(umem, l3, Ipv4.MIN_HEADER_BYTES));
        return l3;
    }

    /** Ends a packet behind its TCP header, which is new, and keeps what is in front. */
    private void setLength(Batch batch, int index, PacketView packet, long l4, int length) {
        long l3 = packet.l3Offset();
        int total = (int) (l4 - l3) + length;
        if (packet.inet6()) {
            Wire.putU16(umem, l3 + Ipv6.PAYLOAD_LENGTH, total - Ipv6.HEADER_BYTES);
        } else {
            Wire.putU16(umem, l3 + Ipv4.TOTAL_LENGTH, total);
            int checksum = Wire.u16(umem, l3 + Ipv4.CHECKSUM);
            Wire.putU16(umem, l3 + Ipv4.CHECKSUM, Checksum.update(checksum, packet.ipLengthBytes(), total));
        }
        putChecksum(l3, packet.inet6(), l4, length);
        batch.cutTails(index);
        batch.move(index, batch.address(index), (int) (l4 + length - batch.address(index)));
    }

    private void putChecksum(long l3, boolean inet6, long l4, int length) {
        int checksum = Checksum.transport(umem, l3, inet6, Transport.TCP, l4, length);
        Wire.putU16(umem, l4 + Transport.TCP_CHECKSUM, checksum);
    }
}

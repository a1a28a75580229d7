package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The helper for FTP control connections through NAT, as ip_vs_ftp.c: finds which data connection a segment announces, and puts the
 * address and port there that the other side must use. Passive (227, 229): the client will connect to the VIP, and the
 * connection goes to the RIP at the announced port. Active (PORT, EPRT): the real server will connect to the client.
 * Owned by: worker.
 *
 * <p>What IPVS does otherwise: it looks for the reply only after it saw the client ask; it gives the data connection to the address
 * that the reply names, be it the real server's or not, and lets PORT and EPRT name any host, where this helper wants the
 * client's own (as conntrack does unless told to be loose); it rewrites 229 always, this one only if something is to change.
 *
 * <p>A line that does not lie whole in one segment, at its beginning, and in one frame is left alone, and its data connection fails.
 */
final class FtpHelper {
    /** The port of control connections. */
    static final int CONTROL_PORT = 21;

    /** {@link #replace}: it cannot be written so, or the packet would be larger than the MTU. */
    static final int REFUSED = Integer.MIN_VALUE;

    /** The longest text: two families' digit, eight groups, a port, four delimiters. */
    private static final int TEXT_BYTES = 64;

    private final MemorySegment umem;
    private final FtpLine line;
    private final MemorySegment text = Arena.ofAuto().allocate(TEXT_BYTES);
    private int textLength;
    private int found;

    FtpHelper(MemorySegment umem) {
        this.umem = umem;
        this.line = new FtpLine(umem);
    }

    /**
     * Looks into a server's segment for the port on which it expects the client: {@link #port} then.
     *
     * @param packet whole, and no fragment
     * @return whether there is one
     */
    boolean announcesPassive(Batch batch, int index, PacketView packet) {
        long begin = payload(batch, index, packet);
        found = begin == Tcp.NONE ? FtpLine.NONE : line.readReply(begin, end(packet));
        return found != FtpLine.NONE;
    }

    /**
     * Looks into a client's segment for the port on which it expects the server: {@link #port} then. Whether it names the client's own
     * address is {@link #names}.
     */
    boolean announcesActive(Batch batch, int index, PacketView packet) {
        long begin = payload(batch, index, packet);
        found = begin == Tcp.NONE ? FtpLine.NONE : line.readCommand(begin, end(packet));
        return found != FtpLine.NONE;
    }

    /** The announced port. */
    int port() {
        return line.port();
    }

    /** Whether the announced address is this one; true too when none is named. */
    boolean names(boolean inet6, long high, long low) {
        return !line.hasAddress() || (line.inet6() == inet6 && line.high() == high && line.low() == low);
    }

    /**
     * Writes another address and port in place of those that were found by the call before. Of 229 the address goes, and the
     * client uses the one that it has connected to.
     *
     * @param packet the one looked into; follows the change
     * @param mtuBytes of the way that it takes
     * @return by how many octets the payload is longer now, which may be negative, or {@link #REFUSED} with nothing done
     */
    int replace(Batch batch, int index, PacketView packet, boolean inet6, long high, long low, int port, int mtuBytes) {
        if (!compose(inet6, high, low, port)) {
            return REFUSED;
        }
        long begin = line.textBegin();
        int oldLength = (int) (line.textEnd() - begin);
        int grown = textLength - oldLength;
        if (packet.ipLengthBytes() + grown > Math.min(mtuBytes, Ipv4.MAX_PACKET_BYTES)) {
            return REFUSED;
        }
        long payload = payload(batch, index, packet);
        long sum = Checksum.add(0, umem, payload, (int) (end(packet) - payload));
        if (grown != 0) {
            SegmentEdit.resize(umem, batch, index, packet, begin, grown);
            begin -= grown;
            payload -= grown;
        }
        MemorySegment.copy(text, 0, umem, begin, textLength);
        long newSum = Checksum.add(0, umem, payload, (int) (end(packet) - payload));
        Tcp.replaced(umem, packet.l4Offset(), payload, sum, newSum);
        return grown;
    }

    /** Where the payload begins, or {@link Tcp#NONE} when there is none, or not all of it in one frame. */
    private long payload(Batch batch, int index, PacketView packet) {
        if (packet.isFragment() || batch.tails(index) > 0 || packet.protocol() != Transport.TCP) {
            return Tcp.NONE;
        }
        int available = SegmentEdit.available(batch, index, packet);
        int header = Tcp.headerBytes(umem, packet.l4Offset(), available);
        return header == 0 || header == available ? Tcp.NONE : packet.l4Offset() + header;
    }

    private static long end(PacketView packet) {
        return packet.l3Offset() + packet.ipLengthBytes();
    }

    private boolean compose(boolean inet6, long high, long low, int port) {
        textLength = 0;
        switch (found) {
            case FtpLine.PASV, FtpLine.PORT -> {
                if (inet6) {
                    return false;
                }
                putQuad(low, ',');
                put(',');
                putNumber(port >>> 8);
                put(',');
                putNumber(port & 0xff);
            }
            case FtpLine.EPSV -> {
                int delimiter = line.delimiter();
                put(delimiter);
                put(delimiter);
                put(delimiter);
                putNumber(port);
                put(delimiter);
            }
            case FtpLine.EPRT -> {
                int delimiter = line.delimiter();
                put(delimiter);
                put(inet6 ? '2' : '1');
                put(delimiter);
                if (inet6) {
                    putInet6(high, low);
                } else {
                    putQuad(low, '.');
                }
                put(delimiter);
                putNumber(port);
                put(delimiter);
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private void put(int octet) {
        Wire.putU8(text, textLength++, octet);
    }

    private void putQuad(long address, int separator) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            putNumber((int) (address >>> shift) & 0xff);
            if (shift > 0) {
                put(separator);
            }
        }
    }

    private void putNumber(int value) {
        int divisor = 1;
        while (value / divisor >= 10) {
            divisor *= 10;
        }
        for (; divisor > 0; divisor /= 10) {
            put('0' + value / divisor % 10);
        }
    }

    /** All eight groups, without leading zeros. */
    private void putInet6(long high, long low) {
        for (int group = 0; group < 8; group++) {
            int value = (int) ((group < 4 ? high : low) >>> (48 - 16 * (group & 3))) & 0xffff;
            if (group > 0) {
                put(':');
            }
            for (int shift = 12; shift >= 0; shift -= 4) {
                if (shift == 0 || value >>> shift != 0) {
                    int digit = value >>> shift & 0xf;
                    put(digit < 10 ? '0' + digit : 'a' + digit - 10);
                }
            }
        }
    }
}

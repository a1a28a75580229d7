package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * Cuts IP packets into fragments: RFC 791 section 3.2, RFC 8200 section 4.5. The pieces are new packets at the end of the batch,
 * in spare frames, with the old link header before them; the packet that was cut keeps the first piece where it lies in one
 * frame. Owned by: worker.
 */
final class Fragmentation {
    /** There were not enough spare frames, or the link takes no fragment of use; nothing was done. */
    static final int FAILED = -1;
    /** Where in a frame's room a piece's IP header stands: outer headers go before it, and may need the room. */
    private static final int L3_OFFSET = LinkHeader.MAX_BYTES;

    private static final int END_OF_OPTIONS = 0;
    private static final int NO_OPERATION = 1;
    /** In an option's type: it goes into every fragment. */
    private static final int COPIED = 0x80;

    private final MemorySegment umem;

    Fragmentation(MemorySegment umem) {
        this.umem = umem;
    }

    /**
     * Cuts an IPv4 packet.
     *
     * @param packet in the batch; it must begin with its link header
     * @param l3 absolute offset of the IP header
     * @param mtuBytes the largest piece allowed
     * @return the index of the first new packet of the batch, or {@link #FAILED}; the packet itself is the first piece, unless it
     *     had tails: then all pieces are new, and it is to be freed
     */
    int splitIpv4(Batch batch, int packet, int linkBytes, long l3, int lengthBytes, int mtuBytes) {
        int header = (Wire.u8(umem, l3) & 0xf) << 2;
        int data = pieceBytes(batch, mtuBytes, header);
        if (data < Ipv4.FRAGMENT_UNIT_BYTES) {
            return FAILED;
        }
        int pieces = (lengthBytes - header + data - 1) / data;
        int firstNew = batch.tails(packet) == 0 ? 1 : 0;
        if (batch.spares() < pieces - firstNew) {
            return FAILED;
        }
        int field = Wire.u16(umem, l3 + Ipv4.FLAGS_FRAGMENT_OFFSET);
        int before = (int) (l3 - batch.address(packet));
        int result = batch.count();
        for (int piece = firstNew; piece < pieces; piece++) {
            int from = piece * data;
            int length = Math.min(data, lengthBytes - header - from);
            long at = newPiece(batch, packet, linkBytes, header + length);
            MemorySegment.copy(umem, l3, umem, at, header);
            if (piece > 0) {
                dropOptions(at, header);
            }
            Payload.copy(umem, batch, packet, before + header + from, at + header, length);
            boolean more = piece < pieces - 1 || (field & Ipv4.MORE_FRAGMENTS) != 0;
            writeIpv4(at, header, length, field, from, more);
        }
        if (firstNew == 1) {
            writeIpv4(l3, header, data, field, 0, true);
            batch.move(packet, batch.address(packet), before + header + data);
        }
        return result;
    }

    private void writeIpv4(long l3, int header, int data, int field, int from, boolean more) {
        int offset = (field & Ipv4.OFFSET_MASK) + from / Ipv4.FRAGMENT_UNIT_BYTES;
        Wire.putU16(umem, l3 + Ipv4.TOTAL_LENGTH, header + data);
        Wire.putU16(umem, l3 + Ipv4.FLAGS_FRAGMENT_OFFSET, offset | (more ? Ipv4.MORE_FRAGMENTS : 0));
        Wire.putU16(umem, l3 + Ipv4.CHECKSUM, 0);
        Wire.putU16(umem, l3 + Ipv4.CHECKSUM, Checksum.of(umem, l3, header));
    }

    /** Blanks those options that only the first fragment has, as ip_options_fragment() does. */
    private void dropOptions(long l3, int header) {
        int at = Ipv4.MIN_HEADER_BYTES;
        while (at < header) {
            int type = Wire.u8(umem, l3 + at);
            if (type == END_OF_OPTIONS) {
                return;
            }
            int length = type == NO_OPERATION || at + 1 == header ? 1 : Wire.u8(umem, l3 + at + 1);
            // One that is malformed is left to whoever reads it.
            if (length == 0 || at + length > header) {
                return;
            }
            for (int i = 0; (type & COPIED) == 0 && i < length; i++) {
                Wire.putU8(umem, l3 + at + i, NO_OPERATION);
            }
            at += length;
        }
    }

    /**
     * Cuts an IPv6 packet without extension headers, which gets a fragment header: the first piece begins eight octets earlier.
     *
     * @param packet in the batch; it must begin with its link header, with so much headroom before it
     * @param l3 absolute offset of the IP header
     * @param mtuBytes the largest piece allowed
     * @param id the identification of all fragments
     * @return as {@link #splitIpv4}
     */
    int splitIpv6(Batch batch, int packet, int linkBytes, long l3, int lengthBytes, int mtuBytes, int id) {
        int header = Ipv6.HEADER_BYTES + Ipv6.EXTENSION_UNIT_BYTES;
        int data = pieceBytes(batch, mtuBytes, header);
        if (data < Ipv6.EXTENSION_UNIT_BYTES) {
            return FAILED;
        }
        int payload = lengthBytes - Ipv6.HEADER_BYTES;
        int pieces = (payload + data - 1) / data;
        int firstNew = batch.tails(packet) == 0 ? 1 : 0;
        if (batch.spares() < pieces - firstNew) {
            return FAILED;
        }
        int before = (int) (l3 - batch.address(packet));
        int result = batch.count();
        for (int piece = firstNew; piece < pieces; piece++) {
            int from = piece * data;
            int length = Math.min(data, payload - from);
            long at = newPiece(batch, packet, linkBytes, header + length);
            MemorySegment.copy(umem, l3, umem, at, Ipv6.HEADER_BYTES);
            Payload.copy(umem, batch, packet, before + Ipv6.HEADER_BYTES + from, at + header, length);
            writeIpv6(at, length, from, piece < pieces - 1, id);
        }
        if (firstNew == 1) {
            long at = l3 - Ipv6.EXTENSION_UNIT_BYTES;
            MemorySegment.copy(
                    umem,
                    batch.address(packet),
                    umem,
                    batch.address(packet) - Ipv6.EXTENSION_UNIT_BYTES,
                    before + Ipv6.HEADER_BYTES);
            writeIpv6(at, data, 0, true, id);
            batch.move(packet, batch.address(packet) - Ipv6.EXTENSION_UNIT_BYTES, before + header + data);
        }
        return result;
    }

    private void writeIpv6(long l3, int data, int from, boolean more, int id) {
        long fragment = l3 + Ipv6.HEADER_BYTES;
        Wire.putU16(umem, l3 + Ipv6.PAYLOAD_LENGTH, Ipv6.EXTENSION_UNIT_BYTES + data);
        Wire.putU16(umem, fragment, Wire.u8(umem, l3 + Ipv6.NEXT_HEADER) << 8);
        Wire.putU8(umem, l3 + Ipv6.NEXT_HEADER, Ipv6.FRAGMENT);
        Wire.putU16(umem, fragment + 2, from | (more ? Ipv6.MORE_FRAGMENTS : 0));
        Wire.putI32(umem, fragment + Ipv6.FRAGMENT_IDENTIFICATION, id);
    }

    private static int pieceBytes(Batch batch, int mtuBytes, int header) {
        int room = Math.min(mtuBytes, batch.spareBytes() - L3_OFFSET);
        return (room - header) & -Ipv4.FRAGMENT_UNIT_BYTES;
    }

    /** A new packet of the batch with the link header of another: where its IP header goes. */
    private long newPiece(Batch batch, int packet, int linkBytes, int ipBytes) {
        long at = batch.takeSpare() + L3_OFFSET;
        MemorySegment.copy(umem, batch.address(packet), umem, at - linkBytes, linkBytes);
        batch.add(at - linkBytes, linkBytes + ipBytes);
        return at;
    }
}

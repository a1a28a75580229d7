package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * Makes a TCP segment longer or shorter in the middle. What is in front of the place moves, into the frame's headroom or back: it
 * is short, whatever the payload is, and tails stay where they are.
 */
final class SegmentEdit {
    private SegmentEdit() {}

    /**
     * Moves what is in front of a place, and corrects the lengths that the IP header and TCP's pseudo header tell, with their
     * checksums. The octets that come or go count in TCP's checksum as the caller says by {@link Tcp#replaced}; they must be
     * an even number, or the caller corrects the sum of all that follows.
     *
     * @param packet a whole TCP packet, no fragment, as it stands in the batch; follows the change
     * @param at absolute offset, at or behind the TCP header's first octets that stay
     * @param bytes to insert in front of {@code at}; negative: to take away from {@code at} on
     */
    static void resize(MemorySegment umem, Batch batch, int index, PacketView packet, long at, int bytes) {
        long frame = batch.address(index);
        MemorySegment.copy(umem, frame, umem, frame - bytes, at - frame);
        batch.move(index, frame - bytes, batch.length(index) + bytes);
        int oldLength = packet.ipLengthBytes();
        int oldTransport = oldLength - (int) (packet.l4Offset() - packet.l3Offset());
        packet.grown(bytes);
        long l3 = packet.l3Offset();
        long l4 = packet.l4Offset();
        if (packet.inet6()) {
            Wire.putU16(umem, l3 + Ipv6.PAYLOAD_LENGTH, packet.ipLengthBytes() - Ipv6.HEADER_BYTES);
        } else {
            Wire.putU16(umem, l3 + Ipv4.TOTAL_LENGTH, packet.ipLengthBytes());
            int checksum = Wire.u16(umem, l3 + Ipv4.CHECKSUM);
            Wire.putU16(umem, l3 + Ipv4.CHECKSUM, Checksum.update(checksum, oldLength, packet.ipLengthBytes()));
        }
        // The pseudo header's length is a word like any other.
        Tcp.replaced(umem, l4, l4, oldTransport, oldTransport + bytes);
    }

    /** How many octets of the packet's IP payload from the TCP header on lie in the first frame. */
    static int available(Batch batch, int index, PacketView packet) {
        long end = packet.l3Offset() + packet.ipLengthBytes();
        return (int) (Math.min(end, batch.address(index) + batch.length(index)) - packet.l4Offset());
    }
}

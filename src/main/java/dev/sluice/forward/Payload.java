package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import java.lang.foreign.MemorySegment;

/** Reads the octets of a packet of a batch wherever its frames lie. */
final class Payload {
    private Payload() {}

    /**
     * Copies octets of a packet.
     *
     * @param from how many octets behind the packet's first one they begin
     * @param to absolute offset in the UMEM, outside the packet's frames
     */
    static void copy(MemorySegment umem, Batch batch, int packet, int from, long to, int lengthBytes) {
        int begin = from;
        long target = to;
        int left = lengthBytes;
        int inFirst = Math.min(left, batch.length(packet) - begin);
        if (inFirst > 0) {
            MemorySegment.copy(umem, batch.address(packet) + begin, umem, target, inFirst);
            target += inFirst;
            left -= inFirst;
            begin = 0;
        } else {
            begin -= batch.length(packet);
        }
        for (int tail = 0; left > 0; tail++) {
            int length = batch.tailLength(packet, tail);
            int part = Math.min(left, length - begin);
            if (part > 0) {
                MemorySegment.copy(umem, batch.tailAddress(packet, tail) + begin, umem, target, part);
                target += part;
                left -= part;
                begin = 0;
            } else {
                begin -= length;
            }
        }
    }

    /**
     * Adds up a packet's octets from one in its first frame to the end of the IP packet, on top of {@code sum}, as {@link
     * Checksum#add} does.
     *
     * @param from absolute offset of the first octet
     */
    static long sum(MemorySegment umem, Batch batch, int packet, long from, int lengthBytes, long sum) {
        int inFirst = (int) Math.min(lengthBytes, batch.address(packet) + batch.length(packet) - from);
        long total = Checksum.add(sum, umem, from, inFirst);
        int done = inFirst;
        for (int tail = 0; done < lengthBytes; tail++) {
            int part = Math.min(lengthBytes - done, batch.tailLength(packet, tail));
            int folded = Checksum.fold(Checksum.add(0, umem, batch.tailAddress(packet, tail), part));
            // Behind an odd number of octets, high and low octets change places (RFC 1071 section 2).
            total += (done & 1) == 0 ? folded : (folded & 0xff) << 8 | folded >>> 8;
            done += part;
        }
        return total;
    }
}

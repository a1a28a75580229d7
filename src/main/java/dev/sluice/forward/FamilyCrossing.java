package dev.sluice.forward;

import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;

/**
 * Translates packets between the families so that they fit their way, or tells their senders, in the senders' family, what would
 * (RFC 7915 sections 4.1, 5.1 and 6). Owned by: worker.
 */
final class FamilyCrossing {
    /** The packet was dropped, and counted. */
    static final int FAILED = Fragmentation.FAILED;

    private final Counters counters;
    private final IcmpAnswers answers;
    private final FamilyRewriter packets;
    private final FamilyErrors errors;

    FamilyCrossing(MemorySegment umem, Counters counters, Identifications ids, IcmpAnswers answers) {
        this.counters = counters;
        this.answers = answers;
        this.packets = new FamilyRewriter(umem, ids);
        this.errors = new FamilyErrors(umem, ids);
    }

    /** Sets the new source of packets. */
    FamilyCrossing from(long high, long low, int port) {
        packets.from(high, low, port);
        return this;
    }

    /** Sets the new destination of packets. */
    FamilyCrossing to(long high, long low, int port) {
        packets.to(high, low, port);
        return this;
    }

    /**
     * Whether a packet can be translated and fits, be it in pieces.
     *
     * @param roomBytes what the way takes
     * @param ingressPort by which it came
     * @return false when it was dropped, counted, and answered
     */
    boolean admits(Batch batch, int index, PacketView packet, int roomBytes, int ingressPort, long nowMs) {
        Counter obstacle = packets.obstacle(packet);
        if (obstacle != null) {
            drop(batch, index, obstacle);
            return false;
        }
        if (fits(packet, roomBytes) || !mustFit(packet)) {
            return true;
        }
        drop(batch, index, Counter.PACKET_TOO_BIG);
        if (!packet.isLaterFragment()) {
            int least = packet.inet6() ? Ipv6.MIN_MTU_BYTES : Ipv4.MIN_MTU_BYTES;
            int told = Math.max(FamilyRewriter.mtuTold(packet, roomBytes), least);
            answers.tooBig(batch, index, packet, ingressPort, told, nowMs);
        }
        return false;
    }

    private static boolean fits(PacketView packet, int roomBytes) {
        return packet.ipLengthBytes() + FamilyRewriter.growthBytes(packet) <= roomBytes;
    }

    /**
     * Translates a packet that begins with its link header, or fragments it and translates its pieces.
     *
     * @param packet which {@link #admits} has let pass; follows the change. Its TTL has been lowered
     * @return the index of the first new piece, or how many packets the batch has when there is none, or {@link #FAILED}. With
     *     tails the packet itself is no piece of any
     */
    int cross(Batch batch, int index, PacketView packet, int roomBytes) {
        if (fits(packet, roomBytes)) {
            packets.rewrite(batch, index, packet);
            return batch.count();
        }
        int firstNew = packets.rewriteInPieces(batch, index, packet, roomBytes);
        if (firstNew == FAILED) {
            drop(batch, index, Counter.NO_SPARE_FRAME);
            return FAILED;
        }
        counters.increment(Counter.FRAGMENTED);
        counters.add(Counter.FRAGMENT_MADE, batch.count() - firstNew - (isReplaced(batch, index, firstNew) ? 1 : 0));
        return firstNew;
    }

    /** Whether all that is left of a packet is in new pieces. */
    static boolean isReplaced(Batch batch, int index, int firstNew) {
        return firstNew < batch.count() && batch.tails(index) > 0;
    }

    /** IPv6 packets are for their sender to make smaller, down to what every link takes; IPv4 packets with DF too. */
    private static boolean mustFit(PacketView packet) {
        return packet.inet6() ? packet.ipLengthBytes() > Ipv6.MIN_MTU_BYTES : packet.dontFragment();
    }

    /**
     * Translates an ICMP error, as {@link FamilyErrors#rewrite} does.
     *
     * @return false when it was dropped, and counted
     */
    boolean crossError(
            Batch batch,
            int index,
            PacketView packet,
            PacketView quoted,
            AddressRewriter outerAddresses,
            AddressRewriter quotedAddresses) {
        Counter obstacle = errors.rewrite(batch, index, packet, quoted, outerAddresses, quotedAddresses);
        if (obstacle != null) {
            drop(batch, index, obstacle);
            return false;
        }
        return true;
    }

    private void drop(Batch batch, int index, Counter reason) {
        counters.increment(reason);
        batch.setEgress(index, Batch.DROPPED);
    }
}

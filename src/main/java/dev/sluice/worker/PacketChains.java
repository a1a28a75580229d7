package dev.sluice.worker;

import dev.sluice.forward.Batch;
import dev.sluice.xsk.FramePool;
import dev.sluice.xsk.RxRing;

/**
 * Moves packets that may lie in several frames from the RX ring of one socket into a batch. A packet of which the ring has
 * no end yet, or for whose frames the batch has no room, stays in the ring. One in more frames than {@link Batch#MAX_TAILS}
 * and the first could never be sent: it is dropped, its frames are free, and it is counted once.
 *
 * <p>Owned by: worker.
 */
final class PacketChains {
    /** More entries than the longest packet that is kept, so that one which has no end in as many is too long. */
    private static final int LOOK_AHEAD = 2 * Batch.MAX_TAILS;

    private final FramePool pool;
    private int tooLong;
    /** The last entries seen were of a packet that is too long and had not ended. */
    private boolean skipping;

    PacketChains(FramePool pool) {
        this.pool = pool;
    }

    /** Moves up to {@code max} packets into an empty batch: how many entries of the ring are done with. */
    int receive(RxRing rx, Batch batch, int max) {
        int peeked = rx.peekLatest(max + LOOK_AHEAD);
        int at = skipping ? skip(rx, 0, peeked) : 0;
        while (at < peeked && batch.count() < max) {
            if (!rx.isContinued(at)) {
                batch.add(rx.address(at), rx.length(at));
                at++;
                continue;
            }
            int entries = rx.entriesOfPacket(at, peeked);
            if (entries > Batch.MAX_TAILS + 1 || (entries == 0 && peeked - at > Batch.MAX_TAILS)) {
                tooLong++;
                at = skip(rx, at, peeked);
            } else if (entries == 0 || !batch.hasRoomFor(entries - 1)) {
                break;
            } else {
                batch.add(rx.address(at), rx.length(at));
                for (int end = at++ + entries; at < end; at++) {
                    batch.addTail(rx.address(at), rx.length(at));
                }
            }
        }
        rx.cancel(peeked - at);
        if (at > 0) {
            rx.release(at);
        }
        return at;
    }

    /** Frees what entries from {@code at} on have of the packet there: the entry behind it, or {@code peeked}. */
    private int skip(RxRing rx, int at, int peeked) {
        skipping = true;
        int next = at;
        while (skipping && next < peeked) {
            skipping = rx.isContinued(next);
            pool.free(rx.address(next));
            next++;
        }
        return next;
    }

    /** How many packets were too long since the last call. */
    int takeTooLong() {
        int packets = tooLong;
        tooLong = 0;
        return packets;
    }
}

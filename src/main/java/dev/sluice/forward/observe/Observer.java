package dev.sluice.forward.observe;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What one who observes wants of one worker, and where it goes. The worker selects, and counts what it could not keep; {@link #ring}
 * and the counts may be read by any one thread.
 */
public final class Observer {
    private static final VarHandle ELEMENT =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    private static final int CAPTURED = 0;
    private static final int LOST = 1;
    private static final int SUPPRESSED = 2;

    final PacketFilter filter;
    final AddressSieve sieve;
    /** Whether the filter lets all packets of its interface through, read or not. */
    final boolean anyPacket;

    final boolean every;
    final boolean drops;
    final boolean misses;
    final boolean detailed;
    final boolean before;
    final boolean after;
    final int snapBytes;
    final boolean[] wanted;
    final boolean[] wantedMisses;
    final ObservationRing ring;
    final Allowance allowance;

    private final int oneIn;
    private int skip;
    private long random = 0x9e37_79b9_7f4a_7c15L;

    private final long[] counts = new long[3];

    /**
     * Of one worker.
     *
     * @param filter which packets
     * @param selection what of them
     * @param before whether images of packets as they come in are wanted
     * @param after whether those of packets as they leave are
     * @param snapBytes the most octets of each
     * @param perSecond the most packets in a second
     * @param ring with slots of {@link #slotBytes}
     */
    public Observer(
            PacketFilter filter,
            Selection selection,
            boolean before,
            boolean after,
            int snapBytes,
            int perSecond,
            ObservationRing ring) {
        this.filter = filter;
        this.sieve = new AddressSieve(filter);
        this.anyPacket = filter.isOfInterfaceAlone();
        this.every = selection.every();
        this.drops = selection.hasDrops();
        this.misses = selection.hasMisses();
        this.detailed = selection.detailed();
        this.before = before;
        this.after = after;
        this.snapBytes = snapBytes;
        this.wanted = selection.byIndex();
        this.wantedMisses = selection.missesByIndex();
        this.oneIn = selection.oneIn();
        this.ring = ring;
        this.allowance = new Allowance(perSecond, System.nanoTime());
    }

    /** How large the slots of a ring have to be. */
    public static int slotBytes(int snapBytes) {
        return Slot.DATA + snapBytes;
    }

    /** Where images come out. */
    public ObservationRing ring() {
        return ring;
    }

    /** Packets of which images were handed on. Any thread. */
    public long captured() {
        return read(CAPTURED);
    }

    /** Packets that would have been, had there been room in the ring. Any thread. */
    public long lost() {
        return read(LOST);
    }

    /** Packets that would have been, had there not been so many in the second. Any thread. */
    public long suppressed() {
        return read(SUPPRESSED);
    }

    /** Whether the next packet that matches is one of the sample, and may be kept. Worker only. */
    boolean takes() {
        if (skip > 0) {
            skip--;
            return false;
        }
        if (oneIn > 1) {
            // Evenly spread over twice the distance, so that nothing periodic in the traffic is met always or never.
            random ^= random << 13;
            random ^= random >>> 7;
            random ^= random << 17;
            skip = (int) Long.remainderUnsigned(random, 2L * oneIn - 1);
        }
        if (allowance.take()) {
            return true;
        }
        countSuppressed(1);
        return false;
    }

    /** As {@link #takes} of one packet after the other: the first that is taken of those from one to before another, or that one. */
    int next(int from, int to) {
        for (int packet = from; ; packet++) {
            if (skip >= to - packet) {
                skip -= to - packet;
                return to;
            }
            packet += skip;
            skip = 0;
            if (takes()) {
                return packet;
            }
        }
    }

    void countCaptured() {
        add(CAPTURED);
    }

    void countLost() {
        add(LOST);
    }

    /** Packets that could not be looked at one by one. */
    void countSuppressed(long packets) {
        ELEMENT.setOpaque(counts, SUPPRESSED, counts[SUPPRESSED] + packets);
    }

    private long read(int count) {
        return (long) ELEMENT.getOpaque(counts, count);
    }

    private void add(int count) {
        ELEMENT.setOpaque(counts, count, counts[count] + 1);
    }
}

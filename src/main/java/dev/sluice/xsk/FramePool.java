package dev.sluice.xsk;

/**
 * The free frames of a UMEM: last in, first out, so that the frame used next is the one most likely still in cache.
 *
 * <p>Every frame is at each moment in exactly one place: here, in a ring, or in the hands of the worker. Nothing checks
 * for a frame freed twice; a test that counts frames does. A pool filled beyond its capacity throws {@link
 * ArrayIndexOutOfBoundsException}, for that can only be a bug.
 *
 * <p>Owned by: worker.
 */
public final class FramePool {
    private final long[] addresses;
    private final long frameMask;
    private int available;

    /**
     * A pool that holds all frames.
     *
     * @param frameCount number of frames, which lie one behind the other from UMEM address 0
     * @param frameSizeBytes a power of two
     */
    public FramePool(int frameCount, int frameSizeBytes) {
        if (frameCount <= 0 || frameSizeBytes <= 0 || Integer.bitCount(frameSizeBytes) != 1) {
            throw new IllegalArgumentException(
                    frameCount + " frames of " + frameSizeBytes + " bytes: the size must be a power of two");
        }
        addresses = new long[frameCount];
        frameMask = -(long) frameSizeBytes;
        // The lowest address on top, so that a lightly used pool stays within few pages.
        for (int i = 0; i < frameCount; i++) {
            addresses[i] = (long) (frameCount - 1 - i) * frameSizeBytes;
        }
        available = frameCount;
    }

    /** Number of frames in the pool now. */
    public int available() {
        return available;
    }

    /** Number of frames when none is in use. */
    public int capacity() {
        return addresses.length;
    }

    /** The size of each frame. */
    public int frameSizeBytes() {
        return (int) -frameMask;
    }

    /** Takes a frame: the UMEM address of its first byte, or -1 when there is none. */
    public long alloc() {
        if (available == 0) {
            return -1;
        }
        return addresses[--available];
    }

    /** Takes up to {@code count} frames into {@code into} from index {@code from} on; says how many. */
    public int alloc(long[] into, int from, int count) {
        int taken = Math.min(count, available);
        available -= taken;
        System.arraycopy(addresses, available, into, from, taken);
        return taken;
    }

    /** Returns a frame, named by any address within it. */
    public void free(long address) {
        addresses[available] = address & frameMask;
        available++;
    }

    /** Returns {@code count} frames, named by addresses within them, from {@code frames[from]} on. */
    public void free(long[] frames, int from, int count) {
        for (int i = 0; i < count; i++) {
            free(frames[from + i]);
        }
    }
}

package dev.sluice.xsk;

/**
 * Size and shape of a UMEM.
 *
 * @param frameCount number of frames
 * @param frameSizeBytes 2048 or 4096
 * @param headroomBytes kept free before a received packet, beyond the 256 of the kernel's own {@code XDP_PACKET_HEADROOM}
 * @param fillSize entries of each fill ring, a power of two
 * @param completionSize entries of each completion ring, a power of two
 * @param hugepages whether the frames lie in huge pages
 */
public record UmemOptions(
        int frameCount, int frameSizeBytes, int headroomBytes, int fillSize, int completionSize, Hugepages hugepages) {
    /** {@code XDP_PACKET_HEADROOM} of linux/bpf.h: what the kernel leaves free before a received packet. */
    public static final int KERNEL_HEADROOM_BYTES = 256;

    /** Whether a UMEM lies in huge pages (hugetlbfs pages, which the administrator reserves). */
    public enum Hugepages {
        /** Huge pages when enough are reserved, else plain pages. */
        AUTO,
        /** Huge pages, or an error. */
        ON,
        /** Plain pages. */
        OFF
    }

    /** Throws {@link IllegalArgumentException} for what the kernel would refuse. */
    public UmemOptions {
        if (frameSizeBytes != 2048 && frameSizeBytes != 4096) {
            throw new IllegalArgumentException("frame size " + frameSizeBytes + ": must be 2048 or 4096");
        }
        if (frameCount <= 0 || (long) frameCount * frameSizeBytes > 1L << 40) {
            throw new IllegalArgumentException(
                    "frame count " + frameCount + ": must be positive and below 1 TiB in all");
        }
        if (headroomBytes < 0 || headroomBytes > frameSizeBytes - KERNEL_HEADROOM_BYTES - 64) {
            throw new IllegalArgumentException("headroom " + headroomBytes + ": must be 0 to "
                    + (frameSizeBytes - KERNEL_HEADROOM_BYTES - 64) + " for frames of " + frameSizeBytes + " bytes");
        }
        requireRingSize("fill", fillSize);
        requireRingSize("completion", completionSize);
    }

    /** So many frames of a size, no further headroom, rings of 2048 entries, huge pages when there are any. */
    public static UmemOptions of(int frameCount, int frameSizeBytes) {
        return new UmemOptions(frameCount, frameSizeBytes, 0, 2048, 2048, Hugepages.AUTO);
    }

    /** Frames and their size multiplied: what is pinned. */
    public long sizeBytes() {
        return (long) frameCount * frameSizeBytes;
    }

    /** How many bytes of a packet fit into one frame. */
    public int roomBytes() {
        return roomBytes(frameSizeBytes) - headroomBytes;
    }

    /** As {@link #roomBytes()}, of frames without headroom but the kernel's. */
    public static int roomBytes(int frameSizeBytes) {
        return frameSizeBytes - KERNEL_HEADROOM_BYTES;
    }

    /** The same with huge pages as given. */
    public UmemOptions withHugepages(Hugepages hugepages) {
        return new UmemOptions(frameCount, frameSizeBytes, headroomBytes, fillSize, completionSize, hugepages);
    }

    /** The same with fill and completion rings of the given sizes. */
    public UmemOptions withRings(int fillSize, int completionSize) {
        return new UmemOptions(frameCount, frameSizeBytes, headroomBytes, fillSize, completionSize, hugepages);
    }

    static void requireRingSize(String ring, int size) {
        if (size <= 0 || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException(ring + " ring of " + size + " entries: must be a power of two");
        }
    }
}

package dev.sluice.forward;

/**
 * Packets on their way through the pipeline, in parallel arrays: what a worker received, then what the pipeline made or let
 * go on besides. Owned by: worker.
 *
 * <p>A packet lies in one frame of the UMEM, or begins in one and goes on in further ones ("tails"), as the kernel hands out
 * what does not fit into a frame (XDP_PKT_CONTD). Headers lie in the first; the pipeline never looks into tails but to copy
 * from them.
 *
 * <p>The worker calls {@link #clear}, fills in what it received, has it processed, and sends, frees or leaves alone each of
 * the packets below {@link #count} as its egress says. The frames at {@link #takeSpare} become packets of the batch.
 */
public final class Batch {
    /** In {@link #egress}: the packet is dropped and counted; its frames are free. */
    public static final int DROPPED = -1;
    /** In {@link #egress}: the pipeline keeps the packet's frames, and lets them go in a later batch. */
    public static final int HELD = -2;
    /** The most packets a worker may put in. */
    public static final int MAX_RECEIVED = 256;
    /** The most packets the pipeline lets go that it had kept. */
    static final int MAX_RELEASED = 256;
    /** The most frames given to make packets of: enough to cut every packet in two, for outer headers that do not fit. */
    public static final int MAX_SPARES = MAX_RECEIVED + MAX_RELEASED;
    /** The most packets there can be. */
    public static final int CAPACITY = MAX_RECEIVED + MAX_SPARES + MAX_RELEASED;
    /** The most tails a packet may have: the kernel's MAX_SKB_FRAGS. */
    public static final int MAX_TAILS = 17;

    private final long[] addresses = new long[CAPACITY];
    private final int[] lengths = new int[CAPACITY];
    private final int[] egress = new int[CAPACITY];
    private final int[] firstTail = new int[CAPACITY];
    private final int[] tails = new int[CAPACITY];
    private final long[] tailAddresses = new long[CAPACITY * 4];
    private final int[] tailLengths = new int[CAPACITY * 4];
    private final long[] cutFrames = new long[CAPACITY * 4];
    private final long[] spares = new long[MAX_SPARES];

    private final int spareBytes;
    private int count;
    private int tailCount;
    private int spareCount;
    private int cutCount;

    /**
     * An empty batch.
     *
     * @param spareBytes how much room there is in each spare frame from the given address on
     */
    public Batch(int spareBytes) {
        this.spareBytes = spareBytes;
    }

    /** Forgets all packets; spare frames stay. */
    public void clear() {
        count = 0;
        tailCount = 0;
        cutCount = 0;
    }

    /**
     * Says that the first {@code received} packets, each in one frame, have been written to {@link #addresses} and {@link
     * #lengths}, straight after {@link #clear}.
     */
    public void received(int received) {
        count = received;
        for (int i = 0; i < received; i++) {
            tails[i] = 0;
        }
    }

    /** How many packets there are. */
    public int count() {
        return count;
    }

    /** Absolute offset of each packet's first octet. */
    public long[] addresses() {
        return addresses;
    }

    /** How many octets of each packet lie in its first frame. */
    public int[] lengths() {
        return lengths;
    }

    /** After processing, each packet's egress port, {@link #DROPPED} or {@link #HELD}. */
    public int[] egress() {
        return egress;
    }

    /** The address of one packet. */
    public long address(int packet) {
        return addresses[packet];
    }

    /** How many octets of a packet lie in its first frame. */
    public int length(int packet) {
        return lengths[packet];
    }

    /** A packet's egress port, {@link #DROPPED} or {@link #HELD}. */
    public int egress(int packet) {
        return egress[packet];
    }

    /** How many tails a packet has. */
    public int tails(int packet) {
        return tails[packet];
    }

    /** Absolute offset of a packet's tail. */
    public long tailAddress(int packet, int tail) {
        return tailAddresses[firstTail[packet] + tail];
    }

    /** How many octets a packet's tail has. */
    public int tailLength(int packet, int tail) {
        return tailLengths[firstTail[packet] + tail];
    }

    /** All of a packet's octets. */
    public int totalLength(int packet) {
        return lengths[packet] + tailsLength(packet);
    }

    /** How many octets of a packet lie in its tails. */
    public int tailsLength(int packet) {
        int total = 0;
        for (int tail = 0; tail < tails[packet]; tail++) {
            total += tailLength(packet, tail);
        }
        return total;
    }

    /**
     * Appends a packet of one frame.
     *
     * @return its index
     */
    public int add(long address, int lengthBytes) {
        int packet = count++;
        addresses[packet] = address;
        lengths[packet] = lengthBytes;
        tails[packet] = 0;
        firstTail[packet] = tailCount;
        return packet;
    }

    /** Whether a packet with so many tails can be added with all of them. */
    public boolean hasRoomFor(int tailsOfPacket) {
        return tailsOfPacket <= MAX_TAILS && tailsOfPacket <= tailAddresses.length - tailCount;
    }

    /** Appends a tail to the packet added last; false, and nothing done, when there is no room. */
    public boolean addTail(long address, int lengthBytes) {
        int packet = count - 1;
        if (tails[packet] == MAX_TAILS || tailCount == tailAddresses.length) {
            return false;
        }
        tailAddresses[tailCount] = address;
        tailLengths[tailCount++] = lengthBytes;
        tails[packet]++;
        return true;
    }

    /** Moves the beginning of a packet, within the room of its first frame. */
    void move(int packet, long address, int lengthBytes) {
        addresses[packet] = address;
        lengths[packet] = lengthBytes;
    }

    void setEgress(int packet, int port) {
        egress[packet] = port;
    }

    /** How much room there is in each spare frame. */
    int spareBytes() {
        return spareBytes;
    }

    /** Leaves the packet's tails behind: only what lies in its first frame is the packet now. */
    void cutTails(int packet) {
        for (int tail = 0; tail < tails[packet]; tail++) {
            cutFrames[cutCount++] = tailAddress(packet, tail);
        }
        tails[packet] = 0;
    }

    /** How many frames are no part of a packet any more, and to be freed. */
    public int cutFrames() {
        return cutCount;
    }

    /** The address of such a frame. */
    public long cutFrame(int index) {
        return cutFrames[index];
    }

    /** How many spare frames there are. */
    public int spares() {
        return spareCount;
    }

    /** Gives a free frame, by the absolute offset of where its data may begin. At most {@link #MAX_SPARES}. */
    public void putSpare(long address) {
        spares[spareCount++] = address;
    }

    /** A free frame, which the caller must put into the batch as a packet's; there must be one. */
    public long takeSpare() {
        return spares[--spareCount];
    }
}

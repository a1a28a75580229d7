package dev.sluice.xsk;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A socket whose rings lie in plain memory, with the kernel's part of it: puts made-up frames into the RX ring, takes what the
 * TX ring holds and returns it by the completion ring. No frame ever reaches an interface.
 *
 * <p>The socket belongs to a worker. Everything else here belongs to one thread, the one that plays the kernel.
 */
public final class RehearsalPort {
    private static final int INDEX_BYTES = 64;
    private static final long ENTRIES_OFFSET = 3 * INDEX_BYTES;

    private final XskSocket socket;
    private final MemorySegment umem;
    private final int headroomBytes;
    private final Side rx;
    private final Side tx;
    private final Side fill;
    private final Side completion;

    /**
     * A port.
     *
     * @param umem the frames, which all ports of the worker share
     * @param headroomBytes left free before the data of a received frame, as the kernel does
     * @param size of every ring, a power of two
     * @param fd what kicks go to, and sleeps wait for
     * @param multiBuffer as {@link XskOptions#multiBuffer}
     * @param arena bounds the rings' life
     */
    public RehearsalPort(
            String interfaceName,
            MemorySegment umem,
            int headroomBytes,
            int size,
            int fd,
            boolean multiBuffer,
            Arena arena) {
        this.umem = umem;
        this.headroomBytes = headroomBytes;
        rx = new Side(arena, size, RxRing.ENTRY_SIZE_BYTES);
        tx = new Side(arena, size, TxRing.ENTRY_SIZE_BYTES);
        fill = new Side(arena, size, FillRing.ENTRY_SIZE_BYTES);
        completion = new Side(arena, size, CompletionRing.ENTRY_SIZE_BYTES);
        Ring.Mapping[] rings = {rx.mapping(), tx.mapping(), fill.mapping(), completion.mapping()};
        // As in copy mode: transmitting has to be asked for, and receiving does not.
        Ring.INT.setOpaque(tx.memory, Side.FLAGS_OFFSET, 1);
        socket = new XskSocket(interfaceName, fd, arena, rings, multiBuffer);
    }

    /** The worker's end. */
    public XskSocket socket() {
        return socket;
    }

    /** Receives a frame; false when there is no free frame or no room. */
    public boolean receive(byte[] frame, int lengthBytes) {
        if (fill.available() == 0 || rx.room() == 0) {
            return false;
        }
        long address = (long) Ring.LONG.get(fill.memory, fill.entry(fill.consumed++)) + headroomBytes;
        Ring.INT.setRelease(fill.memory, Side.CONSUMER_OFFSET, fill.consumed);
        MemorySegment.copy(frame, 0, umem, ValueLayout.JAVA_BYTE, address, lengthBytes);
        long entry = rx.entry(rx.produced++);
        Ring.LONG.set(rx.memory, entry, address);
        Ring.INT.set(rx.memory, entry + 8, lengthBytes);
        Ring.INT.set(rx.memory, entry + 12, 0);
        return true;
    }

    /** Lets the worker see what was received. */
    public void deliver() {
        Ring.INT.setRelease(rx.memory, Side.PRODUCER_OFFSET, rx.produced);
    }

    /** Takes frames from the TX ring as if they had been sent: how many. */
    public int send(int max) {
        int count = Math.min(Math.min(tx.available(), completion.room()), max);
        for (int i = 0; i < count; i++) {
            long address = (long) Ring.LONG.get(tx.memory, tx.entry(tx.consumed++));
            Ring.LONG.set(completion.memory, completion.entry(completion.produced++), address);
        }
        if (count > 0) {
            Ring.INT.setRelease(completion.memory, Side.PRODUCER_OFFSET, completion.produced);
            Ring.INT.setRelease(tx.memory, Side.CONSUMER_OFFSET, tx.consumed);
        }
        return count;
    }

    /** One ring as the kernel sees it; of its two indices one is the kernel's own. */
    private static final class Side {
        static final long PRODUCER_OFFSET = 0;
        static final long CONSUMER_OFFSET = INDEX_BYTES;
        static final long FLAGS_OFFSET = 2 * INDEX_BYTES;

        final MemorySegment memory;
        final int size;
        final long entryBytes;
        int produced;
        int consumed;

        Side(Arena arena, int size, long entryBytes) {
            this.size = size;
            this.entryBytes = entryBytes;
            MemorySegment plain = arena.allocate(ENTRIES_OFFSET + size * entryBytes, INDEX_BYTES);
            // Of the same kind as what is made of a mapping's address.
            memory = MemorySegment.ofAddress(plain.address()).reinterpret(plain.byteSize(), arena, null);
        }

        Ring.Mapping mapping() {
            return new Ring.Mapping(memory, PRODUCER_OFFSET, CONSUMER_OFFSET, FLAGS_OFFSET, ENTRIES_OFFSET, size);
        }

        /** Entries that the worker has produced and the kernel not consumed. */
        int available() {
            return (int) Ring.INT.getAcquire(memory, PRODUCER_OFFSET) - consumed;
        }

        /** Entries that the kernel may produce. */
        int room() {
            return size - (produced - (int) Ring.INT.getAcquire(memory, CONSUMER_OFFSET));
        }

        long entry(int index) {
            return ENTRIES_OFFSET + (index & (size - 1)) * entryBytes;
        }
    }
}

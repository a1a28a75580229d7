package dev.sluice.xsk;

import dev.sluice.ffi.generated.xdp_desc;
import dev.sluice.ffi.generated.xsk_ring_prod;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * One side of a ring worked by libxdp's own helpers, which are exported beside being inline: the oracle for the rings
 * in Java. {@link Memory} is what both sides share.
 */
final class LibXdpRing {
    private static final SymbolLookup LIBXDP = SymbolLookup.libraryLookup("libxdp.so.1", Arena.global());
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final FunctionDescriptor COUNT_WITH_INDEX =
            FunctionDescriptor.of(INT, ValueLayout.ADDRESS, INT, ValueLayout.ADDRESS);
    private static final FunctionDescriptor COUNT = FunctionDescriptor.of(INT, ValueLayout.ADDRESS, INT);
    private static final FunctionDescriptor ADVANCE = FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, INT);
    private static final FunctionDescriptor ENTRY =
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, INT);

    private static final MethodHandle RESERVE = bind("xsk_ring_prod__reserve", COUNT_WITH_INDEX);
    private static final MethodHandle SUBMIT = bind("xsk_ring_prod__submit", ADVANCE);
    private static final MethodHandle PEEK = bind("xsk_ring_cons__peek", COUNT_WITH_INDEX);
    private static final MethodHandle RELEASE = bind("xsk_ring_cons__release", ADVANCE);
    private static final MethodHandle CANCEL = bind("xsk_ring_cons__cancel", ADVANCE);
    private static final MethodHandle NB_FREE = bind("xsk_prod_nb_free", COUNT);
    private static final MethodHandle NB_AVAIL = bind("xsk_cons_nb_avail", COUNT);
    private static final MethodHandle NEEDS_WAKEUP =
            bind("xsk_ring_prod__needs_wakeup", FunctionDescriptor.of(INT, ValueLayout.ADDRESS));
    private static final MethodHandle FILL_ADDR = bind("xsk_ring_prod__fill_addr", ENTRY);
    private static final MethodHandle COMP_ADDR = bind("xsk_ring_cons__comp_addr", ENTRY);
    private static final MethodHandle TX_DESC = bind("xsk_ring_prod__tx_desc", ENTRY);
    private static final MethodHandle RX_DESC = bind("xsk_ring_cons__rx_desc", ENTRY);

    private final MemorySegment struct;
    private final MemorySegment index;

    private LibXdpRing(MemorySegment struct, MemorySegment index) {
        this.struct = struct;
        this.index = index;
    }

    /** Memory laid out as the kernel lays out a ring, with both indices at {@code start}. */
    record Memory(Arena arena, MemorySegment segment, int size) {
        private static final long PRODUCER = 0;
        private static final long CONSUMER = 64;
        private static final long FLAGS = 128;
        private static final long ENTRIES = 192;

        static Memory of(Arena arena, int size, int start) {
            Memory memory = new Memory(arena, arena.allocate(ENTRIES + size * 16L, 64), size);
            memory.producer(start);
            memory.consumer(start);
            return memory;
        }

        Ring.Mapping mapping() {
            return new Ring.Mapping(segment, PRODUCER, CONSUMER, FLAGS, ENTRIES, size);
        }

        int producer() {
            return segment.get(INT, PRODUCER);
        }

        void producer(int value) {
            segment.set(INT, PRODUCER, value);
        }

        int consumer() {
            return segment.get(INT, CONSUMER);
        }

        void consumer(int value) {
            segment.set(INT, CONSUMER, value);
        }

        void flags(int value) {
            segment.set(INT, FLAGS, value);
        }

        LibXdpRing newProducer() {
            return newRing(size);
        }

        LibXdpRing newConsumer() {
            return newRing(0);
        }

        private LibXdpRing newRing(int consumerAhead) {
            MemorySegment struct = arena.allocate(xsk_ring_prod.layout());
            xsk_ring_prod.cached_prod(struct, producer());
            xsk_ring_prod.cached_cons(struct, consumer() + consumerAhead);
            xsk_ring_prod.mask(struct, size - 1);
            xsk_ring_prod.size(struct, size);
            xsk_ring_prod.producer(struct, segment.asSlice(PRODUCER));
            xsk_ring_prod.consumer(struct, segment.asSlice(CONSUMER));
            xsk_ring_prod.flags(struct, segment.asSlice(FLAGS));
            xsk_ring_prod.ring(struct, segment.asSlice(ENTRIES));
            return new LibXdpRing(struct, arena.allocate(INT));
        }
    }

    /** The struct itself, as libxdp would fill it in. */
    MemorySegment struct() {
        return struct;
    }

    int reserve(int count) {
        return (int) call(RESERVE, struct, count, index);
    }

    void submit(int count) {
        call(SUBMIT, struct, count);
    }

    int peek(int count) {
        return (int) call(PEEK, struct, count, index);
    }

    void release(int count) {
        call(RELEASE, struct, count);
    }

    void cancel(int count) {
        call(CANCEL, struct, count);
    }

    int free(int wanted) {
        return (int) call(NB_FREE, struct, wanted);
    }

    int available(int max) {
        return (int) call(NB_AVAIL, struct, max);
    }

    boolean needsWakeup() {
        return (int) call(NEEDS_WAKEUP, struct) != 0;
    }

    /** Writes entry {@code i} of the last reservation. */
    void fillAddress(int i, long address) {
        entry(FILL_ADDR, i, LONG.byteSize()).set(LONG, 0, address);
    }

    long completionAddress(int i) {
        return entry(COMP_ADDR, i, LONG.byteSize()).get(LONG, 0);
    }

    void txDescriptor(int i, long address, int lengthBytes) {
        txDescriptor(i, address, lengthBytes, 0);
    }

    void txDescriptor(int i, long address, int lengthBytes, int options) {
        MemorySegment descriptor = entry(TX_DESC, i, xdp_desc.sizeof());
        xdp_desc.addr(descriptor, address);
        xdp_desc.len(descriptor, lengthBytes);
        xdp_desc.options(descriptor, options);
    }

    MemorySegment rxDescriptor(int i) {
        return entry(RX_DESC, i, xdp_desc.sizeof());
    }

    private MemorySegment entry(MethodHandle handle, int i, long sizeBytes) {
        return ((MemorySegment) call(handle, struct, index.get(INT, 0) + i)).reinterpret(sizeBytes);
    }

    private static MethodHandle bind(String name, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(LIBXDP.findOrThrow(name), descriptor);
    }

    private static Object call(MethodHandle handle, Object... arguments) {
        try {
            Object result = handle.invokeWithArguments(arguments);
            return result == null ? 0 : result;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}

package dev.sluice.xsk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.generated.xdp_desc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rings in Java against libxdp's helpers: in lockstep on the same side, and across from each other. */
final class RingOracleTest {
    private static final int STEPS = 20_000;
    /** Starts from which the indices pass 2^31, 2^32 and nothing. */
    private static final int BEFORE_SIGN = Integer.MAX_VALUE - 100;

    private static final int BEFORE_WRAP = -100;

    @ParameterizedTest
    @ValueSource(ints = {0, 12345, BEFORE_SIGN, BEFORE_WRAP, -1})
    void producerDoesWhatLibxdpDoes(int start) {
        try (Arena arena = Arena.ofConfined()) {
            for (int size : new int[] {1, 2, 8, 64}) {
                Random random = new Random(size * 31L + start);
                LibXdpRing.Memory javaMemory = LibXdpRing.Memory.of(arena, size, start);
                LibXdpRing.Memory oracleMemory = LibXdpRing.Memory.of(arena, size, start);
                FillRing ring = new FillRing(javaMemory.mapping());
                LibXdpRing oracle = oracleMemory.newProducer();
                int unsubmitted = 0;
                int fulls = 0;
                for (int step = 0; step < STEPS; step++) {
                    int count = random.nextInt(size + 2);
                    switch (random.nextInt(4)) {
                        case 0 -> {
                            int reserved = oracle.reserve(count);
                            assertEquals(reserved, ring.reserve(count), "reserve(" + count + ") at step " + step);
                            fulls += reserved < count ? 1 : 0;
                            for (int i = 0; i < reserved; i++) {
                                long address = random.nextLong();
                                oracle.fillAddress(i, address);
                                ring.setAddress(unsubmitted + i, address);
                            }
                            unsubmitted += reserved;
                        }
                        case 1 -> {
                            int submit = random.nextInt(unsubmitted + 1);
                            oracle.submit(submit);
                            ring.submit(submit);
                            unsubmitted -= submit;
                        }
                        case 2 -> assertEquals(oracle.free(count), ring.free(count), "free at step " + step);
                        default -> {
                            int pending = oracleMemory.producer() - oracleMemory.consumer();
                            assertEquals(pending, ring.pending());
                            int consumed = oracleMemory.consumer() + random.nextInt(pending + 1);
                            oracleMemory.consumer(consumed);
                            javaMemory.consumer(consumed);
                        }
                    }
                    assertEquals(-1, javaMemory.segment().mismatch(oracleMemory.segment()), "memory at step " + step);
                }
                assertTrue(fulls > 100, "the ring was full " + fulls + " times");
                assertTrue(javaMemory.producer() - start > STEPS / 100, "the ring moved");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 12345, BEFORE_SIGN, BEFORE_WRAP, -1})
    void consumerDoesWhatLibxdpDoes(int start) {
        try (Arena arena = Arena.ofConfined()) {
            for (int size : new int[] {1, 2, 8, 64}) {
                Random random = new Random(size * 37L + start);
                LibXdpRing.Memory javaMemory = LibXdpRing.Memory.of(arena, size, start);
                LibXdpRing.Memory oracleMemory = LibXdpRing.Memory.of(arena, size, start);
                CompletionRing ring = new CompletionRing(javaMemory.mapping());
                LibXdpRing oracle = oracleMemory.newConsumer();
                int unreleased = 0;
                int empties = 0;
                for (int step = 0; step < STEPS; step++) {
                    int count = random.nextInt(size + 2);
                    switch (random.nextInt(5)) {
                        case 0 -> {
                            int peeked = oracle.peek(count);
                            assertEquals(peeked, ring.peek(count), "peek(" + count + ") at step " + step);
                            empties += peeked == 0 ? 1 : 0;
                            for (int i = 0; i < peeked; i++) {
                                assertEquals(oracle.completionAddress(i), ring.address(unreleased + i));
                            }
                            unreleased += peeked;
                        }
                        case 1 -> {
                            int release = random.nextInt(unreleased + 1);
                            oracle.release(release);
                            ring.release(release);
                            unreleased -= release;
                        }
                        case 2 -> {
                            int cancel = random.nextInt(4) == 0 ? random.nextInt(unreleased + 1) : 0;
                            oracle.cancel(cancel);
                            ring.cancel(cancel);
                            unreleased -= cancel;
                        }
                        case 3 -> assertEquals(oracle.available(count), ring.available(count), "step " + step);
                        default -> {
                            int free = size - (oracleMemory.producer() - oracleMemory.consumer());
                            int produce = random.nextInt(free + 1);
                            for (int i = 0; i < produce; i++) {
                                int slot = (oracleMemory.producer() + i) & (size - 1);
                                long address = random.nextLong();
                                poke(oracleMemory, slot, address);
                                poke(javaMemory, slot, address);
                            }
                            oracleMemory.producer(oracleMemory.producer() + produce);
                            javaMemory.producer(javaMemory.producer() + produce);
                        }
                    }
                    assertEquals(-1, javaMemory.segment().mismatch(oracleMemory.segment()), "memory at step " + step);
                }
                assertTrue(empties > 100, "the ring was empty " + empties + " times");
                assertTrue(javaMemory.consumer() - start > STEPS / 100, "the ring moved");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, BEFORE_SIGN, BEFORE_WRAP})
    void libxdpConsumesWhatJavaProduces(int start) {
        try (Arena arena = Arena.ofConfined()) {
            LibXdpRing.Memory memory = LibXdpRing.Memory.of(arena, 16, start);
            TxRing producer = new TxRing(memory.mapping());
            LibXdpRing consumer = memory.newConsumer();
            Random random = new Random(start);
            Deque<long[]> inFlight = new ArrayDeque<>();
            for (int step = 0; step < STEPS; step++) {
                int reserved = producer.reserve(random.nextInt(18));
                for (int i = 0; i < reserved; i++) {
                    long address = random.nextLong();
                    int lengthBytes = random.nextInt();
                    int options = random.nextInt(2);
                    if (options == 0) {
                        producer.set(i, address, lengthBytes);
                    } else {
                        producer.setContinued(i, address, lengthBytes);
                    }
                    inFlight.add(new long[] {address, lengthBytes, options});
                }
                producer.submit(reserved);
                int peeked = consumer.peek(random.nextInt(18));
                for (int i = 0; i < peeked; i++) {
                    MemorySegment descriptor = consumer.rxDescriptor(i);
                    long[] expected = inFlight.remove();
                    assertEquals(expected[0], xdp_desc.addr(descriptor));
                    assertEquals((int) expected[1], xdp_desc.len(descriptor));
                    // XDP_PKT_CONTD, where the packet goes on.
                    assertEquals((int) expected[2], xdp_desc.options(descriptor));
                }
                consumer.release(peeked);
                assertEquals(inFlight.size(), producer.pending());
            }
            assertTrue(memory.producer() - start > STEPS, "the ring moved");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, BEFORE_SIGN, BEFORE_WRAP})
    void javaConsumesWhatLibxdpProduces(int start) {
        try (Arena arena = Arena.ofConfined()) {
            LibXdpRing.Memory memory = LibXdpRing.Memory.of(arena, 16, start);
            LibXdpRing producer = memory.newProducer();
            RxRing consumer = new RxRing(memory.mapping());
            Random random = new Random(start);
            Deque<long[]> inFlight = new ArrayDeque<>();
            long[] addresses = new long[16];
            int[] lengths = new int[16];
            for (int step = 0; step < STEPS; step++) {
                int reserved = producer.reserve(random.nextInt(18));
                for (int i = 0; i < reserved; i++) {
                    long address = random.nextLong();
                    int lengthBytes = random.nextInt();
                    producer.txDescriptor(i, address, lengthBytes);
                    inFlight.add(new long[] {address, lengthBytes});
                }
                producer.submit(reserved);
                int received = consumer.receive(addresses, lengths, random.nextInt(17));
                for (int i = 0; i < received; i++) {
                    long[] expected = inFlight.remove();
                    assertEquals(expected[0], addresses[i]);
                    assertEquals((int) expected[1], lengths[i]);
                }
            }
            assertTrue(memory.producer() - start > STEPS, "the ring moved");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, BEFORE_SIGN, BEFORE_WRAP})
    void javaFindsTheEndsOfPacketsThatLibxdpWrites(int start) {
        try (Arena arena = Arena.ofConfined()) {
            LibXdpRing.Memory memory = LibXdpRing.Memory.of(arena, 16, start);
            LibXdpRing producer = memory.newProducer();
            RxRing consumer = new RxRing(memory.mapping());
            Random random = new Random(start);
            for (int step = 0; step < STEPS; step++) {
                int entries = 1 + random.nextInt(16);
                assertEquals(entries, producer.reserve(entries));
                for (int i = 0; i < entries; i++) {
                    // Bits that mean something else, or nothing yet, are not taken for the one.
                    int others = random.nextInt() & ~1;
                    producer.txDescriptor(i, i, i, others | (i < entries - 1 ? 1 : 0));
                }
                producer.submit(entries);
                assertEquals(entries, consumer.peek(16));
                int at = random.nextInt(entries);
                assertEquals(entries - at, consumer.entriesOfPacket(at, entries));
                assertEquals(0, consumer.entriesOfPacket(at, entries - 1));
                assertEquals(at < entries - 1, consumer.isContinued(at));
                consumer.release(entries);
            }
        }
    }

    @Test
    void needsWakeupIsTheFlag() {
        try (Arena arena = Arena.ofConfined()) {
            LibXdpRing.Memory memory = LibXdpRing.Memory.of(arena, 4, 0);
            TxRing ring = new TxRing(memory.mapping());
            LibXdpRing oracle = memory.newProducer();
            for (int flags : new int[] {0, 1, 2, 3}) {
                memory.flags(flags);
                assertEquals(oracle.needsWakeup(), ring.needsWakeup(), "flags " + flags);
            }
        }
    }

    @Test
    void mappingIsTakenFromTheStruct() {
        try (Arena arena = Arena.ofConfined()) {
            LibXdpRing.Memory memory = LibXdpRing.Memory.of(arena, 4, 7);
            LibXdpRing consumer = memory.newConsumer();
            FillRing ring =
                    new FillRing(Ring.Mapping.of(memory.newProducer().struct(), FillRing.ENTRY_SIZE_BYTES, arena));
            FramePool pool = new FramePool(8, 2048);
            assertEquals(4, ring.size());
            assertEquals(4, ring.refill(pool, 100));
            assertEquals(0, ring.refill(pool, 100));
            assertEquals(4, consumer.peek(4));
            assertEquals(6144, consumer.completionAddress(3));
            assertEquals(4, pool.available());
            consumer.release(3);
            assertEquals(2, ring.refill(pool, 2));
            assertEquals(3, ring.pending());
        }
    }

    private static void poke(LibXdpRing.Memory memory, int slot, long address) {
        memory.segment().set(ValueLayout.JAVA_LONG, 192 + slot * (long) Long.BYTES, address);
    }
}

package dev.sluice.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.sluice.xsk.Ring;
import dev.sluice.xsk.RxRing;
import dev.sluice.xsk.TxRing;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JI_Result;
import org.openjdk.jcstress.infra.results.JJ_Result;

/** The publish and consume protocol of the AF_XDP rings: a producer on one thread, a consumer on the other. */
public final class RingStress {
    private static final long OLD = 0x1111_1111_1111L;
    private static final long NEW = 0x2222_2222_2222L;

    private RingStress() {}

    /** A ring of {@code size} entries in heap memory, with both indices just below their wrap. */
    private static Ring.Mapping newRing(int size) {
        MemorySegment memory = MemorySegment.ofArray(new long[32]);
        memory.set(ValueLayout.JAVA_INT, 0, -1);
        memory.set(ValueLayout.JAVA_INT, 64, -1);
        return new Ring.Mapping(memory, 0, 64, 72, 128, size);
    }

    /** Who sees the producer index sees the entry. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "nothing published yet")
    @Outcome(id = "" + NEW + ", 60", expect = ACCEPTABLE, desc = "the whole entry")
    @Outcome(expect = FORBIDDEN, desc = "an index without its entry")
    @State
    public static class Publish {
        private final Ring.Mapping ring = newRing(4);
        private final TxRing producer = new TxRing(ring);
        private final RxRing consumer = new RxRing(ring);

        @Actor
        public void produce() {
            producer.reserve(1);
            producer.set(0, NEW, 60);
            producer.submit(1);
        }

        @Actor
        public void consume(JI_Result r) {
            if (consumer.peek(1) == 1) {
                r.r1 = consumer.address(0);
                r.r2 = consumer.length(0);
                consumer.release(1);
            }
        }
    }

    /** An entry is not overwritten before its consumer has released it. */
    @JCStressTest
    @Outcome(id = "" + OLD + ", 0", expect = ACCEPTABLE, desc = "read before it was released, ring full until then")
    @Outcome(id = "" + OLD + ", 1", expect = ACCEPTABLE, desc = "read and released, then reused")
    @Outcome(expect = FORBIDDEN, desc = "overwritten while in use")
    @State
    public static class Reuse {
        private final TxRing producer;
        private final RxRing consumer;

        public Reuse() {
            Ring.Mapping ring = newRing(1);
            producer = new TxRing(ring);
            producer.reserve(1);
            producer.set(0, OLD, 60);
            producer.submit(1);
            consumer = new RxRing(ring);
        }

        @Actor
        public void consume(JJ_Result r) {
            consumer.peek(1);
            r.r1 = consumer.address(0);
            consumer.release(1);
        }

        @Actor
        public void produce(JJ_Result r) {
            if (producer.reserve(1) == 1) {
                producer.set(0, NEW, 1500);
                producer.submit(1);
                r.r2 = 1;
            }
        }
    }
}

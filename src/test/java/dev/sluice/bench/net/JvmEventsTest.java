package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class JvmEventsTest {
    @Test
    void the_log_of_a_jvm_is_summed_up() {
        assertEquals(
                "2 safepoints (longest 65.1 us), 1 collections, 1 compilations",
                JvmEvents.summary(List.of(
                        "[11ns][gc] Using Serial",
                        "[12ns][safepoint] Safepoint \"ICBufferFull\", Time since last: 9 ns, Reaching safepoint: 8 ns,"
                                + " At safepoint: 7 ns, Total: 20000 ns",
                        "[13ns][safepoint] Safepoint \"G\", Time since last: 9 ns, Total: 65100 ns",
                        "[14ns][gc] GC(0) Pause Young (Allocation Failure) 17M->2M(61M) 3.1ms",
                        "[15ns][jit,compilation] 1 3 java.lang.Object::<init> (1 bytes)")));
    }
}

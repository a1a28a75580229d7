package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

class WatchdogTest {
    private static final long MS = 1_000_000;

    private final long[] cycles = new long[2];
    private int beats;

    private Watchdog watchdog(long timeoutMs) {
        List<LongSupplier> workers = List.of(() -> cycles[0], () -> cycles[1]);
        return new Watchdog(timeoutMs * MS, () -> beats++, workers, 0);
    }

    @Test
    void beatsFourTimesInTheTimeThatIsAllowed() {
        Watchdog watchdog = watchdog(400);
        for (long ms = 1; ms <= 400; ms++) {
            cycles[0]++;
            cycles[1]++;
            watchdog.turn(ms * MS);
        }
        assertEquals(4, beats);
    }

    @Test
    void oneWorkerThatIsStuckIsEnough() {
        Watchdog watchdog = watchdog(400);
        cycles[0]++;
        cycles[1]++;
        watchdog.turn(100 * MS);
        assertEquals(1, beats);
        for (long ms = 101; ms <= 5000; ms++) {
            cycles[1]++;
            watchdog.turn(ms * MS);
        }
        assertEquals(1, beats, "worker 0 has done nothing since");
        cycles[0]++;
        watchdog.turn(5001 * MS);
        assertEquals(2, beats, "it goes on, at once");
    }

    @Test
    void aCycleBeforeTheLastBeatDoesNotCount() {
        Watchdog watchdog = watchdog(400);
        cycles[0] = 1000;
        cycles[1] = 1000;
        watchdog.turn(150 * MS);
        watchdog.turn(250 * MS);
        assertEquals(1, beats);
    }

    @Test
    void nobodyIsToldWhereNobodyListens() {
        Watchdog watchdog = watchdog(0);
        cycles[0]++;
        cycles[1]++;
        watchdog.turn(1_000_000 * MS);
        assertEquals(0, beats);
    }
}

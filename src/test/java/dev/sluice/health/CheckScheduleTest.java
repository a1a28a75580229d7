package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class CheckScheduleTest {
    private static final long MS = 1_000_000;
    private static final long START = 5_000 * MS;

    private static CheckSchedule schedule(int jitterPercent) {
        return new CheckSchedule(
                START, new Timing(1_000, 200, 3_000, 2, 3, jitterPercent, true), new SplittableRandom(7));
    }

    @Test
    void delaysDoNotAddUp() {
        CheckSchedule schedule = schedule(0);
        for (int n = 0; n < 1_000; n++) {
            assertEquals(START + n * 1_000L * MS, schedule.nextNs());
            schedule.ended(schedule.nextNs() + (n % 900) * MS, false);
        }
    }

    @Test
    void jitterMovesNeighboursByNoMoreThanItselfAndAddsUpToNothing() {
        CheckSchedule schedule = schedule(20);
        long before = schedule.nextNs();
        boolean moved = false;
        for (int n = 1; n < 1_000; n++) {
            schedule.ended(before + MS, false);
            long next = schedule.nextNs();
            assertTrue(Math.abs(next - before - 1_000 * MS) <= 200 * MS, "after " + (next - before) / MS + " ms");
            assertTrue(Math.abs(next - START - n * 1_000L * MS) <= 100 * MS);
            moved |= next != START + n * 1_000L * MS;
            before = next;
        }
        assertTrue(moved);
        assertNotEquals(START, before);
    }

    @Test
    void retriesUntilTheStateIsClearThenGoesOnAsBefore() {
        CheckSchedule schedule = schedule(0);
        schedule.ended(START + 10 * MS, false);
        schedule.ended(START + 1_010 * MS, true);
        assertEquals(START + 1_200 * MS, schedule.nextNs());
        schedule.ended(START + 1_210 * MS, true);
        assertEquals(START + 1_400 * MS, schedule.nextNs());
        schedule.ended(START + 1_410 * MS, false);
        assertEquals(START + 2_000 * MS, schedule.nextNs());
    }

    @Test
    void aRetryDoesNotOvertakeTheCheckBefore() {
        CheckSchedule schedule = schedule(0);
        schedule.ended(START + 3_000 * MS, true);
        assertEquals(START + 3_000 * MS, schedule.nextNs());
        schedule.ended(START + 6_000 * MS, false);
        assertEquals(START + 6_000 * MS, schedule.nextNs());
    }

    @Test
    void missedBeginningsAreLeftOut() {
        CheckSchedule schedule = schedule(0);
        schedule.ended(START + 3_500 * MS, false);
        assertEquals(START + 4_000 * MS, schedule.nextNs());
        schedule.ended(START + 4_010 * MS, false);
        assertEquals(START + 5_000 * MS, schedule.nextNs());
    }

    @Test
    void latenessIsOfTheLastSeconds() {
        Lateness lateness = new Lateness(0);
        lateness.add(2 * MS, 100 * MS);
        lateness.add(4 * MS, 200 * MS);
        assertEquals(3, lateness.meanMs(300 * MS), 1e-9);
        lateness.add(0, 1_100 * MS);
        assertEquals(2, lateness.meanMs(1_200 * MS), 1e-9);
        assertEquals(4, lateness.maxMs(1_200 * MS));
        assertEquals(0, lateness.maxMs(2_200 * MS), "one second further on the first has left the window");
        assertEquals(0, lateness.meanMs(9_000 * MS), 1e-9);
    }
}

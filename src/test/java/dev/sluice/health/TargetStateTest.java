package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Rise, fall, several checks, damping: on a clock that the test turns. */
final class TargetStateTest {
    private static final CheckResult GOOD = CheckResult.healthy("fine");
    private static final CheckResult BAD = CheckResult.unhealthy("connection refused");
    private static final CheckResult NOT_MADE = CheckResult.notMade("too many open files");

    private long nowMs = 1_000_000;

    private static CheckState check(int rise, int fall, boolean initiallyUp) {
        Timing timing = new Timing(1_000, 1_000, 1_000, rise, fall, 0, initiallyUp);
        return new CheckState(new CheckSpec(new Probe.Tcp(), null, 0, null, Via.RIP, timing));
    }

    private static TargetState target(CheckState... checks) {
        return new TargetState(List.of(checks), Instant.ofEpochMilli(1_000_000));
    }

    /** A second later, a result. */
    private Optional<TargetHealth.Change> take(TargetState target, CheckState check, CheckResult result) {
        nowMs += 1_000;
        return target.take(check, result, "10.0.0.11:80", Instant.ofEpochMilli(nowMs), nowMs, 3);
    }

    private int takesUntilChange(TargetState target, CheckState check, CheckResult result) {
        for (int i = 1; i <= 100; i++) {
            if (take(target, check, result).isPresent()) {
                return i;
            }
        }
        throw new AssertionError("no change after 100 results");
    }

    @Test
    void fallsAndRisesByResultsInARow() {
        CheckState check = check(2, 3, true);
        TargetState target = target(check);
        for (CheckResult result : List.of(BAD, BAD, GOOD, BAD, BAD)) {
            assertTrue(take(target, check, result).isEmpty());
        }
        assertTrue(check.isContradicted());
        TargetHealth.Change down = take(target, check, BAD).orElseThrow();
        assertFalse(down.up());
        assertEquals("tcp 10.0.0.11:80: connection refused", down.reason());
        assertFalse(check.isContradicted());
        for (CheckResult result : List.of(BAD, GOOD, BAD, GOOD)) {
            assertTrue(take(target, check, result).isEmpty());
        }
        assertTrue(take(target, check, GOOD).orElseThrow().up());
        TargetHealth health = target.health(nowMs);
        assertTrue(health.up());
        assertEquals(Instant.ofEpochMilli(nowMs), health.since());
        assertEquals("tcp 10.0.0.11:80: fine", health.reason());
        assertEquals(2, health.history().size());
        TargetHealth.CheckHealth only = health.checks().getFirst();
        assertEquals(List.of(2, 4L, 7L), List.of(only.streak(), only.successes(), only.failures()));
    }

    @Test
    void beginsAsConfigured() {
        CheckState check = check(2, 1, false);
        TargetState target = target(check);
        assertFalse(target.isUp());
        assertEquals("not checked yet", target.health(nowMs).reason());
        assertFalse(check.isContradicted());
        assertTrue(take(target, check, GOOD).isEmpty());
        assertTrue(take(target, check, GOOD).orElseThrow().up());
    }

    @Test
    void aCheckThatIsNotMadeChangesNothing() {
        CheckState check = check(1, 2, true);
        TargetState target = target(check);
        take(target, check, BAD);
        for (int i = 0; i < 10; i++) {
            assertTrue(take(target, check, NOT_MADE).isEmpty());
        }
        TargetHealth.CheckHealth health = target.health(nowMs).checks().getFirst();
        assertEquals("too many open files", health.lastResult());
        assertEquals(1, health.streak());
        assertFalse(take(target, check, BAD).orElseThrow().up());
    }

    @Test
    void isUpWhileAllChecksAre() {
        CheckState first = check(1, 1, true);
        CheckState second = check(1, 1, true);
        TargetState target = target(first, second);
        assertFalse(take(target, first, BAD).orElseThrow().up());
        assertTrue(take(target, second, BAD).isEmpty(), "it is down already");
        assertTrue(take(target, first, GOOD).isEmpty(), "the other one still says so");
        assertTrue(take(target, second, GOOD).orElseThrow().up());
    }

    @Test
    void aFailedCheckThatGoesAwayLetsTheTargetUp() {
        CheckState bad = check(1, 1, true);
        CheckState good = check(1, 1, true);
        TargetState target = target(bad, good);
        take(target, bad, BAD);
        TargetHealth.Change change =
                target.replaceChecks(List.of(good), Instant.EPOCH, nowMs).orElseThrow();
        assertTrue(change.up());
        assertEquals("the checks were changed", change.reason());
    }

    @Test
    void flappingIsDamped() {
        CheckState check = check(2, 1, true);
        TargetState target = target(check);
        for (int failure = 1; failure <= 2; failure++) {
            take(target, check, BAD);
            assertEquals(2, takesUntilChange(target, check, GOOD));
            assertFalse(target.isFlapping(nowMs));
        }
        take(target, check, BAD);
        assertTrue(target.isFlapping(nowMs));
        assertTrue(target.health(nowMs).flapping());
        assertEquals(2 * 3, takesUntilChange(target, check, GOOD), "the penalty is a little below 3");
        take(target, check, BAD);
        assertEquals(2 * 4, takesUntilChange(target, check, GOOD));
        for (int i = 0; i < 20; i++) {
            take(target, check, BAD);
            takesUntilChange(target, check, GOOD);
        }
        take(target, check, BAD);
        int damped = takesUntilChange(target, check, GOOD);
        assertTrue(damped > 8 && damped <= 2 * FlapDamping.MAX_PENALTY, damped + " successes");
        nowMs += 4 * FlapDamping.HALF_LIFE_MS;
        assertFalse(target.isFlapping(nowMs), "it has been quiet for long");
        take(target, check, BAD);
        assertEquals(2, takesUntilChange(target, check, GOOD));
        assertEquals(TargetState.HISTORY, target.health(nowMs).history().size());
    }

    @Test
    void rareFailuresAreNotFlapping() {
        CheckState check = check(2, 1, true);
        TargetState target = target(check);
        for (int i = 0; i < 50; i++) {
            take(target, check, BAD);
            assertEquals(2, takesUntilChange(target, check, GOOD));
            nowMs += FlapDamping.HALF_LIFE_MS;
        }
    }
}

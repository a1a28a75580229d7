package dev.sluice.health;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * What the checks of a target make of it: it is up while all of them are. A target with several checks is told of changes of its
 * own, not of theirs. Not thread-safe: {@link FollowedTarget} has a lock.
 */
final class TargetState {
    /** Changes that are remembered. */
    static final int HISTORY = 32;

    private final FlapDamping damping = new FlapDamping();
    private final Deque<TargetHealth.Change> history = new ArrayDeque<>();
    private List<CheckState> checks;
    private boolean up;
    private Instant since;
    private String reason = "not checked yet";

    TargetState(List<CheckState> checks, Instant now) {
        this.checks = List.copyOf(checks);
        since = now;
        up = allUp();
    }

    private boolean allUp() {
        return checks.stream().allMatch(CheckState::isUp);
    }

    /** Its checks. */
    List<CheckState> checks() {
        return checks;
    }

    boolean isUp() {
        return up;
    }

    /**
     * Takes the result of one of its checks.
     *
     * @param nowMs on a clock that never jumps
     * @return the change that it made
     */
    Optional<TargetHealth.Change> take(
            CheckState check, CheckResult result, String destination, Instant at, long nowMs, long durationMs) {
        boolean changed = check.take(result, damping.factor(nowMs), at, durationMs);
        if (!changed) {
            return Optional.empty();
        }
        return settle(check.spec().probe().keyword() + " " + destination + ": " + result.text(), at, nowMs);
    }

    /** Has other checks from now on: those that it had and still has, with their states, and new ones. */
    Optional<TargetHealth.Change> replaceChecks(List<CheckState> replacements, Instant at, long nowMs) {
        checks = List.copyOf(replacements);
        return settle("the checks were changed", at, nowMs);
    }

    private Optional<TargetHealth.Change> settle(String cause, Instant at, long nowMs) {
        boolean nowUp = allUp();
        if (nowUp == up) {
            return Optional.empty();
        }
        up = nowUp;
        since = at;
        reason = cause;
        if (!up) {
            damping.failed(nowMs);
        }
        TargetHealth.Change change = new TargetHealth.Change(at, up, cause);
        if (history.size() == HISTORY) {
            history.removeFirst();
        }
        history.addLast(change);
        return Optional.of(change);
    }

    /** Whether it changes so often that it has to stay healthy longer. */
    boolean isFlapping(long nowMs) {
        return damping.isFlapping(nowMs);
    }

    TargetHealth health(long nowMs) {
        List<TargetHealth.CheckHealth> healths = new ArrayList<>();
        checks.forEach(check -> healths.add(check.health()));
        return new TargetHealth(up, since, reason, isFlapping(nowMs), healths, List.copyOf(history));
    }
}

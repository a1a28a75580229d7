package dev.sluice.health;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Follows the health of targets by their checks. Any thread. */
public interface HealthChecks extends AutoCloseable {
    /**
     * Makes these the targets and their checks. Checks that are the same as before go on as if nothing had happened, with
     * their state; a check that is new starts with {@link Timing#initiallyUp}.
     *
     * @param wanted all targets; those without checks are left out
     */
    void follow(Map<Target, List<CheckSpec>> wanted);

    /** What is known of a target; empty for one that is not followed. */
    Optional<TargetHealth> of(Target target);

    /** How the checks themselves get on. */
    Progress progress();

    /** Makes no more checks; returns when none runs any more, or after some seconds. */
    @Override
    void close();

    /**
     * How the checks themselves get on.
     *
     * @param targets how many targets are followed
     * @param checks how many checks they have
     * @param running how many of them are being made now
     * @param made how many have been made
     * @param lateMs how late checks began in the mean of the last second or so, in milliseconds
     * @param maxLateMs how late the latest of them began
     */
    record Progress(int targets, int checks, int running, long made, double lateMs, long maxLateMs) {}
}

package dev.sluice.health;

/**
 * Is told when real servers fail and recover. Called from threads of checks, for one target never two at a time, and in the order of
 * the changes. It may take its time; the thread is interrupted when its check is not wanted any more.
 */
@FunctionalInterface
public interface HealthListener {
    /**
     * A target is up or down now; it was not before.
     *
     * @param reason the check and its result that made the difference, in words
     */
    void changed(Target target, boolean up, String reason);
}

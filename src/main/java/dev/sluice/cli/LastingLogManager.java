package dev.sluice.cli;

import java.util.logging.LogManager;

/**
 * A log manager whose handlers last until the JVM has ended. The JDK's own closes them in a shutdown hook, which runs
 * beside the director's: what a director said while it stopped would be lost.
 *
 * <p>The launcher names it in {@code java.util.logging.manager}.
 */
public final class LastingLogManager extends LogManager {
    /** For the JDK, which makes the one instance. */
    public LastingLogManager() {}

    /** Does nothing: it is called when the JVM ends, and before the one configuration is read. */
    @Override
    public void reset() {}
}

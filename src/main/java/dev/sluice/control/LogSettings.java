package dev.sluice.control;

import dev.sluice.control.config.LogConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Logger;

/**
 * What the process's log says, and how: one for all of it, as standard error is. Changes hold at once, whoever logs. Any thread.
 */
public final class LogSettings {
    /** All of Sluice's loggers are below it. Kept here, for the JDK would forget it and its level. */
    private static final Logger OURS = Logger.getLogger("dev.sluice");

    private static volatile LogConfig current = LogConfig.DEFAULT;

    private LogSettings() {}

    /** What holds. */
    public static LogConfig current() {
        return current;
    }

    /** Sets it. Returns a line for each thing that is another now. */
    public static synchronized List<String> apply(LogConfig wanted) {
        List<String> changes = differences(wanted);
        current = wanted;
        OURS.setLevel(wanted.logLevel().julLevel());
        return changes;
    }

    /** A line for each thing that would be another. */
    static List<String> differences(LogConfig wanted) {
        LogConfig before = current;
        List<String> changes = new ArrayList<>();
        if (before.logLevel() != wanted.logLevel()) {
            changes.add("change log_level: " + before.logLevel().keyword() + " -> "
                    + wanted.logLevel().keyword());
        }
        if (before.logFormat() != wanted.logFormat()) {
            changes.add("change log_format: " + before.logFormat().keyword() + " -> "
                    + wanted.logFormat().keyword());
        }
        return changes;
    }
}

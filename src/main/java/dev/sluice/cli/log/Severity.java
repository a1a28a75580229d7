package dev.sluice.cli.log;

import java.util.logging.Level;

/** Levels by the names that System.Logger gives them, and the priorities of syslog(3). */
enum Severity {
    ERROR(3),
    WARNING(4),
    INFO(6),
    DEBUG(7),
    TRACE(7);

    private final int priority;

    Severity(int priority) {
        this.priority = priority;
    }

    /** The number that sd-daemon(3) wants in angle brackets. */
    int priority() {
        return priority;
    }

    static Severity of(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) {
            return ERROR;
        } else if (value >= Level.WARNING.intValue()) {
            return WARNING;
        } else if (value >= Level.INFO.intValue()) {
            return INFO;
        }
        return value >= Level.FINE.intValue() ? DEBUG : TRACE;
    }
}

package dev.sluice.control.config;

import java.util.Arrays;
import java.util.Optional;
import java.util.logging.Level;
import java.util.stream.Collectors;

/** How much a director says of itself: a level, and those that are graver. */
public enum LogLevel {
    /** Something failed. */
    ERROR("error"),
    /** Somebody should look. */
    WARNING("warning"),
    /** What changed. */
    INFO("info"),
    /** What explains the rest. */
    DEBUG("debug"),
    /** Everything. */
    TRACE("trace");

    private final String keyword;

    LogLevel(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }

    /** What java.util.logging calls it. */
    public Level julLevel() {
        return switch (this) {
            case ERROR -> Level.SEVERE;
            case WARNING -> Level.WARNING;
            case INFO -> Level.INFO;
            case DEBUG -> Level.FINE;
            case TRACE -> Level.FINER;
        };
    }

    /** The level of a word. */
    public static Optional<LogLevel> of(String keyword) {
        return Arrays.stream(values())
                .filter(one -> one.keyword.equals(keyword))
                .findFirst();
    }

    /** All words, separated by commas. */
    public static String keywords() {
        return Arrays.stream(values()).map(LogLevel::keyword).collect(Collectors.joining(", "));
    }
}

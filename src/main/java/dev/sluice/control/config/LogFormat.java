package dev.sluice.control.config;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** How log lines look. */
public enum LogFormat {
    /** {@link #JOURNAL} where standard error is the journal, else {@link #TEXT}. */
    AUTO("auto"),
    /** Time, level, message. */
    TEXT("text"),
    /** A JSON object a line. */
    JSON("json"),
    /** As sd-daemon(3) has it: a priority in angle brackets and the message; the journal knows the time. */
    JOURNAL("journal");

    private final String keyword;

    LogFormat(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }

    /** The format of a word. */
    public static Optional<LogFormat> of(String keyword) {
        return Arrays.stream(values())
                .filter(one -> one.keyword.equals(keyword))
                .findFirst();
    }

    /** All words, separated by commas. */
    public static String keywords() {
        return Arrays.stream(values()).map(LogFormat::keyword).collect(Collectors.joining(", "));
    }
}

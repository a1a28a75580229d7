package dev.sluice.cli.log;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;

/**
 * One log record, one line: time, level by the name System.Logger gives it, message, and the causes of a failure. Stack traces only
 * with {@code SLUICE_DEBUG=1}. Any thread.
 */
final class TextFormatter extends Formatter {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern(
                    "yyyy-MM-dd'T'HH:mm:ss.SSSxxx", Locale.ROOT)
            .withZone(ZoneId.systemDefault());
    private final boolean debug;

    /**
     * @param debug whether stack traces are wanted
     */
    TextFormatter(boolean debug) {
        this.debug = debug;
    }

    @Override
    public String format(LogRecord entry) {
        String text =
                TIME.format(entry.getInstant()) + ' ' + Severity.of(entry.getLevel()) + ' ' + message(this, entry);
        return text + System.lineSeparator() + (debug ? trace(entry) : "");
    }

    /** The message and its causes, on one line. */
    static String message(Formatter formatter, LogRecord entry) {
        StringBuilder line = new StringBuilder(formatter.formatMessage(entry));
        for (Throwable cause = entry.getThrown(); cause != null; cause = cause.getCause()) {
            line.append(": ")
                    .append(cause.getMessage() == null ? cause.getClass().getName() : cause.getMessage());
        }
        return line.toString().replaceAll("\\s*\\R\\s*", " ");
    }

    /** The stack trace of a failure; empty when there is none. */
    static String trace(LogRecord entry) {
        if (entry.getThrown() == null) {
            return "";
        }
        StringWriter trace = new StringWriter();
        entry.getThrown().printStackTrace(new PrintWriter(trace));
        return trace.toString();
    }
}

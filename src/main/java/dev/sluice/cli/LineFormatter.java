package dev.sluice.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/**
 * One log record, one line: time, level by the name System.Logger gives it, message, and the causes of a failure. Named in
 * the distribution's logging.properties. Stack traces only with {@code SLUICE_DEBUG=1}.
 */
public final class LineFormatter extends Formatter {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern(
                    "yyyy-MM-dd'T'HH:mm:ss.SSSxxx", Locale.ROOT)
            .withZone(ZoneId.systemDefault());
    private static final Map<Level, String> LEVELS = Map.of(
            Level.SEVERE, "ERROR",
            Level.WARNING, "WARNING",
            Level.INFO, "INFO",
            Level.FINE, "DEBUG",
            Level.FINER, "TRACE");

    private final boolean debug;

    /** Made by java.util.logging. */
    public LineFormatter() {
        this("1".equals(System.getenv("SLUICE_DEBUG")));
    }

    LineFormatter(boolean debug) {
        this.debug = debug;
    }

    /** Has the JDK make what the first line of a log takes, so that the "ready" of a start need not wait for it. Any thread. */
    static void prepare() {
        var _ = System.getLogger(LineFormatter.class.getName()).isLoggable(System.Logger.Level.INFO);
        LogRecord first = new LogRecord(Level.INFO, "{0}");
        first.setParameters(new Object[] {1});
        var _ = new LineFormatter().format(first);
    }

    @Override
    public String format(LogRecord entry) {
        StringBuilder line = new StringBuilder(TIME.format(entry.getInstant()))
                .append(' ')
                .append(LEVELS.getOrDefault(entry.getLevel(), entry.getLevel().getName()))
                .append(' ')
                .append(formatMessage(entry));
        for (Throwable cause = entry.getThrown(); cause != null; cause = cause.getCause()) {
            line.append(": ")
                    .append(cause.getMessage() == null ? cause.getClass().getName() : cause.getMessage());
        }
        String text = line.toString().replaceAll("\\s*\\R\\s*", " ");
        if (debug && entry.getThrown() != null) {
            StringWriter trace = new StringWriter();
            entry.getThrown().printStackTrace(new PrintWriter(trace));
            text += System.lineSeparator() + trace;
        }
        return text + System.lineSeparator();
    }
}

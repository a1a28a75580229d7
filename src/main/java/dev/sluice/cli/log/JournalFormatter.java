package dev.sluice.cli.log;

import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import java.util.stream.Collectors;

/**
 * One log record, one line for the journal: a priority as sd-daemon(3) has it, and the message. The journal has the time, and takes
 * the priority off. Any thread.
 */
final class JournalFormatter extends Formatter {
    private final boolean debug;

    /**
     * @param debug whether stack traces are wanted
     */
    JournalFormatter(boolean debug) {
        this.debug = debug;
    }

    @Override
    public String format(LogRecord entry) {
        String priority = "<" + Severity.of(entry.getLevel()).priority() + ">";
        String lines = TextFormatter.message(this, entry) + "\n" + (debug ? TextFormatter.trace(entry) : "");
        // Each line of a trace is an entry of its own, and bears the priority.
        return lines.lines().map(line -> priority + line + "\n").collect(Collectors.joining());
    }
}

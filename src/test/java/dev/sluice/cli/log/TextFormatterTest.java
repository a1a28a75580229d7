package dev.sluice.cli.log;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

/** One record, one line. */
class TextFormatterTest {
    private static LogRecord failure() {
        LogRecord entry = new LogRecord(Level.WARNING, "{0} is\ndown");
        entry.setParameters(new Object[] {"eth1"});
        entry.setThrown(new IllegalStateException("outer", new IOException()));
        return entry;
    }

    @Test
    void oneLineWithTheCauses() {
        String line = new TextFormatter(false).format(failure());
        assertTrue(
                line.matches(
                        "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}[+-]\\d\\d:\\d\\d WARNING eth1 is down: outer:"
                                + " java\\.io\\.IOException\\R"),
                line);
    }

    @Test
    void tracesWhenWanted() {
        assertTrue(new TextFormatter(true).format(failure()).contains("\tat " + TextFormatterTest.class.getName()));
    }
}

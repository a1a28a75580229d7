package dev.sluice.cli.log;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.stats.LogField;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;

/**
 * One log record, one JSON object on a line: {@code time}, {@code level}, {@code message}, the {@code event} (the message before its
 * values were put in: equal for all of a kind), the values that have names, and the {@code logger}. Any thread.
 */
final class JsonFormatter extends Formatter {
    /** Made when the first line is: a start without this format is the faster. */
    private static final class Factory {
        static final JsonFactory JSON = new JsonFactory();
    }

    private final boolean debug;
    private final String prefix;

    /**
     * @param debug whether stack traces are wanted
     * @param journal whether lines go to the journal, which is told the priority beside
     */
    JsonFormatter(boolean debug, boolean journal) {
        this.debug = debug;
        prefix = journal ? "<%d>" : "";
    }

    @Override
    public String format(LogRecord entry) {
        Severity severity = Severity.of(entry.getLevel());
        StringWriter line = new StringWriter();
        try (JsonGenerator json = Factory.JSON.createGenerator(line)) {
            json.writeStartObject();
            json.writeStringField("time", entry.getInstant().toString());
            json.writeStringField("level", severity.name().toLowerCase(Locale.ROOT));
            json.writeStringField("message", TextFormatter.message(this, entry));
            json.writeStringField("event", String.valueOf(entry.getMessage()));
            if (entry.getParameters() != null) {
                writeFields(json, entry.getParameters());
            }
            if (entry.getThrown() != null) {
                json.writeStringField("error", entry.getThrown().toString());
                if (debug) {
                    json.writeStringField("trace", TextFormatter.trace(entry));
                }
            }
            if (entry.getLoggerName() != null) {
                json.writeStringField("logger", entry.getLoggerName());
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return String.format(Locale.ROOT, prefix, severity.priority()) + line + "\n";
    }

    private static void writeFields(JsonGenerator json, Object[] parameters) throws IOException {
        // A name has one value in an object; a message may have two of a kind.
        Set<String> written = new HashSet<>();
        for (Object parameter : parameters) {
            if (parameter instanceof LogField field && written.add(field.name())) {
                switch (field.value()) {
                    case Integer number -> json.writeNumberField(field.name(), number);
                    case Long number -> json.writeNumberField(field.name(), number);
                    default -> json.writeStringField(field.name(), field.value().toString());
                }
            }
        }
    }
}

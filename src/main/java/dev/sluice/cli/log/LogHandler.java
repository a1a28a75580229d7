package dev.sluice.cli.log;

import dev.sluice.control.LogSettings;
import dev.sluice.control.config.LogFormat;
import dev.sluice.stats.LogField;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Writes the log to standard error in the format that holds at the moment, each line at once. Of one kind of record no more than a
 * number are written in a time, so that nobody fills a disk by provoking them. Named in the distribution's logging.properties.
 * Any thread.
 */
public final class LogHandler extends Handler {
    /** So many of a kind at once: a whole rack that goes down is still told of one by one. */
    static final int BURST = 100;

    /** And then one a second: of one kind some 10 MB in a day. */
    private static final double PER_SECOND = 1;

    private static final long PERIOD_NS = 10_000_000_000L;
    private static final long TICK_MS = 500;

    private final PrintStream out;
    private final Supplier<LogFormat> format;
    private final boolean journal;
    private final Formatter text;
    private final Formatter json;
    private final Formatter forJournal;

    // Guarded by this.
    private final RateLimit limit;
    private @Nullable Thread teller;

    /** Made by java.util.logging. */
    public LogHandler() {
        this(
                System.err,
                () -> LogSettings.current().logFormat(),
                isJournal(System.getenv(), Path.of("/proc/self/fd/2")),
                "1".equals(System.getenv("SLUICE_DEBUG")),
                new RateLimit(BURST, PER_SECOND, PERIOD_NS));
    }

    /**
     * @param format what holds at the moment
     * @param journal whether lines go to the journal
     * @param debug whether stack traces are wanted
     */
    LogHandler(PrintStream out, Supplier<LogFormat> format, boolean journal, boolean debug, RateLimit limit) {
        this.out = out;
        this.format = format;
        this.journal = journal;
        this.limit = limit;
        text = new TextFormatter(debug);
        json = new JsonFormatter(debug, journal);
        forJournal = new JournalFormatter(debug);
        setLevel(Level.ALL);
    }

    /**
     * Whether a file is the journal's stream that the service manager has named: sd_journal_print(3), "$JOURNAL_STREAM" in
     * systemd.exec(5).
     */
    static boolean isJournal(Map<String, String> environment, Path file) {
        String stream = environment.get("JOURNAL_STREAM");
        if (stream == null) {
            return false;
        }
        try {
            Map<String, Object> attributes = Files.readAttributes(file, "unix:dev,ino");
            return stream.equals(attributes.get("dev") + ":" + attributes.get("ino"));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    /** Has the JDK make what the first line of a log takes, so that the "ready" of a start need not wait for it. Any thread. */
    public static void prepare() {
        var _ = System.getLogger(LogHandler.class.getName()).isLoggable(System.Logger.Level.INFO);
        LogRecord first = new LogRecord(Level.INFO, "{0}");
        first.setParameters(new Object[] {1});
        var _ = new TextFormatter(false).format(first);
    }

    /** Tells of what was held back, for there may be no later. */
    public static void flushAll() {
        for (Handler handler : Logger.getLogger("").getHandlers()) {
            handler.flush();
        }
    }

    @Override
    public synchronized void publish(LogRecord entry) {
        if (!isLoggable(entry)) {
            return;
        }
        String kind = entry.getLoggerName() + " " + entry.getMessage();
        long nowNs = System.nanoTime();
        if (isOfAChange(entry) || limit.admit(kind, nowNs)) {
            write(entry);
        } else {
            limit.holdBack(kind, TextFormatter.message(text, entry), nowNs);
            tellLater();
        }
    }

    /** Who changed what is not held back, however much it is. */
    private static boolean isOfAChange(LogRecord entry) {
        if (entry.getParameters() != null) {
            for (Object parameter : entry.getParameters()) {
                if (parameter instanceof LogField field && field.name().equals("change")) {
                    return true;
                }
            }
        }
        return false;
    }

    private void write(LogRecord entry) {
        // One write for a line: others may write to the same file.
        byte[] bytes = formatter().format(entry).getBytes(StandardCharsets.UTF_8);
        out.write(bytes, 0, bytes.length);
        out.flush();
    }

    private Formatter formatter() {
        return switch (format.get()) {
            case AUTO -> journal ? forJournal : text;
            case TEXT -> text;
            case JSON -> json;
            case JOURNAL -> forJournal;
        };
    }

    /** Starts the thread that tells of what is held back; it ends when nothing is. */
    private void tellLater() {
        if (teller == null) {
            teller = Thread.ofPlatform().name("sluice-log").daemon().start(this::tell);
        }
    }

    private void tell() {
        while (true) {
            try {
                Thread.sleep(TICK_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            synchronized (this) {
                tell(false);
                if (!limit.isHolding()) {
                    teller = null;
                    return;
                }
            }
        }
    }

    private void tell(boolean all) {
        for (RateLimit.HeldBack heldBack : limit.due(System.nanoTime(), all)) {
            LogRecord entry = new LogRecord(Level.WARNING, "… and {0} more like this in the last {1} s: {2}");
            entry.setParameters(new Object[] {
                new LogField("suppressed", heldBack.count()),
                new LogField("seconds", heldBack.seconds()),
                heldBack.last()
            });
            entry.setLoggerName(heldBack.kind().replaceFirst(" .*", ""));
            write(entry);
        }
    }

    @Override
    public synchronized void flush() {
        tell(true);
        out.flush();
    }

    @Override
    public void close() {
        flush();
    }
}

package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A subject that is a process in the director's namespace, with its output in a file. */
final class SubjectProcess implements Subject.Running {
    private static final int END_S = 10;

    private final String name;
    private final Process process;
    private final Path log;

    private SubjectProcess(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    /** Starts it. Its standard input stays open until it is closed. */
    static SubjectProcess start(
            String name, NetworkNamespace namespace, Path log, Map<String, String> environment, List<String> command)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(namespace.command(command.toArray(String[]::new)))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().putAll(environment);
        return new SubjectProcess(name, builder.start(), log);
    }

    /** Its process; its launchers replace themselves by what they launch. */
    long pid() {
        return process.pid();
    }

    /** Waits for a text in what it wrote. */
    void await(String text, Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        while (!output().contains(text)) {
            check();
            if (System.nanoTime() > end) {
                close();
                throw new IllegalStateException(name + " did not say \"" + text + "\" in " + patience.toSeconds()
                        + " s; its output is in " + log);
            }
            Pause.ms(20);
        }
    }

    /** What it wrote so far. */
    String output() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void check() {
        if (!process.isAlive()) {
            String last = output().lines()
                    .filter(line -> !line.isBlank())
                    .reduce((_, line) -> line)
                    .orElse("nothing");
            throw new IllegalStateException(name + " ended with exit code " + process.exitValue() + "; its last words: "
                    + last + " (" + log + ")");
        }
    }

    /** SIGTERM, and SIGKILL to what is still there ten seconds later. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(END_S, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}

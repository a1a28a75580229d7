package dev.sluice.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How a command ended.
 *
 * @param command the command line, for messages
 * @param exitCode its exit code
 * @param out what it wrote to standard output
 * @param err what it wrote to standard error
 */
public record CommandResult(String command, int exitCode, String out, String err) {
    /** Standard output of a command that must have succeeded. */
    public String orFail() {
        if (exitCode != 0) {
            throw new AssertionError(this.toString());
        }
        return out;
    }

    /** Runs a command to its end; one that takes longer than the timeout is killed and fails the test. */
    static CommandResult of(ProcessBuilder builder, Duration timeout) {
        String command = String.join(" ", builder.command());
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            StringBuilder out = new StringBuilder();
            StringBuilder err = new StringBuilder();
            Thread outReader = reader(process.getInputStream(), out);
            Thread errReader = reader(process.getErrorStream(), err);
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                throw new AssertionError(command + ": not ended after " + timeout + "; " + out + err);
            }
            // A server that the command left running may hold the pipes open: what matters has been written by now.
            outReader.join(Duration.ofSeconds(5));
            errReader.join(Duration.ofSeconds(5));
            return new CommandResult(command, process.exitValue(), out.toString(), err.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static Thread reader(InputStream stream, StringBuilder text) {
        return Thread.ofVirtual().start(() -> {
            try (stream) {
                text.append(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                text.append(e);
            }
        });
    }

    @Override
    public String toString() {
        return command + ": exit code " + exitCode + "\n" + out + err;
    }
}

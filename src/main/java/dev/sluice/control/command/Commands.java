package dev.sluice.control.command;

import dev.sluice.control.preflight.EnvironmentException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Runs ip(8), nft(8), modprobe(8) and rmmod(8), which act in the calling thread's network namespace. Any thread; waits. */
public final class Commands {
    private static final int TIMEOUT_S = 20;
    /** The exit code of a command that is not there. */
    public static final int NOT_FOUND = 127;

    private Commands() {}

    /**
     * How a command ended.
     *
     * @param exitCode its exit code, 127 when there is no such command
     * @param output what it wrote, standard error included
     */
    public record Result(int exitCode, String output) {
        /** Whether it did what it was told. */
        public boolean isOk() {
            return exitCode == 0;
        }
    }

    /** Standard output of {@code ip} with these arguments. */
    public static String ip(String... arguments) throws EnvironmentException {
        Result result = run("ip", arguments);
        if (result.exitCode() == NOT_FOUND) {
            throw new EnvironmentException(
                    List.of("ip(8) not found in PATH; Debian and Ubuntu: apt-get install iproute2"));
        }
        if (!result.isOk()) {
            String said = result.output().strip().replaceAll("\\s*\\R\\s*", " ");
            String hint = said.toLowerCase(Locale.ROOT).contains("not permitted") ? "; run as root" : "";
            throw new EnvironmentException(List.of("ip " + String.join(" ", arguments) + ": " + said + hint));
        }
        return result.output();
    }

    /** Runs a command to its end, without input. */
    public static Result run(String name, String... arguments) {
        return runWith("", name, arguments);
    }

    /**
     * Runs a command to its end.
     *
     * @param input what it reads, no more than a pipe holds
     */
    public static Result runWith(String input, String name, String... arguments) {
        List<String> command = new ArrayList<>(List.of(name));
        command.addAll(List.of(arguments));
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            // Not there, or not to be run: the same to the caller.
            return new Result(NOT_FOUND, String.valueOf(e.getMessage()));
        }
        try {
            try (OutputStream in = process.getOutputStream()) {
                in.write(input.getBytes(StandardCharsets.UTF_8));
            }
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(TIMEOUT_S, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return new Result(1, "does not end");
            }
            return new Result(process.exitValue(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Result(1, "interrupted");
        }
    }
}

package dev.sluice.health;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@link Probe.Script}: runs a program in a session of its own ({@code setsid}), so that a timeout ends it with all that it has
 * started, and with another user's rights by {@code setpriv}; both are util-linux's.
 */
final class ScriptCheck implements Check {
    private static final int SIGKILL = 9;
    /** How much of the output is kept; the rest is read and thrown away, so that the program does not block. */
    private static final int KEPT_BYTES = 1024;

    private static final int FIRST_WAIT_MS = 1;
    private static final int LONGEST_WAIT_MS = 50;
    private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private final Probe.Script probe;
    private @Nullable List<String> command;

    ScriptCheck(Probe.Script probe) {
        this.probe = probe;
    }

    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException, InterruptedException {
        deadline.expect("end of the script");
        Process process = start(destination);
        try {
            String output = run(process, deadline);
            int exitCode = process.exitValue();
            String line =
                    AnswerReader.printable(output.lines().findFirst().orElse("").strip());
            String said = line.isEmpty() ? "" : ": " + line;
            return exitCode == 0
                    ? CheckResult.healthy("script ended with 0" + said)
                    : CheckResult.unhealthy(ending(exitCode) + said);
        } finally {
            end(process);
        }
    }

    private static String ending(int exitCode) {
        // Java reports a signal as 128 and its number, as shells do.
        return exitCode > 128 ? "script was ended by signal " + (exitCode - 128) : "script ended with " + exitCode;
    }

    private Process start(Destination destination) throws IOException {
        Path program = Path.of(probe.command().getFirst());
        if (!Files.isExecutable(program) || Files.isDirectory(program)) {
            throw new NotMadeException(program + " is not a program that can be run");
        }
        ProcessBuilder builder = new ProcessBuilder(command())
                .directory(Path.of("/").toFile())
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile());
        Map<String, String> environment = builder.environment();
        environment.clear();
        environment.putAll(environment(destination));
        try {
            return builder.start();
        } catch (IOException e) {
            throw new NotMadeException("script cannot be started: " + FailureText.lowerCase(e));
        }
    }

    /** What a script finds in its environment; {@code docs/health.md} has it as well. */
    static Map<String, String> environment(Destination destination) {
        Map<String, String> environment = new HashMap<>();
        environment.put("PATH", PATH);
        environment.put("SLUICE_RIP", destination.target().address().toString());
        environment.put("SLUICE_ADDRESS", destination.address().toString());
        environment.put("SLUICE_PORT", Integer.toString(destination.port()));
        environment.put(
                "SLUICE_TIMEOUT_MS",
                Integer.toString(destination.spec().timing().timeoutMs()));
        IpAddress source = destination.spec().source();
        if (source != null) {
            environment.put("SLUICE_SOURCE", source.toString());
        }
        switch (destination.target().service()) {
            case AddressKey key -> {
                environment.put("SLUICE_PROTOCOL", key.protocol().name());
                environment.put("SLUICE_VIP", key.address().toString());
                environment.put("SLUICE_VIP_PORT", Integer.toString(key.port()));
            }
            case FwmarkKey key -> environment.put("SLUICE_FWMARK", Integer.toUnsignedString(key.mark()));
        }
        return environment;
    }

    private List<String> command() throws IOException {
        List<String> known = command;
        if (known != null) {
            return known;
        }
        List<String> whole = new ArrayList<>(List.of("/usr/bin/setsid"));
        String user = probe.user();
        if (user != null) {
            // setpriv takes names, but does not look up which group a user is in.
            whole.addAll(List.of(
                    "/usr/bin/setpriv",
                    "--reuid=" + id("-u", user),
                    "--regid=" + id("-g", user),
                    "--init-groups",
                    "--"));
        }
        whole.addAll(probe.command());
        command = List.copyOf(whole);
        return command;
    }

    private static String id(String option, String user) throws IOException {
        Process process = new ProcessBuilder("/usr/bin/id", option, "--", user)
                .redirectErrorStream(true)
                .start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) {
                throw new NotMadeException("no user \"" + user + "\"");
            }
            return output;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NotMadeException("interrupted");
        }
    }

    /** Waits for its end, and takes what it says meanwhile, without ever blocking in a read, which would hold a carrier thread. */
    private static String run(Process process, Deadline deadline) throws IOException, InterruptedException {
        StringBuilder kept = new StringBuilder();
        byte[] buffer = new byte[KEPT_BYTES];
        InputStream output = process.getInputStream();
        int waitMs = FIRST_WAIT_MS;
        boolean ended = false;
        while (!ended) {
            ended = process.waitFor(Math.min(waitMs, deadline.remainingMs()), TimeUnit.MILLISECONDS);
            waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
            for (int ready = output.available(); ready > 0; ready = output.available()) {
                int count = output.read(buffer, 0, Math.min(ready, buffer.length));
                if (count < 0) {
                    break;
                }
                int room = Math.max(0, KEPT_BYTES - kept.length());
                kept.append(new String(buffer, 0, Math.min(count, room), StandardCharsets.UTF_8));
                deadline.remainingMs();
            }
        }
        return kept.toString();
    }

    /** Kills the whole session if it is not over, and those of its members that have left it. */
    private static void end(Process process) throws IOException {
        if (process.isAlive()) {
            List<ProcessHandle> descendants = process.descendants().toList();
            LibC.kill(CallState.current(), -Math.toIntExact(process.pid()), SIGKILL);
            descendants.forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        process.getInputStream().close();
    }
}

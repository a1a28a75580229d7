package dev.sluice.control;

import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.ServiceKey;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Runs {@code quorum_up} and {@code quorum_down}: those of a service one after the other, each on a thread of its own and for
 * a limited time. Nobody waits for them.
 */
final class QuorumCommands implements AutoCloseable {
    private static final Logger LOG = System.getLogger(QuorumCommands.class.getName());

    /** How long a command may take before it is killed. */
    private static final long TIMEOUT_MS = 30_000;

    private final long timeoutMs;
    private final Map<ServiceKey, CompletableFuture<Void>> last = new HashMap<>();
    private volatile boolean closed;

    QuorumCommands() {
        this(TIMEOUT_MS);
    }

    /** For tests: with another limit. */
    QuorumCommands(long timeoutMs) {
        this.timeoutMs = timeoutMs;
    }

    /**
     * Has a command run when those of the same service before it are done. Owned by: control thread.
     *
     * @param gained whether the quorum was gained or lost
     * @param command the program and its arguments; empty for nothing to run
     */
    void run(ServiceKey service, boolean gained, List<String> command) {
        if (!command.isEmpty()) {
            last.values().removeIf(CompletableFuture::isDone);
            last.put(
                    service,
                    last.getOrDefault(service, CompletableFuture.completedFuture(null))
                            .thenRunAsync(() -> execute(service, gained, command), QuorumCommands::onThreadOfItsOwn));
        }
    }

    private static void onThreadOfItsOwn(Runnable task) {
        Thread.startVirtualThread(task);
    }

    private void execute(ServiceKey service, boolean gained, List<String> command) {
        if (closed) {
            return;
        }
        String name = (gained ? "quorum_up " : "quorum_down ") + command.getFirst() + " of service " + service;
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(Redirect.from(new File("/dev/null")))
                .redirectOutput(Redirect.DISCARD)
                .redirectError(Redirect.DISCARD);
        builder.environment().putAll(environment(service, gained));
        try {
            Process process = builder.start();
            boolean ended = awaitEnd(process);
            if (!ended) {
                LOG.log(
                        closed ? Level.INFO : Level.ERROR,
                        closed ? "{0}: killed, for the director stops" : "{0}: killed after {1} ms",
                        name,
                        Long.toString(timeoutMs));
            } else {
                int exitCode = process.exitValue();
                LOG.log(
                        exitCode == 0 ? Level.INFO : Level.WARNING,
                        "{0}: exit code {1}",
                        name,
                        Integer.toString(exitCode));
            }
        } catch (IOException e) {
            LOG.log(Level.ERROR, "{0}: {1}", name, e.getMessage());
        }
    }

    /** Whether it ended by itself; in any case it has ended then, with all that it started. */
    private boolean awaitEnd(Process process) {
        long startNs = System.nanoTime();
        try {
            while (!closed && (System.nanoTime() - startNs) / 1_000_000 < timeoutMs) {
                if (process.waitFor(Math.min(100, timeoutMs), TimeUnit.MILLISECONDS)) {
                    return true;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        List<ProcessHandle> descendants = process.descendants().toList();
        process.destroyForcibly();
        descendants.forEach(ProcessHandle::destroyForcibly);
        return false;
    }

    private static Map<String, String> environment(ServiceKey service, boolean gained) {
        Map<String, String> environment = new HashMap<>();
        environment.put("SLUICE_QUORUM", gained ? "up" : "down");
        switch (service) {
            case AddressKey key -> {
                environment.put("SLUICE_PROTOCOL", key.protocol().name());
                environment.put("SLUICE_VIP", key.address().toString());
                environment.put("SLUICE_VIP_PORT", Integer.toString(key.port()));
            }
            case FwmarkKey key -> environment.put("SLUICE_FWMARK", Integer.toUnsignedString(key.mark()));
        }
        return environment;
    }

    /** Starts no more commands and kills those that run. */
    @Override
    public void close() {
        closed = true;
    }
}

package dev.sluice.bench.net;

import dev.sluice.bench.peer.ApacheBench;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Web clients, one process for each of the client's addresses, so that no address runs out of ports.
 *
 * @param cpus which they are pinned to in turn
 * @param concurrency connections that each has at a time
 */
record WebClients(WebTopology topology, List<Integer> cpus, int concurrency, Path folder) {
    /** Beyond the time that it was told to run: for what waits for an answer. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Asks for so long, and waits for the end. What is under way is ended when this thread is interrupted. */
    List<ApacheBench.Told> run(CleanUp cleanUp, WebSubject subject, int seconds) throws IOException {
        List<Process> running = Collections.synchronizedList(new ArrayList<>());
        AutoCloseable end = cleanUp.add(() -> running.forEach(Process::destroyForcibly));
        try {
            for (int number = 0; number < topology.clients(); number++) {
                Process process = new ProcessBuilder(topology.client().command(command(subject, number, seconds)))
                        .redirectErrorStream(true)
                        .redirectOutput(output(number).toFile())
                        .start();
                running.add(process);
            }
            List<ApacheBench.Told> told = new ArrayList<>();
            for (int number = 0; number < running.size(); number++) {
                if (!running.get(number).waitFor(seconds + PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    throw new IllegalStateException("a web client did not end; its output is in " + output(number));
                }
                Path csv = percentiles(number);
                told.add(ApacheBench.read(
                        Files.readString(output(number)), Files.exists(csv) ? Files.readAllLines(csv) : List.of()));
            }
            return told;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } finally {
            cleanUp.close(end);
        }
    }

    /** Whether the service answers, within seconds. */
    boolean isAnswered(WebSubject subject) {
        String url = "http://" + subject.address(topology, 0) + ":" + WebTopology.PORT + "/";
        NetworkNamespace.Result result = topology.client().tryRun("ab", "-q", "-n", "20", "-c", "1", "-s", "1", url);
        return result.exitCode() == 0
                && ApacheBench.read(result.output(), List.of()).failed() == 0;
    }

    String[] command(WebSubject subject, int number, int seconds) {
        List<String> command =
                new ArrayList<>(List.of("taskset", "-c", Integer.toString(cpus.get(number % cpus.size()))));
        command.addAll(ApacheBench.command(
                seconds,
                concurrency,
                topology.client(number),
                percentiles(number),
                "http://" + subject.address(topology, number) + ":" + WebTopology.PORT + "/"));
        return command.toArray(String[]::new);
    }

    private Path output(int number) {
        return folder.resolve("client" + number + ".out");
    }

    private Path percentiles(int number) {
        return folder.resolve("client" + number + ".csv");
    }
}

package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Topology, generator and sink of a run, on which subjects take turns. Owned by one thread. */
final class TestBed implements AutoCloseable {
    private static final int CHECK_FRAMES = 64;
    private static final long READY_MS = 15_000;

    /** Something measured while a subject runs. */
    interface Measuring<T> {
        T measure(Subject.Running running) throws Exception;
    }

    private final CleanUp cleanUp = new CleanUp();
    private final Topology topology;
    private final Scenario scenario;
    private final Sink sink;
    private final Flood flood;

    /** Builds it; what was built until an error is taken down again. */
    TestBed(Topology.Shape shape, Scenario scenario) {
        this.scenario = scenario;
        try {
            topology = cleanUp.add(new Topology(shape));
            sink = cleanUp.add(new Sink(topology));
            flood = cleanUp.add(Flood.of(topology, scenario));
        } catch (RuntimeException e) {
            cleanUp.close();
            throw e;
        }
    }

    Topology topology() {
        return topology;
    }

    Scenario scenario() {
        return scenario;
    }

    Sink sink() {
        return sink;
    }

    Flood flood() {
        return flood;
    }

    /**
     * Starts a subject, sees that it forwards rightly, measures, ends it. Throws {@link IllegalStateException} when what arrives
     * is not what a director would have made of it.
     */
    <T> T with(Subject subject, Measuring<T> measuring) throws Exception {
        Subject.Running running = cleanUp.add(subject.start(topology, scenario));
        try {
            awaitForwarding(subject, running);
            if (!subject.isInKernel() && scenario.receive() == Scenario.Receive.GENERATOR) {
                return measuring.measure(running);
            }
            // Only now, because the kernel refuses it to an interface without NAPI, which a veth has with XDP or GRO.
            ReceiveThread thread =
                    cleanUp.add(new ReceiveThread(topology.director(), topology.ingress(), scenario.subjectCpus()));
            try {
                return measuring.measure(running);
            } finally {
                cleanUp.close(thread);
            }
        } finally {
            cleanUp.close(running);
        }
    }

    private void awaitForwarding(Subject subject, Subject.Running running) {
        sink.keepSample();
        long end = System.nanoTime() + READY_MS * 1_000_000;
        String problem = "nothing";
        while (System.nanoTime() < end) {
            running.check();
            long before = sink.counts().packets();
            flood.send(CHECK_FRAMES);
            Pause.ms(50);
            if (sink.counts().packets() > before) {
                Optional<String> wrong = new ArrivedFrame(sink.sample()).problem(subject.way(), topology, scenario);
                if (wrong.isEmpty()) {
                    sink.onlyCount();
                    return;
                }
                problem = wrong.get();
            }
        }
        throw new IllegalStateException(subject.name() + ": what arrives is not what it should be, but " + problem
                + "; logs are in " + scenario.folder());
    }

    /** Has something closed by {@link #close(AutoCloseable)}, or in the end, however the benchmark ends. */
    <T extends AutoCloseable> T keep(T resource) {
        return cleanUp.add(resource);
    }

    /** Closes what was kept. */
    void close(AutoCloseable kept) {
        cleanUp.close(kept);
    }

    /** Sends for so long without measuring, so that what is compiled or cached is. */
    void warmUp(double seconds, long framesPerSecond) {
        if (seconds > 0) {
            flood.run(Duration.ofMillis(Math.round(seconds * 1000)), pace(framesPerSecond));
        }
    }

    /** One trial of so many seconds; rate 0 is as fast as the generator goes. */
    Trial trial(double seconds, long framesPerSecond) {
        return Trial.run(flood, sink, Duration.ofMillis(Math.round(seconds * 1000)), pace(framesPerSecond));
    }

    private static LiveFrames.Pace pace(long framesPerSecond) {
        return framesPerSecond == 0 ? LiveFrames.Pace.FULL : LiveFrames.Pace.of(framesPerSecond);
    }

    @Override
    public void close() {
        cleanUp.close();
    }

    /** A folder for configurations and logs. */
    static Path folder() throws IOException {
        return Files.createTempDirectory("sluice-bench");
    }

    /** Removes such a folder. */
    static void remove(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> all = files.sorted(Comparator.reverseOrder()).toList();
            for (Path file : all) {
                Files.deleteIfExists(file);
            }
        }
    }
}

package dev.sluice.bench.net;

import dev.sluice.bench.Generator;
import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.OfferedTraffic;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.testing.NetworkNamespace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/**
 * A generator in its namespace, in one stream or several at once: each has a thread of its own, pinned to a CPU. Owned by one
 * thread.
 */
final class Flood implements AutoCloseable {
    /** A stream: what it sends, pinned to which CPU. */
    record Stream(OfferedTraffic traffic, int cpu) {}

    private static final class Sender implements AutoCloseable {
        private final ExecutorService thread = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().name("bench-generator").daemon().factory());
        private final Generator generator;

        Sender(GeneratorKind kind, Stream stream, NetworkNamespace namespace, Path folder) {
            try {
                generator = await(thread.submit(() -> {
                    NativeException.check(
                            LibC.pinCurrentThread(CallState.current(), stream.cpu()),
                            "sched_setaffinity(cpu " + stream.cpu() + ")");
                    // For good: the thread ends with this object.
                    var _ = namespace.enter();
                    return kind.open(stream.traffic(), namespace, stream.cpu(), folder);
                }));
            } catch (RuntimeException e) {
                thread.close();
                throw e;
            }
        }

        CompletableFuture<LiveFrames.Report> call(Function<Generator, LiveFrames.Report> work) {
            return CompletableFuture.supplyAsync(() -> work.apply(generator), thread);
        }

        @Override
        public void close() {
            generator.stop();
            await(thread.submit(generator::close));
            thread.close();
        }
    }

    private final List<Sender> senders = new ArrayList<>();

    /** Opens it; nothing is sent yet. Throws {@link IllegalArgumentException} for traffic that this generator cannot send. */
    Flood(GeneratorKind kind, List<Stream> streams, NetworkNamespace namespace, Path folder) {
        try {
            streams.forEach(stream -> senders.add(new Sender(kind, stream, namespace, folder)));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** That of a scenario, which sends to a topology's director. */
    static Flood of(Topology topology, Scenario scenario) {
        List<Stream> streams = new ArrayList<>();
        for (int stream = 0; stream < scenario.generatorCpus().size(); stream++) {
            streams.add(new Stream(
                    scenario.traffic(topology, stream), scenario.generatorCpus().get(stream)));
        }
        return new Flood(scenario.generator(), streams, topology.generator(), scenario.folder());
    }

    /** Flows by a table in place of in turn. */
    void choose(int[] flows) {
        senders.forEach(sender -> sender.generator.choose(flows));
    }

    /** Sends, and waits until it has. */
    LiveFrames.Report run(Duration duration, LiveFrames.Pace pace) {
        return await(start(duration, pace));
    }

    /** Begins to send; the rate is that of all streams together. */
    Future<LiveFrames.Report> start(Duration duration, LiveFrames.Pace pace) {
        long share = pace.framesPerSecond() == 0 ? 0 : Math.max(pace.framesPerSecond() / senders.size(), 1);
        LiveFrames.Pace own = new LiveFrames.Pace(share, pace.stamps(), pace.batch());
        return all(generator -> generator.run(duration, own));
    }

    /** Has what {@link #start} began end within some tens of milliseconds; it can be started again. Any thread. */
    void pause() {
        senders.forEach(sender -> sender.generator.pause());
    }

    /** Sends so many at once, in one stream. */
    LiveFrames.Report send(int count) {
        return await(senders.getFirst().call(generator -> generator.send(count)));
    }

    private Future<LiveFrames.Report> all(Function<Generator, LiveFrames.Report> work) {
        CompletableFuture<LiveFrames.Report> sum =
                CompletableFuture.completedFuture(new LiveFrames.Report(0, Duration.ZERO));
        for (Sender sender : senders) {
            sum = sum.thenCombine(sender.call(work), Flood::plus);
        }
        return sum;
    }

    private static LiveFrames.Report plus(LiveFrames.Report one, LiveFrames.Report other) {
        Duration longer = one.elapsed().compareTo(other.elapsed()) > 0 ? one.elapsed() : other.elapsed();
        return new LiveFrames.Report(one.frames() + other.frames(), longer);
    }

    /** Frames so far. */
    long sent() {
        return senders.stream().mapToLong(sender -> sender.generator.sent()).sum();
    }

    /** How somebody else would run it. */
    String command() {
        return String.join(
                "\n", senders.stream().map(sender -> sender.generator.command()).toList());
    }

    static <T> T await(Future<T> result) {
        try {
            return result.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause
                    ? cause
                    : new IllegalStateException("the generator failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    @Override
    public void close() {
        senders.forEach(Sender::close);
    }
}

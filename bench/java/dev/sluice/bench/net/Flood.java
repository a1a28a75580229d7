package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/** The generator on a thread of its own, in the generator's namespace and pinned to a CPU. Owned by one thread. */
final class Flood implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("bench-generator").daemon().factory());
    private final LiveFrames frames;

    /** Loads it; nothing is sent yet. */
    Flood(Topology topology, Scenario scenario) {
        frames = await(thread.submit(() -> {
            NativeException.check(
                    LibC.pinCurrentThread(CallState.current(), scenario.generatorCpu()),
                    "sched_setaffinity(cpu " + scenario.generatorCpu() + ")");
            // For good: the thread ends with this object.
            var _ = topology.generator().enter();
            return LiveFrames.open(scenario.traffic(topology));
        }));
    }

    /** Flows by a table in place of in turn. */
    void choose(int[] flows) {
        frames.choose(flows);
    }

    /** Sends, and waits until it has. */
    LiveFrames.Report run(Duration duration, LiveFrames.Pace pace) {
        return await(start(duration, pace));
    }

    /** Begins to send. */
    Future<LiveFrames.Report> start(Duration duration, LiveFrames.Pace pace) {
        return call(generator -> generator.run(duration, pace));
    }

    /** Has what {@link #start} began end within some tens of milliseconds; it can be started again. Any thread. */
    void pause() {
        frames.pause();
    }

    /** Sends so many at once. */
    LiveFrames.Report send(int count) {
        return await(call(generator -> generator.send(count)));
    }

    private Future<LiveFrames.Report> call(Function<LiveFrames, LiveFrames.Report> work) {
        return thread.submit(() -> work.apply(frames));
    }

    /** Frames so far. */
    long sent() {
        return frames.sent();
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
        frames.stop();
        await(thread.submit(frames::close));
        thread.close();
    }
}

package dev.sluice.bench.pipeline;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import java.lang.management.ManagementFactory;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What JMH runs: batches of packets through a {@link Datapath}. An operation is a packet. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PipelineState {
    private static final int WARMUP_BATCHES = 1000;

    /** See {@link PipelineCase}, as for all others. */
    @Param("dr")
    public String method = "";

    @Param("in")
    public String direction = "";

    @Param("4")
    public String family = "";

    @Param("1000")
    public int flows;

    @Param("uniform")
    public String distribution = "";

    @Param("1")
    public int services;

    @Param("100")
    public int realServers;

    @Param("hit")
    public String scenario = "";

    /** The processor to run on, -1 for any. */
    @Param("-1")
    public int cpu;

    /** Of processor time: compilers have their share of it however busy the machine is. */
    @Param("2")
    public double warmupSeconds;

    private @Nullable Datapath datapath;
    /** Keeps the warm-up alive; of no other meaning. */
    int touched;

    /** Called by JMH. */
    public PipelineState() {}

    /** Builds what is measured, on the thread and processor that measures. */
    @Setup(Level.Trial)
    public void open() {
        if (cpu >= 0 && LibC.pinCurrentThread(new CallState(), cpu) < 0) {
            throw new IllegalStateException("processor " + cpu + " is not available");
        }
        Datapath opened = new Datapath(new PipelineCase(
                PipelineCase.of(Method.class, method),
                PipelineCase.of(Direction.class, direction),
                Family.of(family),
                flows,
                PipelineCase.of(Distribution.class, distribution),
                services,
                realServers,
                PipelineCase.of(Scenario.class, scenario)));
        boolean copy = scenario.equals(PipelineCase.keyword(Scenario.COPY));
        long endNs = processorNs() + (long) (warmupSeconds * 1e9);
        while (processorNs() < endNs) {
            for (int i = 0; i < WARMUP_BATCHES; i++) {
                touched += copy ? opened.deliver() : opened.forward();
            }
        }
        datapath = opened;
    }

    private static long processorNs() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** Makes sure that what was measured is what was meant. */
    @TearDown(Level.Trial)
    public void close() {
        try (Datapath measured = Objects.requireNonNull(datapath)) {
            measured.check();
        }
    }

    /** Packets delivered and forwarded. */
    @Benchmark
    @OperationsPerInvocation(Datapath.BATCH)
    public int forward() {
        return Objects.requireNonNull(datapath).forward();
    }

    /** Packets delivered only. */
    @Benchmark
    @OperationsPerInvocation(Datapath.BATCH)
    public int deliver() {
        return Objects.requireNonNull(datapath).deliver();
    }
}

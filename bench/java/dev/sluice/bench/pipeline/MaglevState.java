package dev.sluice.bench.pipeline;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.packet.IpAddress;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.schedule.SchedulerTable;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What JMH runs: a service's Maglev table built from its real servers, as the snapshot compiler does. An operation is a table. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MaglevState {
    private static final HashKey KEY = new HashKey(1, 2);
    private static final int FIRST_RIP = 0x0a00_0001;

    /** Entries, a prime. */
    @Param("65537")
    public int entries;

    /** How many, of equal weight. */
    @Param("1000")
    public int realServers;

    /** The processor to run on, -1 for any. */
    @Param("-1")
    public int cpu;

    /** Of processor time: compilers have their share of it however busy the machine is. */
    @Param("2")
    public double warmupSeconds;

    private @Nullable VirtualService service;
    private @Nullable SchedulerParameters parameters;
    /** Keeps the warm-up alive; of no other meaning. */
    int touched;

    /** Called by JMH. */
    public MaglevState() {}

    /** Makes the service, and builds its table until the code is compiled. */
    @Setup(Level.Trial)
    public void open() {
        if (cpu >= 0 && LibC.pinCurrentThread(new CallState(), cpu) < 0) {
            throw new IllegalStateException("processor " + cpu + " is not available");
        }
        List<RealServer> all = IntStream.range(0, realServers)
                .mapToObj(id -> new RealServer(id, IpAddress.ofInet(FIRST_RIP + id), 80, ForwardingMethod.DR, 1))
                .toList();
        AddressKey key = new AddressKey(Protocol.TCP, IpAddress.ofInet(0xc000_0201), 80);
        service = new VirtualService(0, key, SchedulerKind.MAGLEV, all);
        parameters = SchedulerParameters.of(new MaglevParameters(entries, KEY));
        long endNs = processorNs() + (long) (warmupSeconds * 1e9);
        while (processorNs() < endNs) {
            touched += System.identityHashCode(build());
        }
    }

    private static long processorNs() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** One table. */
    @Benchmark
    public SchedulerTable build() {
        return SchedulerTable.of(Objects.requireNonNull(service), null, Objects.requireNonNull(parameters));
    }
}

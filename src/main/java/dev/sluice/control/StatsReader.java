package dev.sluice.control;

import dev.sluice.bpf.AttachMode;
import dev.sluice.bpf.SteeringCounters;
import dev.sluice.bpf.SteeringMaps;
import dev.sluice.bpf.SteeringOutcome;
import dev.sluice.bpf.SteeringProgram;
import dev.sluice.control.config.LocalAddresses;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.http.Reading;
import dev.sluice.forward.Counter;
import dev.sluice.neighbour.NextHop;
import dev.sluice.packet.AddressFamily;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.LocalPool;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.TranslationOptions;
import dev.sluice.service.Tunnel;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.PathStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.TableStats;
import dev.sluice.stats.TranslationStats;
import dev.sluice.stats.TunnelStats;
import dev.sluice.stats.WorkerStats;
import dev.sluice.worker.BatchSizes;
import dev.sluice.worker.Worker;
import dev.sluice.worker.WorkerCounter;
import dev.sluice.xsk.XskSocket;
import dev.sluice.xsk.XskStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads all counters of a running director. Any thread, until the director releases what is read. */
final class StatsReader {
    private static final String RESOLVED = "resolved";

    private final String version;
    private final long readyNs = System.nanoTime();
    private final Datapath datapath;
    private final SteeringMaps maps;
    private final List<SteeringProgram> programs;
    private final SnapshotCompiler compiler;
    private final TrafficReader traffic;
    private final HealthReader health;

    StatsReader(
            String version,
            Datapath datapath,
            SteeringMaps maps,
            List<SteeringProgram> programs,
            SnapshotCompiler compiler,
            TrafficReader traffic,
            HealthReader health) {
        this.version = version;
        this.datapath = datapath;
        this.maps = maps;
        this.programs = List.copyOf(programs);
        this.compiler = compiler;
        this.traffic = traffic;
        this.health = health;
    }

    DirectorStats read() {
        SnapshotCompiler.Compiled compiled = compiler.current();
        return read(compiled, services(compiled));
    }

    /**
     * What is shown by HTTP.
     *
     * @param load what came of the configuration file
     */
    Reading reading(Reading.Load load) {
        SnapshotCompiler.Compiled compiled = compiler.current();
        List<ServiceStats> services = compiled.states().stream()
                .map(state -> service(state, evenOutOfService(state, compiled)))
                .toList();
        Map<String, Integer> nextHops = new LinkedHashMap<>();
        nextHops.put(RESOLVED, 0);
        for (NextHop.Reason reason : NextHop.Reason.values()) {
            nextHops.put(reason.name().toLowerCase(Locale.ROOT), 0);
        }
        compiled.nextHops().values().forEach(hop -> nextHops.merge(state(hop), 1, Integer::sum));
        return new Reading(read(compiled, services), nextHops, load, datapath.maxFlows());
    }

    private static String state(NextHop hop) {
        return switch (hop) {
            case NextHop.Resolved _ -> RESOLVED;
            case NextHop.Unresolved unresolved -> unresolved.reason().name().toLowerCase(Locale.ROOT);
        };
    }

    private List<RealServerStats> evenOutOfService(ServiceState state, SnapshotCompiler.Compiled compiled) {
        Map<RealServerConfig.Endpoint, RealServer> effective = state.effectiveByEndpoint();
        return state.allRealServers().stream()
                .map(real -> {
                    RealServer known = effective.get(ServiceState.endpoint(real));
                    return known == null ? realServer(real, 0, compiled) : realServer(known, known.weight(), compiled);
                })
                .toList();
    }

    private DirectorStats read(SnapshotCompiler.Compiled compiled, List<ServiceStats> services) {
        return new DirectorStats(
                version,
                ProcessHandle.current().pid(),
                (System.nanoTime() - readyNs) / 1_000_000,
                compiled.snapshot().generation(),
                services,
                outcomes(),
                programs.stream().map(this::nic).toList(),
                datapath.workers().stream().map(StatsReader::worker).toList(),
                health.read());
    }

    /** The services alone: no system call is needed for them. */
    TableStats table() {
        SnapshotCompiler.Compiled compiled = compiler.current();
        return new TableStats(datapath.maxFlows(), services(compiled));
    }

    private List<ServiceStats> services(SnapshotCompiler.Compiled compiled) {
        return compiled.states().stream()
                .map(state -> service(
                        state,
                        state.effective().realServers().stream()
                                .map(real -> realServer(real, real.weight(), compiled))
                                .toList()))
                .toList();
    }

    private ServiceStats service(ServiceState state, List<RealServerStats> realServers) {
        VirtualService service = state.effective();
        return new ServiceStats(
                switch (service.key()) {
                    case AddressKey key -> key.protocol().name();
                    case FwmarkKey ignored -> "FWM";
                },
                switch (service.key()) {
                    case AddressKey key -> key.address().toString();
                    case FwmarkKey key -> Integer.toUnsignedString(key.mark());
                },
                service.key() instanceof AddressKey key ? key.port() : 0,
                service.key().family() == AddressFamily.INET ? "inet" : "inet6",
                service.scheduler().keyword(),
                service.schedulerFlags().stream()
                        .map(SchedulerFlag::keyword)
                        .sorted()
                        .toList(),
                service.persistence() == null ? 0 : service.persistence().timeoutSeconds(),
                service.persistence() == null ? null : service.persistence().netmaskText(),
                service.onePacket(),
                translation(service, state.configured().translation()),
                traffic.ofService(service.id()),
                traffic.rateOfService(service.id()),
                realServers);
    }

    /** Of a service as workers have it, and what is configured of it. */
    static @Nullable TranslationStats translation(VirtualService service, TranslationOptions configured) {
        boolean fullnat = service.realServers().stream().anyMatch(real -> real.method() == ForwardingMethod.FULLNAT);
        if (!fullnat && configured.equals(TranslationOptions.NONE)) {
            return null;
        }
        LocalPool pool = service.translation().pool();
        return new TranslationStats(
                LocalAddresses.texts(pool.addresses()),
                pool.firstPort() + "-" + pool.lastPort(),
                !configured.pool().addresses().isEmpty(),
                configured.clientAddress().keyword(),
                configured.synProxy());
    }

    private RealServerStats realServer(RealServer real, int weight, SnapshotCompiler.Compiled compiled) {
        long active = 0;
        long inactive = 0;
        for (Worker worker : datapath.workers()) {
            active += worker.flows().activeOf(real.id());
            inactive += worker.flows().inactiveOf(real.id());
        }
        NextHop hop = compiled.nextHops().get(Way.of(real));
        return new RealServerStats(
                real.address().toString(),
                real.port(),
                real.method().keyword(),
                tunnel(real.tunnel()),
                EditText.vlan(real.vlan()),
                weight,
                hop == null ? "unknown" : hop.describe(),
                paths(hop),
                compiled.snapshot().isReachable(real.id()),
                active,
                inactive,
                real.upperThreshold(),
                real.lowerThreshold(),
                datapath.isOverloaded(real.id()),
                datapath.templatesOf(real.id()),
                traffic.ofRealServer(real.id()),
                traffic.rateOfRealServer(real.id()));
    }

    private static @Nullable TunnelStats tunnel(@Nullable Tunnel tunnel) {
        return tunnel == null
                ? null
                : new TunnelStats(
                        tunnel.type().keyword(),
                        tunnel.port(),
                        tunnel.checksum().keyword());
    }

    private static List<PathStats> paths(@Nullable NextHop hop) {
        if (!(hop instanceof NextHop.Resolved resolved)) {
            return List.of();
        }
        return resolved.paths().stream()
                .map(path -> new PathStats(
                        path.interfaceName(),
                        NextHop.macText(path.destinationMac()),
                        path.gateway() == null ? null : path.gateway().toString(),
                        path.mtuBytes(),
                        path.vlan(),
                        path.weight()))
                .toList();
    }

    private Map<String, Long> outcomes() {
        Map<String, Long> outcomes = new LinkedHashMap<>();
        for (Counter counter : Counter.values()) {
            long sum = 0;
            for (Worker worker : datapath.workers()) {
                sum += worker.counters().get(counter);
            }
            outcomes.put(counter.label(), sum);
        }
        return outcomes;
    }

    private InterfaceStats nic(SteeringProgram program) {
        Map<String, Long> steering = new LinkedHashMap<>();
        SteeringCounters counters = maps.ofInterface(program.interfaceName()).counters();
        for (SteeringOutcome outcome : SteeringOutcome.values()) {
            steering.put(outcome.label(), counters.count(outcome));
        }
        return new InterfaceStats(
                program.interfaceName(),
                program.mode() == AttachMode.NATIVE ? "native" : "generic",
                program.viaDispatcher(),
                steering,
                datapath.sockets().stream()
                        .filter(socket -> socket.interfaceName().equals(program.interfaceName()))
                        .map(StatsReader::queue)
                        .toList());
    }

    private static InterfaceStats.QueueStats queue(XskSocket socket) {
        XskStatistics statistics = socket.statistics();
        Map<String, Long> xsk = new LinkedHashMap<>();
        xsk.put("rx_dropped", statistics.rxDropped());
        xsk.put("rx_invalid_descs", statistics.rxInvalidDescs());
        xsk.put("tx_invalid_descs", statistics.txInvalidDescs());
        xsk.put("rx_ring_full", statistics.rxRingFull());
        xsk.put("rx_fill_ring_empty_descs", statistics.rxFillRingEmptyDescs());
        xsk.put("tx_ring_empty_descs", statistics.txRingEmptyDescs());
        return new InterfaceStats.QueueStats(socket.queue(), socket.isZeroCopy(), xsk);
    }

    private static WorkerStats worker(Worker worker) {
        Map<String, Long> counters = new LinkedHashMap<>();
        for (WorkerCounter counter : WorkerCounter.values()) {
            counters.put(counter.label(), worker.workerCounters().get(counter));
        }
        Map<Integer, Long> batches = new LinkedHashMap<>();
        for (int bucket = 0; bucket < BatchSizes.buckets(); bucket++) {
            batches.put(BatchSizes.bound(bucket), worker.batchSizes().count(bucket));
        }
        return new WorkerStats(worker.queue(), worker.cpu(), counters, batches);
    }
}

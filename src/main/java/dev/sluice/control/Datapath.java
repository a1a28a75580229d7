package dev.sluice.control;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.control.config.BindMode;
import dev.sluice.control.config.BusyPollConfig;
import dev.sluice.control.config.ConnectionConfig;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.HugePages;
import dev.sluice.control.config.IdleMode;
import dev.sluice.control.config.XdpMode;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.warmup.WarmUp;
import dev.sluice.ffi.PageMemory;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FlowTableImage;
import dev.sluice.flow.FlowTableReader;
import dev.sluice.flow.FragmentTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.forward.ConnectionPolicy;
import dev.sluice.forward.Counters;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.Pipeline;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.TimeoutStats;
import dev.sluice.worker.SnapshotSlot;
import dev.sluice.worker.Worker;
import dev.sluice.xsk.Umem;
import dev.sluice.xsk.UmemOptions;
import dev.sluice.xsk.XskOptions;
import dev.sluice.xsk.XskSocket;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * The workers with what they own, a worker a queue, and the one snapshot they all run under.
 *
 * <p>Owned by: control thread.
 */
final class Datapath {
    /** Hundreds of duty cycles. */
    private static final long ACKNOWLEDGE_TIMEOUT_MS = 5_000;

    private static final long ACKNOWLEDGE_POLL_NS = 50_000;

    /** A megabyte of memory: at a hundred thousand of them a second, what comes in the time of some retransmissions. */
    private static final int FRAGMENTED_DATAGRAMS = 16_384;

    private static final Logger LOG = System.getLogger(Datapath.class.getName());

    private final DirectorConfig config;
    private final Resources resources;
    private final FlowCounts flowCounts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
    private final PersistenceTable templates;
    private final FragmentTable fragments;
    private final FlowExchange exchange;
    private final Optional<SharedFlowTables> sharedTables;
    private final int queues;
    private final boolean severalFrames;
    private TimeoutStats timeouts;
    private final List<Worker> workers = new ArrayList<>();
    private final List<XskSocket> sockets = new ArrayList<>();

    /**
     * A datapath without workers yet.
     *
     * @param config how workers are made
     * @param queues how many there will be
     * @param severalFrames whether a packet may take more than one frame
     * @param key of keyed hashes
     * @param resources takes over what is opened
     * @param sharedTables where connection tables lie when they outlive the director
     * @throws EnvironmentException when there is no room for the persistence table there
     */
    Datapath(
            DirectorConfig config,
            int queues,
            boolean severalFrames,
            HashKey key,
            Resources resources,
            Optional<SharedFlowTables> sharedTables)
            throws EnvironmentException {
        this.config = config;
        this.queues = queues;
        this.severalFrames = severalFrames;
        this.resources = resources;
        this.sharedTables = sharedTables;
        this.exchange = new FlowExchange(queues);
        ConnectionConfig.Timeouts configured = config.connections().timeouts();
        timeouts = new TimeoutStats(configured.tcp(), configured.tcpfin(), configured.udp());
        fragments = new FragmentTable(FRAGMENTED_DATAGRAMS, key);
        templates = persistenceTable(key);
    }

    private PersistenceTable persistenceTable(HashKey key) throws EnvironmentException {
        int size = config.connections().persistenceTableSize();
        if (sharedTables.isEmpty()) {
            PageMemory memory = resources.add("persistence table", new PageMemory());
            return new PersistenceTable(size, ForwardingSnapshot.MAX_REAL_SERVERS, key, memory);
        }
        SharedFlowTables shared = sharedTables.get();
        PersistenceTable table =
                new PersistenceTable(ForwardingSnapshot.MAX_REAL_SERVERS, key, shared.createTemplates(size));
        int recovered = shared.recoverTemplates(table);
        if (recovered > 0) {
            LOG.log(Level.INFO, "took over {0} persistence templates of the director before", recovered);
        }
        return table;
    }

    /**
     * Makes the worker of a queue: UMEM, a socket on every interface, entered into the interface's map, and what it
     * needs to run. It does not run yet.
     *
     * @throws EnvironmentException when there is no room for its connection table
     */
    void addWorker(int queue, int cpu, SteeringMaps maps, FlowHasher hasher, ForwardingSnapshot first)
            throws EnvironmentException {
        Umem umem = resources.add(
                "UMEM of queue " + queue,
                Umem.open(new UmemOptions(
                        config.frames(),
                        config.frameSizeBytes(),
                        0,
                        config.rings().fill(),
                        config.rings().completion(),
                        hugepages(config.hugePages()))));
        List<XskSocket> own = new ArrayList<>();
        for (String name : config.interfaces()) {
            XskSocket socket = XskSocket.open(umem, name, queue, xskOptions());
            own.add(socket);
            maps.ofInterface(name).putSocket(queue, socket.fd());
        }
        sockets.addAll(own);
        FlowTable flows = flowTable(queue, hasher, first.hasLocalAddresses());
        flowCounts.add(flows);
        Counters counters = new Counters();
        workers.add(new Worker(
                queue,
                cpu,
                own,
                umem.newFramePool(),
                new Pipeline(
                        umem.frames(),
                        flows,
                        flowCounts,
                        new PersistenceTable.Sweeper(templates, queue, queues),
                        fragments,
                        hasher,
                        counters,
                        policy(config.connections()),
                        config.packetPolicy(),
                        exchange),
                flows,
                counters,
                new SnapshotSlot<>(first),
                config.idle() == IdleMode.BUSY,
                config.batchSize()));
    }

    /**
     * @param local whether connections by FULLNAT, whose translations nothing else could tell, may come
     */
    private FlowTable flowTable(int queue, FlowHasher hasher, boolean local) throws EnvironmentException {
        PageMemory memory = resources.add("connection table of queue " + queue, new PageMemory());
        int size = config.flowTableSize();
        if (sharedTables.isEmpty()) {
            FlowTable flows = new FlowTable(size, ForwardingSnapshot.MAX_REAL_SERVERS, memory);
            flows.keepTranslations(memory);
            return withSettings(flows, memory);
        }
        SharedFlowTables shared = sharedTables.get();
        FlowTable flows =
                new FlowTable(size, ForwardingSnapshot.MAX_REAL_SERVERS, shared.create(queue, size, hasher), memory);
        if (local) {
            flows.keepTranslations(shared.createTranslations(queue, size), memory);
        } else {
            flows.keepTranslations(memory);
        }
        withSettings(flows, memory);
        FlowTableImage.Recovery recovery = shared.recover(queue, exchange.workers(), flows, hasher);
        if (!recovery.equals(FlowTableImage.Recovery.NONE)) {
            // Ports of the pools may be another worker's now.
            exchange.noteAdoption(System.nanoTime() / 1_000_000);
            LOG.log(
                    Level.INFO,
                    "queue {0}: took over {1} connections of the director before; left behind {2} expired, {3} of unknown"
                            + " real servers, {4} damaged or twice, {5} for which there is no room",
                    queue,
                    recovery.adopted(),
                    recovery.expired(),
                    recovery.unknown(),
                    recovery.torn(),
                    recovery.refused());
        }
        return flows;
    }

    private FlowTable withSettings(FlowTable flows, PageMemory memory) {
        flows.keepTemplates(templates, memory);
        ConnectionConfig connections = config.connections();
        flows.setMaxHalfOpen((int) ((long) config.flowTableSize() * connections.halfOpenPercent() / 100));
        setTimeouts(flows, timeouts);
        ConnectionConfig.Timeouts configured = connections.timeouts();
        flows.setTimeout(FlowState.SYN_RECV, configured.synRecv() * 1000);
        flows.setTimeout(FlowState.TIME_WAIT, configured.timeWait() * 1000);
        flows.setTimeout(FlowState.CLOSE, configured.close() * 1000);
        flows.setTimeout(FlowState.SCTP_ESTABLISHED, configured.sctp() * 1000);
        return flows;
    }

    private static void setTimeouts(FlowTable flows, TimeoutStats timeouts) {
        flows.setTimeout(FlowState.ESTABLISHED, timeoutMs(timeouts.tcp()));
        flows.setTimeout(FlowState.FIN_WAIT, timeoutMs(timeouts.tcpfin()));
        flows.setTimeout(FlowState.UDP, timeoutMs(timeouts.udp()));
    }

    private static int timeoutMs(int seconds) {
        return (int) Math.min(seconds * 1000L, FlowTable.MAX_TIMEOUT_MS);
    }

    /** How long connections may be silent. */
    TimeoutStats timeouts() {
        return timeouts;
    }

    /** Sets how long connections may be silent; workers go by it from the next snapshot on. */
    void setTimeouts(TimeoutStats newTimeouts) {
        timeouts = newTimeouts;
        workers.forEach(worker -> setTimeouts(worker.flows(), newTimeouts));
    }

    /** How many connections there is room for. Any thread. */
    long maxFlows() {
        return (long) config.flowTableSize() * queues;
    }

    /** The persistence templates, for those who only read. Any thread. */
    PersistenceTable templates() {
        return templates;
    }

    /** What a rehearsal of such a datapath needs to know. */
    static WarmUp.Setting rehearsal(
            DirectorConfig config, int queues, boolean severalFrames, SchedulerParameters parameters, HashKey key) {
        return new WarmUp.Setting(
                config.interfaces().size(),
                queues,
                config.batchSize(),
                config.idle() == IdleMode.BUSY,
                severalFrames,
                policy(config.connections()),
                config.packetPolicy(),
                parameters,
                key);
    }

    private static ConnectionPolicy policy(ConnectionConfig connections) {
        return new ConnectionPolicy(
                connections.sloppyTcp(),
                connections.sloppySctp(),
                connections.reuseMode(),
                connections.expireNodest(),
                connections.expireQuiescentTemplate(),
                connections.maxNewFlowsPerSecond());
    }

    /** Starts every worker; what was opened before is released only after they have stopped. */
    void start() throws InterruptedException {
        for (Worker worker : workers) {
            resources.onClose("worker of queue " + worker.queue(), worker::stop);
            worker.start();
        }
    }

    /** Sets the thresholds of all real servers, before the snapshot with them is published. */
    void limit(List<VirtualService> services) {
        for (VirtualService service : services) {
            for (RealServer real : service.realServers()) {
                flowCounts.setThresholds(real.id(), real.upperThreshold(), real.lowerThreshold());
            }
        }
    }

    /** What reads the workers' connections. */
    List<FlowTableReader> flowReaders() {
        return workers.stream().map(worker -> worker.flows().reader()).toList();
    }

    /** Makes a snapshot the current one of all workers. */
    void publish(ForwardingSnapshot snapshot) {
        workers.forEach(worker -> worker.snapshots().publish(snapshot));
    }

    /**
     * Waits until every worker has left all earlier snapshots behind.
     *
     * @param snapshot the current one
     * @return false when a worker did not within {@link #ACKNOWLEDGE_TIMEOUT_MS}
     */
    boolean awaitAcknowledged(ForwardingSnapshot snapshot) {
        long startNs = System.nanoTime();
        for (Worker worker : workers) {
            while (!worker.snapshots().isAcknowledged(snapshot)) {
                // A worker acknowledges at the end of a duty cycle, which lasts 10 ms where it sleeps.
                if ((System.nanoTime() - startNs) / 1_000_000 > ACKNOWLEDGE_TIMEOUT_MS) {
                    return false;
                }
                LockSupport.parkNanos(ACKNOWLEDGE_POLL_NS);
            }
        }
        return true;
    }

    /** Whether anything in the datapath refers to a real server by its id; the snapshots in use are not looked at. */
    boolean holdsRealServer(int id) {
        for (Worker worker : workers) {
            if (worker.flows().flowsOf(id) != 0) {
                return true;
            }
        }
        long nowMs = System.nanoTime() / 1_000_000;
        return templates.templatesOf(id) != 0 || fragments.holds(id, nowMs) || exchange.expects(id, nowMs);
    }

    /** Whether a real server gets no new flows because of its thresholds. Any thread. */
    boolean isOverloaded(int realServerId) {
        return flowCounts.isOverloaded(realServerId);
    }

    /** How many persistence templates lead to a real server. Any thread. */
    int templatesOf(int realServerId) {
        return templates.templatesOf(realServerId);
    }

    List<Worker> workers() {
        return workers;
    }

    List<XskSocket> sockets() {
        return sockets;
    }

    private XskOptions xskOptions() {
        BusyPollConfig busyPoll = config.busyPoll();
        return new XskOptions(
                config.rings().rx(),
                config.rings().tx(),
                bindMode(config.bindMode()),
                config.xdpMode() == XdpMode.GENERIC,
                busyPoll.enabled() ? new XskOptions.BusyPoll(busyPoll.usecs(), busyPoll.budget()) : null,
                severalFrames);
    }

    // The configuration's words and the lower layers' are two enums each, for the lower ones do not see control.

    private static UmemOptions.Hugepages hugepages(HugePages setting) {
        return switch (setting) {
            case AUTO -> UmemOptions.Hugepages.AUTO;
            case ON -> UmemOptions.Hugepages.ON;
            case OFF -> UmemOptions.Hugepages.OFF;
        };
    }

    private static XskOptions.BindMode bindMode(BindMode setting) {
        return switch (setting) {
            case AUTO -> XskOptions.BindMode.AUTO;
            case ZEROCOPY -> XskOptions.BindMode.ZEROCOPY;
            case COPY -> XskOptions.BindMode.COPY;
        };
    }
}

package dev.sluice.control;

import dev.sluice.bpf.ProgramNotes;
import dev.sluice.bpf.SteeringException;
import dev.sluice.bpf.SteeringMaps;
import dev.sluice.bpf.SteeringProgram;
import dev.sluice.control.admin.AdminSocket;
import dev.sluice.control.checkpath.CheckPath;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.IdleMode;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.http.HttpListener;
import dev.sluice.control.observe.Observatory;
import dev.sluice.control.observe.ObserveCommands;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.preflight.MachineFacts;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.ffi.NativeException;
import dev.sluice.flow.FlowHasher;
import dev.sluice.health.HealthChecks;
import dev.sluice.health.HealthMonitor;
import dev.sluice.neighbour.ClientRoutes;
import dev.sluice.neighbour.IcmpErrors;
import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.NextHopResolver;
import dev.sluice.neighbour.OwnAddresses;
import dev.sluice.neighbour.TooBig;
import dev.sluice.packet.IpAddress;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.RealServer;
import dev.sluice.stats.LogField;
import dev.sluice.worker.Worker;
import dev.sluice.worker.WorkerCounter;
import dev.sluice.xsk.XskException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * A running director: all of it, from the XDP program to the admin socket.
 *
 * <p>The thread that calls {@link #start} becomes the control thread and stays it through {@link #run} and
 * {@link #close}. {@link #requestStop} is for any thread. {@code docs/architecture.md} gives the order in which things
 * start, and why.
 */
public final class Director implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Director.class.getName());

    private final DirectorConfig config;
    private final Resources resources;
    private final NextHopFollower nextHops;
    private final OwnAddresses ownAddresses;
    private final SteeringMaps maps;
    private final SnapshotCompiler compiler;
    private final Datapath datapath;
    private final TrafficReader traffic;
    private final ControlQueue queue;
    private final Reconfigurer reconfigurer;
    private final Reload reload;
    private final Attachments attachments;
    private final ServiceManager manager;
    private final GatewayLog gateways = new GatewayLog();
    private final LocalAddressLog localAddresses = new LocalAddressLog();
    private volatile boolean stopRequested;
    /** Those of which there are rates, with their real servers. */
    private List<ServiceState> estimated = List.of();

    private Director(
            DirectorConfig config,
            Resources resources,
            NextHopFollower nextHops,
            OwnAddresses ownAddresses,
            SteeringMaps maps,
            SnapshotCompiler compiler,
            Datapath datapath,
            TrafficReader traffic,
            ControlQueue queue,
            Reconfigurer reconfigurer,
            Reload reload,
            Attachments attachments,
            ServiceManager manager) {
        this.config = config;
        this.resources = resources;
        this.nextHops = nextHops;
        this.ownAddresses = ownAddresses;
        this.maps = maps;
        this.compiler = compiler;
        this.datapath = datapath;
        this.traffic = traffic;
        this.queue = queue;
        this.reconfigurer = reconfigurer;
        this.reload = reload;
        this.attachments = attachments;
        this.manager = manager;
    }

    /**
     * Starts a director in the network namespace of the calling thread. When it returns, traffic is steered.
     *
     * @param config what to run; it has passed the preflight checks
     * @param source where it came from, and where {@link #reload} finds what follows it
     * @param version what the director calls itself
     * @throws EnvironmentException when the machine refuses; nothing stays behind that was not there before
     */
    public static Director start(SluiceConfig config, ConfigSource source, String version)
            throws EnvironmentException, InterruptedException {
        Resources resources = new Resources();
        boolean started = false;
        try {
            Director director = bringUp(config, source, version, resources);
            started = true;
            return director;
        } catch (XskException | SteeringException | NativeException e) {
            throw new EnvironmentException(List.of(String.valueOf(e.getMessage())));
        } finally {
            if (!started) {
                resources.close();
            }
        }
    }

    private static Director bringUp(SluiceConfig config, ConfigSource source, String version, Resources resources)
            throws EnvironmentException, InterruptedException {
        DirectorConfig settings = config.director();
        ServiceManager manager = resources.add(
                "socket of the service manager",
                ServiceManager.of(System.getenv(), ProcessHandle.current().pid()));
        AdminService admin = new AdminService(version);
        openAdminSocket(settings, admin, resources);
        Optional<HttpListener> http = openHttp(settings, resources);

        NextHopResolver resolver = resources.add("rtnetlink sockets", NextHopResolver.open(settings.interfaces()));
        ClientRoutes clientRoutes = resources.add("routes to clients", new ClientRoutes(resolver));
        NextHopFollower nextHops = new NextHopFollower(resolver, openIcmpErrors(resources), clientRoutes);
        Optional<SharedFlowTables> sharedTables = openSharedTables(settings, resources);
        Registry registry = new Registry(
                settings.maglevTableSize(),
                sharedTables.map(SharedFlowTables::knownIds).orElse(KnownIds.NONE));
        IdKeeper ids = sharedTables.<IdKeeper>map(SharedFlowTables::ids).orElse(IdKeeper::none);
        try {
            for (Edit edit : ConfigDifference.edits(registry, config)) {
                edit.applyTo(registry);
            }
            TranslationCheck.check(registry);
            nextHops.resolve(registry.ways());
            ids.save(registry.ids());
        } catch (ChangeException e) {
            throw new EnvironmentException(
                    String.valueOf(e.getMessage()).lines().toList());
        } catch (IOException e) {
            throw new EnvironmentException(List.of("flow_table_directory: cannot keep ids: " + e.getMessage()));
        }

        SteeringMaps maps = resources.add("BPF maps", SteeringMaps.create());
        HashKey key = hashKey(settings);
        HopChoice choice = new HopChoice(settings.interfaces(), settings.tunnel());
        SchedulerParameters schedulers =
                new SchedulerParameters(new MaglevParameters(settings.maglevTableSize(), key), settings.mhTableSize());
        SnapshotCompiler compiler = new SnapshotCompiler(schedulers, choice);
        Overlay overlay = Overlay.NONE.next(registry, Map.of(), now(), true);
        compiler.setRoutes(clientRoutes.table());
        SnapshotCompiler.Compiled first = compiler.compile(registry, overlay, resolver);
        compiler.makeCurrent(first);

        MachineFacts machine = MachineFacts.ofThisMachine();
        int queues = Preflight.workers(settings, machine);
        int[] cpus = settings.cpus().assign(queues, machine.allowedCpus());
        boolean severalFrames = Preflight.needsSeveralFrames(settings, machine);
        Rehearsal rehearsal =
                Rehearsal.begin(settings, Datapath.rehearsal(settings, queues, severalFrames, schedulers, key), first);
        resources.onClose("warm-up", rehearsal::await);
        Datapath datapath = new Datapath(settings, queues, severalFrames, key, resources, sharedTables);
        for (int queue = 0; queue < queues; queue++) {
            datapath.addWorker(queue, cpus[queue], maps, new FlowHasher(key), first.snapshot());
        }
        datapath.limit(first.services());
        datapath.start();

        OwnAddresses ownAddresses = resources.add("rtnetlink socket for addresses", OwnAddresses.open());
        maps.setOwnAddresses(ownAddresses.all());
        ServiceSteering steering = new ServiceSteering(maps, new LocalAddressScan(datapath.flowReaders()));
        steering.widen(registry);
        settings.interfaces().forEach(name -> followStationAddress(name, maps, resolver));
        Attachments attachments =
                resources.add("XDP programs", new Attachments(settings.withoutDirector(), programNotes(settings)));
        rehearsal.await();
        attachments.attach(settings, maps);
        List<SteeringProgram> programs = attachments.programs();
        TrafficReader traffic = new TrafficReader(datapath);
        ControlQueue queue = resources.add("queue of changes", new ControlQueue());
        HealthEvents events = new HealthEvents();
        QuorumCommands commands = resources.add("quorum commands", new QuorumCommands());
        CheckPath path = resources.add(
                "checks via the VIP",
                new CheckPath(
                        new CheckRoutes(compiler, choice),
                        settings.interfaces(),
                        new FlowHasher(key),
                        settings.packetPolicy()));
        HealthChecks checks = resources.add("health checks", new HealthMonitor(events, path));
        HealthFollower health = new HealthFollower(checks, events, commands, Director::now);
        Reconfigurer reconfigurer =
                new Reconfigurer(registry, nextHops, compiler, datapath, steering, traffic, ids, health);
        LoadedState loaded = new LoadedState(settings, reconfigurer::registry, datapath::timeouts, source);
        Reload reload = new Reload(queue, reconfigurer, source, settings, manager, loaded);
        admin.ready(
                new StatsReader(
                        version, datapath, maps, programs, compiler, traffic, new HealthReader(compiler, checks)),
                new ConnectionReader(queue, reconfigurer, datapath),
                new TimeoutCommands(queue, reconfigurer, datapath),
                new ServiceCommands(queue, reconfigurer, traffic, settings.interfaces()),
                reload);
        resources.onClose("statistics", admin::notReady);
        // Before the workers stop, which have to say that they look at nothing any more.
        Observatory observatory = resources.add("captures and traces", new Observatory(datapath.workers(), key));
        admin.observable(new ObserveCommands(
                observatory, settings.interfaces(), new TraceKnowledge(queue, compiler, datapath, maps, resolver)));
        http.ifPresent(listener -> listener.serve(
                new HttpSource(admin, reload, new TrafficSampler(compiler, traffic, datapath)),
                new WeightAction(queue, reconfigurer, loaded)));
        attachments.started();
        Director director = new Director(
                settings,
                resources,
                nextHops,
                ownAddresses,
                maps,
                compiler,
                datapath,
                traffic,
                queue,
                reconfigurer,
                reload,
                attachments,
                manager);
        nextHops.onChange(director::followNextHops);
        nextHops.onOtherRoutes(director::followClientRoutes);
        PathMtuDiscovery discovery = new PathMtuDiscovery(choice);
        nextHops.onTooBig(tooBig -> director.followPathMtu(discovery, tooBig));
        health.adopt(registry, overlay);
        director.logReady(version, programs);
        manager.ready(director.status());
        attachments.tidy(settings);
        if (settings.idle() == IdleMode.BUSY) {
            // Last: what starts does so on all processors.
            ThreadPlacement.keepOff(cpus, machine.allowedCpus());
        }
        return director;
    }

    private static void openAdminSocket(DirectorConfig settings, AdminService admin, Resources resources)
            throws EnvironmentException {
        try {
            resources.add("admin socket", AdminSocket.open(settings.socket(), settings.socketAccess(), admin));
        } catch (IOException e) {
            throw new EnvironmentException(List.of(String.valueOf(e.getMessage())));
        }
    }

    /** Beside the admin socket, whose directory is the director's. */
    private static ProgramNotes programNotes(DirectorConfig settings) {
        Path socket = settings.socket();
        return ProgramNotes.in(socket.resolveSibling(socket.getFileName() + ".xdp"));
    }

    private static Optional<HttpListener> openHttp(DirectorConfig settings, Resources resources)
            throws EnvironmentException {
        if (!settings.http().isSet()) {
            return Optional.empty();
        }
        try {
            return Optional.of(resources.add("HTTP listener", HttpListener.open(settings.http())));
        } catch (IOException e) {
            throw new EnvironmentException(List.of(String.valueOf(e.getMessage())));
        }
    }

    private static Overlay.Now now() {
        return new Overlay.Now(NextHopFollower.nowMs(), Instant.now());
    }

    private static Optional<IcmpErrors> openIcmpErrors(Resources resources) {
        try {
            return Optional.of(resources.add("ICMP sockets", IcmpErrors.open()));
        } catch (NativeException e) {
            LOG.log(
                    Level.WARNING,
                    "no path MTU discovery towards real servers of method tun: {0}; a lower MTU on the way there has"
                            + " to be set on its route",
                    e.getMessage());
            return Optional.empty();
        }
    }

    private static Optional<SharedFlowTables> openSharedTables(DirectorConfig settings, Resources resources)
            throws EnvironmentException {
        return settings.flowTableShared()
                ? Optional.of(resources.add(
                        "connection tables in " + settings.flowTableDirectory(),
                        SharedFlowTables.open(settings.flowTableDirectory())))
                : Optional.empty();
    }

    private void logReady(String version, List<SteeringProgram> programs) {
        gateways.look(nextHops.clientRoutes());
        localAddresses.look(reconfigurer.registry(), ownAddresses.all());
        compiler.current().nextHops().forEach((way, hop) -> {
            if (!compiler.isUsable(way)) {
                LOG.log(Level.WARNING, "real server {0}: {1}", LogField.real(way.rip()), hop.describe());
            }
        });
        LOG.log(
                Level.INFO,
                "ready: Sluice {0}, {1}, {2} workers, {3} services, admin socket {4}",
                version,
                programs.stream().map(Director::describe).collect(Collectors.joining(", ")),
                datapath.workers().size(),
                compiler.current().services().size(),
                config.socket());
    }

    private static String describe(SteeringProgram program) {
        return program.interfaceName() + " (" + program.mode().name().toLowerCase(Locale.ROOT) + " XDP"
                + (program.viaDispatcher() ? ", dispatcher" : "") + ")";
    }

    /**
     * Follows routes, neighbours and the health of real servers, and makes the changes that are asked for, until a stop is requested.
     *
     * @return true after {@link #requestStop}, false when a worker died
     */
    public boolean run() {
        long estimatedMs = NextHopFollower.nowMs();
        List<Worker> workers = datapath.workers();
        Watchdog watchdog = new Watchdog(manager.watchdogNs(), manager::beat, dutyCycles(workers), System.nanoTime());
        while (!stopRequested) {
            int ready = nextHops.await(queue.fd(), ownAddresses.fd());
            if ((ready & NextHopFollower.SECOND) != 0 && ownAddresses.process()) {
                maps.setOwnAddresses(ownAddresses.all());
            }
            if ((ready & NextHopFollower.FIRST) != 0) {
                queue.run();
            }
            reconfigurer.followHealth();
            reconfigurer.releaseLocalAddresses();
            localAddresses.look(reconfigurer.registry(), ownAddresses.all());
            if (NextHopFollower.nowMs() - estimatedMs >= RateEstimator.PERIOD_MS) {
                estimatedMs += RateEstimator.PERIOD_MS;
                estimateRates();
                reconfigurer.releaseReplies();
                manager.status(status());
            }
            for (int i = 0; i < workers.size(); i++) {
                if (workers.get(i).failure() != null) {
                    return false;
                }
            }
            watchdog.turn(System.nanoTime());
        }
        manager.stopping();
        LOG.log(Level.INFO, "stopping");
        return true;
    }

    private static List<LongSupplier> dutyCycles(List<Worker> workers) {
        return workers.stream()
                .<LongSupplier>map(worker -> () -> worker.workerCounters().get(WorkerCounter.DUTY_CYCLES))
                .toList();
    }

    /** What {@code systemctl status} shows. */
    private String status() {
        List<ServiceState> states = compiler.current().states();
        int realServers = 0;
        int inService = 0;
        for (ServiceState state : states) {
            for (RealServer real : state.configured().realServers()) {
                realServers++;
                inService += state.isInService(real) ? 1 : 0;
            }
        }
        int workers = datapath.workers().size();
        return states.size() + (states.size() == 1 ? " service, " : " services, ") + inService + " of " + realServers
                + (realServers == 1 ? " real server" : " real servers") + " in service, " + workers
                + (workers == 1 ? " worker" : " workers");
    }

    /** Of those that are out of service as well: they may come back. */
    private void estimateRates() {
        List<ServiceState> states = compiler.current().states();
        if (!states.equals(estimated)) {
            estimated = states;
            traffic.follow(
                    states.stream().map(state -> state.configured().id()).toList(),
                    states.stream()
                            .flatMap(state -> state.allRealServers().stream())
                            .map(RealServer::id)
                            .toList());
        }
        traffic.estimate();
    }

    private void takeClientRoutes() {
        compiler.setRoutes(nextHops.clientRoutes().table());
        gateways.look(nextHops.clientRoutes());
    }

    private void followClientRoutes() {
        takeClientRoutes();
        datapath.publish(compiler.recompileRoutes().snapshot());
    }

    private void followNextHops() {
        Map<Way, NextHop> before = compiler.current().nextHops();
        takeClientRoutes();
        SnapshotCompiler.Compiled after = compiler.recompileNextHops(nextHops.resolver());
        datapath.publish(after.snapshot());
        after.nextHops().forEach((way, hop) -> {
            if (!hop.equals(before.get(way))) {
                LOG.log(
                        compiler.isUsable(way) ? Level.INFO : Level.WARNING,
                        "real server {0}: {1}",
                        LogField.real(way.rip()),
                        hop.describe());
            }
        });
        for (String name : config.interfaces()) {
            followStationAddress(name, maps, nextHops.resolver());
        }
    }

    private void followPathMtu(PathMtuDiscovery discovery, TooBig tooBig) {
        IpAddress rip = tooBig.destination();
        if (discovery.believes(tooBig, compiler.current())
                && nextHops.resolver().lowerPathMtu(rip, tooBig.mtuBytes(), NextHopFollower.nowMs())) {
            LOG.log(
                    Level.INFO,
                    "real server {0}: a router on the way takes packets of at most {1} bytes",
                    LogField.real(rip),
                    Integer.toString(tooBig.mtuBytes()));
        }
    }

    private static void followStationAddress(String name, SteeringMaps maps, NextHopResolver resolver) {
        resolver.link(name).ifPresent(link -> maps.ofInterface(name).setStationAddress(link.mac()));
    }

    /** Reads the configuration file again and applies the differences, as SIGHUP asks for; logs what came of it. Any other thread. */
    public void reload() {
        reload.onSignal();
    }

    /** Makes {@link #run} return within a control tick. Any thread. */
    public void requestStop() {
        stopRequested = true;
    }

    /** Has {@link #close} take the steering program off the interfaces. Owned by: control thread. */
    public void release() {
        attachments.release();
    }

    /**
     * Leaves the steering program on the interfaces, without director until the next one takes over, or takes it off after
     * {@link #release}; then stops the workers and releases everything else.
     */
    @Override
    public void close() {
        resources.close();
        LOG.log(Level.INFO, "stopped");
    }

    private static HashKey hashKey(DirectorConfig settings) {
        return settings.hashKey()
                .or(() -> dev.sluice.control.config.HashKey.ofMachine(dev.sluice.control.config.HashKey.MACHINE_ID))
                .map(key -> new HashKey(key.high(), key.low()))
                .orElseGet(Director::randomHashKey);
    }

    private static HashKey randomHashKey() {
        LOG.log(
                Level.WARNING,
                "no hash_key in the configuration and no machine id: flows will lead elsewhere after a restart");
        SecureRandom random = new SecureRandom();
        return new HashKey(random.nextLong(), random.nextLong());
    }
}

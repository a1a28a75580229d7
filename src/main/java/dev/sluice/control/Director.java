package dev.sluice.control;

import dev.sluice.bpf.SteeringException;
import dev.sluice.bpf.SteeringMaps;
import dev.sluice.bpf.SteeringProgram;
import dev.sluice.control.admin.AdminSocket;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.preflight.MachineFacts;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import dev.sluice.flow.FlowHasher;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.NextHopResolver;
import dev.sluice.packet.IpAddress;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.AddressKey;
import dev.sluice.service.VirtualService;
import dev.sluice.worker.Worker;
import dev.sluice.xsk.XskException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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

    /** How long the control thread waits for rtnetlink at the most before it looks at everything else. */
    private static final int CONTROL_TICK_MS = 50;

    /** How long a start waits for ARP and neighbour discovery; what takes longer is followed at run time. */
    private static final long RESOLUTION_WAIT_MS = 1_000;

    private final DirectorConfig config;
    private final Resources resources;
    private final NextHopResolver resolver;
    private final SteeringMaps maps;
    private final SnapshotCompiler compiler;
    private final Datapath datapath;
    private final Attachments attachments;
    private volatile boolean stopRequested;

    private Director(
            DirectorConfig config,
            Resources resources,
            NextHopResolver resolver,
            SteeringMaps maps,
            SnapshotCompiler compiler,
            Datapath datapath,
            Attachments attachments) {
        this.config = config;
        this.resources = resources;
        this.resolver = resolver;
        this.maps = maps;
        this.compiler = compiler;
        this.datapath = datapath;
        this.attachments = attachments;
    }

    /**
     * Starts a director in the network namespace of the calling thread. When it returns, traffic is steered.
     *
     * @param config what to run; it has passed the preflight checks
     * @param version what the director calls itself
     * @throws EnvironmentException when the machine refuses; nothing stays behind that was not there before
     */
    public static Director start(SluiceConfig config, String version)
            throws EnvironmentException, InterruptedException {
        Resources resources = new Resources();
        boolean started = false;
        try {
            Director director = bringUp(config, version, resources);
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

    private static Director bringUp(SluiceConfig config, String version, Resources resources)
            throws EnvironmentException, InterruptedException {
        DirectorConfig settings = config.director();
        AdminService admin = new AdminService(version);
        openAdminSocket(settings, admin, resources);

        NextHopResolver resolver = resources.add("rtnetlink sockets", NextHopResolver.open(settings.interfaces()));
        Registry registry = new Registry();
        config.services().forEach(registry::add);
        resolve(registry, resolver);

        SteeringMaps maps = resources.add("BPF maps", SteeringMaps.create());
        HashKey key = hashKey(settings);
        SnapshotCompiler compiler = new SnapshotCompiler(
                settings.interfaces(),
                new SchedulerParameters(new MaglevParameters(settings.maglevTableSize(), key), settings.mhTableSize()));
        ForwardingSnapshot first =
                compiler.compile(registry.services(), resolver).snapshot();

        MachineFacts machine = MachineFacts.ofThisMachine();
        int queues = Preflight.workers(settings, machine);
        int[] cpus = settings.cpus().assign(queues, machine.allowedCpus());
        Datapath datapath = new Datapath(settings, resources);
        for (int queue = 0; queue < queues; queue++) {
            datapath.addWorker(queue, cpus[queue], maps, new FlowHasher(key), first);
        }
        datapath.start();

        for (VirtualService service : registry.services()) {
            if (service.key() instanceof AddressKey address) {
                maps.addService(address, service.id());
            }
        }
        settings.interfaces().forEach(name -> followStationAddress(name, maps, resolver));
        Attachments attachments = resources.add("XDP programs", new Attachments(settings.withoutDirector()));
        attachments.attach(settings, maps);
        List<SteeringProgram> programs = attachments.programs();
        admin.ready(new StatsReader(version, datapath, maps, programs, compiler));
        resources.onClose("statistics", admin::notReady);
        attachments.started();
        Director director = new Director(settings, resources, resolver, maps, compiler, datapath, attachments);
        director.logReady(version, programs);
        return director;
    }

    private static void openAdminSocket(DirectorConfig settings, AdminService admin, Resources resources)
            throws EnvironmentException {
        try {
            resources.add("admin socket", AdminSocket.open(settings.socket(), admin));
        } catch (IOException e) {
            throw new EnvironmentException(List.of(String.valueOf(e.getMessage())));
        }
    }

    /** Waits a little for every RIP's MAC, and refuses what direct routing can never reach. */
    private static void resolve(Registry registry, NextHopResolver resolver) throws EnvironmentException {
        Set<IpAddress> rips = registry.realServerAddresses();
        rips.forEach(resolver::watch);
        long deadlineNs = System.nanoTime() + RESOLUTION_WAIT_MS * 1_000_000;
        while (rips.stream().anyMatch(rip -> isResolving(resolver.nextHop(rip)))
                && System.nanoTime() - deadlineNs < 0) {
            awaitRtnetlink(resolver);
            resolver.process(nowMs());
        }
        List<String> refused = rips.stream()
                .flatMap(rip -> DirectRoutingCheck.refusal(resolver.nextHop(rip)).stream())
                .toList();
        if (!refused.isEmpty()) {
            throw new EnvironmentException(refused);
        }
    }

    private static boolean isResolving(NextHop hop) {
        return hop instanceof NextHop.Unresolved unresolved && unresolved.reason() == NextHop.Reason.RESOLVING;
    }

    private void logReady(String version, List<SteeringProgram> programs) {
        for (IpAddress rip : compiler.current().nextHops().keySet()) {
            if (!compiler.isUsable(rip)) {
                LOG.log(
                        Level.WARNING,
                        "real server {0}: {1}",
                        rip,
                        compiler.current().nextHopText(rip));
            }
        }
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
     * Follows routes and neighbours until a stop is requested.
     *
     * @return true after {@link #requestStop}, false when a worker died
     */
    public boolean run() {
        while (!stopRequested) {
            awaitRtnetlink(resolver);
            if (resolver.process(nowMs())) {
                followNextHops();
            }
            for (Worker worker : datapath.workers()) {
                if (worker.failure() != null) {
                    return false;
                }
            }
        }
        LOG.log(Level.INFO, "stopping");
        return true;
    }

    private void followNextHops() {
        Map<IpAddress, NextHop> before = compiler.current().nextHops();
        SnapshotCompiler.Compiled after = compiler.recompileNextHops(resolver);
        datapath.publish(after.snapshot());
        for (Map.Entry<IpAddress, NextHop> entry : after.nextHops().entrySet()) {
            if (!entry.getValue().equals(before.get(entry.getKey()))) {
                LOG.log(
                        compiler.isUsable(entry.getKey()) ? Level.INFO : Level.WARNING,
                        "real server {0}: {1}",
                        entry.getKey(),
                        compiler.current().nextHopText(entry.getKey()));
            }
        }
        for (String name : config.interfaces()) {
            followStationAddress(name, maps, resolver);
        }
    }

    private static void followStationAddress(String name, SteeringMaps maps, NextHopResolver resolver) {
        resolver.link(name).ifPresent(link -> maps.ofInterface(name).setStationAddress(link.mac()));
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

    private static void awaitRtnetlink(NextHopResolver resolver) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(pollfd.layout());
            pollfd.fd(entry, resolver.fd());
            pollfd.events(entry, (short) Native.POLLIN());
            LibC.poll(CallState.current(), entry, 1, Math.min(CONTROL_TICK_MS, resolver.pollTimeoutMs(nowMs())));
        }
    }

    private static long nowMs() {
        return System.nanoTime() / 1_000_000;
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

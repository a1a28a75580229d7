package dev.sluice.control;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.observe.TraceFacts;
import dev.sluice.neighbour.Link;
import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.NextHopResolver;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What {@code sluice trace} has to know of a running director. Any thread but control. */
final class TraceKnowledge implements TraceFacts {
    private final ControlQueue queue;
    private final SnapshotCompiler compiler;
    private final Datapath datapath;
    private final SteeringMaps maps;
    private final NextHopResolver resolver;

    TraceKnowledge(
            ControlQueue queue,
            SnapshotCompiler compiler,
            Datapath datapath,
            SteeringMaps maps,
            NextHopResolver resolver) {
        this.queue = queue;
        this.compiler = compiler;
        this.datapath = datapath;
        this.maps = maps;
        this.resolver = resolver;
    }

    @Override
    public Services services() {
        SnapshotCompiler.Compiled compiled = compiler.current();
        return new Services(compiled.snapshot().generation(), compiled.services(), compiled.fwmarkRules());
    }

    @Override
    public String nextHop(RealServer real) {
        NextHop hop = compiler.current().nextHops().get(Way.of(real));
        if (hop == null) {
            return "unknown";
        }
        return hop.describe()
                + (hop instanceof NextHop.Resolved resolved
                        ? ", MTU "
                                + resolved.paths().stream()
                                        .map(path -> Integer.toString(path.mtuBytes()))
                                        .distinct()
                                        .collect(Collectors.joining(" or "))
                        : "");
    }

    @Override
    public long active(int realServer) {
        return datapath.workers().stream()
                .mapToLong(worker -> worker.flows().activeOf(realServer))
                .sum();
    }

    @Override
    public long inactive(int realServer) {
        return datapath.workers().stream()
                .mapToLong(worker -> worker.flows().inactiveOf(realServer))
                .sum();
    }

    @Override
    public boolean isOverloaded(int realServer) {
        return datapath.isOverloaded(realServer);
    }

    @Override
    public Steering steering(Protocol protocol, IpAddress client, IpAddress vip, int port) throws AdminException {
        Set<AddressKey> steered = queue.call(() -> Set.copyOf(maps.services()));
        Services now = services();
        for (FwmarkRule rule : now.fwmarkRules()) {
            if (matches(rule, protocol, client, vip, port) && isServed(now, rule)) {
                return new Steering(
                        true, "a rule of firewall mark " + Integer.toUnsignedString(rule.mark()) + " matches");
            }
        }
        AddressKey exact = new AddressKey(protocol, vip, port);
        if (steered.contains(exact)) {
            return new Steering(true, "the map services has " + exact);
        }
        AddressKey every = new AddressKey(protocol, vip, 0);
        if (steered.contains(every)) {
            return new Steering(true, "the map services has " + every + ", for every port");
        }
        Optional<AddressKey> near =
                steered.stream().filter(key -> key.address().equals(vip)).findFirst();
        return new Steering(
                false,
                "no service has " + exact
                        + near.map(key -> " (there is " + key + ")").orElse("")
                        + ", so XDP_PASS: the packet is the kernel's, and no worker sees it");
    }

    private static boolean matches(FwmarkRule rule, Protocol protocol, IpAddress client, IpAddress vip, int port) {
        return (rule.protocol() == null || rule.protocol() == protocol)
                && rule.destination().contains(vip)
                && port >= rule.firstPort()
                && port <= rule.lastPort()
                && (rule.source() == null || rule.source().contains(client));
    }

    private static boolean isServed(Services now, FwmarkRule rule) {
        return now.services().stream().map(VirtualService::key).anyMatch(rule.key()::equals);
    }

    @Override
    public long stationAddress(String interfaceName) throws AdminException {
        return queue.call(() -> resolver.link(interfaceName)
                .map(Link::mac)
                .orElseThrow(() -> new AdminException("refused", "the interface " + interfaceName + " has gone")));
    }
}

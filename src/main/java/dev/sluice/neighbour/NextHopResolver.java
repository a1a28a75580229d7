package dev.sluice.neighbour;

import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Knows for every watched real server the interface and the MAC addresses that lead to it, and follows the kernel's
 * links, routes and neighbours as they change (rtnetlink(7)).
 *
 * <p>The kernel decides: routes are its answers to {@code RTM_GETROUTE}, neighbours are resolved and refreshed by its
 * own ARP and NDP, which this class sets going ({@code NTF_USE}), for packets that pass the kernel by do not. Nothing
 * here waits for the network.
 *
 * <p>Owned by: control thread. Works in the network namespace of the thread that opened it.
 */
public final class NextHopResolver implements AutoCloseable {
    private static final int RECEIVE_BUFFER_BYTES = 4 << 20;
    /** Datagrams read in one call, so that a flood of changes cannot hold the caller. */
    private static final int DATAGRAMS_PER_CALL = 10_000;
    /** Least time between two rounds of route look-ups, whatever a routing daemon does. */
    private static final long ROUTES_INTERVAL_MS = 100;
    /** Routes are looked up anew this often without cause, for what the kernel changes without a notification. */
    private static final long ROUTES_REFRESH_MS = 30_000;

    /** No interface's index. */
    private static final int ANY_INTERFACE = 0;

    private static final long RESYNC_RETRY_MS = 1_000;
    /**
     * A request is up to three ARP or NDP packets, so that all of a large farm being down makes 900 of them a second.
     */
    private static final int PROBES_PER_SECOND = 300;

    private static final int PROBE_BURST = 300;

    /** How long a router's word on the path MTU holds: ten minutes, as RFC 1191 section 6.3 and RFC 8201 section 4 recommend. */
    static final long PATH_MTU_MS = 600_000;
    /** What every host takes (RFC 791); a router that says less is not believed. */
    private static final int MIN_INET_MTU = 576;
    /** What every link of IPv6 takes (RFC 8200 section 5). */
    private static final int MIN_INET6_MTU = 1280;

    private final Set<String> interfaces;
    private final NetlinkSocket notifications;
    private final KernelTables kernel;
    private final Map<Integer, Link> links = new HashMap<>();
    /** By address; gateways by their interfaces as well, the others by none. */
    private final Map<NeighbourEntry.Key, WatchedAddress> watched = new LinkedHashMap<>();

    private final Map<NeighbourEntry.Key, Neighbour> neighbours = new HashMap<>();
    private final Evaluation evaluation;
    private final ProbeSchedule<Neighbour> probes = new ProbeSchedule<>(PROBES_PER_SECOND, PROBE_BURST);

    /** Those whose path MTU routers have lowered. */
    private final Set<WatchedAddress> narrowed = new LinkedHashSet<>();

    private final Set<WatchedAddress> outdated = new LinkedHashSet<>();
    private boolean changed;
    private boolean routesOutdated;
    private boolean routesEverRead;
    private long routesReadMs;
    private boolean lost;
    private long resyncNotBeforeMs = Long.MIN_VALUE;
    private long resyncs;
    private int round;

    private NextHopResolver(List<String> interfaces, NetlinkSocket notifications, KernelTables kernel) {
        this.interfaces = new LinkedHashSet<>(interfaces);
        this.notifications = notifications;
        this.kernel = kernel;
        this.evaluation = new Evaluation(this.interfaces, links);
    }

    /**
     * Opens in the caller's network namespace.
     *
     * @param interfaces names of the director's interfaces: next hops lie behind these or are refused; one that does
     *     not exist yet may come later
     * @throws NativeException when the kernel refuses a netlink socket or the dump of its links
     */
    public static NextHopResolver open(List<String> interfaces) {
        return open(interfaces, RECEIVE_BUFFER_BYTES);
    }

    static NextHopResolver open(List<String> interfaces, int receiveBufferBytes) {
        // First listen, then read: what changes in between is heard of, at worst twice.
        NetlinkSocket notifications = KernelTables.subscribe(receiveBufferBytes);
        try {
            KernelTables kernel = new KernelTables();
            try {
                NextHopResolver resolver = new NextHopResolver(interfaces, notifications, kernel);
                resolver.readLinks();
                resolver.changed = false;
                return resolver;
            } catch (RuntimeException e) {
                kernel.close();
                throw e;
            }
        } catch (RuntimeException e) {
            notifications.close();
            throw e;
        }
    }

    /**
     * The notification socket, to be polled for {@code POLLIN}; then, or in {@link #pollTimeoutMs}, {@link #process}.
     */
    public int fd() {
        return notifications.fd();
    }

    /**
     * Begins to follow an address; no effect on one that is followed already. Its next hop is known in part at once.
     */
    public void watch(IpAddress rip) {
        NeighbourEntry.Key key = byRoute(rip);
        if (!watched.containsKey(key)) {
            watch(key, new WatchedAddress(rip));
        }
    }

    /** Begins to follow a gateway on an interface; no effect on one that is followed already. */
    void watchGateway(NeighbourEntry.Key gateway) {
        if (!watched.containsKey(gateway)) {
            watch(gateway, WatchedAddress.gateway(gateway));
        }
    }

    private void watch(NeighbourEntry.Key key, WatchedAddress address) {
        watched.put(key, address);
        lookUp(address);
        address.nextHop(evaluation.of(address));
        outdated.remove(address);
    }

    private static NeighbourEntry.Key byRoute(IpAddress address) {
        return new NeighbourEntry.Key(ANY_INTERFACE, address);
    }

    /** Follows an address no more, and lets the kernel forget its neighbour; no effect on one that is not followed. */
    public void unwatch(IpAddress rip) {
        unwatchGateway(byRoute(rip));
    }

    /** As {@link #unwatch}, of a gateway on an interface. */
    void unwatchGateway(NeighbourEntry.Key gateway) {
        WatchedAddress address = watched.remove(gateway);
        if (address != null) {
            attach(address, List.of());
            outdated.remove(address);
            narrowed.remove(address);
        }
    }

    /**
     * What is known of the way to a watched address, as of the last {@link #process} or {@link #watch}.
     *
     * @throws IllegalArgumentException when the address is not watched
     */
    public NextHop nextHop(IpAddress rip) {
        return gateway(byRoute(rip));
    }

    /** As {@link #nextHop}, of a gateway on an interface. */
    NextHop gateway(NeighbourEntry.Key gateway) {
        WatchedAddress address = watched.get(gateway);
        if (address == null) {
            throw new IllegalArgumentException(gateway.address() + " is not watched");
        }
        return address.nextHop();
    }

    /**
     * How packets leave that the kernel would send out of an interface; empty when it is not, nor is above, one of the director's, or
     * is down.
     */
    Optional<Egress> egress(int ifindex) {
        return evaluation.leaving(ifindex);
    }

    /** The number of one of the director's interfaces, in the order in which they were given; -1 for others. */
    int port(String interfaceName) {
        return List.copyOf(interfaces).indexOf(interfaceName);
    }

    /**
     * Takes a router's word that packets to a watched address are too large: lowers the MTU of its next hops for
     * {@link #PATH_MTU_MS}, as RFC 1191 and RFC 8201 have it. Never raises it, and never lowers it below what every link takes.
     * The next {@link #process} tells of the change.
     *
     * @return whether the MTU is lower than before
     */
    public boolean lowerPathMtu(IpAddress rip, int mtuBytes, long nowMs) {
        WatchedAddress address = watched.get(byRoute(rip));
        if (address == null
                || !(address.nextHop() instanceof NextHop.Resolved resolved)
                || (rip.family() == AddressFamily.INET6 && mtuBytes < MIN_INET6_MTU)) {
            return false;
        }
        int bytes = Math.max(mtuBytes, MIN_INET_MTU);
        if (resolved.paths().stream().noneMatch(path -> path.mtuBytes() > bytes)) {
            return false;
        }
        address.pathMtu(bytes, nowMs + PATH_MTU_MS);
        narrowed.add(address);
        outdated.add(address);
        return true;
    }

    private void forgetPathMtus(long nowMs) {
        if (narrowed.isEmpty()) {
            return;
        }
        narrowed.removeIf(address -> {
            if (address.pathMtuUntilMs() > nowMs) {
                return false;
            }
            address.forgetPathMtu();
            outdated.add(address);
            return true;
        });
    }

    /** One of the namespace's interfaces, empty when there is none of the name. */
    public Optional<Link> link(String name) {
        return links.values().stream().filter(link -> link.name().equals(name)).findFirst();
    }

    /**
     * Takes in what changed, looks up routes anew where needed, and has the kernel resolve and refresh neighbours.
     * Never blocks on the network and never throws for what goes wrong with an address: its next hop says it.
     *
     * @param nowMs milliseconds of a monotonic clock, the same one at every call
     * @throws NativeException when the notification socket itself fails, for which no cause is known
     * @return whether a watched next hop, or a link of the director's, is another one than after the call before
     */
    public boolean process(long nowMs) {
        round++;
        boolean drained = drain(nowMs);
        if (lost && drained && nowMs >= resyncNotBeforeMs) {
            resync(nowMs);
        }
        if (routesDueMs() <= nowMs) {
            // Those that are watched were looked up then, and what has changed since the start has been heard of.
            if (routesEverRead || routesOutdated) {
                watched.values().forEach(this::lookUp);
            }
            routesOutdated = false;
            routesEverRead = true;
            routesReadMs = nowMs;
        }
        probe(nowMs);
        forgetPathMtus(nowMs);
        if (!outdated.isEmpty()) {
            for (WatchedAddress address : outdated) {
                changed |= address.nextHop(evaluation.of(address));
            }
            outdated.clear();
        }
        boolean result = changed;
        changed = false;
        return result;
    }

    /** How long the owner may poll before it calls {@link #process} again without a notification: 0 to 30 000 ms. */
    public int pollTimeoutMs(long nowMs) {
        long nextMs = Math.min(routesDueMs(), probes.nextMs(nowMs));
        if (lost) {
            nextMs = Math.min(nextMs, resyncNotBeforeMs);
        }
        if (!narrowed.isEmpty()) {
            for (WatchedAddress address : narrowed) {
                nextMs = Math.min(nextMs, address.pathMtuUntilMs());
            }
        }
        return nextMs <= nowMs ? 0 : (int) Math.min(nextMs - nowMs, ROUTES_REFRESH_MS);
    }

    /** How often notifications were lost to a full receive buffer, and everything was read again. */
    public long resyncs() {
        return resyncs;
    }

    private long routesDueMs() {
        return routesEverRead
                ? routesReadMs + (routesOutdated ? ROUTES_INTERVAL_MS : ROUTES_REFRESH_MS)
                : Long.MIN_VALUE;
    }

    /** Takes in what the kernel announced; whether that was all of it. */
    private boolean drain(long nowMs) {
        for (int i = 0; i < DATAGRAMS_PER_CALL; i++) {
            try {
                List<NetlinkMessage> messages = notifications.receive();
                if (messages == null) {
                    return true;
                }
                // After a loss the rest of the queue is older than the dump to come, and would undo it.
                if (!lost) {
                    messages.forEach(message -> apply(message, nowMs));
                }
            } catch (NativeException e) {
                if (e.errno() != Native.ENOBUFS()) {
                    throw e;
                }
                lost = true;
            }
        }
        return false;
    }

    private void apply(NetlinkMessage message, long nowMs) {
        int type = message.type();
        if (type == Native.RTM_NEWNEIGH() || type == Native.RTM_DELNEIGH()) {
            NeighbourEntry entry = NeighbourEntry.parse(message);
            Neighbour neighbour = entry == null ? null : neighbours.get(entry.key());
            if (entry != null && neighbour != null) {
                if (type == Native.RTM_NEWNEIGH()) {
                    neighbour.update(entry, round);
                } else {
                    neighbour.deleted(round, nowMs);
                }
                touched(neighbour);
            }
        } else if (type == Native.RTM_NEWLINK()) {
            Link link = Link.parse(message, links.get(Link.ifindex(message)));
            if (link != null) {
                linkIs(link);
            }
        } else if (type == Native.RTM_DELLINK()) {
            linkGone(Link.ifindex(message));
        } else {
            // A route, rule, address or nexthop object: what it means for a real server is the kernel's to say.
            routesOutdated = true;
        }
    }

    private void linkIs(Link link) {
        Link before = links.put(link.ifindex(), link);
        if (!link.equals(before)) {
            routesOutdated = true;
            changed |= interfaces.contains(link.name()) || (before != null && interfaces.contains(before.name()));
            outdated.addAll(watched.values());
            neighbours.values().forEach(this::schedule);
        }
    }

    private void linkGone(int ifindex) {
        Link gone = links.remove(ifindex);
        if (gone != null) {
            routesOutdated = true;
            changed |= interfaces.contains(gone.name());
            outdated.addAll(watched.values());
        }
    }

    /** Reads everything again after notifications were lost; tries again later when the kernel refuses. */
    private void resync(long nowMs) {
        try {
            readLinks();
            Map<NeighbourEntry.Key, NeighbourEntry> entries = new HashMap<>();
            kernel.neighbours().forEach(entry -> entries.put(entry.key(), entry));
            for (Neighbour neighbour : neighbours.values()) {
                NeighbourEntry entry = entries.get(neighbour.key());
                if (entry != null) {
                    neighbour.update(entry, round);
                } else {
                    neighbour.deleted(round, nowMs);
                }
                touched(neighbour);
            }
            routesOutdated = true;
            lost = false;
            resyncs++;
        } catch (NativeException e) {
            resyncNotBeforeMs = nowMs + RESYNC_RETRY_MS;
        }
    }

    private void readLinks() {
        List<Link> current = kernel.links();
        Set<Integer> gone = new LinkedHashSet<>(links.keySet());
        for (Link link : current) {
            gone.remove(link.ifindex());
            linkIs(link);
        }
        gone.forEach(this::linkGone);
    }

    /** Asks the kernel for the route of an address, and for the neighbours on it when those are others. */
    private void lookUp(WatchedAddress address) {
        Route route = address.isGateway() ? address.route() : kernel.route(address.address());
        boolean complete =
                !address.neighbours().isEmpty() && address.neighbours().stream().allMatch(Optional::isPresent);
        if (route.equals(address.route()) && complete) {
            return;
        }
        address.route(route);
        outdated.add(address);
        List<Optional<Neighbour>> neighbours = new ArrayList<>();
        for (Route.Leg leg : route.legs()) {
            neighbours.add(
                    route.type() == Native.RTN_UNICAST() && evaluation.egress(leg.ifindex()) != null
                            ? Optional.of(neighbour(leg, address.address()))
                            : Optional.empty());
        }
        attach(address, neighbours);
    }

    private Neighbour neighbour(Route.Leg leg, IpAddress destination) {
        IpAddress gateway = leg.gateway();
        NeighbourEntry.Key key = new NeighbourEntry.Key(leg.ifindex(), gateway == null ? destination : gateway);
        Neighbour neighbour = neighbours.get(key);
        if (neighbour == null) {
            neighbour = new Neighbour(key, kernel.neighbour(key));
            neighbours.put(key, neighbour);
            schedule(neighbour);
        }
        return neighbour;
    }

    private void attach(WatchedAddress address, List<Optional<Neighbour>> through) {
        List<Optional<Neighbour>> before = address.neighbours();
        address.neighbours(through);
        through.forEach(one -> one.ifPresent(neighbour -> neighbour.users().add(address)));
        for (Optional<Neighbour> one : before) {
            if (one.isPresent() && !through.contains(one)) {
                Neighbour left = one.get();
                left.users().remove(address);
                if (left.users().isEmpty() && neighbours.remove(left.key(), left)) {
                    release(left);
                }
            }
        }
    }

    private void release(Neighbour neighbour) {
        if (neighbour.toBeReleased()) {
            kernel.release(neighbour.key(), neighbour.learnedElsewhere());
        }
    }

    private void touched(Neighbour neighbour) {
        outdated.addAll(neighbour.users());
        schedule(neighbour);
    }

    private void schedule(Neighbour neighbour) {
        if (neighbour.needsProbe()) {
            probes.at(neighbour, neighbour.nextProbeMs());
        }
    }

    private void probe(long nowMs) {
        Neighbour neighbour;
        while ((neighbour = probes.poll(nowMs)) != null) {
            Link link = links.get(neighbour.key().ifindex());
            boolean ours = neighbours.get(neighbour.key()) == neighbour;
            if (!ours || link == null || !link.usable() || !neighbour.needsProbe()) {
                probes.unused();
                continue;
            }
            int errorBefore = neighbour.error();
            neighbour.probed(nowMs, kernel.use(neighbour.key(), neighbour.learnedElsewhere()));
            if (neighbour.endGrace(nowMs) || neighbour.error() != errorBefore) {
                outdated.addAll(neighbour.users());
            }
            schedule(neighbour);
        }
    }

    /** Lets the kernel forget the neighbours, and closes the sockets. */
    @Override
    public void close() {
        neighbours.values().forEach(this::release);
        kernel.close();
        notifications.close();
    }
}

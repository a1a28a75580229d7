package dev.sluice.neighbour;

import dev.sluice.ffi.Errno;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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

    private static final long RESYNC_RETRY_MS = 1_000;
    /**
     * A request is up to three ARP or NDP packets, so that all of a large farm being down makes 900 of them a second.
     */
    private static final int PROBES_PER_SECOND = 300;

    private static final int PROBE_BURST = 300;

    private final Set<String> interfaces;
    private final NetlinkSocket notifications;
    private final KernelTables kernel;
    private final Map<Integer, Link> links = new HashMap<>();
    private final Map<IpAddress, WatchedAddress> watched = new LinkedHashMap<>();
    private final Map<NeighbourEntry.Key, Neighbour> neighbours = new HashMap<>();
    private final ProbeSchedule<Neighbour> probes = new ProbeSchedule<>(PROBES_PER_SECOND, PROBE_BURST);

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
        if (watched.containsKey(rip)) {
            return;
        }
        WatchedAddress address = new WatchedAddress(rip);
        watched.put(rip, address);
        lookUp(address);
        address.nextHop(evaluate(address));
        outdated.remove(address);
    }

    /** Follows an address no more, and lets the kernel forget its neighbour; no effect on one that is not followed. */
    public void unwatch(IpAddress rip) {
        WatchedAddress address = watched.remove(rip);
        if (address != null) {
            attach(address, null);
            outdated.remove(address);
        }
    }

    /**
     * What is known of the way to a watched address, as of the last {@link #process} or {@link #watch}.
     *
     * @throws IllegalArgumentException when the address is not watched
     */
    public NextHop nextHop(IpAddress rip) {
        WatchedAddress address = watched.get(rip);
        if (address == null) {
            throw new IllegalArgumentException(rip + " is not watched");
        }
        return address.nextHop();
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
            routesOutdated = false;
            routesEverRead = true;
            routesReadMs = nowMs;
            watched.values().forEach(this::lookUp);
        }
        probe(nowMs);
        for (WatchedAddress address : outdated) {
            changed |= address.nextHop(evaluate(address));
        }
        outdated.clear();
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

    /** Asks the kernel for the route of an address, and for the neighbour on it when that is another one. */
    private void lookUp(WatchedAddress address) {
        Route route = kernel.route(address.address());
        if (route.equals(address.route()) && address.neighbour() != null) {
            return;
        }
        address.route(route);
        outdated.add(address);
        Link link = links.get(route.ifindex());
        if (route.type() != Native.RTN_UNICAST() || link == null || !interfaces.contains(link.name())) {
            attach(address, null);
            return;
        }
        IpAddress gateway = route.gateway();
        NeighbourEntry.Key key = new NeighbourEntry.Key(route.ifindex(), gateway == null ? address.address() : gateway);
        Neighbour neighbour = neighbours.get(key);
        if (neighbour == null) {
            neighbour = new Neighbour(key, kernel.neighbour(key));
            neighbours.put(key, neighbour);
            schedule(neighbour);
        }
        attach(address, neighbour);
    }

    private void attach(WatchedAddress address, @Nullable Neighbour neighbour) {
        Neighbour before = address.neighbour();
        if (before == neighbour) {
            return;
        }
        address.neighbour(neighbour);
        if (neighbour != null) {
            neighbour.users().add(address);
        }
        if (before != null) {
            before.users().remove(address);
            if (before.users().isEmpty()) {
                neighbours.remove(before.key());
                release(before);
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

    private NextHop evaluate(WatchedAddress address) {
        Route route = address.route();
        IpAddress rip = address.address();
        Link link = links.get(route.ifindex());
        if (route.error() != 0) {
            return noRoute(address);
        }
        if (route.type() == Native.RTN_LOCAL()) {
            return unresolved(address, NextHop.Reason.LOCAL_ADDRESS, rip + " is an address of this host itself");
        }
        if (route.type() != Native.RTN_UNICAST()) {
            return unresolved(address, NextHop.Reason.NOT_UNICAST, rip + " is not a unicast address here");
        }
        String name = link == null ? "interface " + route.ifindex() : link.name();
        if (!interfaces.contains(name)) {
            return unresolved(
                    address,
                    NextHop.Reason.INTERFACE_NOT_OURS,
                    "the route to " + rip + " leads out of " + name + ", which is not among the director's interfaces ("
                            + String.join(", ", interfaces) + ")");
        }
        Neighbour neighbour = address.neighbour();
        if (link == null || neighbour == null || !link.usable()) {
            return down(address, name, link);
        }
        if (!neighbour.usable()) {
            return unanswered(address, name, neighbour);
        }
        if (neighbour.mac() == 0 || link.mac() == 0) {
            return unresolved(
                    address, NextHop.Reason.NOT_ETHERNET, "no Ethernet address leads to " + rip + " on " + name);
        }
        int mtuBytes = route.mtuBytes() > 0 ? Math.min(route.mtuBytes(), link.mtuBytes()) : link.mtuBytes();
        NextHop.Path path = new NextHop.Path(
                link.ifindex(), name, link.mac(), neighbour.mac(), mtuBytes, NextHop.Path.NO_VLAN, route.gateway(), 1);
        return new NextHop.Resolved(rip, List.of(path), route.preferredSource());
    }

    private NextHop noRoute(WatchedAddress address) {
        IpAddress rip = address.address();
        int errno = -address.route().error();
        if (errno == Native.ENETUNREACH()) {
            // Setting an interface down takes its routes away: name the cause, not the consequence.
            Link last = links.get(address.lastIfindex());
            return last != null && !last.usable()
                    ? down(address, last.name(), last)
                    : unresolved(address, NextHop.Reason.NO_ROUTE, "there is no route to " + rip);
        }
        // The errors of fib_props (net/ipv4/fib_semantics.c) and ip6_rt_type_to_error (net/ipv6/route.c).
        if (errno == Native.EINVAL() || errno == Native.EACCES() || errno == Native.EHOSTUNREACH()) {
            String kind =
                    errno == Native.EINVAL() ? "blackhole" : errno == Native.EACCES() ? "prohibit" : "unreachable";
            return unresolved(
                    address, NextHop.Reason.BLACKHOLE, "the route to " + rip + " is of type \"" + kind + "\"");
        }
        return unresolved(
                address,
                NextHop.Reason.LOOKUP_FAILED,
                "looking up the route to " + rip + " failed: " + Errno.describe(errno));
    }

    private static NextHop down(WatchedAddress address, String name, @Nullable Link link) {
        String what = link == null ? "gone" : link.up() ? "without carrier" : "down";
        return unresolved(
                address,
                NextHop.Reason.INTERFACE_DOWN,
                "the way to " + address.address() + " is through " + name + ", which is " + what);
    }

    private static NextHop unanswered(WatchedAddress address, String name, Neighbour neighbour) {
        IpAddress asked = neighbour.key().address();
        String who =
                asked.equals(address.address()) ? asked.toString() : "gateway " + asked + " to " + address.address();
        String protocol = asked.family() == AddressFamily.INET ? "ARP" : "neighbour solicitation";
        if (neighbour.error() == -Native.ENOBUFS()) {
            return unresolved(
                    address,
                    NextHop.Reason.RESOLVING,
                    "cannot ask for " + who + " on " + name
                            + ": the kernel's neighbour table is full, raise net."
                            + (asked.family() == AddressFamily.INET ? "ipv4" : "ipv6") + ".neigh.default.gc_thresh3");
        }
        if (neighbour.error() != 0) {
            return unresolved(
                    address,
                    NextHop.Reason.LOOKUP_FAILED,
                    "cannot ask for " + who + " on " + name + ": " + Errno.describe(-neighbour.error()));
        }
        return neighbour.unreachable()
                ? unresolved(
                        address,
                        NextHop.Reason.UNREACHABLE,
                        who + " does not answer on " + name + " (" + protocol + " failed)")
                : unresolved(
                        address,
                        NextHop.Reason.RESOLVING,
                        "waiting for " + who + " to answer " + protocol + " on " + name);
    }

    private static NextHop unresolved(WatchedAddress address, NextHop.Reason reason, String explanation) {
        return new NextHop.Unresolved(
                address.address(), reason, explanation, address.route().gateway());
    }

    /** Lets the kernel forget the neighbours, and closes the sockets. */
    @Override
    public void close() {
        neighbours.values().forEach(this::release);
        kernel.close();
        notifications.close();
    }
}

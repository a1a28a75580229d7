package dev.sluice.control;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import dev.sluice.neighbour.ClientRoutes;
import dev.sluice.neighbour.IcmpErrors;
import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.NextHopResolver;
import dev.sluice.neighbour.TooBig;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Waits for rtnetlink on behalf of the control thread, and for the MAC addresses of RIPs that are about to be used.
 *
 * <p>Owned by: control thread.
 */
final class NextHopFollower {
    /** How long a RIP may take to answer ARP or neighbour discovery; what takes longer is followed at run time. */
    private static final long RESOLUTION_WAIT_MS = 1_000;

    /** How long the control thread sleeps at the most before it looks at everything else. */
    private static final int CONTROL_TICK_MS = 50;

    /** poll(2) passes over it. */
    private static final int NO_FD = -1;

    /** Of {@link #await}: the first descriptor has something to say. */
    static final int FIRST = 1;
    /** Of {@link #await}: the second descriptor has something to say. */
    static final int SECOND = 2;

    /** Places in what is polled: rtnetlink, two of somebody else's descriptors, routes, and those of ICMP behind them. */
    private static final int OTHER = 1;

    private static final int ROUTES = 3;
    private static final int FIRST_ERRORS = 4;

    private final NextHopResolver resolver;
    private final Optional<IcmpErrors> errors;
    private final ClientRoutes clientRoutes;

    /** Made once, for it is used twenty times a second; as long as this is reachable. */
    private final MemorySegment polled;

    private final List<MemorySegment> entries;
    private Runnable onChange = () -> {};
    private Runnable onOtherRoutes = () -> {};
    private Consumer<TooBig> onTooBig = _ -> {};

    /**
     * @param resolver is asked for the way to each RIP
     * @param errors what routers say of packets that are too large; empty where nobody listens
     * @param clientRoutes are followed while somebody needs them
     */
    NextHopFollower(NextHopResolver resolver, Optional<IcmpErrors> errors, ClientRoutes clientRoutes) {
        this.resolver = resolver;
        this.errors = errors;
        this.clientRoutes = clientRoutes;
        int[] fds = {resolver.fd(), NO_FD, NO_FD, NO_FD, errorsFd(AddressFamily.INET), errorsFd(AddressFamily.INET6)};
        polled = pollfd.allocateArray(fds.length, Arena.ofAuto());
        entries = IntStream.range(0, fds.length)
                .mapToObj(i -> pollfd.asSlice(polled, i))
                .toList();
        for (int i = 0; i < fds.length; i++) {
            pollfd.fd(entries.get(i), fds[i]);
            pollfd.events(entries.get(i), (short) Native.POLLIN());
        }
    }

    /** Sets what is done when the way to a RIP, or a link of the director's, is another one. */
    void onChange(Runnable action) {
        onChange = action;
    }

    /** Sets what is done when nothing but routes to clients are others, or are no longer followed. */
    void onOtherRoutes(Runnable action) {
        onOtherRoutes = action;
    }

    /** Sets what is done when a router says that a packet was too large; a lower MTU in the resolver is a change like others. */
    void onTooBig(Consumer<TooBig> action) {
        onTooBig = action;
    }

    NextHopResolver resolver() {
        return resolver;
    }

    boolean followsClientRoutes() {
        return clientRoutes.fd() != NO_FD;
    }

    ClientRoutes clientRoutes() {
        return clientRoutes;
    }

    /**
     * Begins to follow RIPs, and routes to clients where answers pass the director, and waits a little until it is known how to reach
     * them.
     *
     * @throws ChangeException for those that their method can never reach, a line each; all are followed all the same
     */
    void resolve(Collection<Way> ways) throws ChangeException {
        Set<IpAddress> rips = ways.stream().map(Way::rip).collect(Collectors.toCollection(LinkedHashSet::new));
        rips.forEach(resolver::watch);
        if (ways.stream().anyMatch(Way::answersPassDirector)) {
            followClientRoutes();
        }
        long deadlineNs = System.nanoTime() + RESOLUTION_WAIT_MS * 1_000_000;
        while ((rips.stream().anyMatch(rip -> isResolving(resolver.nextHop(rip))) || clientRoutes.isResolving())
                && System.nanoTime() - deadlineNs < 0) {
            var _ = await(NO_FD, NO_FD);
        }
        List<String> refused = ways.stream()
                .flatMap(way -> ReachCheck.refusal(way, resolver.nextHop(way.rip())).stream())
                .toList();
        if (!refused.isEmpty()) {
            boolean broadcast = ways.stream().allMatch(way -> ReachCheck.isBroadcast(resolver.nextHop(way.rip())));
            throw new ChangeException(broadcast ? Code.NOT_UNICAST : Code.NOT_FORWARDABLE, String.join("\n", refused));
        }
    }

    private void followClientRoutes() throws ChangeException {
        try {
            clientRoutes.follow();
        } catch (NativeException e) {
            throw new ChangeException(
                    Code.REFUSED, "cannot follow the routes to clients, which NAT needs: " + e.getMessage());
        }
    }

    /** Follows routes to clients no more: no answer passes the director now. */
    void forgetClientRoutes() {
        if (followsClientRoutes()) {
            clientRoutes.close();
            onOtherRoutes.run();
        }
    }

    /** Follows a RIP no more. */
    void forget(IpAddress rip) {
        resolver.unwatch(rip);
    }

    /**
     * Sleeps until rtnetlink, or somebody else, has something to say, at most a control tick; takes in what rtnetlink said.
     *
     * @param first somebody else's descriptor, -1 for nobody's: poll(2) passes over it
     * @param second another one
     * @return whether there is something to be read: {@link #FIRST} and {@link #SECOND}
     */
    int await(int first, int second) {
        pollfd.fd(entries.get(OTHER), first);
        pollfd.fd(entries.get(OTHER + 1), second);
        pollfd.fd(entries.get(ROUTES), clientRoutes.fd());
        long beforeMs = nowMs();
        int timeoutMs = Math.min(
                CONTROL_TICK_MS, Math.min(resolver.pollTimeoutMs(beforeMs), clientRoutes.pollTimeoutMs(beforeMs)));
        // A call that fails leaves what the one before found.
        boolean found = LibC.poll(CallState.current(), polled, entries.size(), timeoutMs) > 0;
        if (found && (isReady(FIRST_ERRORS) || isReady(FIRST_ERRORS + 1))) {
            errors.orElseThrow().drain(onTooBig);
        }
        int ready = (found && isReady(OTHER) ? FIRST : 0) | (found && isReady(OTHER + 1) ? SECOND : 0);
        long nowMs = nowMs();
        boolean otherRoutes = clientRoutes.process(nowMs);
        if (resolver.process(nowMs)) {
            onChange.run();
        } else if (otherRoutes) {
            onOtherRoutes.run();
        }
        return ready;
    }

    private boolean isReady(int entry) {
        return pollfd.revents(entries.get(entry)) != 0;
    }

    private int errorsFd(AddressFamily family) {
        return errors.map(sockets -> sockets.fd(family)).orElse(NO_FD);
    }

    private static boolean isResolving(NextHop hop) {
        return hop instanceof NextHop.Unresolved unresolved && unresolved.reason() == NextHop.Reason.RESOLVING;
    }

    /** Milliseconds of the clock that the resolver goes by. */
    static long nowMs() {
        return System.nanoTime() / 1_000_000;
    }
}

package dev.sluice.control;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
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

    private final NextHopResolver resolver;
    private final Optional<IcmpErrors> errors;
    private Runnable onChange = () -> {};
    private Consumer<TooBig> onTooBig = _ -> {};

    /**
     * @param resolver is asked for the way to each RIP
     * @param errors what routers say of packets that are too large; empty where nobody listens
     */
    NextHopFollower(NextHopResolver resolver, Optional<IcmpErrors> errors) {
        this.resolver = resolver;
        this.errors = errors;
    }

    /** Sets what is done when the way to a RIP, or a link of the director's, is another one. */
    void onChange(Runnable action) {
        onChange = action;
    }

    /** Sets what is done when a router says that a packet was too large; a lower MTU in the resolver is a change like others. */
    void onTooBig(Consumer<TooBig> action) {
        onTooBig = action;
    }

    NextHopResolver resolver() {
        return resolver;
    }

    /**
     * Begins to follow RIPs and waits a little until it is known how to reach them.
     *
     * @throws ChangeException for those that their method can never reach, a line each; all are followed all the same
     */
    void resolve(Collection<Way> ways) throws ChangeException {
        Set<IpAddress> rips = ways.stream().map(Way::rip).collect(Collectors.toCollection(LinkedHashSet::new));
        rips.forEach(resolver::watch);
        long deadlineNs = System.nanoTime() + RESOLUTION_WAIT_MS * 1_000_000;
        while (rips.stream().anyMatch(rip -> isResolving(resolver.nextHop(rip)))
                && System.nanoTime() - deadlineNs < 0) {
            await();
        }
        List<String> refused = ways.stream()
                .flatMap(way -> ReachCheck.refusal(way, resolver.nextHop(way.rip())).stream())
                .toList();
        if (!refused.isEmpty()) {
            boolean broadcast = ways.stream().allMatch(way -> ReachCheck.isBroadcast(resolver.nextHop(way.rip())));
            throw new ChangeException(broadcast ? Code.NOT_UNICAST : Code.NOT_FORWARDABLE, String.join("\n", refused));
        }
    }

    /** Follows a RIP no more. */
    void forget(IpAddress rip) {
        resolver.unwatch(rip);
    }

    /**
     * Sleeps until rtnetlink, or somebody else, has something to say, at most a control tick; takes in what rtnetlink said.
     *
     * @param others somebody else's descriptors
     */
    void await(int... others) {
        try (Arena arena = Arena.ofConfined()) {
            int[] own = {resolver.fd(), errorsFd(AddressFamily.INET), errorsFd(AddressFamily.INET6)};
            int[] fds =
                    IntStream.concat(IntStream.of(own), IntStream.of(others)).toArray();
            MemorySegment entries = pollfd.allocateArray(fds.length, arena);
            for (int i = 0; i < fds.length; i++) {
                pollfd.fd(pollfd.asSlice(entries, i), fds[i]);
                pollfd.events(pollfd.asSlice(entries, i), (short) Native.POLLIN());
            }
            int timeoutMs = Math.min(CONTROL_TICK_MS, resolver.pollTimeoutMs(nowMs()));
            LibC.poll(CallState.current(), entries, fds.length, timeoutMs);
        }
        errors.ifPresent(heard -> heard.drain(onTooBig));
        if (resolver.process(nowMs())) {
            onChange.run();
        }
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

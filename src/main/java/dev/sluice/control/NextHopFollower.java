package dev.sluice.control;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.NextHopResolver;
import dev.sluice.packet.IpAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

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

    private static final int NO_FD = -1;

    private final NextHopResolver resolver;
    private Runnable onChange = () -> {};

    NextHopFollower(NextHopResolver resolver) {
        this.resolver = resolver;
    }

    /** Sets what is done when the way to a RIP, or a link of the director's, is another one. */
    void onChange(Runnable action) {
        onChange = action;
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
            await(NO_FD);
        }
        List<String> refused = ways.stream()
                .flatMap(way -> ReachCheck.refusal(way, resolver.nextHop(way.rip())).stream())
                .toList();
        if (!refused.isEmpty()) {
            throw new ChangeException(Code.NOT_FORWARDABLE, String.join("\n", refused));
        }
    }

    /** Follows a RIP no more. */
    void forget(IpAddress rip) {
        resolver.unwatch(rip);
    }

    /**
     * Sleeps until rtnetlink, or somebody else, has something to say, at most a control tick; takes in what rtnetlink said.
     *
     * @param fd somebody else's descriptor, -1 for nobody's: poll(2) passes over it
     */
    void await(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entries = pollfd.allocateArray(2, arena);
            expectInput(pollfd.asSlice(entries, 0), resolver.fd());
            expectInput(pollfd.asSlice(entries, 1), fd);
            LibC.poll(CallState.current(), entries, 2, Math.min(CONTROL_TICK_MS, resolver.pollTimeoutMs(nowMs())));
        }
        if (resolver.process(nowMs())) {
            onChange.run();
        }
    }

    private static void expectInput(MemorySegment entry, int fd) {
        pollfd.fd(entry, fd);
        pollfd.events(entry, (short) Native.POLLIN());
    }

    private static boolean isResolving(NextHop hop) {
        return hop instanceof NextHop.Unresolved unresolved && unresolved.reason() == NextHop.Reason.RESOLVING;
    }

    private static long nowMs() {
        return System.nanoTime() / 1_000_000;
    }
}

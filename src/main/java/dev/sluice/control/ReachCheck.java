package dev.sluice.control;

import dev.sluice.neighbour.NextHop;
import java.util.Optional;

/**
 * Tells a real server that its forwarding method can never reach, which is an error of whoever configured it, from one that is
 * only away for now.
 */
final class ReachCheck {
    private ReachCheck() {}

    /** Whether the kernel's routes say that the address is no unicast one. */
    static boolean isBroadcast(NextHop hop) {
        return hop instanceof NextHop.Unresolved unresolved && unresolved.reason() == NextHop.Reason.NOT_UNICAST;
    }

    /**
     * The line for the user, when a director must not start with this real server.
     *
     * @param hop what is known of the next hops to its RIP
     */
    static Optional<String> refusal(Way way, NextHop hop) {
        if (!(way.through(hop) instanceof NextHop.Unresolved unresolved)) {
            return Optional.empty();
        }
        boolean forGood = switch (unresolved.reason()) {
            case LOCAL_ADDRESS, INTERFACE_NOT_OURS, NOT_UNICAST, NOT_ON_LINK, NOT_ETHERNET -> true;
            case RESOLVING, UNREACHABLE, INTERFACE_DOWN, NO_ROUTE, BLACKHOLE, NO_SOURCE, LOOKUP_FAILED -> false;
        };
        return forGood
                ? Optional.of("real server " + way.rip() + " with method "
                        + way.method().keyword() + ": " + unresolved.describe())
                : Optional.empty();
    }
}

package dev.sluice.control;

import dev.sluice.neighbour.NextHop;
import java.util.Optional;

/**
 * Tells a RIP that direct routing can never reach, which is an error of whoever configured it, from one that is only
 * away for now.
 */
final class DirectRoutingCheck {
    private DirectRoutingCheck() {}

    /** The line for the user, when a director must not start with this RIP. */
    static Optional<String> refusal(NextHop hop) {
        if (!(hop.onLinkOnly() instanceof NextHop.Unresolved unresolved)) {
            return Optional.empty();
        }
        boolean forGood = switch (unresolved.reason()) {
            case LOCAL_ADDRESS, INTERFACE_NOT_OURS, NOT_UNICAST, NOT_ON_LINK, NOT_ETHERNET -> true;
            case RESOLVING, UNREACHABLE, INTERFACE_DOWN, NO_ROUTE, BLACKHOLE, LOOKUP_FAILED -> false;
        };
        return forGood
                ? Optional.of("real server " + hop.rip() + " with method dr: " + unresolved.describe())
                : Optional.empty();
    }
}

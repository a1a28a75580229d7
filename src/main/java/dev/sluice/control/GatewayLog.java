package dev.sluice.control;

import dev.sluice.neighbour.ClientRoutes;
import dev.sluice.neighbour.NextHop;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.Set;

/**
 * Says in the log which gateways to clients can be reached, and which cannot and why.
 *
 * <p>Owned by: control thread.
 */
final class GatewayLog {
    private static final Logger LOG = System.getLogger(GatewayLog.class.getName());

    private Set<NextHop> before = Set.of();
    private boolean hadTooMany;

    /** Logs what is new since the last time. */
    void look(ClientRoutes routes) {
        Set<NextHop> now = new HashSet<>(routes.gateways());
        for (NextHop gateway : now) {
            if (!before.contains(gateway)) {
                LOG.log(isFine(gateway) ? Level.INFO : Level.WARNING, "gateway to clients: {0}", gateway.describe());
            }
        }
        before = now;
        if (routes.hasTooMany() && !hadTooMany) {
            LOG.log(
                    Level.WARNING,
                    "the kernel has more than {0} routes: those to clients stay as they were before there were so many",
                    Integer.toString(ClientRoutes.MAX_ROUTES));
        }
        hadTooMany = routes.hasTooMany();
    }

    /** Whether packets can go there, or will as soon as it has answered. */
    private static boolean isFine(NextHop gateway) {
        return !(gateway instanceof NextHop.Unresolved unresolved) || unresolved.reason() == NextHop.Reason.RESOLVING;
    }
}

package dev.sluice.forward;

import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.PacketView;
import dev.sluice.schedule.SchedulerState;
import dev.sluice.schedule.SchedulerTable;

/**
 * Chooses the real server of a persistent service's new connection, as ip_vs_sched_persist(): the one of the client's
 * template, else the scheduler's, for which a template is made. Owned by: worker.
 */
final class PersistentChoice {
    private final PersistenceTable templates;
    private final Counters counters;
    private final boolean expireQuiescent;

    private long template = PersistenceTable.NONE;

    PersistentChoice(PersistenceTable templates, Counters counters, boolean expireQuiescent) {
        this.templates = templates;
        this.counters = counters;
        this.expireQuiescent = expireQuiescent;
    }

    /**
     * The real server's id or {@link SchedulerTable#NO_REAL_SERVER}; {@link #template} tells the template that the connection
     * has joined.
     *
     * @param byHash whether a packet without template must not depend on what was scheduled before
     * @param forgotten whether the connection will have no entry: it joins no template then, and makes none
     */
    int choose(
            ForwardingSnapshot snapshot,
            int service,
            SchedulerTable table,
            SchedulerState state,
            PacketView packet,
            boolean byHash,
            boolean forgotten,
            long nowMs) {
        ServiceOptions options = snapshot.options();
        long clientHigh = packet.sourceHigh() & options.netmaskHigh(service);
        long clientLow = packet.sourceLow() & options.netmaskLow(service);
        long hash = templates.hash(service, clientHigh, clientLow);
        int known = join(snapshot, service, hash, clientHigh, clientLow, nowMs);
        if (known != SchedulerTable.NO_REAL_SERVER) {
            counters.increment(Counter.TEMPLATE_HIT);
            if (forgotten) {
                templates.leave(template, nowMs);
                template = PersistenceTable.NONE;
            }
            return known;
        }
        // By the client alone, so that schedulers that hash lead all of its connections to one real server.
        long clientHash = templates.clientHash(clientHigh, clientLow);
        int realServer = byHash || forgotten
                ? table.pickByHash(packet, clientHash)
                : table.pick(state, packet, clientHash, nowMs);
        if (forgotten || realServer == SchedulerTable.NO_REAL_SERVER) {
            return realServer;
        }
        long made = templates.create(
                hash, service, clientHigh, clientLow, realServer, options.persistenceMs(service), nowMs);
        if (made == PersistenceTable.FULL || made == PersistenceTable.BUSY) {
            counters.increment(Counter.TEMPLATE_REFUSED);
            return table.pickByHash(packet, clientHash);
        }
        // Another worker may have been first, by another snapshot: what that chose need not be here yet, or any more.
        int agreed = templates.realServer(made);
        if (!isUsable(snapshot, service, agreed)) {
            templates.leave(made, nowMs);
            counters.increment(Counter.TEMPLATE_REFUSED);
            return realServer;
        }
        counters.increment(Counter.TEMPLATE_NEW);
        template = made;
        return agreed;
    }

    /** Joins the client's template and sets {@link #template}: its real server, if it may be used. */
    private int join(ForwardingSnapshot snapshot, int service, long hash, long clientHigh, long clientLow, long nowMs) {
        template = PersistenceTable.NONE;
        long found = templates.join(hash, service, clientHigh, clientLow, nowMs);
        if (found == PersistenceTable.NONE) {
            return SchedulerTable.NO_REAL_SERVER;
        }
        // Once: another worker, under another snapshot, may invalidate the template at any time.
        int realServer = templates.realServer(found);
        if (isUsable(snapshot, service, realServer)) {
            template = found;
            return realServer;
        }
        templates.leave(found, nowMs);
        templates.invalidate(found);
        return SchedulerTable.NO_REAL_SERVER;
    }

    private boolean isUsable(ForwardingSnapshot snapshot, int service, int realServer) {
        return realServer >= 0
                && snapshot.serviceOf(realServer) == service
                && !(expireQuiescent && snapshot.isQuiesced(realServer));
    }

    /** The connection just chosen for is over already. */
    void release(long nowMs) {
        if (template != PersistenceTable.NONE) {
            templates.leave(template, nowMs);
        }
    }

    /** The connection just chosen for stands under no template. */
    void none() {
        template = PersistenceTable.NONE;
    }

    /** The template that the connection just chosen for has joined, or {@link PersistenceTable#NONE}. */
    long template() {
        return template;
    }
}

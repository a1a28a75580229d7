package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import dev.sluice.service.RealServer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The schedulers for clusters of caches, which send a VIP's flows where earlier ones went unless that one is overloaded:
 * {@code lblc} to one real server, as ip_vs_lblc.c, {@code lblcr} to the least loaded of a set that grows under load and
 * shrinks after a day without change, as ip_vs_lblcr.c.
 */
final class LocalityTable extends SchedulerTable {
    private final boolean replicates;
    private final RealServerList list;
    private final HashedChoice unremembered;

    /**
     * @param replicates whether a VIP may have several real servers
     */
    LocalityTable(boolean replicates, List<RealServer> oldestFirst, @Nullable SchedulerTable previous) {
        super(
                previous instanceof LocalityTable before && before.replicates == replicates ? before : null,
                oldestFirst,
                previous);
        this.replicates = replicates;
        list = new RealServerList(oldestFirst);
        unremembered = list.byWeight();
    }

    @Override
    void adopt(SchedulerState state, @Nullable SchedulerTable earlier) {
        // What is remembered are ids; those that are gone are not used until they come back.
        if (state.destinations == null) {
            state.destinations = new DestinationCache();
        }
    }

    @Override
    int choose(SchedulerState state, PacketView packet, long flowHash, long nowMs) {
        DestinationCache cache = state.destinations;
        if (cache == null) {
            return list.idOrNone(list.leastLoaded(state.counts));
        }
        int entry = cache.find(packet, nowMs);
        if (entry != DestinationCache.NONE) {
            int at = leastLoadedOf(cache, entry, state.counts);
            if (replicates
                    && cache.size(entry) > 1
                    && nowMs - cache.changedMs(entry) > DestinationCache.EXPIRATION_MS) {
                shrink(cache, entry, state.counts, nowMs);
            }
            if (at != RealServerList.NONE && !list.isOverloaded(at, state.counts)) {
                return list.id(at);
            }
        }
        int at = list.leastLoaded(state.counts);
        if (at == RealServerList.NONE) {
            return NO_REAL_SERVER;
        }
        if (entry == DestinationCache.NONE) {
            entry = cache.enter(packet, nowMs);
        } else if (!replicates) {
            cache.clear(entry);
        }
        cache.add(entry, list.id(at), nowMs);
        return list.id(at);
    }

    /** ip_vs_dest_set_min(): the position of the entry's real server of the least overhead for its weight. */
    private int leastLoadedOf(DestinationCache cache, int entry, ConnectionCounts counts) {
        int least = RealServerList.NONE;
        long leastLoad = 0;
        for (int member = cache.firstMember(entry);
                member != DestinationCache.NONE;
                member = cache.nextMember(member)) {
            int at = list.positionOf(cache.idOf(member));
            // Only lblcr asks whether a remembered real server is above its threshold.
            if (at != RealServerList.NONE && list.weight(at) > 0 && !(replicates && counts.isOverloaded(list.id(at)))) {
                long load = counts.overhead(list.id(at));
                if (least == RealServerList.NONE || leastLoad * list.weight(at) > load * list.weight(least)) {
                    least = at;
                    leastLoad = load;
                }
            }
        }
        return least;
    }

    /** Takes the entry's real server of the most overhead for its weight away: ip_vs_dest_set_max(). */
    private void shrink(DestinationCache cache, int entry, ConnectionCounts counts, long nowMs) {
        int most = RealServerList.NONE;
        long mostLoad = 0;
        for (int member = cache.firstMember(entry);
                member != DestinationCache.NONE;
                member = cache.nextMember(member)) {
            int at = list.positionOf(cache.idOf(member));
            if (at != RealServerList.NONE && list.weight(at) > 0) {
                long load = counts.overhead(list.id(at));
                if (most == RealServerList.NONE || mostLoad * list.weight(at) < load * list.weight(most)) {
                    most = at;
                    mostLoad = load;
                }
            }
        }
        if (most != RealServerList.NONE) {
            cache.remove(entry, list.id(most), nowMs);
        }
    }

    @Override
    public int pickByHash(PacketView packet, long flowHash) {
        return unremembered.choose(flowHash);
    }
}

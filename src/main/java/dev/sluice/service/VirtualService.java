package dev.sluice.service;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A virtual service with its real servers.
 *
 * @param id stable while the service exists; index into per-service arrays; never negative
 * @param key protocol, VIP and port, or a firewall mark
 * @param scheduler how new flows find their real server
 * @param schedulerFlags variations of that scheduler; flags of another have no effect, as in IPVS
 * @param persistence how long and for which clients choices hold; null when each connection is scheduled by itself
 * @param onePacket whether each UDP datagram is scheduled by itself ({@code ipvsadm -o})
 * @param translation what is done to connections that are translated
 * @param realServers in the order in which they were added, oldest first (IPVS's own list runs the other way)
 */
public record VirtualService(
        int id,
        ServiceKey key,
        SchedulerKind scheduler,
        Set<SchedulerFlag> schedulerFlags,
        @Nullable Persistence persistence,
        boolean onePacket,
        TranslationOptions translation,
        List<RealServer> realServers) {
    /**
     * Copies the collections; throws {@link IllegalArgumentException} for a negative id or a netmask of another family than
     * the service's.
     */
    public VirtualService {
        if (id < 0) {
            throw new IllegalArgumentException("service id " + id + " is negative");
        }
        if (persistence != null && persistence.netmask().family() != key.family()) {
            throw new IllegalArgumentException(
                    "netmask " + persistence.netmask() + " is of another family than service " + key);
        }
        schedulerFlags = Set.copyOf(schedulerFlags);
        realServers = List.copyOf(realServers);
    }

    /** A service without scheduler flags and options. */
    public VirtualService(int id, ServiceKey key, SchedulerKind scheduler, List<RealServer> realServers) {
        this(id, key, scheduler, Set.of(), realServers);
    }

    /** A service without options. */
    public VirtualService(
            int id,
            ServiceKey key,
            SchedulerKind scheduler,
            Set<SchedulerFlag> schedulerFlags,
            List<RealServer> realServers) {
        this(id, key, scheduler, schedulerFlags, null, false, realServers);
    }

    /** A service of which nothing is said about translation. */
    public VirtualService(
            int id,
            ServiceKey key,
            SchedulerKind scheduler,
            Set<SchedulerFlag> schedulerFlags,
            @Nullable Persistence persistence,
            boolean onePacket,
            List<RealServer> realServers) {
        this(id, key, scheduler, schedulerFlags, persistence, onePacket, TranslationOptions.NONE, realServers);
    }

    /** The same service with other options of translation. */
    public VirtualService withTranslation(TranslationOptions options) {
        return new VirtualService(id, key, scheduler, schedulerFlags, persistence, onePacket, options, realServers);
    }

    /** The same service with other real servers. */
    public VirtualService withRealServers(List<RealServer> others) {
        return new VirtualService(id, key, scheduler, schedulerFlags, persistence, onePacket, translation, others);
    }
}

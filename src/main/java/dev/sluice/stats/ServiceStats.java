package dev.sluice.stats;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One virtual service.
 *
 * @param protocol {@code TCP}, {@code UDP}, {@code SCTP}, or {@code FWM} for a firewall mark
 * @param address the VIP, or the mark as a number
 * @param port the virtual port, 0 for every port
 * @param family {@code inet} or {@code inet6}
 * @param scheduler its scheduler's name
 * @param schedulerFlags variations of that scheduler, as {@code ipvsadm -b} has them
 * @param persistence how long clients stay on their real server in seconds, 0 when the service is not persistent
 * @param persistenceNetmask which clients count as one: an IPv4 mask or the length of an IPv6 prefix; null without persistence
 * @param onePacket whether each datagram is scheduled by itself
 * @param translation what is done to connections that are translated; null where nothing is said of it
 * @param traffic what the service got
 * @param rates what it gets in a second, as IPVS estimates it
 * @param realServers its real servers in the order of the configuration
 */
public record ServiceStats(
        String protocol,
        String address,
        int port,
        String family,
        String scheduler,
        List<String> schedulerFlags,
        int persistence,
        @Nullable String persistenceNetmask,
        boolean onePacket,
        @Nullable TranslationStats translation,
        Traffic traffic,
        Traffic rates,
        List<RealServerStats> realServers) {}

package dev.sluice.control.config;

import dev.sluice.service.Persistence;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.TranslationOptions;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One {@code [[service]]}.
 *
 * @param key protocol, VIP and port, or a firewall mark; unique in the file
 * @param scheduler how new flows find their real server
 * @param schedulerFlags variations of that scheduler
 * @param persistence how long and for which clients choices hold; null when each connection is scheduled by itself
 * @param onePacket whether each datagram is scheduled by itself
 * @param translation what is done to connections that are translated; without addresses in its pool it has the director's
 * @param realServers in file order; may be empty
 * @param health how their health is followed and what comes of it
 */
public record ServiceConfig(
        ServiceKey key,
        SchedulerKind scheduler,
        Set<SchedulerFlag> schedulerFlags,
        @Nullable Persistence persistence,
        boolean onePacket,
        TranslationOptions translation,
        List<RealServerConfig> realServers,
        HealthConfig health) {
    /** Copies the collections. */
    public ServiceConfig {
        schedulerFlags = Set.copyOf(schedulerFlags);
        realServers = List.copyOf(realServers);
    }

    /** What {@link TranslationRules} look at: its sorry server is a real server to them. */
    TranslationRules.Subject translated() {
        RealServerConfig sorry = health.sorry();
        Stream<RealServerConfig> all =
                sorry == null ? realServers.stream() : Stream.concat(realServers.stream(), Stream.of(sorry));
        return new TranslationRules.Subject(
                key,
                translation,
                all.map(real -> new TranslationRules.Target(real.address(), real.port(), real.method()))
                        .toList());
    }

    /** A service of which nothing is said about translation. */
    public ServiceConfig(
            ServiceKey key,
            SchedulerKind scheduler,
            Set<SchedulerFlag> schedulerFlags,
            @Nullable Persistence persistence,
            boolean onePacket,
            List<RealServerConfig> realServers,
            HealthConfig health) {
        this(key, scheduler, schedulerFlags, persistence, onePacket, TranslationOptions.NONE, realServers, health);
    }

    /** A service whose real servers are never checked. */
    public ServiceConfig(
            ServiceKey key,
            SchedulerKind scheduler,
            Set<SchedulerFlag> schedulerFlags,
            @Nullable Persistence persistence,
            boolean onePacket,
            List<RealServerConfig> realServers) {
        this(key, scheduler, schedulerFlags, persistence, onePacket, realServers, HealthConfig.NONE);
    }
}

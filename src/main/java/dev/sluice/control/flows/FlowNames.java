package dev.sluice.control.flows;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.ServiceKey;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the ids in connection tables stand for under one configuration, and in which order: by number, so that going through a
 * table makes no objects. Immutable; any thread.
 */
public final class FlowNames {
    /** Nothing has an id. */
    public static final FlowNames NONE = new FlowNames(-1, Map.of(), Map.of());

    /** The rank of what is not known any more: before all others. */
    static final int UNKNOWN = -1;

    private final long generation;
    private final @Nullable ServiceKey[] services;
    private final @Nullable Real[] realServers;
    private final int[] serviceRanks;
    private final int[] servicesOfRealServers;
    private final int[] addressRanks;
    private final List<IpAddress> addresses;

    /**
     * A real server of a service.
     *
     * @param service the service's key
     * @param address the RIP
     * @param port the port that it answers on, 0 for that of the packet
     * @param method how packets reach it; null for one that was removed
     */
    public record Real(
            ServiceKey service,
            IpAddress address,
            int port,
            @Nullable ForwardingMethod method) {}

    /**
     * @param generation which configuration
     * @param services services by id
     * @param realServers real servers by id
     */
    public FlowNames(long generation, Map<Integer, ServiceKey> services, Map<Integer, Real> realServers) {
        this.generation = generation;
        this.services = new ServiceKey[length(services)];
        services.forEach((id, key) -> this.services[id] = key);
        this.realServers = new Real[length(realServers)];
        realServers.forEach((id, real) -> this.realServers[id] = real);
        List<ServiceKey> order = Stream.concat(
                        services.values().stream(),
                        realServers.values().stream().map(Real::service))
                .distinct()
                .sorted(Comparator.comparing(ServiceKey::toString))
                .toList();
        Map<ServiceKey, Integer> serviceRank = ranks(order);
        serviceRanks = new int[this.services.length];
        services.forEach((id, key) -> serviceRanks[id] = serviceRank.getOrDefault(key, UNKNOWN));
        servicesOfRealServers = new int[this.realServers.length];
        realServers.forEach(
                (id, real) -> servicesOfRealServers[id] = serviceRank.getOrDefault(real.service(), UNKNOWN));
        addresses = realServers.values().stream()
                .map(Real::address)
                .distinct()
                .sorted()
                .toList();
        Map<IpAddress, Integer> addressRank = ranks(addresses);
        addressRanks = new int[this.realServers.length];
        realServers.forEach((id, real) -> addressRanks[id] = addressRank.getOrDefault(real.address(), UNKNOWN));
    }

    private static int length(Map<Integer, ?> byId) {
        return byId.keySet().stream().mapToInt(id -> id + 1).max().orElse(0);
    }

    private static <T> Map<T, Integer> ranks(List<T> order) {
        Map<T, Integer> ranks = new HashMap<>();
        order.forEach(one -> ranks.put(one, ranks.size()));
        return ranks;
    }

    /** Of which configuration these are. */
    public long generation() {
        return generation;
    }

    /** The service with an id; null when it is not known any more. */
    public @Nullable ServiceKey service(int id) {
        return id >= 0 && id < services.length ? services[id] : null;
    }

    /** The real server with an id; null when it is not known any more. */
    public @Nullable Real real(int id) {
        return id >= 0 && id < realServers.length ? realServers[id] : null;
    }

    /** Whether any id stands for a service. */
    public boolean knows(ServiceKey key) {
        return Arrays.asList(services).contains(key);
    }

    /** The place of a service among all, by the names that users see. */
    int rankOfService(int id) {
        return service(id) == null ? UNKNOWN : serviceRanks[id];
    }

    /** The place of a real server's service among all. */
    int rankOfServiceOf(int realServer) {
        return real(realServer) == null ? UNKNOWN : servicesOfRealServers[realServer];
    }

    /** The place of a real server's address among all; equal for ids with the same address. */
    int rankOfAddress(int realServer) {
        return real(realServer) == null ? UNKNOWN : addressRanks[realServer];
    }

    /** Whether any real server, those that are gone included, has an address among these. */
    public boolean knowsAddress(EndpointFilter filter) {
        return filter.prefix() == null || addresses.stream().anyMatch(filter::hasAddress);
    }
}

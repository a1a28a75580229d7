package dev.sluice.forward;

import dev.sluice.packet.PacketView;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.schedule.SchedulerTable;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Everything that workers read of the configuration: services, their scheduler tables, real servers and next hops.
 * Immutable; built by control, published to workers, read by them once a batch.
 *
 * <p>Flows hold ids of real servers only. An id names one real server of one service for as long as any worker's
 * {@code FlowTable.flowsOf} counts flows for it; control gives it to another only afterwards. Until then packets of the
 * flows of a removed real server are dropped, and the same real server added again may have its id, and its flows, back.
 */
public final class ForwardingSnapshot {
    /** Service ids lie below this. */
    public static final int MAX_SERVICES = 1 << 14;
    /** Real server ids lie below this. */
    public static final int MAX_REAL_SERVERS = 1 << 16;
    /** No such service or real server. */
    public static final int NONE = -1;

    private final long generation;
    private final ServiceIndex index;
    /** By service id. */
    private final @Nullable SchedulerTable[] tables;
    /** By real server id: its service, {@link #NONE} when there is none. */
    private final int[] serviceOf;
    /** Ids of real servers of weight 0. */
    private final BitSet quiesced;

    private final FwmarkIndex marks;
    private final ServiceOptions options;

    private final TunnelTable tunnels;
    private final NatTable nat;
    private final HopTable hops;
    private final FastTable fast;
    private final FastNatTable fastNat;
    private final RouteTable routes;

    private ForwardingSnapshot(
            long generation,
            ServiceIndex index,
            @Nullable SchedulerTable[] tables,
            int[] serviceOf,
            BitSet quiesced,
            FwmarkIndex marks,
            ServiceOptions options,
            TunnelTable tunnels,
            NatTable nat,
            IntFunction<List<NextHop>> nextHops,
            RouteTable routes) {
        this.generation = generation;
        this.index = index;
        this.tables = tables;
        this.serviceOf = serviceOf;
        this.quiesced = quiesced;
        this.marks = marks;
        this.options = options;
        this.tunnels = tunnels;
        this.nat = nat;
        this.hops = new HopTable(serviceOf.length, id -> serviceOf[id] == NONE ? List.of() : nextHops.apply(id));
        this.fast = new FastTable(serviceOf, tunnels, nat, hops);
        this.fastNat = new FastNatTable(serviceOf, nat, hops);
        this.routes = routes;
    }

    /** All of another snapshot, but the generation and the routes. */
    private ForwardingSnapshot(long generation, ForwardingSnapshot other, RouteTable routes) {
        this.generation = generation;
        this.index = other.index;
        this.tables = other.tables;
        this.serviceOf = other.serviceOf;
        this.quiesced = other.quiesced;
        this.marks = other.marks;
        this.options = other.options;
        this.tunnels = other.tunnels;
        this.nat = other.nat;
        this.hops = other.hops;
        this.fast = other.fast;
        this.fastNat = other.fastNat;
        this.routes = routes;
    }

    /** A snapshot without services, of generation 0: what a worker starts with. */
    public static ForwardingSnapshot empty() {
        return new Builder(0).build();
    }

    /**
     * The same services with other next hops; everything else is shared.
     *
     * @param newGeneration higher than this one's
     * @param nextHops by real server id, none while unresolved; several where each flow takes one of them
     */
    public ForwardingSnapshot withNextHops(long newGeneration, IntFunction<List<NextHop>> nextHops) {
        return new ForwardingSnapshot(
                newGeneration, index, tables, serviceOf, quiesced, marks, options, tunnels, nat, nextHops, routes);
    }

    /**
     * The same with other routes; everything else is shared.
     *
     * @param newGeneration higher than this one's
     */
    public ForwardingSnapshot withRoutes(long newGeneration, RouteTable newRoutes) {
        return new ForwardingSnapshot(newGeneration, this, newRoutes);
    }

    /** Grows with every snapshot; workers acknowledge by it. */
    public long generation() {
        return generation;
    }

    /** The service's scheduler table, null when there is no such service; what the next snapshot builds upon. */
    public @Nullable SchedulerTable table(int serviceId) {
        return serviceId < tables.length ? tables[serviceId] : null;
    }

    /** The id of the service that a packet's mark or address belongs to, or {@link #NONE}; marks go first, as in IPVS. */
    public int findService(PacketView packet) {
        int marked = marks.find(packet);
        return marked != NONE ? marked : index.find(packet);
    }

    /** What a service of this snapshot does besides scheduling. */
    ServiceOptions options() {
        return options;
    }

    /** The service of a real server, {@link #NONE} when it is no longer there. */
    public int serviceOf(int realServerId) {
        return realServerId < serviceOf.length ? serviceOf[realServerId] : NONE;
    }

    /** Whether this snapshot and another know the same real servers because nothing but next hops lies between them. */
    boolean hasRealServersOf(ForwardingSnapshot other) {
        return serviceOf == other.serviceOf;
    }

    /** Whether a real server of this snapshot has weight 0. */
    boolean isQuiesced(int realServerId) {
        return quiesced.get(realServerId);
    }

    /** Whether a real server is one of this snapshot, and the way to it known. */
    public boolean isReachable(int realServerId) {
        return serviceOf(realServerId) != NONE && hops.of(realServerId, 0) != HopTable.NONE;
    }

    /** How packets for the real servers of this snapshot are encapsulated. */
    TunnelTable tunnels() {
        return tunnels;
    }

    /** What packets for the real servers of this snapshot are translated to. */
    NatTable nat() {
        return nat;
    }

    /** The ways to the real servers of this snapshot. */
    HopTable hops() {
        return hops;
    }

    /** The routes to addresses that are no real servers: clients'. */
    public RouteTable routes() {
        return routes;
    }

    /** What the fast path goes by. */
    FastTable fast() {
        return fast;
    }

    /** Whether there are real servers by NAT or FULLNAT, whose replies come here. */
    public boolean hasTranslations() {
        return nat.any();
    }

    /** Whether there are real servers that see a local address in place of their clients'. */
    public boolean hasLocalAddresses() {
        return nat.hasLocalAddresses();
    }

    /** What the fast path of translated connections goes by. */
    FastNatTable fastNat() {
        return fastNat;
    }

    /** Collects what a snapshot holds. Not thread-safe. */
    public static final class Builder {
        private final long generation;
        private final Map<ServiceKey, Integer> idByKey = new HashMap<>();
        private final Map<Integer, SchedulerTable> tableById = new HashMap<>();
        private final Map<Integer, Integer> serviceByRealServer = new HashMap<>();
        private final BitSet quiesced = new BitSet();
        private final ServiceOptions options = new ServiceOptions();
        private List<FwmarkRule> fwmarkRules = List.of();
        private final List<VirtualService> services = new ArrayList<>();
        private final Map<Integer, List<NextHop>> nextHopsByRealServer = new HashMap<>();
        private RouteTable routes = RouteTable.EMPTY;

        /** A builder of a snapshot with this generation. */
        public Builder(long generation) {
            this.generation = generation;
        }

        /**
         * Adds a service that is new or whose real servers or scheduler changed.
         *
         * @param previous the service's table so far, null for a new one; see {@link SchedulerTable#of}
         * @throws IllegalArgumentException when an id or key is taken or an id is out of range
         */
        public Builder add(VirtualService service, @Nullable SchedulerTable previous, SchedulerParameters parameters) {
            return add(service, SchedulerTable.of(service, previous, parameters));
        }

        /**
         * Adds a service with a table built before: one to which nothing happened.
         *
         * @throws IllegalArgumentException when an id or key is taken or an id is out of range
         */
        public Builder add(VirtualService service, SchedulerTable table) {
            if (service.id() >= MAX_SERVICES) {
                throw new IllegalArgumentException("no more than " + MAX_SERVICES + " services");
            }
            if (idByKey.putIfAbsent(service.key(), service.id()) != null
                    || tableById.putIfAbsent(service.id(), table) != null) {
                throw new IllegalArgumentException("service " + service.key() + " or id " + service.id() + " twice");
            }
            options.set(service);
            for (RealServer real : service.realServers()) {
                if (real.id() >= MAX_REAL_SERVERS) {
                    throw new IllegalArgumentException("no more than " + MAX_REAL_SERVERS + " real servers");
                }
                if (serviceByRealServer.putIfAbsent(real.id(), service.id()) != null) {
                    throw new IllegalArgumentException("real server id " + real.id() + " twice");
                }
                quiesced.set(real.id(), real.weight() == 0);
            }
            services.add(service);
            return this;
        }

        /** Sets the rules by which packets get marks, in the order in which they are asked. */
        public Builder fwmarkRules(List<FwmarkRule> rules) {
            fwmarkRules = List.copyOf(rules);
            return this;
        }

        /** Sets where a real server's frames go; without it, or with none, the next hop is unresolved. */
        public Builder nextHops(int realServerId, List<NextHop> nextHops) {
            nextHopsByRealServer.put(realServerId, List.copyOf(nextHops));
            return this;
        }

        /** Sets the routes to clients; without it there are none. */
        public Builder routes(RouteTable table) {
            routes = table;
            return this;
        }

        /** The snapshot. */
        public ForwardingSnapshot build() {
            @Nullable SchedulerTable[] tables = new @Nullable SchedulerTable[size(tableById)];
            tableById.forEach((id, table) -> tables[id] = table);
            int[] serviceOf = new int[size(serviceByRealServer)];
            Arrays.fill(serviceOf, NONE);
            serviceByRealServer.forEach((id, service) -> serviceOf[id] = service);
            Map<AddressKey, Integer> byAddress = new HashMap<>();
            idByKey.forEach((key, id) -> {
                if (key instanceof AddressKey address) {
                    byAddress.put(address, id);
                }
            });
            return new ForwardingSnapshot(
                    generation,
                    new ServiceIndex(byAddress),
                    tables,
                    serviceOf,
                    (BitSet) quiesced.clone(),
                    new FwmarkIndex(fwmarkRules, idByKey),
                    options.copy(),
                    new TunnelTable(serviceOf.length, services),
                    new NatTable(serviceOf.length, services),
                    id -> nextHopsByRealServer.getOrDefault(id, List.of()),
                    routes);
        }

        private static int size(Map<Integer, ?> byId) {
            return byId.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        }
    }
}

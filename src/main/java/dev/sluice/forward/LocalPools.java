package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The local addresses and ports for connections to each real server reached by FULLNAT. Immutable. */
final class LocalPools {
    /** Those of one family of a service's. */
    static final class Pool {
        private final long[] high;
        private final long[] low;
        private final int firstPort;
        private final int lastPort;

        private Pool(List<IpAddress> addresses, int firstPort, int lastPort) {
            this.high = addresses.stream().mapToLong(IpAddress::high).toArray();
            this.low = addresses.stream().mapToLong(IpAddress::low).toArray();
            this.firstPort = firstPort;
            this.lastPort = lastPort;
        }

        /** How many LIPs there are. */
        int addresses() {
            return low.length;
        }

        long high(int address) {
            return high[address];
        }

        long low(int address) {
            return low[address];
        }

        /** The lowest LPORT. */
        int firstPort() {
            return firstPort;
        }

        /** The highest LPORT. */
        int lastPort() {
            return lastPort;
        }
    }

    /** By real server id; null of those that are reached otherwise. */
    private final @Nullable Pool[] pools;

    /**
     * @param size ids of real servers lie below this
     */
    LocalPools(int size, Collection<VirtualService> services) {
        pools = new @Nullable Pool[size];
        for (VirtualService service : services) {
            Map<AddressFamily, Pool> byFamily = new HashMap<>();
            for (RealServer real : service.realServers()) {
                if (real.method() == ForwardingMethod.FULLNAT) {
                    pools[real.id()] = byFamily.computeIfAbsent(
                            real.address().family(),
                            family -> of(service.translation().pool(), family));
                }
            }
        }
    }

    private static Pool of(LocalPool pool, AddressFamily family) {
        List<IpAddress> addresses = new ArrayList<>(pool.addresses());
        addresses.removeIf(address -> address.family() != family);
        return new Pool(addresses, pool.firstPort(), pool.lastPort());
    }

    /** Of a real server; null when it is not reached by FULLNAT. */
    @Nullable
    Pool of(int realServer) {
        return pools[realServer];
    }
}

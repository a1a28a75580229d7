package dev.sluice.control.config;

import dev.sluice.forward.PacketPolicy;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.LocalPool;
import java.util.List;

/**
 * The table {@code [director.fullnat]}.
 *
 * @param localAddresses from which services speak to real servers by FULLNAT that have no addresses of their own for it
 * @param firstLocalPort the lowest port of all local addresses
 * @param lastLocalPort the highest
 * @param toaIpv6Kind the kind of the TCP option that tells IPv6 clients' addresses
 */
public record FullnatConfig(List<IpAddress> localAddresses, int firstLocalPort, int lastLocalPort, int toaIpv6Kind) {
    /** What holds without the table. */
    public static final FullnatConfig DEFAULT = of(LocalPool.NONE, PacketPolicy.TOA_KIND);

    /** Copies the list. */
    public FullnatConfig {
        localAddresses = List.copyOf(localAddresses);
    }

    /** One with a pool. */
    static FullnatConfig of(LocalPool pool, int toaIpv6Kind) {
        return new FullnatConfig(pool.addresses(), pool.firstPort(), pool.lastPort(), toaIpv6Kind);
    }

    /** The pool of services that have no addresses of their own; its ports are all services'. */
    public LocalPool pool() {
        return new LocalPool(localAddresses, firstLocalPort, lastLocalPort);
    }
}

package dev.sluice.service;

import dev.sluice.packet.IpAddress;
import java.util.List;

/**
 * The director's own addresses and ports from which it speaks to real servers reached by {@link ForwardingMethod#FULLNAT}: LIP and
 * LPORT. Each pair serves one connection to one RIP:RPORT, and as many as there are RIP:RPORTs in all.
 *
 * @param addresses the LIPs, of either family; real servers of a family use those of their own
 * @param firstPort the lowest LPORT
 * @param lastPort the highest LPORT
 */
public record LocalPool(List<IpAddress> addresses, int firstPort, int lastPort) {
    /** The lowest LPORT without another wish: above the ports that are reserved for services. */
    public static final int FIRST_PORT = 1024;
    /** The highest port there is. */
    public static final int LAST_PORT = 65535;

    /** No addresses. */
    public static final LocalPool NONE = new LocalPool(List.of(), FIRST_PORT, LAST_PORT);

    /** Copies the list; throws {@link IllegalArgumentException} for ports out of range, or an address twice. */
    public LocalPool {
        if (firstPort < 1 || lastPort > LAST_PORT || firstPort > lastPort) {
            throw new IllegalArgumentException(
                    "local ports " + firstPort + "-" + lastPort + " are not a range within 1-" + LAST_PORT);
        }
        addresses = List.copyOf(addresses);
        if (addresses.stream().distinct().count() < addresses.size()) {
            throw new IllegalArgumentException("a local address stands twice in " + addresses);
        }
    }
}

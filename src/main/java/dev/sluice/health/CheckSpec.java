package dev.sluice.health;

import dev.sluice.packet.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * One check of a real server. One that has several is healthy when all say so.
 *
 * @param probe what is asked
 * @param address where instead of the RIP, which it is for {@link Via#VIP} in any case; null for there
 * @param port the port asked; 0 for the one that the real server answers on
 * @param source the address asked from; null for the one that the route prefers
 * @param via the way that it takes
 * @param timing when
 */
public record CheckSpec(
        Probe probe,
        @Nullable IpAddress address,
        int port,
        @Nullable IpAddress source,
        Via via,
        Timing timing) {
    /** Throws {@link IllegalArgumentException} for a port outside 0–65535. */
    public CheckSpec {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port " + port + " is outside 0-65535");
        }
    }
}

package dev.sluice.forward;

import dev.sluice.packet.IpPrefix;
import dev.sluice.service.RealServer;
import org.jspecify.annotations.Nullable;

/**
 * Where frames for a real server go on the link. A real server to which several paths of equal cost lead has several.
 *
 * @param egressPort the worker's port (interface) number
 * @param destinationMac the real server's MAC address, or its router's; 48 bits, first octet most significant
 * @param sourceMac the egress interface's MAC address
 * @param mtuBytes the largest IP packet that the way there takes
 * @param vlan the VLAN in which frames leave: {@link RealServer#VLAN_KEEP}, {@link RealServer#VLAN_NONE} or its identifier
 * @param tunnelSource the outer source address of encapsulated packets, or several of which each flow has one; of the real
 *     server's family; null where packets are not encapsulated
 */
public record NextHop(
        int egressPort,
        long destinationMac,
        long sourceMac,
        int mtuBytes,
        int vlan,
        @Nullable IpPrefix tunnelSource) {
    /** Throws {@link IllegalArgumentException} for a negative port, a MAC address above 48 bits, or no MTU. */
    public NextHop {
        if (egressPort < 0 || destinationMac >>> 48 != 0 || sourceMac >>> 48 != 0 || mtuBytes <= 0) {
            throw new IllegalArgumentException("no next hop: port " + egressPort + ", destination "
                    + Long.toHexString(destinationMac) + ", source " + Long.toHexString(sourceMac) + ", MTU "
                    + mtuBytes);
        }
    }

    /** A next hop for packets that are not encapsulated and keep their tags. */
    public NextHop(int egressPort, long destinationMac, long sourceMac, int mtuBytes) {
        this(egressPort, destinationMac, sourceMac, mtuBytes, RealServer.VLAN_KEEP, null);
    }
}

package dev.sluice.forward;

/**
 * Where frames for a real server go on the link.
 *
 * @param egressPort the worker's port (interface) number
 * @param destinationMac the real server's MAC address, or its router's; 48 bits, first octet most significant
 * @param sourceMac the egress interface's MAC address
 * @param mtuBytes the largest IP packet that the egress interface takes
 */
public record NextHop(int egressPort, long destinationMac, long sourceMac, int mtuBytes) {
    /** Throws {@link IllegalArgumentException} for a negative port, a MAC address above 48 bits, or no MTU. */
    public NextHop {
        if (egressPort < 0 || destinationMac >>> 48 != 0 || sourceMac >>> 48 != 0 || mtuBytes <= 0) {
            throw new IllegalArgumentException("no next hop: port " + egressPort + ", destination "
                    + Long.toHexString(destinationMac) + ", source " + Long.toHexString(sourceMac) + ", MTU "
                    + mtuBytes);
        }
    }
}

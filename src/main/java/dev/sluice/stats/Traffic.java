package dev.sluice.stats;

/**
 * What a service or a real server got, or gets in a second. By direct routing and tunneling replies go straight from real
 * servers to clients, and the director only sees the clients' half.
 *
 * @param connections new flows
 * @param inPackets packets of clients forwarded
 * @param outPackets replies forwarded: none by direct routing and tunneling
 * @param inBytes their bytes, by the length of the IP packet as IPVS counts them
 * @param outBytes the replies' bytes
 */
public record Traffic(long connections, long inPackets, long outPackets, long inBytes, long outBytes) {
    /** Nothing. */
    public static final Traffic NONE = new Traffic(0, 0, 0, 0, 0);

    /** The sum of this and another. */
    public Traffic plus(Traffic other) {
        return new Traffic(
                connections + other.connections,
                inPackets + other.inPackets,
                outPackets + other.outPackets,
                inBytes + other.inBytes,
                outBytes + other.outBytes);
    }

    /** What this is more than another. */
    public Traffic minus(Traffic other) {
        return new Traffic(
                connections - other.connections,
                inPackets - other.inPackets,
                outPackets - other.outPackets,
                inBytes - other.inBytes,
                outBytes - other.outBytes);
    }
}

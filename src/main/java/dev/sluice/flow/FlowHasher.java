package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.SipHash;

/**
 * The keyed hash of a flow: SipHash-1-3 over CIP, VIP, CPORT, VPORT, protocol and family. One hash serves the flow table
 * (its low bits) and the Maglev table (its high bits). Immutable.
 */
public final class FlowHasher {
    /** IPv4 in a tuple. */
    public static final int INET = 4;
    /** IPv6 in a tuple. */
    public static final int INET6 = 6;
    /** Words of an IPv6 flow's addresses. */
    public static final int INET6_WORDS = 4;

    private final HashKey key;

    /** A hasher under the director's key. */
    public FlowHasher(HashKey key) {
        this.key = key;
    }

    /** The hash of a parsed packet's flow. */
    public long hash(PacketView packet) {
        long tuple = tuple(packet);
        if (packet.inet6()) {
            return SipHash.hash13(
                    key,
                    packet.sourceHigh(),
                    packet.sourceLow(),
                    packet.destinationHigh(),
                    packet.destinationLow(),
                    38L << 56 | tuple);
        }
        return SipHash.hash13(key, packet.sourceLow() << 32 | packet.destinationLow(), 14L << 56 | tuple);
    }

    /**
     * The hashes of the IPv4 packets' flows among some, by index; in a loop of its own, so that the processor works on several at
     * a time.
     *
     * @param addresses CIP in the upper half, VIP in the lower
     * @param tuples as {@link #tuple(int, int, int)} gives them, or 0
     */
    public void hashInet(long[] addresses, long[] tuples, long[] hashes, int from, int to) {
        SipHash.hash13(key, addresses, tuples, INET, 14L << 56, hashes, from, to);
    }

    /**
     * As {@link #hashInet}, of the IPv6 packets' flows.
     *
     * @param addresses {@link #INET6_WORDS} words each index: CIP, then VIP, the upper half first
     */
    public void hashInet6(long[] addresses, long[] tuples, long[] hashes, int from, int to) {
        SipHash.hash13By4(key, addresses, tuples, INET6, 38L << 56, hashes, from, to);
    }

    /**
     * What tells two flows between the same addresses apart, in 48 bits; never 0.
     *
     * @param ports CPORT and VPORT as they stand in a packet
     * @param family {@link #INET} or {@link #INET6}, which is the lowest octet
     */
    public static long tuple(int ports, int protocol, int family) {
        return Integer.toUnsignedLong(ports) << 16 | protocol << 8 | family;
    }

    /** The hash of a flow as it stands in a table. */
    long hash(FlowCopy flow) {
        if (flow.inet6()) {
            return SipHash.hash13(
                    key, flow.clientHigh, flow.clientLow, flow.virtualHigh, flow.virtualLow, 38L << 56 | flow.tuple);
        }
        return SipHash.hash13(key, flow.clientLow << 32 | flow.virtualLow, 14L << 56 | flow.tuple);
    }

    /**
     * Another secret, which whoever knows hashes does not know.
     *
     * @param purpose what it is for
     */
    public HashKey derivedKey(int purpose) {
        long last = 37L << 56 | Integer.toUnsignedLong(purpose) << 8;
        return new HashKey(SipHash.hash13(key, 0, 0, 0, 0, 0, last | 1), SipHash.hash13(key, 0, 0, 0, 0, 0, last | 2));
    }

    /** Tells hashers of different keys apart, and says nothing about the key. */
    long fingerprint() {
        return SipHash.hash13(key, 0, 0, 0, 0, 0, 1L << 56 | 'k');
    }

    /** What tells two flows between the same addresses apart, in 48 bits; never 0. */
    static long tuple(PacketView packet) {
        return tuple(
                packet.sourcePort() << 16 | packet.destinationPort(), packet.protocol(), packet.inet6() ? INET6 : INET);
    }
}

package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.SipHash;

/**
 * The keyed hash of a flow: SipHash-1-3 over CIP, VIP, CPORT, VPORT, protocol and family. One hash serves the flow table
 * (its low bits) and the Maglev table (its high bits). Immutable.
 */
public final class FlowHasher {
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
     * The hashes of some IPv4 packets' flows, by index; in a loop of its own, so that the processor works on several at a time.
     *
     * @param addresses CIP in the upper half, VIP in the lower
     * @param tuples as {@link #tupleInet} gives them; 0 is left out
     */
    public void hashInet(long[] addresses, long[] tuples, long[] hashes, int from, int to) {
        SipHash.hash13(key, addresses, tuples, 14L << 56, hashes, from, to);
    }

    /** What tells two IPv4 flows between the same addresses apart, as {@link #tuple}; the ports as they stand in a packet. */
    public static long tupleInet(int ports, int protocol) {
        return Integer.toUnsignedLong(ports) << 16 | protocol << 8 | 4;
    }

    /** The hash of a flow as it stands in a table. */
    long hash(FlowCopy flow) {
        if (flow.inet6()) {
            return SipHash.hash13(
                    key, flow.clientHigh, flow.clientLow, flow.virtualHigh, flow.virtualLow, 38L << 56 | flow.tuple);
        }
        return SipHash.hash13(key, flow.clientLow << 32 | flow.virtualLow, 14L << 56 | flow.tuple);
    }

    /** Tells hashers of different keys apart, and says nothing about the key. */
    long fingerprint() {
        return SipHash.hash13(key, 0, 0, 0, 0, 0, 1L << 56 | 'k');
    }

    /** What tells two flows between the same addresses apart, in 48 bits; never 0. */
    static long tuple(PacketView packet) {
        return (long) packet.sourcePort() << 32
                | (long) packet.destinationPort() << 16
                | packet.protocol() << 8
                | (packet.inet6() ? 6 : 4);
    }
}

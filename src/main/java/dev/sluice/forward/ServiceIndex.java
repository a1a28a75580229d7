package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.PacketView;
import dev.sluice.service.AddressKey;
import java.util.Arrays;
import java.util.Map;

/**
 * Finds the virtual service of a packet: protocol, VIP and port, then protocol and VIP with the wildcard port 0.
 * Immutable; open addressing over primitive arrays, at most half full.
 */
final class ServiceIndex {
    static final int NO_SERVICE = -1;

    private final long[] high;
    private final long[] low;
    /** Family, protocol and port in one int; 0 is a free slot. */
    private final int[] rest;

    private final int[] id;
    private final int mask;

    ServiceIndex(Map<AddressKey, Integer> idByKey) {
        int slots = Integer.highestOneBit(Math.max(1, idByKey.size())) << 2;
        high = new long[slots];
        low = new long[slots];
        rest = new int[slots];
        id = new int[slots];
        mask = slots - 1;
        Arrays.fill(id, NO_SERVICE);
        idByKey.forEach(this::put);
    }

    private void put(AddressKey key, int serviceId) {
        int keyRest = rest(
                key.address().family() == AddressFamily.INET6, key.protocol().number(), key.port());
        int slot = home(key.address().high(), key.address().low(), keyRest);
        while (rest[slot] != 0) {
            slot = slot + 1 & mask;
        }
        high[slot] = key.address().high();
        low[slot] = key.address().low();
        rest[slot] = keyRest;
        id[slot] = serviceId;
    }

    /** The id of the service that the packet is addressed to, or {@link #NO_SERVICE}. */
    int find(PacketView packet) {
        int exact = rest(packet.inet6(), packet.protocol(), packet.destinationPort());
        int found = find(packet.destinationHigh(), packet.destinationLow(), exact);
        return found != NO_SERVICE ? found : find(packet.destinationHigh(), packet.destinationLow(), exact & ~0xffff);
    }

    private int find(long keyHigh, long keyLow, int keyRest) {
        int slot = home(keyHigh, keyLow, keyRest);
        while (rest[slot] != 0) {
            if (rest[slot] == keyRest && low[slot] == keyLow && high[slot] == keyHigh) {
                return id[slot];
            }
            slot = slot + 1 & mask;
        }
        return NO_SERVICE;
    }

    private static int rest(boolean inet6, int protocol, int port) {
        return (inet6 ? 6 : 4) << 24 | protocol << 16 | port;
    }

    /** Keys are the operator's, not a client's: a plain mix is enough. */
    private int home(long keyHigh, long keyLow, int keyRest) {
        long mixed = (keyHigh * 31 + keyLow) * 0x9e3779b97f4a7c15L + keyRest;
        mixed *= 0xff51afd7ed558ccdL;
        return (int) (mixed >>> 40) & mask;
    }
}

package dev.sluice.schedule;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketView;

/** Addresses as the hashing schedulers of IPVS see them: 32 bits, in IPv6 the exclusive or of the four words. */
final class FoldedAddress {
    private FoldedAddress() {}

    /** Of a packet's CIP. */
    static int ofClient(PacketView packet) {
        return packet.inet6() ? fold(packet.sourceHigh(), packet.sourceLow()) : (int) packet.sourceLow();
    }

    /** Of a packet's VIP. */
    static int ofDestination(PacketView packet) {
        return packet.inet6() ? fold(packet.destinationHigh(), packet.destinationLow()) : (int) packet.destinationLow();
    }

    /** Of a RIP. */
    static int of(IpAddress address) {
        return address.family() == AddressFamily.INET6 ? fold(address.high(), address.low()) : (int) address.low();
    }

    private static int fold(long high, long low) {
        long both = high ^ low;
        return (int) (both >>> 32) ^ (int) both;
    }
}

package dev.sluice.forward.observe;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import org.jspecify.annotations.Nullable;

/**
 * Which packets are looked at. Immutable; any thread.
 *
 * @param client the CIP, or all that begin alike; null for any
 * @param clientPort -1 for any
 * @param virtual the VIP; null for any
 * @param virtualPort -1 for any
 * @param port on either side, -1 for any
 * @param protocol an IP protocol's number, -1 for any
 * @param ingressPort the worker's number of the interface by which they come in, -1 for any
 */
public record PacketFilter(
        @Nullable IpPrefix client,
        int clientPort,
        @Nullable IpPrefix virtual,
        int virtualPort,
        int port,
        int protocol,
        int ingressPort) {
    /** Lets everything through. */
    public static final PacketFilter ALL = new PacketFilter(null, -1, null, -1, -1, -1, -1);

    /** Whether a packet need not be parsed to see whether it matches. */
    public boolean isOfInterfaceAlone() {
        return client == null && virtual == null && clientPort < 0 && virtualPort < 0 && port < 0 && protocol < 0;
    }

    /** Whether packets that come in by an interface may match. */
    public boolean takesFrom(int ingress) {
        return ingressPort < 0 || ingressPort == ingress;
    }

    /** Whether a packet matches as one from the client to the VIP. {@code code} is the parser's. */
    public boolean matchesRequest(PacketView packet, int code) {
        return isReadable(code)
                && matchesProtocol(packet)
                && contains(client, packet.inet6(), packet.sourceHigh(), packet.sourceLow())
                && contains(virtual, packet.inet6(), packet.destinationHigh(), packet.destinationLow())
                && (!hasPorts()
                        || (code == PacketParser.OK && matchesPorts(packet.sourcePort(), packet.destinationPort())));
    }

    /** Whether a packet matches as one from the VIP to the client, as replies are that the director has translated. */
    public boolean matchesReply(PacketView packet, int code) {
        return isReadable(code)
                && matchesProtocol(packet)
                && contains(client, packet.inet6(), packet.destinationHigh(), packet.destinationLow())
                && contains(virtual, packet.inet6(), packet.sourceHigh(), packet.sourceLow())
                && (!hasPorts()
                        || (code == PacketParser.OK && matchesPorts(packet.destinationPort(), packet.sourcePort())));
    }

    private boolean hasPorts() {
        return clientPort >= 0 || virtualPort >= 0 || port >= 0;
    }

    private boolean matchesPorts(int clients, int virtuals) {
        return (clientPort < 0 || clientPort == clients)
                && (virtualPort < 0 || virtualPort == virtuals)
                && (port < 0 || port == clients || port == virtuals);
    }

    private boolean matchesProtocol(PacketView packet) {
        return protocol < 0 || protocol == packet.protocol();
    }

    private static boolean contains(@Nullable IpPrefix prefix, boolean inet6, long high, long low) {
        if (prefix == null) {
            return true;
        }
        IpAddress address = prefix.address();
        if ((address.family() == AddressFamily.INET6) != inet6) {
            return false;
        }
        int beyond = address.family().addressBits() - prefix.length();
        long differsHigh = high ^ address.high();
        long differsLow = low ^ address.low();
        if (beyond >= Long.SIZE) {
            // A shift by 64 would be one by 0.
            return beyond == 2 * Long.SIZE || differsHigh >>> (beyond - Long.SIZE) == 0;
        }
        return differsHigh == 0 && differsLow >>> beyond == 0;
    }

    /** Whether the parser has read addresses and protocol. */
    private static boolean isReadable(int code) {
        return code == PacketParser.OK
                || code == PacketParser.FRAGMENT
                || code == PacketParser.ICMP
                || code == PacketParser.UNSUPPORTED_PROTOCOL;
    }
}

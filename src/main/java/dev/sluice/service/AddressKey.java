package dev.sluice.service;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * The key of a service that is reached by an address.
 *
 * @param protocol the transport protocol
 * @param address the VIP
 * @param port the virtual port, 0 for every port of the VIP that no other service of it names
 */
public record AddressKey(Protocol protocol, IpAddress address, int port) implements ServiceKey {
    /** Throws {@link IllegalArgumentException} for a port outside 0–65535. */
    public AddressKey {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port " + port + " is outside 0-65535");
        }
    }

    // By hand, as with IpAddress.
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof AddressKey that
                && port == that.port
                && protocol == that.protocol
                && address.equals(that.address);
    }

    @Override
    public int hashCode() {
        return (address.hashCode() * 31 + port) * 31 + protocol.number();
    }

    @Override
    public AddressFamily family() {
        return address.family();
    }

    /** {@code TCP 10.0.0.100:80}, {@code UDP [2001:db8::1]:53}. */
    @Override
    public String toString() {
        return protocol
                + (address.family() == AddressFamily.INET6 ? " [" + address + "]:" : " " + address + ":")
                + port;
    }
}

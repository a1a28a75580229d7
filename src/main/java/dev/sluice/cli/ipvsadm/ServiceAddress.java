package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * {@code host[:port]} of {@code -t}, {@code -u}, {@code --sctp-service} and {@code -r}: an IPv4 address or name, or an IPv6 address,
 * in brackets where a port follows.
 *
 * @param port empty when the text names none
 */
record ServiceAddress(IpAddress address, OptionalInt port) {
    /**
     * Reads one.
     *
     * @param protocol of which service names are, null for none
     * @return empty for text that is none, or whose names mean nothing
     */
    static Optional<ServiceAddress> read(String text, @Nullable Protocol protocol, Names names) {
        // A number alone is no address here, though inet_aton(3) takes one.
        if (text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return Optional.empty();
        }
        String host = text;
        String port = null;
        if (text.startsWith("[")) {
            int end = text.indexOf(']');
            if (end < 0 || !text.startsWith("]:", end)) {
                return Optional.empty();
            }
            host = text.substring(1, end);
            port = text.substring(end + 2);
        }
        Optional<IpAddress> address = Numbers.inet6(host);
        if (address.isEmpty()) {
            // Brackets are for IPv6: with anything else in them, what follows them is no port.
            int colon = host.indexOf(':');
            port = colon < 0 ? null : host.substring(colon + 1);
            address = inet(colon < 0 ? host : host.substring(0, colon), names);
        }
        if (address.isEmpty()) {
            return Optional.empty();
        }
        if (port == null) {
            return Optional.of(new ServiceAddress(address.get(), OptionalInt.empty()));
        }
        OptionalInt number = port(port, protocol, names);
        return number.isEmpty() ? Optional.empty() : Optional.of(new ServiceAddress(address.get(), number));
    }

    /** An IPv4 address in any spelling, or a host's. */
    static Optional<IpAddress> inet(String text, Names names) {
        OptionalInt number = Numbers.inetAton(text);
        return number.isPresent() ? Optional.of(IpAddress.ofInet(number.getAsInt())) : names.addressOf(text);
    }

    private static OptionalInt port(String text, @Nullable Protocol protocol, Names names) {
        OptionalLong number = Numbers.decimal(text, 0, 65535);
        if (number.isPresent()) {
            return OptionalInt.of((int) number.getAsLong());
        }
        return protocol == null ? OptionalInt.empty() : names.portOf(text, protocol);
    }
}

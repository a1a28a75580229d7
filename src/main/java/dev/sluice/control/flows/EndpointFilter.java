package dev.sluice.control.flows;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import org.jspecify.annotations.Nullable;

/**
 * An address or a prefix, a port, or both. Immutable.
 *
 * @param prefix which addresses; null for all
 * @param port which port, {@link #ANY_PORT} for all
 */
public record EndpointFilter(@Nullable IpPrefix prefix, int port) {
    /** No port was named. */
    public static final int ANY_PORT = -1;

    /** Everything. */
    public static final EndpointFilter ALL = new EndpointFilter(null, ANY_PORT);

    private static final String FORMS = "10.0.0.1, 10.0.0.0/8, 10.0.0.1:80, [2001:db8::1]:80, [2001:db8::]/32 or :80";

    /**
     * Reads {@code 10.0.0.0/8}, {@code 10.0.0.1:80}, {@code 2001:db8::/32}, {@code [2001:db8::1]:80}, {@code :80}.
     *
     * @throws IllegalArgumentException with a message fit for users
     */
    public static EndpointFilter parse(String text) {
        try {
            return parseForms(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("\"" + text + "\": " + e.getMessage() + "; allowed: " + FORMS, e);
        }
    }

    private static EndpointFilter parseForms(String text) {
        if (text.startsWith("[")) {
            int end = text.indexOf(']');
            if (end < 0) {
                throw new IllegalArgumentException("the bracket is not closed");
            }
            String behind = text.substring(end + 1);
            int colon = behind.indexOf(':');
            String length = colon < 0 ? behind : behind.substring(0, colon);
            if (!length.isEmpty() && !length.startsWith("/")) {
                throw new IllegalArgumentException("what stands behind the bracket is no port");
            }
            IpPrefix prefix = IpPrefix.parse(text.substring(1, end) + length);
            if (prefix.address().family() != AddressFamily.INET6) {
                throw new IllegalArgumentException("brackets are for IPv6 addresses");
            }
            return new EndpointFilter(prefix, colon < 0 ? ANY_PORT : port(behind.substring(colon + 1)));
        }
        int colon = text.indexOf(':');
        if (colon == 0 && text.indexOf(':', 1) < 0) {
            return new EndpointFilter(null, port(text.substring(1)));
        }
        boolean inet6 = colon >= 0 && text.indexOf(':', colon + 1) >= 0;
        if (inet6 || colon < 0) {
            return new EndpointFilter(IpPrefix.parse(text), ANY_PORT);
        }
        return new EndpointFilter(IpPrefix.parse(text.substring(0, colon)), port(text.substring(colon + 1)));
    }

    private static int port(String text) {
        if (text.matches("[0-9]{1,5}") && Integer.parseInt(text) <= 65535) {
            return Integer.parseInt(text);
        }
        throw new IllegalArgumentException("\"" + text + "\" is no port 0-65535");
    }

    /** Whether an address and a port are among them. */
    boolean matches(boolean inet6, long high, long low, int otherPort) {
        if (port != ANY_PORT && port != otherPort) {
            return false;
        }
        if (prefix == null) {
            return true;
        }
        if (inet6 != (prefix.address().family() == AddressFamily.INET6)) {
            return false;
        }
        int length = prefix.length();
        return inet6
                ? begins(high, prefix.address().high(), Math.min(length, 64))
                        && begins(low, prefix.address().low(), Math.max(length - 64, 0))
                : begins(low << 32, prefix.address().low() << 32, length);
    }

    private static boolean begins(long value, long with, int bits) {
        return bits == 0 || (value ^ with) >>> (64 - bits) == 0;
    }

    /** Whether an address is among them, whatever its port. */
    boolean hasAddress(IpAddress address) {
        return prefix == null || prefix.contains(address);
    }
}

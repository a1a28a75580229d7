package dev.sluice.control.http;

import dev.sluice.packet.IpAddress;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Against DNS rebinding: a page of somebody else's, whose name has been made to lead here, has a browser ask with that name
 * (RFC 9110, 7.2). Numeric addresses cannot be anybody's name, so they are let through with whatever port a tunnel has given
 * them; names only if they are ours. Immutable; any thread.
 */
final class HostCheck {
    private final Set<String> names;

    /**
     * @param names names that lead here, in lower case, beside {@code localhost}
     */
    HostCheck(List<String> names) {
        this.names = Set.copyOf(names);
    }

    /**
     * Whether a request may be answered.
     *
     * @param host the value of its Host header
     */
    boolean isOurs(@Nullable String host) {
        if (host == null || host.isEmpty()) {
            return false;
        }
        boolean bracketed = host.startsWith("[");
        int end = bracketed ? host.indexOf(']') + 1 : endOfName(host);
        if (end <= 0 || !isPort(host.substring(end))) {
            return false;
        }
        String name = host.substring(0, end).toLowerCase(Locale.ROOT);
        return bracketed
                ? isAddress(name.substring(1, end - 1)) && name.indexOf(':') > 0
                : name.equals("localhost") || names.contains(name) || (isAddress(name) && name.indexOf(':') < 0);
    }

    private static int endOfName(String host) {
        int colon = host.indexOf(':');
        return colon < 0 ? host.length() : colon;
    }

    private static boolean isPort(String rest) {
        return rest.isEmpty() || rest.matches(":[0-9]{1,5}");
    }

    private static boolean isAddress(String text) {
        try {
            var _ = IpAddress.parse(text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}

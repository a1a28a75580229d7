package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Protocol;
import dev.sluice.service.ServiceKey;
import org.jspecify.annotations.Nullable;

/** How listings name hosts, ports and services: by name where there is one, or by number. */
final class EntryNames {
    /** Longer names lose their end, the port included. */
    private static final int MAX_LENGTH = 59;

    private final boolean numeric;
    private final Names names;

    /**
     * @param numeric {@code -n}
     */
    EntryNames(boolean numeric, Names names) {
        this.numeric = numeric;
        this.names = names;
    }

    /**
     * {@code host:port}, an IPv6 one in brackets.
     *
     * @param protocol of which port names are, null for none
     */
    String endpoint(IpAddress address, int port, @Nullable Protocol protocol) {
        String host = address.toString();
        String service = Integer.toString(port);
        if (!numeric) {
            host = names.hostOf(address).orElse(host);
            service = names.serviceOf(port, protocol).orElse(service);
        }
        return cut((address.family() == AddressFamily.INET6 ? "[" + host + "]" : host) + ":" + service, MAX_LENGTH);
    }

    /** As {@link #endpoint}, cut to what its column holds; IPv6 numbers may push the columns behind them. */
    String column(IpAddress address, int port, @Nullable Protocol protocol, int width) {
        String text = endpoint(address, port, protocol);
        return numeric && address.family() == AddressFamily.INET6 ? text : cut(text, width);
    }

    /** A service in a listing: {@code TCP  10.0.0.100:80}, {@code FWM  7 IPv6}. */
    String listed(ServiceKey key) {
        return switch (key) {
            case AddressKey address ->
                String.format(
                        "%-4s %s",
                        address.protocol().name(), column(address.address(), address.port(), address.protocol(), 28));
            case FwmarkKey mark -> "FWM  " + mark.mark() + (mark.family() == AddressFamily.INET6 ? " IPv6" : "");
        };
    }

    /** A service in a rule: {@code -t 10.0.0.100:80}, {@code -f 7 -6}. */
    String rule(ServiceKey key) {
        return switch (key) {
            case AddressKey address ->
                switch (address.protocol()) {
                            case TCP -> "-t ";
                            case UDP -> "-u ";
                            case SCTP -> "--sctp-service ";
                        }
                        + endpoint(address.address(), address.port(), address.protocol());
            case FwmarkKey mark -> "-f " + mark.mark() + (mark.family() == AddressFamily.INET6 ? " -6" : "");
        };
    }

    /** The protocol by which the ports of a service's real servers have names, null for none. */
    static @Nullable Protocol protocol(ServiceKey key) {
        return key instanceof AddressKey address ? address.protocol() : null;
    }

    private static String cut(String text, int length) {
        return text.length() > length ? text.substring(0, length) : text;
    }
}

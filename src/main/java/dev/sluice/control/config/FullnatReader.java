package dev.sluice.control.config;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.LocalPool;
import dev.sluice.service.Protocol;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.TranslationOptions;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads {@code [director.fullnat]}, and what a {@code [[service]]} says of connections that are translated. */
final class FullnatReader {
    /** Kinds that TCP has no other use for; both are known to TOA's modules. */
    private static final int MIN_TOA_KIND = 253;

    private static final int MAX_TOA_KIND = 254;
    private static final Pattern PORTS = Pattern.compile("([0-9]{1,5})-([0-9]{1,5})");
    private static final String PORTS_ALLOWED = "a range within 1-65535, \"1024-65535\"";

    private FullnatReader() {}

    /** The table of the director. */
    static FullnatConfig director(TableReader director) {
        TableReader table = director.table("fullnat", "[director.fullnat]").orElse(null);
        if (table == null) {
            return FullnatConfig.DEFAULT;
        }
        List<IpAddress> addresses = LocalAddresses.read(table, "local_addresses");
        LocalPool pool = ports(table, addresses);
        int kind = table.integer(
                "toa_ipv6_kind", MIN_TOA_KIND, MAX_TOA_KIND, FullnatConfig.DEFAULT.toaIpv6Kind(), "253, 254");
        table.finish();
        return FullnatConfig.of(pool, kind);
    }

    private static LocalPool ports(TableReader table, List<IpAddress> addresses) {
        String text = table.text("local_ports", PORTS_ALLOWED);
        if (text != null) {
            Matcher ports = PORTS.matcher(text);
            if (ports.matches()) {
                int first = Integer.parseInt(ports.group(1));
                int last = Integer.parseInt(ports.group(2));
                if (first >= 1 && first <= last && last <= LocalPool.LAST_PORT) {
                    return new LocalPool(addresses, first, last);
                }
            }
            table.wrong("local_ports", "is no range of ports", PORTS_ALLOWED);
        }
        return new LocalPool(addresses, LocalPool.FIRST_PORT, LocalPool.LAST_PORT);
    }

    /**
     * What a service says. Ports of its pool are of no meaning: all pools have the director's.
     *
     * @param key the service's, null when that is not known
     */
    static TranslationOptions service(TableReader table, @Nullable ServiceKey key) {
        List<IpAddress> addresses = LocalAddresses.read(table, "local_addresses");
        ClientAddress clientAddress =
                table.choice("client_address", ClientAddress.class, ClientAddress::keyword, ClientAddress.NONE);
        boolean synProxy = table.flag("syn_proxy", false);
        if (key instanceof AddressKey address && address.protocol() != Protocol.TCP) {
            String why =
                    "does not go with protocol \"" + address.protocol().name().toLowerCase(Locale.ROOT) + '"';
            String allowed = "with protocol \"tcp\", and with fwmark, for TCP connections";
            if (clientAddress != ClientAddress.NONE) {
                table.wrong("client_address", why, allowed);
                clientAddress = ClientAddress.NONE;
            }
            if (synProxy) {
                table.wrong("syn_proxy", why, allowed);
                synProxy = false;
            }
        }
        return options(addresses, clientAddress, synProxy);
    }

    private static TranslationOptions options(
            List<IpAddress> addresses, ClientAddress clientAddress, boolean synProxy) {
        LocalPool pool = addresses.isEmpty()
                ? LocalPool.NONE
                : new LocalPool(addresses, LocalPool.FIRST_PORT, LocalPool.LAST_PORT);
        return new TranslationOptions(pool, clientAddress, synProxy);
    }
}

package dev.sluice.control.http;

import dev.sluice.stats.HealthStats;
import dev.sluice.stats.ServiceStats;

/** The names of services and real servers, as logs have them: labels of metrics, and keys of the page. */
public final class Names {
    private static final String FWMARK = "FWM";
    private static final String INET6 = "inet6";

    private Names() {}

    /** {@code TCP 10.0.0.100:80}, as the key of a service writes itself. */
    public static String of(ServiceStats service) {
        return service(service.protocol(), service.address(), service.port(), service.family());
    }

    static String of(HealthStats.Service service) {
        return service(service.protocol(), service.address(), service.port(), service.family());
    }

    private static String service(String protocol, String address, int port, String family) {
        return protocol + " "
                + (protocol.equals(FWMARK) ? address + (family.equals(INET6) ? " IPv6" : "") : endpoint(address, port));
    }

    /** {@code 10.0.0.11:80}, {@code [2001:db8::11]:80}. */
    public static String endpoint(String address, int port) {
        return (address.indexOf(':') >= 0 ? "[" + address + "]:" : address + ":") + port;
    }
}

package dev.sluice.control.config;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * {@code [director.http]}: where metrics and the stats page are.
 *
 * @param listen the address and port that are listened on; empty, and nothing is
 * @param metrics whether there are metrics
 * @param page whether there is the stats page
 * @param tokenFile the file with the token that actions of the page need; empty, and there are no actions
 * @param hosts names beside numeric addresses and {@code localhost} by which clients may ask for it, in lower case
 */
public record HttpConfig(
        Optional<InetSocketAddress> listen,
        boolean metrics,
        boolean page,
        Optional<Path> tokenFile,
        List<String> hosts) {
    /** Nothing is listened on. */
    public static final HttpConfig NONE = new HttpConfig(Optional.empty(), true, true, Optional.empty(), List.of());

    /** Copies the list. */
    public HttpConfig {
        hosts = List.copyOf(hosts);
    }

    /** Whether anything is listened on. */
    public boolean isSet() {
        return listen.isPresent();
    }

    /** The address as the file has it, {@code 127.0.0.1:9188} or {@code [::1]:9188}; empty when nothing is listened on. */
    public String listenText() {
        return listen.map(HttpConfig::text).orElse("");
    }

    private static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
    }
}

package dev.sluice.control.config;

import dev.sluice.control.config.TableReader.Element;
import dev.sluice.packet.IpAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads {@code [director.http]}. */
final class HttpReader {
    private static final String LISTEN = "an address and a port 1-65535, \"127.0.0.1:9188\", \"[::1]:9188\"";
    private static final String HOSTS = "a list of host names without port, [\"lb1.example.net\"]";
    private static final String TOKEN_FILE = "an absolute path";

    private static final Pattern ADDRESS = Pattern.compile("(?:\\[([^\\[\\]]+)]|([^\\[\\]:]+)):([0-9]{1,5})");
    /** Labels of RFC 1123, and underscores, which some names have. */
    private static final Pattern HOST_NAME =
            Pattern.compile("(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\\.[A-Za-z0-9_-]{1,63})*");

    private HttpReader() {}

    static HttpConfig read(TableReader director) {
        TableReader table = director.table("http", "[director.http]").orElse(null);
        if (table == null) {
            return HttpConfig.NONE;
        }
        Optional<InetSocketAddress> listen = Optional.ofNullable(listen(table));
        boolean metrics = table.flag("metrics", true);
        boolean page = table.flag("page", true);
        if (!metrics && !page && table.sound("metrics", "page")) {
            table.wrong("page", "leaves nothing to listen for beside metrics = false", "one of the two, or no table");
        }
        Optional<Path> tokenFile = tokenFile(table, page);
        List<String> hosts = hosts(table);
        table.finish();
        return new HttpConfig(listen, metrics, page, tokenFile, hosts);
    }

    private static @Nullable InetSocketAddress listen(TableReader table) {
        String text = table.requiredText("listen", LISTEN);
        if (text == null) {
            return null;
        }
        Matcher parts = ADDRESS.matcher(text);
        if (!parts.matches()) {
            table.wrong("listen", "is no address and port", LISTEN);
            return null;
        }
        int port = Integer.parseInt(parts.group(3));
        if (port < 1 || port > 65535) {
            table.wrong("listen", "has a bad port", LISTEN);
            return null;
        }
        @Nullable String inet6 = parts.group(1);
        try {
            // Numbers alone: a name would be looked up, and lead elsewhere from one start to the next.
            String address =
                    IpAddress.parse(inet6 == null ? parts.group(2) : inet6).toString();
            if ((address.indexOf(':') >= 0) != (inet6 != null)) {
                table.wrong("listen", "has brackets around an IPv4 address", LISTEN);
                return null;
            }
            return new InetSocketAddress(InetAddress.getByName(address), port);
        } catch (IllegalArgumentException | UnknownHostException e) {
            table.wrong("listen", "holds no IPv4 or IPv6 address", LISTEN);
            return null;
        }
    }

    private static Optional<Path> tokenFile(TableReader table, boolean page) {
        String text = table.text("token_file", TOKEN_FILE);
        if (text == null) {
            return Optional.empty();
        }
        if (!text.startsWith("/") || text.indexOf('\0') >= 0) {
            table.wrong("token_file", "is no absolute path", TOKEN_FILE);
            return Optional.empty();
        }
        if (!page && table.sound("page")) {
            table.wrong("token_file", "is of no use without the page", "with page = true");
        }
        return Optional.of(Path.of(text));
    }

    private static List<String> hosts(TableReader table) {
        Set<String> names = new LinkedHashSet<>();
        for (Element<String> element : table.list("hosts", String.class, HOSTS)) {
            if (!HOST_NAME.matcher(element.value()).matches()) {
                table.wrongElement("hosts", element, "is no host name", HOSTS);
            } else if (!names.add(element.value().toLowerCase(Locale.ROOT))) {
                table.wrongElement("hosts", element, "is listed twice", "each name once");
            }
        }
        return List.copyOf(names);
    }
}

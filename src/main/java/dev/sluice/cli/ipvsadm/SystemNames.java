package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Hosts by the system's resolver, services by services(5). Reads each only when first asked. */
final class SystemNames implements Names {
    private final Path servicesFile;
    private final Map<IpAddress, Optional<String>> hosts = new HashMap<>();
    private @Nullable List<Service> services;

    private record Service(List<String> names, int port, String protocol) {}

    SystemNames() {
        this(Path.of("/etc/services"));
    }

    /**
     * @param servicesFile in the format of services(5); one that cannot be read names no services
     */
    SystemNames(Path servicesFile) {
        this.servicesFile = servicesFile;
    }

    @Override
    public Optional<IpAddress> addressOf(String host) {
        // Java takes these for literals, this host, or an address with a zone; the resolver knows none of them.
        if (host.startsWith("[")
                || host.indexOf(':') >= 0
                || host.indexOf('%') >= 0
                || host.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'))) {
            return Optional.empty();
        }
        try {
            for (InetAddress address : InetAddress.getAllByName(host)) {
                if (address instanceof Inet4Address) {
                    return Optional.of(IpAddress.ofBytes(address.getAddress()));
                }
            }
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
        return Optional.empty();
    }

    @Override
    public Optional<String> hostOf(IpAddress address) {
        return hosts.computeIfAbsent(address, SystemNames::lookUp);
    }

    private static Optional<String> lookUp(IpAddress address) {
        try {
            InetAddress known = InetAddress.getByAddress(address.toBytes());
            String name = known.getHostName();
            // Java falls back to the literal, in a spelling of its own for IPv6.
            boolean literal = name.equals(known.getHostAddress())
                    || (address.family() == AddressFamily.INET6 && name.indexOf(':') >= 0);
            return literal ? Optional.empty() : Optional.of(name);
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

    @Override
    public OptionalInt portOf(String service, Protocol protocol) {
        String word = protocol.name().toLowerCase(Locale.ROOT);
        return services().stream()
                .filter(entry -> entry.protocol().equals(word) && entry.names().contains(service))
                .mapToInt(Service::port)
                .findFirst();
    }

    @Override
    public Optional<String> serviceOf(int port, @Nullable Protocol protocol) {
        if (protocol == null) {
            return Optional.empty();
        }
        String word = protocol.name().toLowerCase(Locale.ROOT);
        return services().stream()
                .filter(entry -> entry.port() == port && entry.protocol().equals(word))
                .map(entry -> entry.names().getFirst())
                .findFirst();
    }

    private List<Service> services() {
        List<Service> known = services;
        if (known == null) {
            known = read(servicesFile);
            services = known;
        }
        return known;
    }

    private static List<Service> read(Path file) {
        List<Service> found = new ArrayList<>();
        List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return List.of();
        }
        for (String line : lines) {
            int comment = line.indexOf('#');
            String[] words =
                    (comment < 0 ? line : line.substring(0, comment)).trim().split("\\s+");
            int slash = words.length < 2 ? -1 : words[1].indexOf('/');
            if (slash < 0) {
                continue;
            }
            OptionalInt port = Numbers.decimal(words[1].substring(0, slash), 0, 65535).stream()
                    .mapToInt(Math::toIntExact)
                    .findFirst();
            if (port.isPresent()) {
                List<String> names = new ArrayList<>(List.of(words));
                names.remove(1);
                found.add(new Service(names, port.getAsInt(), words[1].substring(slash + 1)));
            }
        }
        return found;
    }
}

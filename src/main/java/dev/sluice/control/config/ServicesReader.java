package dev.sluice.control.config;

import dev.sluice.control.config.TableReader.Element;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlPosition;

/** Reads the tables {@code [[service]]} and {@code [[service.real]]}. One reader a file: services must differ. */
final class ServicesReader {
    private static final String VIP = "\"10.0.0.100:80\" or \"[2001:db8::100]:80\", port 0 for every port";
    private static final String RIP = "an IPv4 or IPv6 address without port; the port follows the service";
    private static final String UNICAST = "a unicast address other machines can reach";

    private final Problems problems;
    private final int maglevTableSize;
    private final Map<AddressKey, TomlPosition> first = new HashMap<>();

    /**
     * @param maglevTableSize entries of each Maglev table
     */
    ServicesReader(Problems problems, int maglevTableSize) {
        this.problems = problems;
        this.maglevTableSize = maglevTableSize;
    }

    List<ServiceConfig> read(List<TableReader> tables) {
        List<ServiceConfig> services = new ArrayList<>();
        for (TableReader table : tables) {
            service(table).ifPresent(services::add);
        }
        return services;
    }

    private Optional<ServiceConfig> service(TableReader table) {
        Optional<Protocol> protocol =
                table.requiredChoice("protocol", Protocol.class, p -> p.name().toLowerCase(Locale.ROOT));
        Endpoint endpoint = endpoint(table);
        SchedulerKind scheduler =
                table.choice("scheduler", SchedulerKind.class, SchedulerKind::keyword, SchedulerKind.MAGLEV);
        Set<SchedulerFlag> flags = schedulerFlags(table, scheduler);
        List<RealServerConfig> realServers =
                realServers(table.tables("real", "[[service.real]]"), endpoint == null ? null : endpoint.address());
        table.finish();
        if (scheduler == SchedulerKind.MAGLEV && realServers.size() > maglevTableSize) {
            problems.value(
                    table.position(),
                    "service has " + realServers.size() + " real servers, more than director.maglev_table_size = "
                            + maglevTableSize + "; allowed: at most one for each entry, better 100 entries for each");
        }
        if (protocol.isEmpty() || endpoint == null) {
            return Optional.empty();
        }
        AddressKey key = new AddressKey(protocol.get(), endpoint.address(), endpoint.port());
        TomlPosition earlier = first.putIfAbsent(key, table.position());
        if (earlier != null) {
            problems.misplaced(
                    table.position(),
                    "service " + key + " is already defined at line " + earlier.line()
                            + "; allowed: one service for each protocol, address and port");
        }
        return Optional.of(new ServiceConfig(key, scheduler, flags, realServers));
    }

    private static Set<SchedulerFlag> schedulerFlags(TableReader table, SchedulerKind scheduler) {
        String key = "scheduler_flags";
        List<SchedulerFlag> known = Arrays.stream(SchedulerFlag.values())
                .filter(flag -> flag.scheduler() == scheduler || !table.sound("scheduler"))
                .toList();
        String allowed = known.isEmpty()
                ? "no flags with this scheduler"
                : known.stream().map(flag -> '"' + flag.keyword() + '"').collect(Collectors.joining(", "));
        Set<SchedulerFlag> flags = EnumSet.noneOf(SchedulerFlag.class);
        for (Element<String> element : table.list(key, String.class, allowed)) {
            Optional<SchedulerFlag> flag = Arrays.stream(SchedulerFlag.values())
                    .filter(candidate -> candidate.keyword().equals(element.value()))
                    .findFirst();
            if (flag.isEmpty()) {
                String hint = NearMiss.of(
                                element.value(),
                                known.stream().map(SchedulerFlag::keyword).toList())
                        .map(word -> ", did you mean \"" + word + "\"?")
                        .orElse("");
                table.wrongElement(key, element, "is no scheduler flag" + hint, allowed);
            } else if (!known.contains(flag.get())) {
                table.wrongElement(
                        key, element, "does not belong to scheduler \"" + scheduler.keyword() + "\"", allowed);
            } else if (!flags.add(flag.get())) {
                table.wrongElement(key, element, "is listed already", "each flag once");
            }
        }
        return flags;
    }

    private record Endpoint(IpAddress address, int port) {}

    private static @Nullable Endpoint endpoint(TableReader table) {
        String value = table.requiredText("address", VIP);
        if (value == null) {
            return null;
        }
        boolean bracketed = value.startsWith("[");
        int colon = bracketed ? value.indexOf("]:") + 1 : value.lastIndexOf(':');
        if (!bracketed && value.indexOf(':') != colon) {
            table.wrong("address", "leaves open where the IPv6 address ends and the port begins", VIP);
            return null;
        }
        if (colon <= 0) {
            table.wrong("address", "has no port", VIP);
            return null;
        }
        int port = port(value.substring(colon + 1));
        if (port < 0) {
            table.wrong("address", "has a bad port", "ports 1-65535, or 0 for every port");
        }
        IpAddress address =
                unicast(table, bracketed ? value.substring(1, colon - 1) : value.substring(0, colon), bracketed, VIP);
        return address == null || port < 0 ? null : new Endpoint(address, port);
    }

    /** The number, or -1. */
    private static int port(String text) {
        if (!text.matches("[0-9]{1,5}")) {
            return -1;
        }
        int port = Integer.parseInt(text);
        return port <= 65535 ? port : -1;
    }

    /** Reads the address that a key's value holds; reports one that cannot be balanced or forwarded to. */
    private static @Nullable IpAddress unicast(TableReader table, String text, boolean bracketed, String allowed) {
        IpAddress address;
        try {
            address = IpAddress.parse(text);
        } catch (IllegalArgumentException e) {
            table.wrong("address", "holds no IPv4 or IPv6 address", allowed);
            return null;
        }
        if (bracketed && text.indexOf(':') < 0) {
            table.wrong("address", "has brackets around an IPv4 address", allowed);
            return null;
        }
        String kind = notUnicast(address);
        if (kind != null) {
            table.wrong("address", "is " + kind, UNICAST);
            return null;
        }
        return address;
    }

    /** What kind of address it is when it can be neither VIP nor RIP, null when it can. */
    private static @Nullable String notUnicast(IpAddress address) {
        if (address.isUnspecified()) {
            return "the unspecified address";
        }
        if (address.isLoopback()) {
            return "a loopback address";
        }
        if (address.isMulticast()) {
            return "a multicast address";
        }
        return switch (address.family()) {
            case INET -> address.low() == 0xffff_ffffL ? "the broadcast address" : null;
            case INET6 -> {
                if (address.high() >>> 54 == 0xfe80 >>> 6) {
                    yield "a link-local address";
                }
                // RFC 4291 section 2.5.5.2; never on the wire.
                yield address.high() == 0 && address.low() >>> 32 == 0xffff ? "an IPv4-mapped IPv6 address" : null;
            }
        };
    }

    private List<RealServerConfig> realServers(List<TableReader> tables, @Nullable IpAddress vip) {
        List<RealServerConfig> realServers = new ArrayList<>();
        Map<IpAddress, TomlPosition> firstOf = new HashMap<>();
        for (TableReader table : tables) {
            IpAddress address = realAddress(table);
            ForwardingMethod method =
                    table.choice("method", ForwardingMethod.class, ForwardingMethod::keyword, ForwardingMethod.DR);
            int weight = table.integer("weight", 0, RealServer.MAX_WEIGHT, 1);
            table.finish();
            if (address == null) {
                continue;
            }
            TomlPosition earlier = firstOf.putIfAbsent(address, table.position());
            if (earlier != null) {
                problems.misplaced(
                        table.position(),
                        "real server " + address + " is already in this service at line " + earlier.line()
                                + "; allowed: each real server once, with the weight it deserves");
            } else if (vip != null) {
                checkAgainstVip(table, address, vip);
            }
            realServers.add(new RealServerConfig(address, method, weight));
        }
        return realServers;
    }

    private static @Nullable IpAddress realAddress(TableReader table) {
        String value = table.requiredText("address", RIP);
        if (value == null) {
            return null;
        }
        if (value.matches("[0-9.]+:[0-9]*|\\[.*")) {
            table.wrong("address", "has a port or brackets", RIP);
            return null;
        }
        return unicast(table, value, false, RIP);
    }

    private static void checkAgainstVip(TableReader table, IpAddress address, IpAddress vip) {
        if (address.family() != vip.family()) {
            table.wrong(
                    "address",
                    "is of another family than the VIP " + vip,
                    "addresses of one family, since method dr leaves the packet as it is");
        } else if (address.equals(vip)) {
            table.wrong("address", "is the VIP itself", "the real server's own address");
        }
    }
}

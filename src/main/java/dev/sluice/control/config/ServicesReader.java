package dev.sluice.control.config;

import dev.sluice.control.config.TableReader.Element;
import dev.sluice.health.CheckSpec;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.LocalPool;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.TranslationOptions;
import dev.sluice.service.Tunnel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlPosition;

/** Reads the tables {@code [[service]]}, {@code [[service.real]]} and {@code [service.sorry]}. One reader a file: services must differ. */
final class ServicesReader {
    private static final String VIP = "\"10.0.0.100:80\" or \"[2001:db8::100]:80\", port 0 for every port";
    private static final String RIP =
            "an IPv4 or IPv6 address without port, which is the service's or, with method nat or fullnat, the key port";
    private static final Pattern PORT = Pattern.compile("[0-9]{1,5}");
    private static final Pattern WITH_PORT_OR_BRACKETS = Pattern.compile("[0-9.]+:[0-9]*|\\[.*");
    private static final String NETMASK = "a mask of CIPs, \"255.255.255.0\"";

    private final Problems problems;
    private final int maglevTableSize;
    private final boolean ofFile;
    private final Map<ServiceKey, TomlPosition> first = new HashMap<>();
    /** Services whose local addresses are known. */
    private final Map<ServiceKey, TomlPosition> translated = new HashMap<>();

    /**
     * @param maglevTableSize entries of each Maglev table
     * @param ofFile whether what IPVS takes, but cannot be meant, is wrong; commands leave that to the registry
     */
    ServicesReader(Problems problems, int maglevTableSize, boolean ofFile) {
        this.problems = problems;
        this.maglevTableSize = maglevTableSize;
        this.ofFile = ofFile;
    }

    List<ServiceConfig> read(List<TableReader> tables) {
        List<ServiceConfig> services = new ArrayList<>();
        for (TableReader table : tables) {
            service(table).ifPresent(services::add);
        }
        return services;
    }

    private Optional<ServiceConfig> service(TableReader table) {
        Optional<? extends ServiceKey> key = table.has("fwmark") ? fwmarkKey(table) : addressKey(table);
        SchedulerKind scheduler =
                table.choice("scheduler", SchedulerKind.class, SchedulerKind::keyword, SchedulerKind.MAGLEV);
        Set<SchedulerFlag> flags = schedulerFlags(table, scheduler);
        @Nullable ServiceKey known = key.orElse(null);
        Persistence persistence = persistence(table, known);
        boolean onePacket = onePacket(table, known);
        TranslationOptions translation = FullnatReader.service(table, known);
        List<RealServerConfig> realServers = realServers(table.tables("real", "[[service.real]]"), known);
        HealthConfig health = HealthReader.read(table, known, sorry(table, known, realServers));
        table.finish();
        if (scheduler == SchedulerKind.MAGLEV && realServers.size() > maglevTableSize) {
            problems.value(
                    table.position(),
                    "service has " + realServers.size() + " real servers, more than director.maglev_table_size = "
                            + maglevTableSize + "; allowed: at most one for each entry, better 100 entries for each");
        }
        if (known == null) {
            return Optional.empty();
        }
        TomlPosition earlier = first.putIfAbsent(known, table.position());
        if (earlier != null) {
            problems.misplaced(
                    table.position(),
                    "service " + known + " is already defined at line " + earlier.line()
                            + "; allowed: one service for each "
                            + (known instanceof AddressKey ? "protocol, address and port" : "mark and family"));
        }
        if (table.sound("local_addresses")) {
            translated.put(known, table.position());
        }
        return Optional.of(
                new ServiceConfig(known, scheduler, flags, persistence, onePacket, translation, realServers, health));
    }

    private Optional<AddressKey> addressKey(TableReader table) {
        Optional<Protocol> protocol =
                table.requiredChoice("protocol", Protocol.class, p -> p.name().toLowerCase(Locale.ROOT));
        Endpoint endpoint = endpoint(table);
        table.value("fwmark");
        if (table.value("family") != null) {
            table.wrong("family", "stands without fwmark", "only with fwmark; an address tells its family itself");
        }
        return endpoint == null
                ? Optional.empty()
                : protocol.map(known -> new AddressKey(known, endpoint.address(), endpoint.port()));
    }

    private static Optional<FwmarkKey> fwmarkKey(TableReader table) {
        int mark = (int) table.number("fwmark", 1, FwmarkReader.MAX_MARK, 0, FwmarkReader.MARK);
        AddressFamily family =
                table.choice("family", AddressFamily.class, f -> f.name().toLowerCase(Locale.ROOT), AddressFamily.INET);
        for (String key : List.of("protocol", "address")) {
            if (table.value(key) != null) {
                table.wrong(key, "stands beside fwmark", "either fwmark, or protocol and address");
            }
        }
        return mark == 0 ? Optional.empty() : Optional.of(new FwmarkKey(family, mark));
    }

    private static @Nullable Persistence persistence(TableReader table, @Nullable ServiceKey key) {
        int timeoutSeconds = table.integer("persistence", 1, Persistence.MAX_TIMEOUT_SECONDS, 0);
        boolean present = table.has("persistence");
        if (table.value("persistence_netmask") != null && !present) {
            table.wrong("persistence_netmask", "stands without persistence", "only with persistence = SECONDS");
            return null;
        }
        if (key == null) {
            return null;
        }
        IpAddress netmask = netmask(table, key.family());
        return timeoutSeconds == 0 ? null : new Persistence(timeoutSeconds, netmask);
    }

    private static IpAddress netmask(TableReader table, AddressFamily family) {
        String name = "persistence_netmask";
        IpAddress whole = IpAddress.netmask(family, family.addressBits());
        if (family == AddressFamily.INET6) {
            int bits = table.integer(name, 1, family.addressBits(), family.addressBits(), "a prefix length 1-128");
            return IpAddress.netmask(family, bits);
        }
        String text = table.text(name, NETMASK);
        if (text == null) {
            return whole;
        }
        try {
            IpAddress mask = IpAddress.parse(text);
            if (mask.family() == family) {
                return mask;
            }
        } catch (IllegalArgumentException e) {
            // Said below, as for an IPv6 address.
        }
        table.wrong(name, "is no netmask", NETMASK);
        return whole;
    }

    private static boolean onePacket(TableReader table, @Nullable ServiceKey key) {
        boolean onePacket = table.flag("one_packet", false);
        if (onePacket && key instanceof AddressKey address && address.protocol() != Protocol.UDP) {
            table.wrong(
                    "one_packet",
                    "does not go with protocol \"" + address.protocol().name().toLowerCase(Locale.ROOT) + '"',
                    "with protocol \"udp\" and with fwmark");
        }
        return onePacket;
    }

    private static Set<SchedulerFlag> schedulerFlags(TableReader table, SchedulerKind scheduler) {
        String key = "scheduler_flags";
        List<SchedulerFlag> known = Arrays.stream(SchedulerFlag.values())
                .filter(flag -> flag.belongsTo(scheduler) || !table.sound("scheduler"))
                .toList();
        List<SchedulerFlag> named =
                known.stream().filter(SchedulerFlag::isNamed).toList();
        String allowed = named.isEmpty()
                ? "no flags with this scheduler"
                : named.stream().map(flag -> '"' + flag.keyword() + '"').collect(Collectors.joining(", "));
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

    private @Nullable Endpoint endpoint(TableReader table) {
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
        if (!PORT.matcher(text).matches()) {
            return -1;
        }
        int port = Integer.parseInt(text);
        return port <= 65535 ? port : -1;
    }

    /** Reads the address that a key's value holds; reports one that cannot be balanced or forwarded to. */
    private @Nullable IpAddress unicast(TableReader table, String text, boolean bracketed, String allowed) {
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
        Optional<String> kind = ofFile ? AddressRules.notUnicast(address) : Optional.empty();
        if (kind.isPresent()) {
            table.wrong("address", "is " + kind.get(), AddressRules.UNICAST);
            return null;
        }
        return address;
    }

    private List<RealServerConfig> realServers(List<TableReader> tables, @Nullable ServiceKey service) {
        List<RealServerConfig> realServers = new ArrayList<>();
        Map<RealServerConfig.Endpoint, TomlPosition> firstOf = new HashMap<>();
        int servicePort = service instanceof AddressKey key ? key.port() : 0;
        for (TableReader table : tables) {
            IpAddress address = realAddress(table);
            ForwardingMethod method =
                    table.choice("method", ForwardingMethod.class, ForwardingMethod::keyword, ForwardingMethod.DR);
            int port = table.integer("port", 0, 65535, servicePort);
            boolean keepsPort = service instanceof AddressKey && !method.translatesPort();
            if (ofFile && keepsPort && table.has("port") && table.sound("port")) {
                table.wrong(
                        "port",
                        "does not go with method \"" + method.keyword() + "\", which keeps the service's",
                        "only with method = \"nat\" or \"fullnat\"");
            }
            int weight = table.integer("weight", 0, RealServer.MAX_WEIGHT, 1);
            int upper = table.integer("upper_threshold", 0, Integer.MAX_VALUE, 0);
            int lower = table.integer("lower_threshold", 0, Integer.MAX_VALUE, 0);
            Tunnel tunnel = TunnelReader.tunnel(table, method);
            int vlan = TunnelReader.vlan(table);
            List<CheckSpec> checks = HealthReader.ownChecks(table, service);
            table.finish();
            if (ofFile && lower > upper && table.sound("upper_threshold", "lower_threshold")) {
                table.wrong("lower_threshold", "is above upper_threshold = " + upper, "at most upper_threshold");
            }
            if (address == null) {
                continue;
            }
            RealServerConfig real =
                    new RealServerConfig(address, port, method, weight, upper, lower, tunnel, vlan, checks);
            TomlPosition earlier = firstOf.putIfAbsent(real.endpoint(), table.position());
            if (earlier != null) {
                problems.misplaced(
                        table.position(),
                        "real server " + address + (port == servicePort ? "" : " with port " + port)
                                + " is already in this service at line " + earlier.line()
                                + "; allowed: each real server once, with the weight it deserves");
            } else if (service != null) {
                checkAgainstService(table, address, method, service);
            }
            realServers.add(real);
        }
        return realServers;
    }

    /** The sorry server, which is read as a real server that happens to be alone. */
    private @Nullable RealServerConfig sorry(
            TableReader service, @Nullable ServiceKey key, List<RealServerConfig> realServers) {
        TableReader table = service.table("sorry", "[service.sorry]").orElse(null);
        if (table == null) {
            return null;
        }
        for (String name : List.of("weight", "upper_threshold", "lower_threshold", "check")) {
            if (table.has(name)) {
                table.wrong(name, "has no meaning for a sorry server", "the other keys of [[service.real]]");
            }
        }
        RealServerConfig sorry =
                realServers(List.of(table), key).stream().findFirst().orElse(null);
        if (sorry != null
                && realServers.stream().anyMatch(real -> real.endpoint().equals(sorry.endpoint()))) {
            table.wrong("address", "is a real server of this service as well", "a server of its own");
        }
        return sorry;
    }

    private @Nullable IpAddress realAddress(TableReader table) {
        String value = table.requiredText("address", RIP);
        if (value == null) {
            return null;
        }
        if (WITH_PORT_OR_BRACKETS.matcher(value).matches()) {
            table.wrong("address", "has a port or brackets", RIP);
            return null;
        }
        return unicast(table, value, false, RIP);
    }

    private void checkAgainstService(
            TableReader table, IpAddress address, ForwardingMethod method, ServiceKey service) {
        if (address.family() != service.family() && !method.crossesFamilies()) {
            table.wrong(
                    "address",
                    "is of another family than the "
                            + (service instanceof AddressKey key ? "VIP " + key.address() : "service " + service),
                    "addresses of one family with method " + method.keyword()
                            + "; methods tun and fullnat take either");
        } else if (ofFile && service instanceof AddressKey key && address.equals(key.address())) {
            table.wrong("address", "is the VIP itself", "the real server's own address");
        }
    }

    /**
     * Reports what does not go together with local addresses and SYN proxies.
     *
     * @param defaults the director's pool, which stands at {@code director}
     */
    void checkTranslation(
            List<ServiceConfig> services, LocalPool defaults, List<FwmarkRule> rules, TomlPosition director) {
        List<ServiceConfig> sound = services.stream()
                .filter(service -> translated.containsKey(service.key()))
                .toList();
        List<TranslationRules.Subject> subjects =
                sound.stream().map(ServiceConfig::translated).toList();
        for (TranslationRules.Problem problem : TranslationRules.problems(defaults, subjects, rules)) {
            TomlPosition where = problem.service() == TranslationRules.DIRECTOR
                    ? director
                    : Objects.requireNonNull(
                            translated.get(sound.get(problem.service()).key()));
            problems.missing(where, problem.text());
        }
        for (TranslationRules.Subject subject : subjects) {
            if (subject.tellsNobody()) {
                problems.missing(
                        Objects.requireNonNull(translated.get(subject.key())),
                        TranslationRules.tellsNobody(
                                        subject.key(), subject.options().clientAddress())
                                + "; allowed: with a real server of method fullnat, or client_address left out");
            }
        }
    }

    /** Reports services of firewall marks that no packet can reach. A mark without a service is fine: one may come by command. */
    void checkMarks(List<ServiceConfig> services, List<FwmarkRule> rules) {
        Set<FwmarkKey> marked = rules.stream().map(FwmarkRule::key).collect(Collectors.toSet());
        for (ServiceConfig service : services) {
            if (service.key() instanceof FwmarkKey key && !marked.contains(key)) {
                problems.missing(
                        Objects.requireNonNull(first.get(key)),
                        "service " + key
                                + " has no [[fwmark]] rule, so no packet reaches it; required: a rule with mark = "
                                + Integer.toUnsignedString(key.mark()) + " and an "
                                + (key.family() == AddressFamily.INET ? "IPv4" : "IPv6") + " destination");
            }
        }
    }
}

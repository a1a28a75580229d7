package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.AddressRules;
import dev.sluice.control.config.TomlWriter;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Persistence;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Turns a {@code virtual_server} into services. */
final class ServiceImport {
    /** IPVS_SVC_PERSISTENT_TIMEOUT of linux/ip_vs.h. */
    private static final int DEFAULT_PERSISTENCE_S = 360;

    /** Keywords with any number of words behind them, which are read, or noted, where they are. */
    private static final Set<String> SEVERAL = Set.of(
            "lvs_method",
            "lb_kind",
            "sorry_server_lvs_method",
            "quorum_up",
            "quorum_down",
            "notify_up",
            "notify_down",
            "status_code",
            "payload",
            "require_reply",
            "regex_options",
            "regex_stack",
            "user");

    private static final Set<String> ELSEWHERE = Set.of(
            "real_server",
            "protocol",
            "ip_family",
            "lvs_method",
            "lb_kind",
            "weight",
            "alpha",
            "delay_loop",
            "retry",
            "delay_before_retry",
            "connect_timeout",
            "virtualhost",
            "sorry_server_lvs_method",
            "hysteresis",
            "persistence_granularity");

    private final Notes notes;
    private final ObjectNode top;
    private final ServiceKeys keys;
    private final LocalAddressImport locals;
    private final Set<String> known = new HashSet<>();

    /**
     * @param top where notes go that belong to no service
     */
    ServiceImport(Notes notes, ObjectNode top, ServiceKeys keys, LocalAddressImport locals) {
        this.notes = notes;
        this.top = top;
        this.keys = keys;
        this.locals = locals;
    }

    /** Adds the services of a virtual server. */
    void addTo(ArrayNode services, Statement server) {
        if (server.block() == null) {
            notes.add(top, server, "has no block");
            return;
        }
        noteMoreWords(server.body());
        for (ServiceKeys.Key key : keys.of(server)) {
            services.add(service(server, key));
        }
    }

    /** keepalived passes over words that a keyword does not take; mostly they are a keyword that should stand in a line of its own. */
    private void noteMoreWords(List<Statement> block) {
        for (Statement statement : block) {
            int taken = Set.of("real_server", "sorry_server").contains(statement.keyword()) ? 2 : 1;
            if (statement.arguments().size() > taken && !SEVERAL.contains(statement.keyword())) {
                notes.add(top, statement, "has more than keepalived reads; a keyword begins a line");
            }
            noteMoreWords(statement.body());
        }
    }

    private ObjectNode service(Statement server, ServiceKeys.Key key) {
        ObjectNode table = top.objectNode();
        table.putArray(TomlWriter.COMMENT)
                .add(server.where() + ": " + server.text().replaceAll("\\p{Cntrl}", "?"));
        Scope scope = new Scope(null, server.body());
        AddressFamily family = putKey(table, server, scope, key);
        SchedulerKind scheduler = putScheduler(table, scope);
        putPersistence(table, scope, family);
        List<ObjectNode> realServers = new ArrayList<>();
        RealServerImport reader = new RealServerImport(notes, scope, key, family);
        Set<SchedulerFlag> flags = new LinkedHashSet<>();
        for (Statement statement : server.body()) {
            switch (statement.keyword()) {
                case "lvs_sched", "lb_algo", "persistence_timeout" -> {}
                case "flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback", "hashed" ->
                    addFlag(flags, table, statement, scheduler);
                case "laddr_group_name" -> locals.put(table, statement);
                case "syn_proxy" -> putSynProxy(table, statement);
                case "ops" -> putOnePacket(table, statement, key, scope);
                case "inhibit_on_failure" -> {
                    if (isOn(table, statement)) {
                        table.put("on_failure", "quiesce");
                    }
                }
                case "quorum" -> putQuorum(table, statement, scope);
                case "quorum_up", "quorum_down" -> putCommand(table, statement);
                case "sorry_server" ->
                    reader.sorryServer(table, statement).ifPresent(sorry -> table.set("sorry", sorry));
                case "sorry_server_inhibit" -> {
                    if (isOn(table, statement)) {
                        notes.add(table, statement, "the sorry server stays out of the table until it is needed");
                    }
                }
                case "real_server" -> realServers.add(reader.realServer(statement));
                case "ha_suspend" -> notes.add(table, statement, "checks go on, whatever addresses this host has");
                case "omega" -> notes.add(table, statement, "nothing is run when the director stops");
                case "warmup" -> notes.add(table, statement, "checks are spread out by their jitter");
                case "smtp_alert" -> notes.add(table, statement, "the director sends no mail; follow its log");
                case "snmp_name" -> notes.add(table, statement, "the director speaks no SNMP");
                case "persistence_engine" -> notes.add(table, statement, "there is none but by address");
                default -> {
                    if (!ELSEWHERE.contains(statement.keyword())) {
                        notes.add(table, statement, "unknown keyword in a virtual_server");
                    }
                }
            }
        }
        if (!flags.isEmpty()) {
            ArrayNode written = table.putArray("scheduler_flags");
            flags.forEach(flag -> written.add(flag.keyword()));
        }
        if (scope.own("hysteresis").isPresent() && scope.own("quorum").isEmpty()) {
            notes.add(table, scope.own("hysteresis").get(), "does nothing without a quorum above it");
        }
        if (realServers.stream().anyMatch(ServiceImport::isFullnat) && !table.has("local_addresses")) {
            disable(
                    table,
                    server,
                    "FNAT needs local addresses, and there is no laddr_group_name: write them down, then take this"
                            + " service in");
        }
        HealthPlacement.place(table, realServers, notes, server);
        ArrayNode written = table.putArray("real");
        realServers.forEach(written::add);
        if (written.isEmpty()) {
            table.remove("real");
        }
        return table;
    }

    /** Puts the key, and says what of it is in the way. */
    private AddressFamily putKey(ObjectNode table, Statement server, Scope scope, ServiceKeys.Key key) {
        IpAddress vip = key.address();
        String protocol =
                scope.own("protocol").map(Statement::argument).orElse("TCP").toLowerCase(Locale.ROOT);
        if (!Set.of("tcp", "udp", "sctp").contains(protocol)) {
            notes.add(table, scope.own("protocol").orElse(server), "is none of TCP, UDP, SCTP");
            table.put(TomlWriter.DISABLED, true);
        }
        String name;
        AddressFamily family;
        if (vip == null) {
            family = markFamily(scope, key);
            table.put("fwmark", key.mark());
            table.put("family", family.name().toLowerCase(Locale.ROOT));
            name = "fwmark " + key.mark() + " " + family;
            disable(
                    table,
                    server,
                    "which packets have the mark is said by iptables or nftables: write it down as [[fwmark]] rules,"
                            + " then take this service in");
        } else {
            family = vip.family();
            String address = (family == AddressFamily.INET6 ? "[" + vip + "]:" : vip + ":") + key.port();
            table.put("protocol", protocol).put("address", address);
            name = protocol + " " + address;
            AddressRules.notUnicast(vip).ifPresent(kind -> disable(table, server, "the VIP is " + kind));
        }
        if (!known.add(name)) {
            disable(table, server, "the service is there already, further up");
        }
        return family;
    }

    private void disable(ObjectNode table, Statement statement, String why) {
        notes.add(table, statement, why);
        table.put(TomlWriter.DISABLED, true);
    }

    private static AddressFamily markFamily(Scope scope, ServiceKeys.Key key) {
        if (key.family() != null) {
            return key.family();
        }
        Optional<Statement> said = scope.own("ip_family");
        boolean inet6 = said.isPresent()
                ? said.get().argument().equals("inet6")
                : scope.own("real_server")
                        .map(real -> real.argument().contains(":"))
                        .orElse(false);
        return inet6 ? AddressFamily.INET6 : AddressFamily.INET;
    }

    private SchedulerKind putScheduler(ObjectNode table, Scope scope) {
        Optional<Statement> said = scope.own("lvs_sched", "lb_algo");
        String word = said.map(Statement::argument).orElse(SchedulerKind.WLC.keyword());
        Optional<SchedulerKind> scheduler = Arrays.stream(SchedulerKind.values())
                .filter(kind -> kind.keyword().equals(word) && kind != SchedulerKind.MAGLEV)
                .findFirst();
        if (scheduler.isEmpty()) {
            said.ifPresent(statement -> notes.add(table, statement, "there is no such scheduler; it is wlc here"));
        }
        SchedulerKind chosen = scheduler.orElse(SchedulerKind.WLC);
        table.put("scheduler", chosen.keyword());
        return chosen;
    }

    private void addFlag(Set<SchedulerFlag> flags, ObjectNode table, Statement statement, SchedulerKind scheduler) {
        // ipvsadm's numbers: IP_VS_SVC_F_SCHED1 is fallback and IP_VS_SVC_F_SCHED2 is port, with sh as with mh.
        String word = switch (statement.keyword()) {
            case "flag-1" -> scheduler.keyword() + "-fallback";
            case "flag-2" -> scheduler.keyword() + "-port";
            default -> statement.keyword();
        };
        Optional<SchedulerFlag> flag = Arrays.stream(SchedulerFlag.values())
                .filter(each -> each.keyword().equals(word) && each.isNamed() && each.belongsTo(scheduler))
                .findFirst();
        if (flag.isEmpty()) {
            notes.add(table, statement, "scheduler " + scheduler.keyword() + " has no such flag");
        }
        flag.ifPresent(flags::add);
    }

    private void putPersistence(ObjectNode table, Scope scope, AddressFamily family) {
        Optional<Statement> timeout = scope.own("persistence_timeout");
        Optional<Statement> granularity = scope.own("persistence_granularity");
        if (timeout.isEmpty() && granularity.isEmpty()) {
            return;
        }
        String said = timeout.map(Statement::argument).orElse("");
        OptionalInt seconds = said.isEmpty()
                ? OptionalInt.of(DEFAULT_PERSISTENCE_S)
                : Values.integer(said, 0, Persistence.MAX_TIMEOUT_SECONDS);
        if (seconds.isEmpty()) {
            notes.add(table, timeout.orElseThrow(), "is no number of seconds up to " + Persistence.MAX_TIMEOUT_SECONDS);
        }
        if (seconds.orElse(0) == 0) {
            granularity.ifPresent(statement -> notes.add(table, statement, "stands without persistence"));
            return;
        }
        table.put("persistence", seconds.getAsInt());
        if (granularity.isPresent()) {
            putGranularity(table, granularity.get(), family);
        }
    }

    private void putGranularity(ObjectNode table, Statement statement, AddressFamily family) {
        String text = statement.argument();
        if (family == AddressFamily.INET6) {
            OptionalInt bits = Values.integer(text, 1, 128);
            if (bits.isPresent()) {
                table.put("persistence_netmask", bits.getAsInt());
                return;
            }
        } else {
            try {
                if (IpAddress.parse(text).family() == AddressFamily.INET) {
                    table.put("persistence_netmask", text);
                    return;
                }
            } catch (IllegalArgumentException e) {
                // Told below, as for an IPv6 address.
            }
        }
        notes.add(table, statement, "is no netmask of the service's family");
    }

    private static boolean isFullnat(ObjectNode real) {
        return real.path("method").asText().equals("fullnat")
                && !real.path(TomlWriter.DISABLED).booleanValue();
    }

    private void putSynProxy(ObjectNode table, Statement statement) {
        if (table.has("fwmark") || table.path("protocol").asText().equals("tcp")) {
            table.put("syn_proxy", true);
        } else {
            notes.add(table, statement, "is for TCP");
        }
    }

    private void putOnePacket(ObjectNode table, Statement statement, ServiceKeys.Key key, Scope scope) {
        boolean udp = scope.own("protocol").map(Statement::argument).orElse("").equalsIgnoreCase("UDP");
        if (key.address() == null || udp) {
            table.put("one_packet", true);
        } else {
            notes.add(table, statement, "only UDP and fwmark services are scheduled by packet");
        }
    }

    private void putQuorum(ObjectNode table, Statement statement, Scope scope) {
        OptionalInt quorum = Values.integer(statement.argument(), 1, Integer.MAX_VALUE);
        if (quorum.isEmpty()) {
            notes.add(table, statement, "is no number of 1-" + Integer.MAX_VALUE);
            return;
        }
        table.put("quorum", quorum.getAsInt());
        Optional<Statement> said = scope.own("hysteresis");
        if (said.isPresent()) {
            OptionalInt hysteresis = Values.integer(said.get().argument(), 0, quorum.getAsInt() - 1);
            hysteresis.ifPresent(weight -> table.put("hysteresis", weight));
            if (hysteresis.isEmpty()) {
                notes.add(table, said.get(), "is no number below the quorum");
            }
        }
    }

    private void putCommand(ObjectNode table, Statement statement) {
        List<String> command = Values.command(statement.argument());
        if (command.isEmpty()
                || !command.getFirst().startsWith("/")
                || statement.argument().indexOf('\0') >= 0) {
            notes.add(table, statement, "is no program by its absolute path");
            return;
        }
        ArrayNode words = table.putArray(statement.keyword());
        command.forEach(words::add);
        if (statement.words().size() > 2) {
            notes.add(table, statement, "runs as the director's user, with nothing more than its own arguments");
        }
    }

    private boolean isOn(ObjectNode table, Statement statement) {
        Optional<Boolean> on = Values.flag(statement);
        if (on.isEmpty()) {
            notes.add(table, statement, "is neither on nor off");
        }
        return on.orElse(false);
    }
}

package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.AddressRules;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.TomlWriter;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.RealServer;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Turns the real servers of one service, and its sorry server, into tables. */
final class RealServerImport {
    private static final Set<String> ELSEWHERE = Set.of(
            "lvs_method",
            "lb_kind",
            "alpha",
            "delay_loop",
            "retry",
            "delay_before_retry",
            "connect_timeout",
            "virtualhost");

    private final Notes notes;
    private final Scope service;
    private final ServiceKeys.Key key;
    private final AddressFamily family;
    private final Set<RealServerConfig.Endpoint> known = new HashSet<>();

    RealServerImport(Notes notes, Scope service, ServiceKeys.Key key, AddressFamily family) {
        this.notes = notes;
        this.service = service;
        this.key = key;
        this.family = family;
    }

    /** The table of a sorry server; empty when there can be none, which is noted. */
    Optional<ObjectNode> sorryServer(ObjectNode table, Statement statement) {
        ObjectNode sorry = JsonNodeFactory.instance.objectNode();
        Optional<String> wrong =
                putAddress(sorry, statement, service.own("sorry_server_lvs_method", "lvs_method", "lb_kind"));
        port(sorry, statement);
        if (wrong.isPresent()) {
            notes.add(table, statement, wrong.get());
            return Optional.empty();
        }
        return Optional.of(sorry);
    }

    /** The table of a real server; one that cannot be is there as a comment. */
    ObjectNode realServer(Statement statement) {
        ObjectNode real = JsonNodeFactory.instance.objectNode();
        Scope scope = new Scope(service, statement.body());
        Optional<String> wrong = putAddress(real, statement, scope.find("lvs_method", "lb_kind"));
        int port = port(real, statement);
        String text = real.path("address").asText();
        if (wrong.isEmpty()
                && !known.add(new RealServerConfig.Endpoint(
                        IpAddress.parse(text), real.path("port").asInt(key.port())))) {
            wrong = Optional.of("is there already"
                    + (isTranslated(real) ? "" : ": the port is the service's, so a real server is in it once"));
        }
        if (wrong.isPresent()) {
            notes.add(real, statement, wrong.get());
            real.put(TomlWriter.DISABLED, true);
        }
        OptionalInt weight = scope.find("weight")
                .map(said -> number(real, said, RealServer.MAX_WEIGHT))
                .orElse(OptionalInt.of(1));
        real.put("weight", weight.orElse(1));
        putThresholds(real, scope);
        ArrayNode checks = real.putArray("check");
        CheckImport reader = new CheckImport(notes, real, scope, key, port);
        for (Statement inner : statement.body()) {
            switch (inner.keyword()) {
                case "weight", "uthreshold", "lthreshold" -> {}
                case "inhibit_on_failure" -> {
                    Optional<Boolean> on = Values.flag(inner);
                    if (on.isEmpty()) {
                        notes.add(real, inner, "is neither on nor off");
                    }
                    real.put(HealthPlacement.INHIBIT, on.orElse(false));
                }
                case "notify_up", "notify_down" ->
                    notes.add(real, inner, "nothing is run for one real server; quorum_up and quorum_down are");
                case "warmup" -> notes.add(real, inner, "checks are spread out by their jitter");
                case "smtp_alert" -> notes.add(real, inner, "the director sends no mail; follow its log");
                case "snmp_name" -> notes.add(real, inner, "the director speaks no SNMP");
                default -> {
                    if (!ELSEWHERE.contains(inner.keyword())) {
                        reader.read(inner).forEach(checks::add);
                    }
                }
            }
        }
        return real;
    }

    private void putThresholds(ObjectNode real, Scope scope) {
        int upper = scope.own("uthreshold")
                .map(said -> number(real, said, Integer.MAX_VALUE).orElse(0))
                .orElse(0);
        Optional<Statement> said = scope.own("lthreshold");
        int lower = said.map(found -> number(real, found, Integer.MAX_VALUE).orElse(0))
                .orElse(0);
        if (lower > upper) {
            notes.add(real, said.orElseThrow(), "is above uthreshold");
            lower = 0;
        }
        if (upper > 0) {
            real.put("upper_threshold", upper);
        }
        if (lower > 0) {
            real.put("lower_threshold", lower);
        }
    }

    private OptionalInt number(ObjectNode table, Statement statement, int max) {
        OptionalInt number = Values.integer(statement.argument(), 0, max);
        if (number.isEmpty()) {
            notes.add(table, statement, "is no number of 0-" + max);
        }
        return number;
    }

    /** Puts address and method; says why they cannot be. */
    private Optional<String> putAddress(ObjectNode table, Statement statement, Optional<Statement> method) {
        table.put("address", statement.argument());
        IpAddress address;
        try {
            address = IpAddress.parse(statement.argument());
        } catch (IllegalArgumentException e) {
            return Optional.of("has no IPv4 or IPv6 address");
        }
        Optional<String> wrong = ForwardingImport.put(table, method);
        Optional<String> kind = AddressRules.notUnicast(address);
        if (wrong.isPresent()) {
            return wrong;
        } else if (kind.isPresent()) {
            return Optional.of("is " + kind.get());
        } else if (address.equals(key.address())) {
            return Optional.of("is the VIP itself");
        } else if (address.family() != family
                && !Set.of("tun", "fullnat").contains(table.path("method").asText())) {
            return Optional.of("is of another family than the service, which only methods tun and fullnat take");
        }
        return Optional.empty();
    }

    private static boolean isTranslated(ObjectNode real) {
        return Set.of("nat", "fullnat").contains(real.path("method").asText());
    }

    /** The port that is asked by checks; any other than the service's is noted where it cannot be had. */
    private int port(ObjectNode table, Statement statement) {
        List<String> words = statement.words();
        OptionalInt port = words.size() < 3 ? OptionalInt.of(key.port()) : Values.integer(words.get(2), 0, 65535);
        if (port.isEmpty() || words.size() > 3) {
            notes.add(table, statement, "is no address with a port 0-65535");
        } else if (isTranslated(table) && port.getAsInt() != 0 && port.getAsInt() != key.port()) {
            table.put("port", port.getAsInt());
        } else if (key.address() != null
                && !isTranslated(table)
                && port.getAsInt() != key.port()
                && port.getAsInt() != 0) {
            notes.add(
                    table,
                    statement,
                    "packets keep the port of the service, " + key.port() + ": DR and TUN do not translate");
        }
        return port.orElse(key.port());
    }
}

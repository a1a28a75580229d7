package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.AddressRules;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/** Turns the checkers of one real server into checks: what all checkers have in common, and the simple ones. */
final class CheckImport {
    // keepalived.conf(5), and check_api.c of keepalived for what it leaves open.
    private static final double DEFAULT_DELAY_LOOP_S = 60;
    private static final double DEFAULT_CONNECT_TIMEOUT_S = 5;
    private static final double DEFAULT_DELAY_BEFORE_RETRY_S = 1;
    private static final double DEFAULT_DELAY_BEFORE_RETRY_HTTP_S = 3;
    private static final int DEFAULT_RETRY = 1;
    private static final int DEFAULT_RETRY_DNS = 3;
    private static final int DEFAULT_RETRY_MISC = 0;

    private static final double MIN_S = 0.1;
    private static final double MAX_S = 86_400;
    private static final int MAX_RETRY = 999;
    private static final Set<String> DNS_TYPES =
            Set.of("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY", "PTR", "SRV", "ANY");

    private final Notes notes;
    private final ObjectNode real;
    private final Scope realServer;
    private final ServiceKeys.Key key;
    private final int port;

    /**
     * @param real where notes go
     * @param realServer the settings that hold for it
     * @param key its service
     * @param port the port that keepalived would ask
     */
    CheckImport(Notes notes, ObjectNode real, Scope realServer, ServiceKeys.Key key, int port) {
        this.notes = notes;
        this.real = real;
        this.realServer = realServer;
        this.key = key;
        this.port = port;
    }

    /** The checks of a checker; none when it cannot be carried over, which is noted. */
    List<ObjectNode> read(Statement checker) {
        Scope scope = new Scope(realServer, checker.body());
        return switch (checker.keyword()) {
            case "TCP_CHECK" -> one(checker, scope, check("tcp"));
            case "PING_CHECK" -> one(checker, scope, check("ping"));
            case "DNS_CHECK" -> one(checker, scope, dns(scope));
            case "UDP_CHECK" -> one(checker, scope, new UdpImport(notes, real).check(scope));
            case "SMTP_CHECK" -> smtp(checker, scope);
            case "MISC_CHECK" -> script(checker, scope);
            case "HTTP_GET" -> http(checker, scope, "http");
            case "SSL_GET" -> http(checker, scope, "https");
            case "BFD_CHECK", "FILE_CHECK" -> {
                notes.add(real, checker, "there is no such check; a script can look at the same");
                yield List.of();
            }
            default -> {
                notes.add(real, checker, "unknown keyword in a real_server");
                yield List.of();
            }
        };
    }

    static ObjectNode check(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }

    private List<ObjectNode> one(Statement checker, Scope scope, ObjectNode check) {
        boolean hasWay = putWay(check, checker, scope);
        putTiming(check, scope);
        for (Statement statement : checker.body()) {
            if (!isCommon(statement) && !isOfType(check, statement)) {
                notes.add(real, statement, "unknown keyword in a " + checker.keyword());
            }
        }
        return hasWay ? List.of(check) : List.of();
    }

    /** Keywords that have been asked for where the check's type is known. */
    private static boolean isOfType(ObjectNode check, Statement statement) {
        return switch (check.path("type").asText()) {
            case "dns" -> Set.of("type", "name").contains(statement.keyword());
            case "smtp" -> Set.of("helo_name", "host").contains(statement.keyword());
            case "udp" -> UdpImport.KEYWORDS.contains(statement.keyword());
            case "script" ->
                Set.of("misc_path", "misc_timeout", "user", "misc_dynamic").contains(statement.keyword());
            case "http", "https" -> HttpImport.KEYWORDS.contains(statement.keyword());
            default -> false;
        };
    }

    /** Keywords of all checkers; those without an equal are noted. */
    private boolean isCommon(Statement statement) {
        switch (statement.keyword()) {
            case "connect_ip",
                    "connect_port",
                    "bindto",
                    "connect_timeout",
                    "retry",
                    "nb_get_retry",
                    "delay_before_retry",
                    "delay_loop",
                    "alpha" -> {}
            case "warmup" -> notes.add(real, statement, "checks are spread out by their jitter");
            case "bind_port", "bind_if", "fwmark" ->
                notes.add(real, statement, "of where a check comes from only the address can be said");
            case "log_all_failures" -> notes.add(real, statement, "each change of state is logged once");
            default -> {
                return false;
            }
        }
        return true;
    }

    private void putTiming(ObjectNode check, Scope scope) {
        String type = check.path("type").asText();
        double delayLoop = seconds(scope, DEFAULT_DELAY_LOOP_S, "delay_loop");
        boolean http = type.startsWith("http");
        double retryDelay = type.equals("dns")
                ? delayLoop
                : http ? DEFAULT_DELAY_BEFORE_RETRY_HTTP_S : DEFAULT_DELAY_BEFORE_RETRY_S;
        int retry = type.equals("dns") ? DEFAULT_RETRY_DNS : type.equals("script") ? DEFAULT_RETRY_MISC : DEFAULT_RETRY;
        Optional<Statement> said = scope.find("retry", "nb_get_retry");
        if (said.isPresent()) {
            OptionalInt number = Values.integer(said.get().argument(), 0, MAX_RETRY);
            if (number.isEmpty()) {
                notes.add(real, said.get(), "is no number of 0-" + MAX_RETRY);
            }
            retry = number.orElse(retry);
        }
        check.put("interval", delayLoop)
                .put("retry_interval", seconds(scope, retryDelay, "delay_before_retry"))
                .put(
                        "timeout",
                        type.equals("script")
                                ? seconds(scope, delayLoop, "misc_timeout")
                                : seconds(scope, DEFAULT_CONNECT_TIMEOUT_S, "connect_timeout"))
                .put("rise", 1)
                .put("fall", retry + 1);
        Optional<Statement> alpha = scope.find("alpha");
        if (alpha.isPresent()) {
            Optional<Boolean> on = Values.flag(alpha.get());
            if (on.isEmpty()) {
                notes.add(real, alpha.get(), "is neither on nor off");
            } else if (on.get()) {
                check.put("initial", "down");
            }
        }
    }

    private double seconds(Scope scope, double fallback, String keyword) {
        Optional<Statement> said = scope.find(keyword);
        if (said.isEmpty()) {
            return fallback;
        }
        OptionalDouble seconds = Values.seconds(said.get().argument());
        if (seconds.isEmpty()) {
            notes.add(real, said.get(), "is no number of seconds");
            return fallback;
        }
        double bounded = Math.clamp(seconds.getAsDouble(), MIN_S, MAX_S);
        if (bounded != seconds.getAsDouble()) {
            notes.add(real, said.get(), "is " + bounded + " here");
        }
        return Math.round(bounded * 1000) / 1000.0;
    }

    /** Puts where the check goes. Returns false when there is no port to ask, which is noted. */
    private boolean putWay(ObjectNode check, Statement checker, Scope scope) {
        String type = check.path("type").asText();
        if (type.equals("script")) {
            return true;
        }
        Optional<IpAddress> address = address(scope, "connect_ip");
        Optional<IpAddress> source = address(scope, "bindto");
        address.ifPresent(found -> check.put("address", found.toString()));
        if (source.isPresent()
                && address.isPresent()
                && source.get().family() != address.get().family()) {
            notes.add(real, scope.own("bindto").orElse(checker), "is of another family than connect_ip");
        } else {
            source.ifPresent(found -> check.put("source", found.toString()));
        }
        if (type.equals("ping")) {
            scope.own("connect_port").ifPresent(said -> notes.add(real, said, "a ping has no port"));
            return true;
        }
        int asked = port;
        Optional<Statement> said = scope.own("connect_port");
        if (said.isPresent()) {
            OptionalInt number = Values.integer(said.get().argument(), 1, 65535);
            if (number.isEmpty()) {
                notes.add(real, said.get(), "is no port 1-65535");
            }
            asked = number.orElse(asked);
        }
        if (asked == 0) {
            notes.add(real, checker, "does not say which port to ask");
            return false;
        }
        // Where the service has a port, a check asks that of the real server, which is its own or the service's.
        if (key.port() == 0 || asked != real.path("port").asInt(key.port())) {
            check.put("port", asked);
        }
        return true;
    }

    private Optional<IpAddress> address(Scope scope, String keyword) {
        Optional<Statement> said = scope.own(keyword);
        if (said.isEmpty()) {
            return Optional.empty();
        }
        try {
            IpAddress address = IpAddress.parse(said.get().argument());
            Optional<String> kind = AddressRules.notUnicast(address);
            if (kind.isEmpty()) {
                return Optional.of(address);
            }
            notes.add(real, said.get(), "is " + kind.get());
        } catch (IllegalArgumentException e) {
            notes.add(real, said.get(), "is no IPv4 or IPv6 address");
        }
        return Optional.empty();
    }

    private ObjectNode dns(Scope scope) {
        ObjectNode check = check("dns");
        Optional<Statement> type = scope.own("type");
        if (type.isPresent()) {
            String record = type.get().argument().toUpperCase(Locale.ROOT);
            if (DNS_TYPES.contains(record)) {
                check.put("record", record);
            } else {
                notes.add(real, type.get(), "is no type of record that can be asked for; it is SOA here");
            }
        }
        Optional<Statement> name = scope.own("name");
        if (name.isPresent()) {
            String text = name.get().argument();
            if (text.equals(".")
                    || (text.length() <= 254 && text.matches("([!-\\-/-~]{1,63}\\.)*[!-\\-/-~]{1,63}\\.?"))) {
                check.put("name", text);
            } else {
                notes.add(real, name.get(), "is no domain name; it is \".\" here");
            }
        }
        return check;
    }

    private List<ObjectNode> smtp(Statement checker, Scope scope) {
        List<Statement> hosts = checker.body().stream()
                .filter(statement -> statement.keyword().equals("host"))
                .toList();
        List<ObjectNode> checks = new ArrayList<>();
        if (hosts.isEmpty()) {
            checks.addAll(one(checker, scope, withHelo(scope)));
        }
        for (Statement host : hosts) {
            for (Statement statement : host.body()) {
                if (!isCommon(statement)) {
                    notes.add(real, statement, "unknown keyword in a host");
                }
            }
            checks.addAll(one(checker, new Scope(scope, host.body()), withHelo(scope)));
        }
        return checks;
    }

    private ObjectNode withHelo(Scope scope) {
        ObjectNode check = check("smtp");
        Optional<Statement> name = scope.own("helo_name");
        if (name.isPresent()) {
            if (isWord(name.get().argument())) {
                check.put("helo_name", name.get().argument());
            } else {
                notes.add(real, name.get(), "is no name; it is localhost here");
            }
        }
        return check;
    }

    /** What the configuration takes where spaces would end a line of a protocol. */
    static boolean isWord(String text) {
        return text.matches("[!-~]+");
    }

    private List<ObjectNode> script(Statement checker, Scope scope) {
        List<String> command =
                Values.command(scope.own("misc_path").map(Statement::argument).orElse(""));
        if (command.isEmpty()
                || !command.getFirst().startsWith("/")
                || String.join("", command).indexOf('\0') >= 0) {
            notes.add(real, checker, "its misc_path is no program by its absolute path");
            return List.of();
        }
        ObjectNode check = check("script");
        ArrayNode words = check.putArray("command");
        command.forEach(words::add);
        Optional<Statement> user = scope.own("user");
        if (user.isPresent()) {
            if (isWord(user.get().argument())) {
                check.put("user", user.get().argument());
            } else {
                notes.add(real, user.get(), "is no user");
            }
            if (user.get().words().size() > 2) {
                notes.add(real, user.get(), "runs with the user's own group");
            }
        }
        scope.own("misc_dynamic")
                .ifPresent(said -> notes.add(real, said, "exit codes do not set weights: all but 0 are failures"));
        return one(checker, scope, check);
    }

    private List<ObjectNode> http(Statement checker, Scope scope, String type) {
        List<ObjectNode> checks = new ArrayList<>();
        HttpImport reader = new HttpImport(notes, real);
        for (Statement url : checker.body()) {
            if (url.keyword().equals("url")) {
                Optional<ObjectNode> check = reader.check(type, scope, url);
                check.ifPresent(found -> checks.addAll(one(checker, scope, found)));
            }
        }
        if (checker.body().stream().noneMatch(statement -> statement.keyword().equals("url"))) {
            notes.add(real, checker, "has no url");
        }
        return checks;
    }
}

package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.health.Probe.BodyPattern;
import dev.sluice.health.Probe.StatusRanges;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.PatternSyntaxException;

/** Turns the {@code url}s of an {@code HTTP_GET} or {@code SSL_GET} into checks. */
final class HttpImport {
    /** What is asked for, or noted, here; and {@code fast_recovery}, for every url is a check with a beat of its own. */
    static final Set<String> KEYWORDS =
            Set.of("url", "virtualhost", "http_protocol", "enable_sni", "sni_name", "fast_recovery", "tls_compliant");

    private static final Map<String, String> FLAGS =
            Map.of("caseless", "i", "multiline", "m", "dotall", "s", "extended", "x", "ucp", "U", "utf", "");

    private final Notes notes;
    private final ObjectNode real;

    HttpImport(Notes notes, ObjectNode real) {
        this.notes = notes;
        this.real = real;
    }

    /**
     * The check of a url; empty when it cannot be, which is noted.
     *
     * @param checker the settings of the checker
     */
    Optional<ObjectNode> check(String type, Scope checker, Statement url) {
        Scope scope = new Scope(checker, url.body());
        ObjectNode check = CheckImport.check(type);
        String path = scope.own("path").map(Statement::argument).orElse("/");
        if (!path.startsWith("/") || !CheckImport.isWord(path)) {
            notes.add(real, scope.own("path").orElse(url), "is no path; there is no such check");
            return Optional.empty();
        }
        check.put("path", path);
        Optional<Statement> host = scope.find("virtualhost");
        if (host.isPresent() && CheckImport.isWord(host.get().argument())) {
            check.put("host", host.get().argument());
        } else {
            host.ifPresent(said -> notes.add(real, said, "is no name of a host"));
        }
        if (type.equals("https")) {
            putServerName(check, checker);
        }
        for (Statement statement : url.body()) {
            switch (statement.keyword()) {
                case "path", "virtualhost", "regex_no_match", "regex_options" -> {}
                case "digest" -> putDigest(check, statement);
                case "status_code" -> putStatus(check, statement);
                case "regex" -> putPattern(check, scope, statement);
                case "regex_min_offset", "regex_max_offset", "regex_stack" ->
                    notes.add(real, statement, "the whole body is searched");
                case "tls_compliant" -> notes.add(real, statement, "connections are always closed as TLS has it");
                default -> notes.add(real, statement, "unknown keyword in a url");
            }
        }
        if (scope.own("regex").isEmpty()) {
            scope.own("regex_no_match", "regex_options")
                    .ifPresent(said -> notes.add(real, said, "stands without regex"));
        }
        checker.own("http_protocol")
                .filter(said -> !said.argument().equals("1.1"))
                .ifPresent(said -> notes.add(real, said, "it is HTTP/1.1 here"));
        checker.own("tls_compliant")
                .ifPresent(said -> notes.add(real, said, "connections are always closed as TLS has it"));
        return Optional.of(check);
    }

    private void putServerName(ObjectNode check, Scope checker) {
        Optional<Statement> name = checker.own("sni_name");
        if (name.isPresent() && CheckImport.isWord(name.get().argument())) {
            check.put("sni", name.get().argument());
        } else if (checker.own("enable_sni").flatMap(Values::flag).orElse(false) && check.has("host")) {
            check.set("sni", check.get("host"));
        } else {
            name.ifPresent(said -> notes.add(real, said, "is no name of a host"));
        }
        // keepalived verifies none.
        check.put("verify", false);
    }

    private void putDigest(ObjectNode check, Statement statement) {
        if (statement.argument().matches("[0-9A-Fa-f]{32}")) {
            check.put("digest", statement.argument().toLowerCase(Locale.ROOT));
        } else {
            notes.add(real, statement, "is no MD5 digest in hex");
        }
    }

    private void putStatus(ObjectNode check, Statement statement) {
        ArrayNode codes = check.withArrayProperty("status");
        for (String word : statement.arguments()) {
            if (StatusRanges.parse(word).isPresent()) {
                codes.add(word);
            } else {
                notes.add(real, statement, "\"" + word + "\" is no status code 100-599, or range of them");
            }
        }
        if (codes.isEmpty()) {
            check.remove("status");
        }
    }

    private void putPattern(ObjectNode check, Scope url, Statement statement) {
        StringBuilder flags = new StringBuilder();
        List<String> options =
                url.own("regex_options").map(Statement::arguments).orElse(List.of());
        for (String option : options) {
            String flag = FLAGS.get(option);
            if (flag == null) {
                notes.add(real, url.own("regex_options").orElse(statement), "there is no option " + option);
            } else {
                flags.append(flag);
            }
        }
        String text = (flags.isEmpty() ? "" : "(?" + flags + ")") + statement.argument();
        try {
            text = new BodyPattern(text).text();
        } catch (PatternSyntaxException e) {
            notes.add(real, statement, "is no regular expression of Java's; any body will do here");
            return;
        }
        check.put(url.own("regex_no_match").isPresent() ? "body_absent" : "body", text);
    }
}

package dev.sluice.control.config;

import dev.sluice.control.config.TableReader.Element;
import dev.sluice.health.Probe;
import dev.sluice.health.Probe.BodyPattern;
import dev.sluice.health.Probe.StatusRanges;
import dev.sluice.health.Probe.Tls;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads the keys of a check that belong to its type, and reports those that belong to others. */
final class ProbeReader {
    private static final List<String> RECORDS = List.of(
            "A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA", "SRV", "NAPTR", "DS", "RRSIG", "DNSKEY", "HTTPS",
            "CAA", "ANY");

    private static final String PATTERN = "a regular expression as java.util.regex.Pattern takes it";
    private static final String STATUS = "\"200\", \"200-299\", codes 100-599";
    private static final String WORD = "printable ASCII without spaces";
    private static final int MAX_PAYLOAD_BYTES = 1024;

    private static final Map<String, Set<CheckType>> TYPES = new LinkedHashMap<>();

    static {
        Set<CheckType> http = EnumSet.of(CheckType.HTTP, CheckType.HTTPS);
        for (String key : List.of("path", "host", "status", "digest", "body", "body_absent")) {
            TYPES.put(key, http);
        }
        for (String key : List.of("sni", "verify", "ca_file")) {
            TYPES.put(key, EnumSet.of(CheckType.HTTPS, CheckType.GRPC));
        }
        for (String key : List.of("payload", "reply_required", "reply")) {
            TYPES.put(key, EnumSet.of(CheckType.UDP));
        }
        TYPES.put("name", EnumSet.of(CheckType.DNS));
        TYPES.put("record", EnumSet.of(CheckType.DNS));
        TYPES.put("helo_name", EnumSet.of(CheckType.SMTP));
        TYPES.put("command", EnumSet.of(CheckType.SCRIPT));
        TYPES.put("user", EnumSet.of(CheckType.SCRIPT));
        TYPES.put("service", EnumSet.of(CheckType.GRPC));
        TYPES.put("tls", EnumSet.of(CheckType.GRPC));
    }

    private final TableReader table;
    private final @Nullable CheckType type;

    /**
     * @param type the check's type; null when it is missing or wrong, and so nothing can be said of the other keys
     */
    ProbeReader(TableReader table, @Nullable CheckType type) {
        this.table = table;
        this.type = type;
    }

    /** What is asked; empty when that cannot be told. */
    Optional<Probe> read() {
        TYPES.forEach((key, types) -> {
            boolean present = table.value(key) != null;
            if (present && type != null && !types.contains(type)) {
                table.wrong(
                        key,
                        "does not go with type \"" + type.keyword() + '"',
                        "only with type = "
                                + types.stream()
                                        .map(one -> '"' + one.keyword() + '"')
                                        .collect(Collectors.joining(" or ")));
            }
        });
        if (type == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(probe(type));
        } catch (IllegalArgumentException e) {
            // Of what the probe itself refuses, everything that is refused below has been told better.
            if (table.sound(TYPES.keySet().toArray(String[]::new))) {
                table.wrong(
                        "type", "makes no sense with the other keys: " + e.getMessage(), "what docs/health.md says");
            }
            return Optional.empty();
        }
    }

    private Probe probe(CheckType known) {
        return switch (known) {
            case TCP -> new Probe.Tcp();
            case HTTP -> http(null);
            case HTTPS -> http(tls());
            case UDP -> udp();
            case DNS -> dns();
            case PING -> new Probe.Ping();
            case SMTP -> new Probe.Smtp(word("helo_name", "localhost"));
            case SCRIPT -> script();
            case GRPC -> grpc();
        };
    }

    private Probe http(@Nullable Tls tls) {
        String path = word("path", "/");
        if (!path.startsWith("/")) {
            table.wrong("path", "does not begin with a slash", "\"/\", \"/health?full=1\"");
        }
        String host = table.has("host") ? word("host", "") : null;
        String digest = table.text("digest", "an MD5 digest, 32 hex digits");
        if (digest != null && !digest.matches("[0-9a-fA-F]{32}")) {
            table.wrong("digest", "is no MD5 digest", "32 hex digits");
        }
        BodyPattern body = pattern("body");
        BodyPattern absent = pattern("body_absent");
        if (table.has("body") && table.has("body_absent") && table.sound("body", "body_absent")) {
            table.wrong("body_absent", "stands beside body", "one of the two");
        }
        return new Probe.Http(
                path,
                host,
                statuses(),
                digest == null ? null : digest.toLowerCase(Locale.ROOT),
                body == null ? absent : body,
                body == null && absent != null,
                tls);
    }

    private StatusRanges statuses() {
        List<StatusRanges.Range> ranges = new ArrayList<>();
        List<Element<String>> elements = table.list("status", String.class, STATUS);
        for (Element<String> element : elements) {
            Optional<StatusRanges.Range> range = StatusRanges.parse(element.value());
            if (range.isEmpty()) {
                table.wrongElement("status", element, "is no status code or range of them", STATUS);
            }
            range.ifPresent(ranges::add);
        }
        if (table.has("status") && elements.isEmpty() && table.sound("status")) {
            table.wrong("status", "is empty", STATUS);
        }
        return ranges.isEmpty() ? StatusRanges.SUCCESS : new StatusRanges(ranges);
    }

    private Tls tls() {
        String sni = table.has("sni") ? word("sni", "") : null;
        boolean verify = table.flag("verify", false);
        String caFile = table.text("ca_file", "an absolute path");
        if (caFile != null && !caFile.startsWith("/")) {
            table.wrong("ca_file", "is no absolute path", "the absolute path of a PEM file");
        } else if (caFile != null && !verify && table.sound("verify")) {
            table.wrong("ca_file", "stands without verify = true", "only with verify = true");
        }
        return new Tls(sni, verify, caFile);
    }

    private Probe udp() {
        String payload = table.text("payload", "hex digits, two an octet");
        if (payload != null && !payload.matches("([0-9a-fA-F]{2}){0," + MAX_PAYLOAD_BYTES + "}")) {
            table.wrong("payload", "is not hexadecimal", "two hex digits an octet, at most " + MAX_PAYLOAD_BYTES);
            payload = null;
        }
        return new Probe.Udp(
                payload == null ? "" : payload.toLowerCase(Locale.ROOT),
                table.flag("reply_required", false),
                pattern("reply"));
    }

    private Probe dns() {
        String name = word("name", ".");
        if (!isDomainName(name)) {
            table.wrong("name", "is no domain name", "\".\", \"example.com\"");
        }
        String words = RECORDS.stream().map(record -> '"' + record + '"').collect(Collectors.joining(", "));
        String record = table.text("record", words);
        if (record != null && !RECORDS.contains(record)) {
            String hint = NearMiss.of(
                            record,
                            RECORDS.stream()
                                    .map(known -> known.toLowerCase(Locale.ROOT))
                                    .toList())
                    .map(near -> ", did you mean \"" + near.toUpperCase(Locale.ROOT) + "\"?")
                    .orElse("");
            table.wrong("record", "is not supported by this version" + hint, words);
        }
        return new Probe.Dns(name, record == null ? "SOA" : record);
    }

    /** By RFC 1035, section 2.3.4: labels of 1 to 63 octets, 255 with their lengths. */
    private static boolean isDomainName(String name) {
        return name.equals(".") || (name.length() <= 254 && name.matches("([^.]{1,63}\\.)*[^.]{1,63}\\.?"));
    }

    private Probe script() {
        if (!table.has("command")) {
            table.missing("command", "with type \"script\", the program's absolute path and its arguments");
        }
        String user = table.has("user") ? word("user", "") : null;
        return new Probe.Script(HealthReader.command(table, "command"), user);
    }

    private Probe grpc() {
        boolean encrypted = table.flag("tls", false);
        for (String key : List.of("sni", "verify", "ca_file")) {
            if (!encrypted && table.has(key) && table.sound("tls")) {
                table.wrong(key, "stands without tls = true", "only with tls = true");
            }
        }
        String service = table.text("service", "a service's full name, or \"\" for the server");
        return new Probe.Grpc(service == null ? "" : service, encrypted ? tls() : null);
    }

    private @Nullable BodyPattern pattern(String key) {
        String text = table.text(key, PATTERN);
        if (text == null) {
            return null;
        }
        try {
            return new BodyPattern(text);
        } catch (PatternSyntaxException e) {
            table.wrong(key, "is no regular expression (" + e.getDescription() + ")", PATTERN);
            return null;
        }
    }

    /** Text that goes into a line of a protocol, where spaces and control characters would end it. */
    private String word(String key, String fallback) {
        String text = table.text(key, WORD);
        if (text == null) {
            return fallback;
        }
        if (!text.matches("[!-~]+")) {
            table.wrong(key, text.isEmpty() ? "is empty" : "has characters that do not belong there", WORD);
            return fallback;
        }
        return text;
    }
}

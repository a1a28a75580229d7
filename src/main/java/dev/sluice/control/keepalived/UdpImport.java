package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Turns a {@code UDP_CHECK} into a check; octets that an answer must begin with become a regular expression. */
final class UdpImport {
    static final Set<String> KEYWORDS = Set.of("payload", "require_reply", "min_reply_length", "max_reply_length");

    private static final int MAX_PAYLOAD_BYTES = 1024;
    private static final int DEFAULT_MAX_REPLY_BYTES = 255;

    private final Notes notes;
    private final ObjectNode real;

    UdpImport(Notes notes, ObjectNode real) {
        this.notes = notes;
        this.real = real;
    }

    ObjectNode check(Scope scope) {
        ObjectNode check = CheckImport.check("udp");
        Optional<Statement> payload = scope.own("payload");
        if (payload.isPresent()) {
            List<String> octets = octets(payload.get(), "[0-9A-Fa-f]{1,2}");
            if (octets.isEmpty() || octets.size() > MAX_PAYLOAD_BYTES) {
                notes.add(real, payload.get(), "is no payload of 1-" + MAX_PAYLOAD_BYTES + " octets in hex");
            } else {
                StringBuilder hex = new StringBuilder();
                octets.forEach(
                        octet -> hex.append(octet.length() == 1 ? "0" : "").append(octet));
                check.put("payload", hex.toString().toLowerCase(Locale.ROOT));
            }
        }
        Optional<Statement> reply = scope.own("require_reply");
        if (reply.isPresent()) {
            check.put("reply_required", true);
        }
        String pattern = length(scope) + reply.map(this::beginning).orElse("");
        if (!pattern.isEmpty()) {
            check.put("reply", "(?s)\\A" + pattern);
        }
        return check;
    }

    /** What looks ahead for the length that an answer must have, if that is said. */
    private String length(Scope scope) {
        if (scope.own("min_reply_length", "max_reply_length").isEmpty()) {
            return "";
        }
        int min = length(scope, "min_reply_length", 0);
        int max = length(scope, "max_reply_length", DEFAULT_MAX_REPLY_BYTES);
        if (min > max) {
            notes.add(
                    real,
                    scope.own("min_reply_length", "max_reply_length").orElseThrow(),
                    "the shortest answer is longer than the longest");
            return "";
        }
        return "(?=.{" + min + "," + max + "}\\z)";
    }

    private int length(Scope scope, String keyword, int fallback) {
        Optional<Statement> said = scope.own(keyword);
        if (said.isEmpty()) {
            return fallback;
        }
        OptionalInt number = Values.integer(said.get().argument(), 0, 65535);
        if (number.isEmpty()) {
            notes.add(real, said.get(), "is no number of 0-65535");
        }
        return number.orElse(fallback);
    }

    /** What an answer begins with; a question mark stands for any digit. */
    private String beginning(Statement reply) {
        if (reply.words().size() == 1) {
            return "";
        }
        List<String> octets = octets(reply, "[0-9A-Fa-f?]{1,2}");
        if (octets.isEmpty() || octets.size() > MAX_PAYLOAD_BYTES) {
            notes.add(real, reply, "is no answer in hex; any will do here");
            return "";
        }
        StringBuilder pattern = new StringBuilder();
        for (String octet : octets) {
            String digits = octet.length() == 1 ? "0" + octet : octet;
            char high = digits.charAt(0);
            char low = digits.charAt(1);
            if (high == '?' && low == '?') {
                pattern.append('.');
            } else if (low == '?') {
                pattern.append("[\\x").append(high).append("0-\\x").append(high).append("f]");
            } else if (high == '?') {
                pattern.append('[');
                for (char digit : "0123456789abcdef".toCharArray()) {
                    pattern.append("\\x").append(digit).append(low);
                }
                pattern.append(']');
            } else {
                pattern.append("\\x").append(digits);
            }
        }
        return pattern.toString();
    }

    /** Octets of one or two digits, with spaces between them or without; none when it is not that. */
    private static List<String> octets(Statement statement, String octet) {
        List<String> octets = new ArrayList<>();
        for (String word : statement.arguments()) {
            for (String part : word.strip().split("\\s+", -1)) {
                for (int i = 0; i < part.length(); i += 2) {
                    String digits = part.substring(i, Math.min(i + 2, part.length()));
                    if (!digits.matches(octet)) {
                        return List.of();
                    }
                    octets.add(digits);
                }
            }
        }
        return octets;
    }
}

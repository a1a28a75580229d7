package dev.sluice.health;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a check asks, and which answer it takes for a healthy one. Immutable; any thread. */
public sealed interface Probe {
    /** The word for it in configuration files. */
    String keyword();

    /** A TCP connection that is accepted ({@code TCP_CHECK}). */
    record Tcp() implements Probe {
        @Override
        public String keyword() {
            return "tcp";
        }
    }

    /**
     * An HTTP/1.1 GET ({@code HTTP_GET}, {@code SSL_GET}).
     *
     * @param path the request target, with a slash in front
     * @param host the Host header; null for the address asked
     * @param statuses the status codes that are healthy
     * @param digest the MD5 digest of the body, in hex, that alone is healthy; null for any body
     * @param bodyPattern what the body must have in it; null for any body
     * @param bodyPatternAbsent whether the pattern must not be in it instead
     * @param tls how the connection is encrypted; null for not at all
     */
    record Http(
            String path,
            @Nullable String host,
            StatusRanges statuses,
            @Nullable String digest,
            @Nullable BodyPattern bodyPattern,
            boolean bodyPatternAbsent,
            @Nullable Tls tls)
            implements Probe {
        @Override
        public String keyword() {
            return tls == null ? "http" : "https";
        }
    }

    /**
     * A datagram ({@code UDP_CHECK}): unhealthy when an ICMP error comes back.
     *
     * @param payload what is sent, two hex digits an octet
     * @param replyRequired whether no answer in time is unhealthy as well
     * @param reply what the answer must have in it as text of ISO 8859-1; null for any answer
     */
    record Udp(
            String payload, boolean replyRequired, @Nullable BodyPattern reply) implements Probe {
        @Override
        public String keyword() {
            return "udp";
        }
    }

    /**
     * A DNS query over UDP ({@code DNS_CHECK}), healthy when the answer has no error and, for a name that exists, records.
     *
     * @param name the name asked for
     * @param type the record type's mnemonic, {@code A} or {@code SOA} say
     */
    record Dns(String name, String type) implements Probe {
        @Override
        public String keyword() {
            return "dns";
        }
    }

    /** An ICMP echo ({@code PING_CHECK}). */
    record Ping() implements Probe {
        @Override
        public String keyword() {
            return "ping";
        }
    }

    /**
     * The beginning of an SMTP session ({@code SMTP_CHECK}): greeting, HELO, QUIT.
     *
     * @param heloName the name to introduce oneself by
     */
    record Smtp(String heloName) implements Probe {
        @Override
        public String keyword() {
            return "smtp";
        }
    }

    /**
     * A program ({@code MISC_CHECK}): exit code 0 is healthy. It finds the real server in its environment.
     *
     * @param command the program, by its absolute path, and its arguments
     * @param user whose rights it has; null for the director's
     */
    record Script(List<String> command, @Nullable String user) implements Probe {
        /** Copies the command. */
        public Script {
            command = List.copyOf(command);
        }

        @Override
        public String keyword() {
            return "script";
        }
    }

    /**
     * The gRPC health checking protocol, {@code grpc.health.v1.Health/Check}.
     *
     * @param service the service asked for, empty for the server as a whole
     * @param tls how the connection is encrypted; null for not at all
     */
    record Grpc(String service, @Nullable Tls tls) implements Probe {
        @Override
        public String keyword() {
            return "grpc";
        }
    }

    /**
     * TLS.
     *
     * @param serverName for the server name indication; null for none
     * @param verify whether the certificate must be valid, and for the server name if there is one
     * @param caFile the certificates to trust, a PEM file; null for those that the Java runtime trusts
     */
    record Tls(
            @Nullable String serverName,
            boolean verify,
            @Nullable String caFile) {}

    /**
     * A regular expression; two are equal when their texts are.
     *
     * @param text in the language of {@link Pattern}
     */
    record BodyPattern(String text) {
        /** Throws {@link java.util.regex.PatternSyntaxException} for what is no regular expression. */
        public BodyPattern {
            Pattern.compile(text);
        }
    }

    /**
     * Status codes.
     *
     * @param ranges each from its first to its last code
     */
    record StatusRanges(List<Range> ranges) {
        /** What is healthy when nothing is said: 2xx. */
        public static final StatusRanges SUCCESS = new StatusRanges(List.of(new Range(200, 299)));

        /** Copies the list. */
        public StatusRanges {
            ranges = List.copyOf(ranges);
        }

        /** Whether a status code is in one of them. */
        public boolean contains(int status) {
            return ranges.stream().anyMatch(range -> range.first <= status && status <= range.last);
        }

        /** {@code 200-299} or {@code 204}; empty for what is neither. */
        public static Optional<Range> parse(String text) {
            if (!text.matches("[1-5][0-9]{2}(-[1-5][0-9]{2})?")) {
                return Optional.empty();
            }
            int first = Integer.parseInt(text.substring(0, 3));
            int last = text.length() == 3 ? first : Integer.parseInt(text.substring(4));
            return first <= last ? Optional.of(new Range(first, last)) : Optional.empty();
        }

        /** Codes from the first to the last. */
        public record Range(int first, int last) {
            /** As {@link #parse} takes it. */
            @Override
            public String toString() {
                return first == last ? Integer.toString(first) : first + "-" + last;
            }
        }
    }
}

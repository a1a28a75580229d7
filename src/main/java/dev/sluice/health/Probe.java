package dev.sluice.health;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** What a check asks, and which answer it takes for a healthy one. Immutable; any thread. */
public sealed interface Probe {
    /** The word for it in configuration files. */
    String keyword();

    /** Whether it can be made {@link Via#VIP}: what does not go through a socket of TCP or UDP cannot. */
    default boolean goesViaVip() {
        return true;
    }

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
        /** Throws {@link IllegalArgumentException}, with a message for users, for what would not make a request. */
        public Http {
            if (!path.matches("/[!-~]*")) {
                throw new IllegalArgumentException("path \"" + path
                        + "\" does not begin with a slash, or has octets that must be percent-encoded");
            }
            if (host != null && !host.matches("[!-~]+")) {
                throw new IllegalArgumentException("host \"" + host + "\" is not a host name");
            }
            if (digest != null && !digest.matches("[0-9a-fA-F]{32}")) {
                throw new IllegalArgumentException("digest \"" + digest + "\" is not 32 hex digits");
            }
        }

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
        /** What fits into a datagram of either family. */
        private static final int MAX_PAYLOAD_BYTES = 65_507;

        /** Throws {@link IllegalArgumentException}, with a message for users, for a payload that is not hex. */
        public Udp {
            if (!payload.matches("([0-9a-fA-F]{2})*") || payload.length() > 2 * MAX_PAYLOAD_BYTES) {
                throw new IllegalArgumentException("payload \"" + payload + "\" is not pairs of hex digits, at most "
                        + MAX_PAYLOAD_BYTES + " of them");
            }
        }

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
        /** Throws {@link IllegalArgumentException}, with a message for users, for a name or type that does not exist. */
        public Dns {
            DnsQuestion.verify(name, type);
        }

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

        @Override
        public boolean goesViaVip() {
            return false;
        }
    }

    /**
     * The beginning of an SMTP session ({@code SMTP_CHECK}): greeting, HELO, QUIT.
     *
     * @param heloName the name to introduce oneself by
     */
    record Smtp(String heloName) implements Probe {
        /** Throws {@link IllegalArgumentException}, with a message for users, for what is no name. */
        public Smtp {
            if (!heloName.matches("[!-~]{1,255}")) {
                throw new IllegalArgumentException("helo_name \"" + heloName + "\" is not a host name");
            }
        }

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
        /** Copies the command. Throws {@link IllegalArgumentException} for one without an absolute path. */
        public Script {
            command = List.copyOf(command);
            if (command.isEmpty() || !command.getFirst().startsWith("/")) {
                throw new IllegalArgumentException("command does not begin with the absolute path of a program");
            }
        }

        @Override
        public String keyword() {
            return "script";
        }

        @Override
        public boolean goesViaVip() {
            return false;
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
        /** Throws {@link PatternSyntaxException} for what is no regular expression. */
        public BodyPattern {
            try {
                Pattern.compile(text);
            } catch (StackOverflowError e) {
                // It descends into groups on the stack.
                throw new PatternSyntaxException("Nested too deeply", text, -1);
            }
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

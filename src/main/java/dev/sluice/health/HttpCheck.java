package dev.sluice.health;

import dev.sluice.packet.AddressFamily;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@link Probe.Http}: one request on a connection of its own. */
final class HttpCheck implements Check {
    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    private final Probe.Http probe;
    private final @Nullable TlsClient tls;
    private final @Nullable BoundedPattern pattern;

    HttpCheck(Probe.Http probe) {
        this.probe = probe;
        tls = probe.tls() == null ? null : new TlsClient(probe.tls(), "http/1.1");
        pattern = probe.bodyPattern() == null ? null : new BoundedPattern(probe.bodyPattern());
    }

    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException {
        try (ByteStream stream = ByteStream.open(destination, tls, deadline)) {
            stream.write(request(destination));
            deadline.expect("HTTP answer");
            HttpResponse response = new HttpResponse(stream);
            int status = response.readHead();
            String said = "HTTP status " + status;
            if (!probe.statuses().contains(status)) {
                return CheckResult.unhealthy(said + ", not " + words(probe.statuses()));
            }
            deadline.expect("end of the HTTP answer");
            byte[] body = response.readBody();
            boolean wanted = probe.digest() != null || pattern != null;
            if (wanted && response.isCutOff()) {
                return CheckResult.unhealthy("body is longer than " + HttpResponse.MAX_BODY_BYTES + " octets");
            }
            String fault = fault(body, deadline);
            return fault == null ? CheckResult.healthy(said) : CheckResult.unhealthy(fault);
        }
    }

    /** What is wrong with a body in words; null for nothing. */
    private @Nullable String fault(byte[] body, Deadline deadline) throws IOException {
        if (probe.digest() != null) {
            String digest = md5(body);
            if (!digest.equals(probe.digest().toLowerCase(Locale.ROOT))) {
                return "body has the MD5 digest " + digest + ", not " + probe.digest();
            }
        }
        if (pattern != null
                && pattern.isIn(new String(body, StandardCharsets.UTF_8), deadline) == probe.bodyPatternAbsent()) {
            return probe.bodyPatternAbsent()
                    ? "body has in it what it must not have"
                    : "body does not have in it what it must have";
        }
        return null;
    }

    /** No weakness of MD5 matters here: the digest recognises a page, it does not prove anything. */
    private static String md5(byte[] octets) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(octets));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java runtime has MD5", e);
        }
    }

    private byte[] request(Destination destination) {
        return AnswerReader.ascii("GET " + probe.path() + " HTTP/1.1\r\nHost: " + host(destination)
                + "\r\nUser-Agent: sluice\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    }

    /** RFC 9110 section 7.2: the port stands in the header unless it is the scheme's own. */
    private String host(Destination destination) {
        if (probe.host() != null) {
            return probe.host();
        }
        if (destination.port() != (tls == null ? HTTP_PORT : HTTPS_PORT)) {
            return destination.toString();
        }
        return destination.address().family() == AddressFamily.INET6
                ? "[" + destination.address() + "]"
                : destination.address().toString();
    }

    private static String words(Probe.StatusRanges statuses) {
        return statuses.ranges().stream()
                .map(Probe.StatusRanges.Range::toString)
                .collect(Collectors.joining(" or "));
    }
}

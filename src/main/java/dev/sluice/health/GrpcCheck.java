package dev.sluice.health;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@link Probe.Grpc}: one call of {@code grpc.health.v1.Health/Check}, by gRPC's protocol over HTTP/2. Its two messages have one
 * field each, so that no library is needed to write and read them.
 */
final class GrpcCheck implements Check {
    /** Field 1 of wire type "length-delimited" in the request. */
    private static final int SERVICE_TAG = 0x0a;
    /** Field 1 of wire type "varint" in the answer. */
    private static final int STATUS_TAG = 0x08;
    /** Whether the message is compressed, and its length. */
    private static final int PREFIX_BYTES = 5;

    private static final int SERVING = 1;
    private static final String[] SERVING_STATUS = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    private static final String[] CODES = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED"
    };

    private final Probe.Grpc probe;
    private final @Nullable TlsClient tls;
    private final byte[] request;

    GrpcCheck(Probe.Grpc probe) {
        this.probe = probe;
        tls = probe.tls() == null ? null : new TlsClient(probe.tls(), "h2");
        request = request(probe.service());
    }

    private static byte[] request(String service) {
        byte[] name = service.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        if (name.length > 0) {
            message.write(SERVICE_TAG);
            Http2Call.writeBase128(message, name.length);
            message.writeBytes(name);
        }
        return ByteBuffer.allocate(PREFIX_BYTES + message.size())
                .put((byte) 0)
                .putInt(message.size())
                .put(message.toByteArray())
                .array();
    }

    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException {
        try (ByteStream stream = ByteStream.open(destination, tls, deadline)) {
            if (stream instanceof TlsStream encrypted
                    && !encrypted.applicationProtocol().equals("h2")) {
                return CheckResult.unhealthy("TLS: the server does not offer HTTP/2 (ALPN h2)");
            }
            deadline.expect("gRPC answer");
            Http2Call call = new Http2Call(stream);
            Map<String, String> headers = new LinkedHashMap<>();
            headers.put("content-type", "application/grpc");
            headers.put("te", "trailers");
            headers.put("grpc-timeout", deadline.remainingMs() + "m");
            headers.put("user-agent", "sluice");
            call.post(tls != null, authority(destination), "/grpc.health.v1.Health/Check", headers, request);
            return judge(call.fields(), call.body());
        }
    }

    private String authority(Destination destination) {
        String name = probe.tls() == null ? null : probe.tls().serverName();
        return name == null ? destination.toString() : name;
    }

    /** What the fields of header and trailer, and the message, say of the server. */
    static CheckResult judge(Map<String, String> fields, byte[] body) throws UnhealthyException {
        String http = fields.getOrDefault(":status", "");
        String status = fields.get("grpc-status");
        if (status == null || !http.equals("200")) {
            return CheckResult.unhealthy("answer is not of gRPC: HTTP status " + AnswerReader.printable(http));
        }
        if (!status.equals("0")) {
            String message = fields.getOrDefault("grpc-message", "");
            return CheckResult.unhealthy(
                    "gRPC status " + code(status) + (message.isEmpty() ? "" : ": " + decoded(message)));
        }
        int serving = servingStatus(body);
        String name = serving >= 0 && serving < SERVING_STATUS.length ? SERVING_STATUS[serving] : "status " + serving;
        return serving == SERVING ? CheckResult.healthy(name) : CheckResult.unhealthy("gRPC health is " + name);
    }

    private static String code(String status) {
        for (int i = 0; i < CODES.length; i++) {
            if (status.equals(Integer.toString(i))) {
                return CODES[i];
            }
        }
        return AnswerReader.printable(status);
    }

    /** The message is percent-encoded. */
    private static String decoded(String message) {
        try {
            return AnswerReader.printable(URLDecoder.decode(message.replace("+", "%2B"), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return AnswerReader.printable(message);
        }
    }

    /** The last field 1 of the message, 0 (UNKNOWN) when it is left out. */
    private static int servingStatus(byte[] body) throws UnhealthyException {
        ByteBuffer message = ByteBuffer.wrap(body);
        if (message.remaining() < PREFIX_BYTES || message.get() != 0 || message.getInt() != message.remaining()) {
            throw new UnhealthyException("gRPC answer is malformed");
        }
        int status = 0;
        while (message.hasRemaining()) {
            // The message has this one field; a newer version's others would need a reader of every wire type.
            if (message.get() != STATUS_TAG) {
                throw new UnhealthyException("gRPC answer is malformed");
            }
            status = 0;
            int octet = 0x80;
            for (int shift = 0; (octet & 0x80) != 0; shift += 7) {
                if (!message.hasRemaining() || shift > 28) {
                    throw new UnhealthyException("gRPC answer is malformed");
                }
                octet = message.get();
                status |= (octet & 0x7f) << shift;
            }
        }
        return status;
    }
}

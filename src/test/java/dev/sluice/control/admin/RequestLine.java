package dev.sluice.control.admin;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;

/** Request lines for tests of what lies behind the socket. */
public final class RequestLine {
    private RequestLine() {}

    /** Reads a line as the socket does. */
    public static JsonNode parse(byte[] line) throws AdminException {
        return AdminProtocol.parseRequest(ByteBuffer.wrap(line));
    }
}

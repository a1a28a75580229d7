package dev.sluice.control.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The words of the admin protocol, version 1: one JSON object a line each way.
 *
 * <p>Request: {@code {"v":1,"command":"stats"}}. Answer: {@code {"v":1,"ok":true,"result":…}} or
 * {@code {"v":1,"ok":false,"error":{"code":"…","message":"…"}}}. Any thread.
 */
final class AdminProtocol {
    static final int VERSION = 1;

    /** Longest request line. */
    static final int MAX_REQUEST_BYTES = 64 * 1024;

    static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            // Who says the same thing twice may mean either.
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    static {
        JSON.getFactory()
                .setStreamReadConstraints(
                        StreamReadConstraints.builder().maxNestingDepth(32).build());
    }

    private AdminProtocol() {}

    static ObjectNode request(String command) {
        return JSON.createObjectNode().put("v", VERSION).put("command", command);
    }

    /**
     * The request on a line; throws with the answer's error when there is none to be had.
     *
     * @param line without its end
     */
    static JsonNode parseRequest(ByteBuffer line) throws AdminException {
        JsonNode request;
        try {
            request = JSON.readTree(
                    StandardCharsets.UTF_8.newDecoder().decode(line.duplicate()).toString());
        } catch (CharacterCodingException e) {
            throw new AdminException("bad_request", "a request is UTF-8 text");
        } catch (JsonProcessingException e) {
            throw new AdminException("bad_request", "a request is one JSON object a line: " + e.getOriginalMessage());
        }
        if (request == null || !request.isObject()) {
            throw new AdminException("bad_request", "a request is one JSON object a line");
        }
        JsonNode version = request.path("v");
        if (!version.isInt() || version.intValue() != VERSION) {
            throw new AdminException("unsupported_version", "this director speaks version 1: \"v\":1 is missing");
        }
        if (!request.path("command").isTextual()) {
            throw new AdminException("bad_request", "\"command\" is missing or not a string");
        }
        return request;
    }

    /** The line of an answer, its end included. */
    static byte[] success(@Nullable Object result) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("v", VERSION);
        answer.put("ok", true);
        answer.put("result", result == null ? NullNode.instance : result);
        return line(answer);
    }

    /** The line of an answer, its end included. */
    static byte[] failure(AdminException error) {
        ObjectNode answer = JSON.createObjectNode().put("v", VERSION).put("ok", false);
        ObjectNode failure = answer.putObject("error").put("code", error.code()).put("message", error.getMessage());
        if (!error.problems().isEmpty()) {
            error.problems().forEach(failure.putArray("problems")::add);
        }
        return line(answer);
    }

    private static byte[] line(Object answer) {
        try {
            byte[] json = JSON.writeValueAsBytes(answer);
            byte[] line = Arrays.copyOf(json, json.length + 1);
            line[json.length] = '\n';
            return line;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("no JSON of " + answer.getClass(), e);
        }
    }
}

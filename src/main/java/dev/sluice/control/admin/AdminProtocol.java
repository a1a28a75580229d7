package dev.sluice.control.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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

    /** The command of a request line; throws with the answer's error when there is none to be had. */
    static JsonNode parseRequest(String line) throws AdminException {
        JsonNode request;
        try {
            request = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new AdminException("bad_request", "a request is one JSON object a line: " + e.getOriginalMessage());
        }
        if (request == null || !request.isObject()) {
            throw new AdminException("bad_request", "a request is one JSON object a line");
        }
        if (request.path("v").asInt(-1) != VERSION) {
            throw new AdminException("unsupported_version", "this director speaks version 1: \"v\":1 is missing");
        }
        if (!request.path("command").isTextual()) {
            throw new AdminException("bad_request", "\"command\" is missing or not a string");
        }
        return request;
    }

    static ObjectNode success(@Nullable Object result) {
        ObjectNode answer = JSON.createObjectNode().put("v", VERSION).put("ok", true);
        answer.set("result", JSON.valueToTree(result));
        return answer;
    }

    static ObjectNode failure(AdminException error) {
        ObjectNode answer = JSON.createObjectNode().put("v", VERSION).put("ok", false);
        ObjectNode failure = answer.putObject("error").put("code", error.code()).put("message", error.getMessage());
        if (!error.problems().isEmpty()) {
            error.problems().forEach(failure.putArray("problems")::add);
        }
        return answer;
    }
}

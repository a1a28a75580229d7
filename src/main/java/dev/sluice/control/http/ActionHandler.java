package dev.sluice.control.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import dev.sluice.control.admin.AdminException;
import dev.sluice.service.RealServer;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Changes that the page asks for. Only what a script of the page itself can send is looked at: {@code POST} with JSON and a
 * header {@code Authorization}, for each of which another site's page would have to ask leave first (CORS), and nobody here
 * gives it. Any thread.
 */
final class ActionHandler {
    private static final Logger LOG = System.getLogger(ActionHandler.class.getName());
    private static final int MAX_BODY_BYTES = 4096;
    private static final String BEARER = "Bearer ";
    private static final Set<String> KEYS = Set.of("service", "real", "weight");

    /** Wrong tokens of an address at once, and in the long run: some in a minute. */
    private static final int WRONG_BURST = 5;

    private static final double WRONG_PER_S = 0.1;

    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    static {
        MAPPER.getFactory()
                .setStreamReadConstraints(
                        StreamReadConstraints.builder().maxNestingDepth(8).build());
    }

    private final @Nullable Token token;
    private final Actions actions;
    private final Throttle wrongTokens;
    private final Runnable done;

    /**
     * @param token null when there are no actions
     * @param done what is to be done after a change
     */
    ActionHandler(@Nullable Token token, Actions actions, LongSupplier clockNs, Runnable done) {
        this.token = token;
        this.actions = actions;
        this.done = done;
        wrongTokens = new Throttle(WRONG_BURST, WRONG_PER_S, clockNs);
    }

    /** Answers whether a token is the right one. */
    Answer check(HttpExchange exchange) throws IOException {
        Answer refusal = refusal(exchange);
        return refusal == null ? Answer.json(200, MAPPER.writeValueAsBytes(MAPPER.createObjectNode())) : refusal;
    }

    /** Carries out a change. */
    Answer answer(HttpExchange exchange) throws IOException {
        Answer refusal = refusal(exchange);
        if (refusal != null) {
            return refusal;
        }
        byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY_BYTES + 1);
        if (body.length > MAX_BODY_BYTES) {
            return failure(413, "bad_request", "a request has at most " + MAX_BODY_BYTES + " bytes");
        }
        return change(exchange.getRemoteAddress().getAddress(), body);
    }

    private @Nullable Answer refusal(HttpExchange exchange) throws IOException {
        InetAddress client = exchange.getRemoteAddress().getAddress();
        Headers headers = exchange.getRequestHeaders();
        if (token == null) {
            return failure(403, "no_actions", "this page only shows; actions need director.http.token_file");
        }
        String origin = headers.getFirst("Origin");
        if (origin != null && !origin.replaceFirst("^https?://", "").equals(headers.getFirst("Host"))) {
            return failure(403, "forbidden", "asked for by a page of " + printable(origin));
        }
        if (!isJson(headers.getFirst("Content-Type"))) {
            return failure(415, "bad_request", "allowed: Content-Type: application/json");
        }
        if (!wrongTokens.might(client)) {
            exchange.getResponseHeaders().set("Retry-After", "10");
            return failure(429, "busy", "too many wrong tokens; wait a while");
        }
        String given = headers.getFirst("Authorization");
        try {
            if (given == null || !given.startsWith(BEARER) || !token.is(given.substring(BEARER.length()))) {
                boolean ignored = wrongTokens.take(client);
                LOG.log(Level.WARNING, "refused an action by HTTP from {0}: wrong token", client.getHostAddress());
                exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
                return failure(401, "forbidden", given == null ? "a token is needed" : "this is not the token");
            }
        } catch (IOException e) {
            LOG.log(Level.WARNING, "refused an action by HTTP: {0}", e.getMessage());
            return failure(503, "no_token", "the director cannot read its token; its log says why");
        }
        return null;
    }

    private Answer change(InetAddress client, byte[] body) throws IOException {
        String what = "weight";
        try {
            JsonNode request = parse(body);
            String service = text(request, "service");
            String real = text(request, "real");
            OptionalInt weight = weight(request);
            what = "weight " + (weight.isPresent() ? weight.getAsInt() : "as configured") + " for " + printable(real)
                    + " of " + printable(service);
            List<String> changes = actions.setWeight(service, real, weight);
            LOG.log(Level.INFO, "{0} by HTTP from {1}: done", what, client.getHostAddress());
            done.run();
            ObjectNode answer = MAPPER.createObjectNode();
            changes.forEach(answer.putArray("changes")::add);
            return Answer.json(200, MAPPER.writeValueAsBytes(answer));
        } catch (AdminException e) {
            LOG.log(Level.INFO, "{0} by HTTP from {1}: {2}", what, client.getHostAddress(), e.code());
            return failure(status(e.code()), e.code(), String.valueOf(e.getMessage()));
        }
    }

    private static int status(String code) {
        return switch (code) {
            case "service_not_found", "real_not_found" -> 404;
            case "not_ready", "busy", "timeout" -> 503;
            case "internal" -> 500;
            default -> 400;
        };
    }

    private static JsonNode parse(byte[] body) throws AdminException, IOException {
        JsonNode request;
        try {
            request = MAPPER.readTree(body);
        } catch (JsonProcessingException e) {
            throw new AdminException("bad_request", "no JSON: " + e.getOriginalMessage());
        }
        if (request == null || !request.isObject()) {
            throw new AdminException("bad_request", "a request is one JSON object");
        }
        for (var member : request.properties()) {
            if (!KEYS.contains(member.getKey())) {
                throw new AdminException("bad_request", "allowed: service, real, weight");
            }
        }
        return request;
    }

    private static String text(JsonNode request, String key) throws AdminException {
        String value = request.path(key).textValue();
        if (value == null) {
            throw new AdminException("bad_request", "\"" + key + "\" is missing or no string");
        }
        return value;
    }

    private static OptionalInt weight(JsonNode request) throws AdminException {
        JsonNode weight = request.path("weight");
        if (weight.isTextual() && weight.textValue().equals("configured")) {
            return OptionalInt.empty();
        }
        if (!weight.isInt() || weight.intValue() < 0) {
            throw new AdminException(
                    "bad_request",
                    "\"weight\" is missing or wrong; allowed: an integer 0-" + RealServer.MAX_WEIGHT
                            + ", \"configured\"");
        }
        return OptionalInt.of(weight.intValue());
    }

    private static boolean isJson(@Nullable String contentType) {
        return contentType != null
                && contentType
                        .toLowerCase(Locale.ROOT)
                        .replaceFirst(";.*", "")
                        .strip()
                        .equals(Answer.JSON);
    }

    /** What a client says of itself must not forge lines of a log. */
    private static String printable(String text) {
        String cut = text.length() > 64 ? text.substring(0, 64) + "..." : text;
        return cut.replaceAll("[^ -~]", "?");
    }

    private static Answer failure(int status, String code, String message) throws IOException {
        ObjectNode json = MAPPER.createObjectNode();
        json.putObject("error").put("code", code).put("message", message);
        return Answer.json(status, MAPPER.writeValueAsBytes(json));
    }
}

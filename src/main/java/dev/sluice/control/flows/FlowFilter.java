package dev.sluice.control.flows;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.flow.FlowState;
import dev.sluice.packet.Transport;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.ServiceKey;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Which connections are asked for. Immutable. */
public final class FlowFilter {
    /** Its words in a request. */
    private static final List<String> KEYS = List.of(
            "kind",
            "protocol",
            "state",
            "client",
            "virtual",
            "real",
            "service",
            "method",
            "queue",
            "min_idle_ms",
            "max_idle_ms",
            "max_expires_ms");

    private static final Map<String, Integer> PROTOCOLS = new LinkedHashMap<>();
    private static final Map<String, Long> STATES = new LinkedHashMap<>();

    private static final long ALL_STATES = -1;
    /** The bit of no state's code, which stands for templates. */
    private static final long TEMPLATES = 1L << 63;

    private static final int ANY_QUEUE = -1;

    static {
        PROTOCOLS.put("tcp", Transport.TCP);
        PROTOCOLS.put("udp", Transport.UDP);
        PROTOCOLS.put("sctp", Transport.SCTP);
        PROTOCOLS.put("ah", Transport.AH);
        PROTOCOLS.put("esp", Transport.ESP);
        for (FlowState state : FlowState.values()) {
            if (state != FlowState.NONE) {
                STATES.merge(state.ipvsName(), 1L << state.code(), (a, b) -> a | b);
            }
        }
        STATES.put(FlowRow.TEMPLATE_STATE, TEMPLATES);
    }

    private final boolean connections;
    private final boolean templates;
    private final BitSet protocols;
    private final long states;
    private final EndpointFilter client;
    private final EndpointFilter virtual;
    private final EndpointFilter real;
    private final @Nullable ServiceKey service;
    private final Set<ForwardingMethod> methods;
    private final int queue;
    private final long minIdleMs;
    private final long maxIdleMs;
    private final long maxExpiresMs;

    private FlowFilter(JsonNode request) {
        if (!(request.isMissingNode() || request.isObject())) {
            throw new IllegalArgumentException("\"filter\" is not an object");
        }
        Set<String> unknown = new TreeSet<>();
        request.fieldNames().forEachRemaining(unknown::add);
        KEYS.forEach(unknown::remove);
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException(
                    "filter: there is no \"" + unknown.iterator().next() + "\"; there are: " + String.join(", ", KEYS));
        }
        String kind = request.path("kind").isMissingNode() ? "all" : text(request, "kind");
        if (!List.of("connections", "templates", "all").contains(kind)) {
            throw new IllegalArgumentException("kind: \"" + kind + "\" is none; allowed: connections, templates, all");
        }
        connections = !kind.equals("templates");
        templates = !kind.equals("connections");
        protocols = protocols(words(request, "protocol"));
        states = states(words(request, "state"));
        client = endpoint(request, "client");
        virtual = endpoint(request, "virtual");
        real = endpoint(request, "real");
        service = service(request);
        methods = methods(words(request, "method"));
        queue = request.path("queue").isMissingNode() ? ANY_QUEUE : (int) number(request, "queue", 0, 65535);
        minIdleMs = number(request, "min_idle_ms", 0, 0);
        maxIdleMs = number(request, "max_idle_ms", 0, Long.MAX_VALUE);
        maxExpiresMs = number(request, "max_expires_ms", 0, Long.MAX_VALUE);
    }

    /**
     * Reads the {@code filter} of a request.
     *
     * @param request an object, or a missing node for everything
     * @throws IllegalArgumentException with a message fit for users that names what is wrong
     */
    public static FlowFilter parse(JsonNode request) {
        return new FlowFilter(request);
    }

    private static String text(JsonNode request, String key) {
        if (!request.path(key).isTextual()) {
            throw new IllegalArgumentException(key + ": a string is needed");
        }
        return request.path(key).textValue();
    }

    /** A word, or a list of them; in lower case. */
    private static List<String> words(JsonNode request, String key) {
        JsonNode node = request.path(key);
        Set<String> words = new HashSet<>();
        if (node.isArray()) {
            node.forEach(word -> {
                if (!word.isTextual()) {
                    throw new IllegalArgumentException(key + ": strings are needed");
                }
                words.add(word.textValue());
            });
        } else if (!node.isMissingNode()) {
            words.add(text(request, key));
        }
        return words.stream().map(word -> word.toLowerCase(Locale.ROOT)).toList();
    }

    private static long number(JsonNode request, String key, long least, long absent) {
        JsonNode node = request.path(key);
        if (node.isMissingNode()) {
            return absent;
        }
        if (!node.isIntegralNumber() || !node.canConvertToLong() || node.longValue() < least) {
            throw new IllegalArgumentException(key + ": a number from " + least + " on is needed");
        }
        return node.longValue();
    }

    private static BitSet protocols(List<String> words) {
        BitSet numbers = new BitSet();
        for (String word : words) {
            Integer number = PROTOCOLS.get(word);
            if (number == null) {
                throw new IllegalArgumentException(
                        "protocol: \"" + word + "\" is none; allowed: " + String.join(", ", PROTOCOLS.keySet()));
            }
            numbers.set(number);
        }
        return numbers;
    }

    private static long states(List<String> words) {
        Map<String, Long> byName = new HashMap<>();
        STATES.forEach((name, bits) -> byName.put(name.toLowerCase(Locale.ROOT), bits));
        long bits = words.isEmpty() ? ALL_STATES : 0;
        for (String word : words) {
            Long bit = byName.get(word);
            if (bit == null) {
                throw new IllegalArgumentException(
                        "state: \"" + word + "\" is none; allowed: " + String.join(", ", STATES.keySet()));
            }
            bits |= bit;
        }
        return bits;
    }

    private static Set<ForwardingMethod> methods(List<String> words) {
        Set<ForwardingMethod> methods = new HashSet<>();
        for (String word : words) {
            methods.add(Arrays.stream(ForwardingMethod.values())
                    .filter(method -> method.keyword().equals(word))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(
                            "method: \"" + word + "\" is none; allowed: dr, tun, nat, fullnat")));
        }
        return Set.copyOf(methods);
    }

    private static EndpointFilter endpoint(JsonNode request, String key) {
        if (request.path(key).isMissingNode()) {
            return EndpointFilter.ALL;
        }
        String text = text(request, key);
        try {
            return EndpointFilter.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(key + ": " + e.getMessage(), e);
        }
    }

    private static @Nullable ServiceKey service(JsonNode request) {
        if (request.path("service").isMissingNode()) {
            return null;
        }
        String text = text(request, "service");
        try {
            return ServiceName.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("service: " + e.getMessage(), e);
        }
    }

    /** The service that is asked for; null for all. */
    public @Nullable ServiceKey service() {
        return service;
    }

    /** The real servers that are asked for. */
    public EndpointFilter real() {
        return real;
    }

    /** Whether connections of a worker can be among those asked for. */
    public boolean takesQueue(int ofWorker) {
        return connections && (queue == ANY_QUEUE || queue == ofWorker);
    }

    /** Whether persistence templates can be among those asked for. */
    public boolean takesTemplates() {
        return templates && queue == ANY_QUEUE && minIdleMs == 0;
    }

    /** Whether a connection or template is asked for. */
    boolean matches(FlowRow row) {
        long state = row.template ? TEMPLATES : 1L << row.stateCode;
        return (states & state) != 0
                && (queue == ANY_QUEUE || queue == row.queue)
                && row.idleMs >= minIdleMs
                && row.idleMs <= maxIdleMs
                && row.expiresMs <= maxExpiresMs
                && client.matches(row.inet6, row.clientHigh, row.clientLow, row.clientPort)
                && virtual.matches(row.inet6, row.virtualHigh, row.virtualLow, row.virtualPort)
                && (protocols.isEmpty() || protocols.get(row.protocol))
                && (service == null || service.equals(row.service()))
                && matchesReal(row);
    }

    private boolean matchesReal(FlowRow row) {
        if (real.prefix() == null && real.port() == EndpointFilter.ANY_PORT && methods.isEmpty()) {
            return true;
        }
        FlowNames.Real known = row.real;
        return known != null
                && real.hasAddress(known.address())
                && (real.port() == EndpointFilter.ANY_PORT || real.port() == row.realPort)
                && (methods.isEmpty() || (known.method() != null && methods.contains(known.method())));
    }
}

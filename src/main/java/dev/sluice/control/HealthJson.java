package dev.sluice.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.HealthConfig;
import dev.sluice.health.CheckSpec;
import dev.sluice.health.Probe;
import dev.sluice.health.Timing;
import dev.sluice.health.Via;
import java.math.BigDecimal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is configured of health in JSON, with the keys and values of the configuration file; defaults are left out. */
final class HealthJson {
    /** The keys by which a service says something about health. */
    static final List<String> SERVICE_KEYS =
            List.of("on_failure", "slow_start", "quorum", "hysteresis", "quorum_up", "quorum_down", "sorry", "check");

    /** The keys by which a real server does. */
    static final List<String> REAL_KEYS = List.of("check");

    private HealthJson() {}

    /** Puts all of it but the sorry server into a service's object. */
    static void putSettings(ObjectNode json, HealthConfig config) {
        HealthConfig none = HealthConfig.NONE;
        if (config.onFailure() != none.onFailure()) {
            json.put("on_failure", config.onFailure().keyword());
        }
        put(json, "slow_start", config.slowStartSeconds(), none.slowStartSeconds());
        put(json, "quorum", config.quorum(), none.quorum());
        put(json, "hysteresis", config.hysteresis(), none.hysteresis());
        putWords(json, "quorum_up", config.quorumUp());
        putWords(json, "quorum_down", config.quorumDown());
        if (!config.checks().isEmpty()) {
            putChecks(json, config.checks());
        }
    }

    /** Puts checks, or that there are none, into the object of a service or a real server. */
    static void putChecks(ObjectNode json, List<CheckSpec> checks) {
        ArrayNode array = json.putArray("check");
        checks.forEach(check -> array.add(of(check)));
    }

    /** A check. */
    static ObjectNode of(CheckSpec check) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("type", check.probe().keyword());
        switch (check.probe()) {
            case Probe.Tcp _, Probe.Ping _ -> {}
            case Probe.Http http -> putHttp(json, http);
            case Probe.Udp udp -> {
                put(json, "payload", udp.payload(), "");
                put(json, "reply_required", udp.replyRequired());
                put(json, "reply", text(udp.reply()), null);
            }
            case Probe.Dns dns -> {
                put(json, "name", dns.name(), ".");
                put(json, "record", dns.type(), "SOA");
            }
            case Probe.Smtp smtp -> put(json, "helo_name", smtp.heloName(), "localhost");
            case Probe.Script script -> {
                putWords(json, "command", script.command());
                put(json, "user", script.user(), null);
            }
            case Probe.Grpc grpc -> {
                put(json, "service", grpc.service(), "");
                put(json, "tls", grpc.tls() != null);
                putTls(json, grpc.tls());
            }
        }
        putTiming(json, check.timing());
        if (check.via() != Via.RIP) {
            json.put("via", check.via().keyword());
        }
        put(json, "address", check.address() == null ? null : check.address().toString(), null);
        put(json, "port", check.port(), 0);
        put(json, "source", check.source() == null ? null : check.source().toString(), null);
        return json;
    }

    private static void putHttp(ObjectNode json, Probe.Http http) {
        put(json, "path", http.path(), "/");
        put(json, "host", http.host(), null);
        if (!http.statuses().equals(Probe.StatusRanges.SUCCESS)) {
            putWords(
                    json,
                    "status",
                    http.statuses().ranges().stream()
                            .map(Probe.StatusRanges.Range::toString)
                            .toList());
        }
        put(json, "digest", http.digest(), null);
        put(json, http.bodyPatternAbsent() ? "body_absent" : "body", text(http.bodyPattern()), null);
        putTls(json, http.tls());
    }

    private static void putTls(ObjectNode json, Probe.@Nullable Tls tls) {
        if (tls != null) {
            put(json, "sni", tls.serverName(), null);
            put(json, "verify", tls.verify());
            put(json, "ca_file", tls.caFile(), null);
        }
    }

    private static void putTiming(ObjectNode json, Timing timing) {
        Timing usual = Timing.DEFAULT;
        putSeconds(json, "interval", timing.intervalMs(), usual.intervalMs());
        putSeconds(
                json,
                "retry_interval",
                timing.retryIntervalMs(),
                Math.min(usual.retryIntervalMs(), timing.intervalMs()));
        putSeconds(json, "timeout", timing.timeoutMs(), usual.timeoutMs());
        put(json, "rise", timing.rise(), usual.rise());
        put(json, "fall", timing.fall(), usual.fall());
        put(json, "jitter", timing.jitterPercent(), usual.jitterPercent());
        if (!timing.initiallyUp()) {
            json.put("initial", "down");
        }
    }

    private static @Nullable String text(Probe.@Nullable BodyPattern pattern) {
        return pattern == null ? null : pattern.text();
    }

    private static void put(ObjectNode json, String key, @Nullable String value, @Nullable String usual) {
        if (value != null && !value.equals(usual)) {
            json.put(key, value);
        }
    }

    private static void put(ObjectNode json, String key, int value, int usual) {
        if (value != usual) {
            json.put(key, value);
        }
    }

    /** A flag that is false unless it is said. */
    private static void put(ObjectNode json, String key, boolean value) {
        if (value) {
            json.put(key, true);
        }
    }

    private static void putSeconds(ObjectNode json, String key, int valueMs, int usualMs) {
        if (valueMs % 1000 == 0) {
            put(json, key, valueMs / 1000, usualMs % 1000 == 0 ? usualMs / 1000 : -1);
        } else if (valueMs != usualMs) {
            json.put(key, BigDecimal.valueOf(valueMs, 3));
        }
    }

    private static void putWords(ObjectNode json, String key, List<String> words) {
        if (!words.isEmpty()) {
            ArrayNode array = json.putArray(key);
            words.forEach(array::add);
        }
    }
}

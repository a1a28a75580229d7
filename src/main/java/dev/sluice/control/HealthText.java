package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.config.FailureMode;
import dev.sluice.control.config.HealthConfig;
import dev.sluice.health.CheckSpec;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** Changes of what is configured of health, in words. */
final class HealthText {
    private HealthText() {}

    /** What follows the other settings of a service that is added. */
    static String settings(HealthSettings health) {
        if (!health.isSet()) {
            return "";
        }
        StringBuilder text = new StringBuilder();
        changes(HealthSettings.NONE, health, false)
                .forEach(change -> text.append(", ").append(change));
        return text.toString();
    }

    /** A line for a service whose health is configured otherwise, none when it is the same. */
    static List<String> difference(ServiceKey service, HealthSettings before, HealthSettings after) {
        List<String> changes = changes(before, after, true);
        return changes.isEmpty()
                ? List.of()
                : List.of("edit health of service " + service + ": " + String.join(", ", changes));
    }

    private static List<String> changes(HealthSettings before, HealthSettings after, boolean both) {
        HealthConfig was = before.config();
        HealthConfig is = after.config();
        List<String> changes = new ArrayList<>();
        compare(changes, both, "on failure ", mode(was.onFailure()), mode(is.onFailure()));
        compare(changes, both, "slow start ", was.slowStartSeconds() + " s", is.slowStartSeconds() + " s");
        compare(changes, both, "quorum ", quorum(was), quorum(is));
        compare(changes, both, "quorum_up ", command(was.quorumUp()), command(is.quorumUp()));
        compare(changes, both, "quorum_down ", command(was.quorumDown()), command(is.quorumDown()));
        compare(changes, both, "sorry server ", sorry(before.sorry()), sorry(after.sorry()));
        compare(changes, both, "checks ", checks(was.checks()), checks(is.checks()));
        return changes;
    }

    /** A line for a real server whose own checks are others, none when they are the same. */
    static List<String> checksDifference(
            ServiceKey service, RealServer real, HealthSettings before, HealthSettings after) {
        List<CheckSpec> was = before.checksOf(real);
        List<CheckSpec> is = after.checksOf(real);
        return was.equals(is)
                ? List.of()
                : List.of("edit checks of real server " + EditText.endpoint(service, real) + " of " + service + ": "
                        + checks(was) + " -> " + checks(is));
    }

    private static String mode(FailureMode mode) {
        return mode.keyword();
    }

    private static String quorum(HealthConfig config) {
        return config.quorum() + (config.hysteresis() == 0 ? "" : " by " + config.hysteresis());
    }

    private static String command(List<String> command) {
        return command.isEmpty() ? "none" : String.join(" ", command);
    }

    private static String sorry(@Nullable RealServer sorry) {
        return sorry == null ? "none" : sorry.address() + " (" + EditText.method(sorry) + ")";
    }

    /** {@code none}, {@code tcp}, {@code http (path /health, interval 1) and ping}. */
    static String checks(List<CheckSpec> checks) {
        if (checks.isEmpty()) {
            return "none";
        }
        StringJoiner all = new StringJoiner(" and ");
        checks.forEach(check -> all.add(check(check)));
        return all.toString();
    }

    private static String check(CheckSpec check) {
        StringJoiner settings = new StringJoiner(", ", " (", ")").setEmptyValue("");
        for (var field : HealthJson.of(check).properties()) {
            if (!field.getKey().equals("type")) {
                settings.add(field.getKey() + " " + text(field.getValue()));
            }
        }
        return check.probe().keyword() + settings;
    }

    private static String text(JsonNode value) {
        if (!value.isArray()) {
            return value.asText();
        }
        StringJoiner words = new StringJoiner(" ");
        value.forEach(word -> words.add(word.asText()));
        return words.toString();
    }

    private static void compare(List<String> changes, boolean both, String what, String before, String after) {
        if (!Objects.equals(before, after)) {
            changes.add(what + (both ? before + " -> " : "") + after);
        }
    }
}

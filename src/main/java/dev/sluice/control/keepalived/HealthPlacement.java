package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.TomlWriter;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Moves to the service what keepalived says of each real server, if it says the same of all. */
final class HealthPlacement {
    /** The member in which a real server's own wish for {@code on_failure} waits. */
    static final String INHIBIT = "#inhibit";

    private HealthPlacement() {}

    static void place(ObjectNode service, List<ObjectNode> realServers, Notes notes, Statement server) {
        List<ObjectNode> counted = realServers.stream()
                .filter(real -> !real.path(TomlWriter.DISABLED).booleanValue())
                .toList();
        Set<Boolean> inhibited =
                counted.stream().map(real -> real.path(INHIBIT).booleanValue()).collect(Collectors.toSet());
        if (inhibited.equals(Set.of(true))) {
            service.put("on_failure", "quiesce");
        } else if (inhibited.contains(true)) {
            notes.add(
                    service,
                    server.where()
                            + ": inhibit_on_failure holds for some of the real servers: on_failure of a service holds"
                            + " for all or none");
        }
        realServers.forEach(real -> real.remove(INHIBIT));
        Set<JsonNode> checks = counted.stream().map(real -> real.path("check")).collect(Collectors.toSet());
        if (checks.size() == 1 && !checks.iterator().next().isEmpty()) {
            service.set("check", checks.iterator().next());
            counted.forEach(real -> real.remove("check"));
        }
        realServers.stream().filter(real -> real.path("check").isEmpty()).forEach(real -> real.remove("check"));
    }
}

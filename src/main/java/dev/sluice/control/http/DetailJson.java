package dev.sluice.control.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes what the page shows of a service that somebody looks at. */
final class DetailJson {
    private DetailJson() {}

    static void write(JsonGenerator json, Reading reading, ServiceStats service, History history) throws IOException {
        String name = Names.of(service);
        Map<String, HealthStats.RealServer> healthOf = new HashMap<>();
        for (HealthStats.Service health : reading.stats().health().services()) {
            if (Names.of(health).equals(name)) {
                health.realServers().forEach(real -> healthOf.put(Names.endpoint(real.address(), real.port()), real));
            }
        }
        json.writeNumberField("tick", history.tick());
        json.writeObjectFieldStart("real");
        for (RealServerStats real : service.realServers()) {
            String endpoint = Names.endpoint(real.address(), real.port());
            json.writeObjectFieldStart(endpoint);
            history.write(json, Sample.real(name, endpoint));
            json.writeStringField("nextHop", real.nextHop());
            HealthStats.RealServer health = healthOf.get(endpoint);
            if (health != null) {
                checks(json, health.checks());
                changes(json, health.history());
            }
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private static void checks(JsonGenerator json, List<HealthStats.Check> checks) throws IOException {
        json.writeArrayFieldStart("checks");
        for (HealthStats.Check check : checks) {
            json.writeStartObject();
            json.writeStringField("settings", check.settings());
            json.writeBooleanField("up", check.up());
            json.writeBooleanField("lastSuccess", check.lastSuccess());
            json.writeStringField("lastResult", check.lastResult());
            json.writeStringField("lastAt", check.lastAt());
            json.writeNumberField("lastDurationMs", check.lastDurationMs());
            json.writeNumberField("successes", check.successes());
            json.writeNumberField("failures", check.failures());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void changes(JsonGenerator json, List<HealthStats.Change> changes) throws IOException {
        json.writeArrayFieldStart("changes");
        for (HealthStats.Change change : changes) {
            json.writeStartObject();
            json.writeStringField("at", change.at());
            json.writeBooleanField("up", change.up());
            json.writeStringField("reason", change.reason());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}

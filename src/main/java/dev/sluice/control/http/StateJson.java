package dev.sluice.control.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.Traffic;
import dev.sluice.stats.WorkerStats;
import java.io.IOException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes what the page shows all the time. Owned by: one thread. */
final class StateJson {
    private final JsonGenerator json;
    private final Reading reading;
    private final History history;
    private long active;
    private long inactive;

    StateJson(JsonGenerator json, Reading reading, History history) {
        this.json = json;
        this.reading = reading;
        this.history = history;
    }

    void write(boolean actions) throws IOException {
        DirectorStats stats = reading.stats();
        json.writeNumberField("tick", history.tick());
        json.writeObjectFieldStart("director");
        json.writeStringField("version", stats.version());
        json.writeNumberField("pid", stats.pid());
        json.writeNumberField("uptimeMs", stats.uptimeMs());
        json.writeNumberField("generation", stats.generation());
        json.writeBooleanField("actions", actions);
        json.writeStringField("file", reading.load().file());
        json.writeStringField("loadedAt", reading.load().at().toString());
        json.writeBooleanField("loadSucceeded", reading.load().lastSucceeded());
        json.writeStringField("loadAttemptAt", reading.load().lastAttempt().toString());
        json.writeEndObject();
        services(stats);
        totals(stats);
        counters(stats);
        json.writeArrayFieldStart("interfaces");
        for (InterfaceStats nic : stats.interfaces()) {
            nic(nic);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("workers");
        for (WorkerStats worker : stats.workers()) {
            json.writeStartObject();
            json.writeNumberField("queue", worker.queue());
            json.writeNumberField("cpu", worker.cpu());
            numbers("counters", worker.counters());
            json.writeNumberField(
                    "batches",
                    worker.batches().values().stream()
                            .mapToLong(Long::longValue)
                            .sum());
            json.writeEndObject();
        }
        json.writeEndArray();
        HealthStats.Progress progress = stats.health().progress();
        json.writeObjectFieldStart("health");
        json.writeNumberField("targets", progress.targets());
        json.writeNumberField("checks", progress.checks());
        json.writeNumberField("lateMs", progress.lateMs());
        json.writeEndObject();
    }

    private void services(DirectorStats stats) throws IOException {
        Map<String, HealthStats.Service> healthOf = new HashMap<>();
        stats.health().services().forEach(service -> healthOf.put(Names.of(service), service));
        json.writeArrayFieldStart("services");
        for (ServiceStats service : stats.services()) {
            String name = Names.of(service);
            service(service, name, healthOf.get(name));
        }
        json.writeEndArray();
    }

    private void service(ServiceStats service, String name, HealthStats.@Nullable Service health) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", name);
        json.writeStringField("scheduler", service.scheduler());
        if (!service.schedulerFlags().isEmpty()) {
            json.writeStringField("flags", String.join(", ", service.schedulerFlags()));
        }
        if (service.persistence() > 0) {
            json.writeNumberField("persistence", service.persistence());
        }
        flag("onePacket", service.onePacket());
        flag("synProxy", service.translation() != null && service.translation().synProxy());
        if (health != null) {
            json.writeObjectFieldStart("quorum");
            json.writeBooleanField("reached", health.quorum().reached());
            json.writeNumberField("needed", health.quorum().quorum());
            json.writeNumberField("weight", health.quorum().weight());
            json.writeStringField("since", health.quorum().since());
            json.writeEndObject();
        }
        traffic(service.traffic(), name);
        Map<String, HealthStats.RealServer> healthOf = new HashMap<>();
        if (health != null) {
            health.realServers().forEach(real -> healthOf.put(Names.endpoint(real.address(), real.port()), real));
        }
        json.writeArrayFieldStart("real");
        for (RealServerStats real : service.realServers()) {
            String endpoint = Names.endpoint(real.address(), real.port());
            HealthStats.RealServer found = healthOf.get(endpoint);
            json.writeStartObject();
            json.writeStringField("name", endpoint);
            realServer(real, found);
            if (health != null && found == null) {
                json.writeStringField("state", "sorry");
                json.writeBooleanField(
                        "inService", health.sorry() != null && health.sorry().inUse());
            }
            traffic(real.traffic(), Sample.real(name, endpoint));
            json.writeEndObject();
            active += real.active();
            inactive += real.inactive();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void realServer(RealServerStats real, HealthStats.@Nullable RealServer health) throws IOException {
        json.writeStringField(
                "method",
                real.tunnel() == null || real.tunnel().type().equals("ipip")
                        ? real.method()
                        : real.method() + " " + real.tunnel().type());
        json.writeNumberField("weight", health == null ? real.weight() : health.weight());
        json.writeNumberField("effective", real.weight());
        json.writeNumberField("active", real.active());
        json.writeNumberField("inactive", real.inactive());
        if (real.persistent() > 0) {
            json.writeNumberField("persistent", real.persistent());
        }
        if (real.upperThreshold() > 0) {
            json.writeNumberField("upper", real.upperThreshold());
        }
        flag("overloaded", real.overloaded());
        boolean inService = health == null || health.inService();
        if (inService && !real.reachable()) {
            json.writeStringField("unreachable", real.nextHop());
        }
        if (health != null) {
            json.writeStringField("state", health.state());
            json.writeBooleanField("inService", inService);
            json.writeStringField("since", health.since());
            flag("flapping", health.flapping());
            if (!health.state().equals("up")) {
                json.writeStringField("reason", health.reason());
            }
        }
    }

    private void traffic(Traffic traffic, String name) throws IOException {
        json.writeArrayFieldStart("traffic");
        json.writeNumber(traffic.connections());
        json.writeNumber(traffic.inPackets());
        json.writeNumber(traffic.outPackets());
        json.writeNumber(traffic.inBytes());
        json.writeNumber(traffic.outBytes());
        json.writeEndArray();
        json.writeArrayFieldStart("rates");
        for (double rate : history.rates(name)) {
            json.writeNumber(Math.round(rate));
        }
        json.writeEndArray();
    }

    private void totals(DirectorStats stats) throws IOException {
        double[] rates = history.totalRates();
        json.writeObjectFieldStart("totals");
        json.writeNumberField("received", Math.round(rates[0]));
        json.writeNumberField("forwarded", Math.round(rates[1]));
        json.writeNumberField("dropped", Math.round(rates[2]));
        json.writeNumberField("active", active);
        json.writeNumberField("inactive", inactive);
        json.writeNumberField("flows", sum(stats, "connections"));
        json.writeNumberField("halfOpen", sum(stats, "connections_half_open"));
        json.writeNumberField("maxFlows", reading.maxFlows());
        json.writeEndObject();
    }

    private static long sum(DirectorStats stats, String counter) {
        return stats.workers().stream()
                .mapToLong(worker -> Objects.requireNonNull(worker.counters().get(counter), counter))
                .sum();
    }

    /** Those that have counted anything. */
    private void counters(DirectorStats stats) throws IOException {
        json.writeArrayFieldStart("counters");
        for (Counter counter : Counter.values()) {
            long count = Objects.requireNonNull(stats.outcomes().get(counter.label()), counter.label());
            if (count > 0) {
                json.writeStartObject();
                json.writeStringField("name", counter.label());
                json.writeStringField("kind", counter.kind().name().toLowerCase(Locale.ROOT));
                json.writeNumberField("count", count);
                json.writeStringField("help", counter.help());
                json.writeEndObject();
            }
        }
        json.writeEndArray();
    }

    private void nic(InterfaceStats nic) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", nic.name());
        json.writeStringField("mode", nic.xdpMode());
        json.writeBooleanField("dispatcher", nic.dispatcher());
        numbers("steering", nic.steering());
        json.writeArrayFieldStart("queues");
        for (InterfaceStats.QueueStats queue : nic.queues()) {
            json.writeStartObject();
            json.writeNumberField("queue", queue.queue());
            json.writeBooleanField("zeroCopy", queue.zeroCopy());
            numbers("xsk", queue.xsk());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void numbers(String field, Map<String, Long> numbers) throws IOException {
        json.writeObjectFieldStart(field);
        for (Map.Entry<String, Long> number : numbers.entrySet()) {
            json.writeNumberField(number.getKey(), number.getValue());
        }
        json.writeEndObject();
    }

    private void flag(String field, boolean value) throws IOException {
        if (value) {
            json.writeBooleanField(field, true);
        }
    }
}

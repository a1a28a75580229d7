package dev.sluice.control.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.sun.net.httpserver.HttpExchange;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.ServiceStats;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What the page shows, as JSON: made once a second however many look, and not at all while none does, but for the
 * {@link History}. Any thread.
 */
final class PageData implements AutoCloseable {
    private static final Logger LOG = System.getLogger(PageData.class.getName());
    private static final JsonFactory JSON = new JsonFactory();
    private static final String NAME = "name=";
    private static final long MIN_SLEEP_NS = History.TICK_NS / 10;

    private final Source source;
    private final boolean actions;
    private final History history = new History(System.nanoTime());
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(64 * 1024);
    private final Thread sampler = new Thread(this::sample, "sluice-http-history");
    private @Nullable Answer state;
    private long stateTick;
    private volatile boolean closed;

    /** Writes an object's fields. */
    private interface Fields {
        void write(JsonGenerator json) throws IOException;
    }

    PageData(Source source, boolean actions) {
        this.source = source;
        this.actions = actions;
    }

    /** Begins to remember rates. */
    void start() {
        sampler.setDaemon(true);
        sampler.start();
    }

    private void sample() {
        boolean failed = false;
        while (!closed) {
            try {
                history.tick(source.sample(), System.nanoTime());
                TimeUnit.NANOSECONDS.sleep(Math.max(MIN_SLEEP_NS, history.untilNextNs(System.nanoTime())));
            } catch (InterruptedException e) {
                return;
            } catch (AdminException e) {
                // The director stops.
                return;
            } catch (RuntimeException e) {
                LOG.log(failed ? Level.DEBUG : Level.ERROR, "no history for the stats page", e);
                failed = true;
            }
        }
    }

    /** Has the next answer made anew: something has changed. */
    synchronized void forget() {
        state = null;
    }

    /** All that is shown but graphs and details. */
    synchronized Answer state() throws IOException, AdminException {
        long tick = history.tick();
        Answer made = state;
        if (made == null || tick != stateTick) {
            Reading reading = source.read();
            made = answer(json -> new StateJson(json, reading, history).write(actions));
            state = made;
            stateTick = tick;
        }
        return made;
    }

    /** The graphs of the whole and of services. */
    synchronized Answer history() throws IOException, AdminException {
        Reading reading = source.read();
        return answer(json -> {
            json.writeNumberField("tick", history.tick());
            json.writeObjectFieldStart("totals");
            history.writeTotals(json);
            json.writeEndObject();
            json.writeObjectFieldStart("services");
            for (ServiceStats service : reading.stats().services()) {
                String name = Names.of(service);
                json.writeObjectFieldStart(name);
                history.write(json, name);
                json.writeEndObject();
            }
            json.writeEndObject();
        });
    }

    /** The graphs of a service's real servers, and their checks. */
    Answer service(HttpExchange exchange) throws IOException, AdminException {
        String query = exchange.getRequestURI().getRawQuery();
        return service(query == null || !query.startsWith(NAME) ? "" : query.substring(NAME.length()));
    }

    private synchronized Answer service(String encodedName) throws IOException, AdminException {
        String name;
        try {
            name = URLDecoder.decode(encodedName, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return Answer.text(400, "the name is not encoded as in a URL");
        }
        Reading reading = source.read();
        Optional<ServiceStats> found = reading.stats().services().stream()
                .filter(service -> Names.of(service).equals(name))
                .findFirst();
        if (found.isEmpty()) {
            return Answer.text(404, "there is no service of that name");
        }
        return answer(json -> DetailJson.write(json, reading, found.get(), history));
    }

    private Answer answer(Fields fields) throws IOException {
        out.reset();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            fields.write(json);
            json.writeEndObject();
        }
        return Answer.fresh(Answer.JSON, out.toByteArray());
    }

    @Override
    public void close() {
        closed = true;
        sampler.interrupt();
    }
}

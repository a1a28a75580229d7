package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.flows.FlowCollector;
import dev.sluice.control.flows.FlowFilter;
import dev.sluice.control.flows.FlowNames;
import dev.sluice.control.flows.FlowNames.Real;
import dev.sluice.control.flows.FlowQuery;
import dev.sluice.flow.FlowCopy;
import dev.sluice.flow.FlowTableReader;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.flow.TemplateCopy;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.ConnectionPage;
import dev.sluice.worker.Worker;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Lists connections and persistence templates, some at a time, straight out of the workers' tables. The workers do not notice;
 * a connection that moves within its table meanwhile may be met twice or not at all. Any thread but control.
 *
 * <p>A cursor names the table and the slot at which to go on: workers' connection tables first, then the persistence table.
 */
final class ConnectionReader {
    /** An answer ends after so many slots even when there was nothing in them, so that none takes long. */
    private static final long MAX_SLOTS = 1L << 20;

    private static final Pattern CURSOR = Pattern.compile("([0-9]{1,4}):([0-9]{1,10})");

    private final ControlQueue queue;
    private final Reconfigurer reconfigurer;
    private final Datapath datapath;
    private volatile FlowNames names = FlowNames.NONE;

    ConnectionReader(ControlQueue queue, Reconfigurer reconfigurer, Datapath datapath) {
        this.queue = queue;
        this.reconfigurer = reconfigurer;
        this.datapath = datapath;
    }

    /**
     * The command {@code connections}: {@code cursor} from an earlier answer, and what {@link FlowQuery} reads.
     *
     * @return reads them; while it does, the tables must not be released
     */
    Supplier<ConnectionPage> prepare(JsonNode request) throws AdminException {
        JsonNode cursor = request.path("cursor");
        Matcher place = CURSOR.matcher(cursor.isMissingNode() ? "0:0" : cursor.asText());
        if (!(cursor.isMissingNode() || cursor.isTextual()) || !place.matches()) {
            throw new AdminException("bad_request", "\"cursor\" is not one of an earlier answer");
        }
        int table = Integer.parseInt(place.group(1));
        long slot = Long.parseLong(place.group(2));
        FlowQuery query;
        try {
            query = FlowQuery.parse(request);
        } catch (IllegalArgumentException e) {
            throw new AdminException("bad_request", String.valueOf(e.getMessage()));
        }
        FlowNames known = names();
        check(query.filter(), known);
        return () -> read(table, slot, query, known);
    }

    /** Whoever asks for what there has never been has probably mistyped. */
    private static void check(FlowFilter filter, FlowNames known) throws AdminException {
        ServiceKey service = filter.service();
        if (service != null && !known.knows(service)) {
            throw new AdminException("service_not_found", "service: there is no service " + service);
        }
        if (!known.knowsAddress(filter.real())) {
            throw new AdminException(
                    "real_not_found",
                    "real: no service has a real server among " + filter.real().prefix());
        }
    }

    private FlowNames names() throws AdminException {
        FlowNames known = names;
        long generation = reconfigurer.generation();
        if (known.generation() != generation) {
            known = queue.call(() -> names(reconfigurer.generation(), reconfigurer.registry()));
            names = known;
        }
        return known;
    }

    private static FlowNames names(long generation, Registry registry) {
        KnownIds ids = registry.ids();
        Map<Integer, ServiceKey> services = new HashMap<>();
        ids.services().forEach((key, id) -> services.put(id, key));
        Map<Integer, Real> realServers = new HashMap<>();
        ids.realServers()
                .forEach((place, id) ->
                        realServers.put(id, new Real(place.service(), place.address(), place.port(), null)));
        for (VirtualService service : registry.services()) {
            for (RealServer real : registry.allRealServers(service)) {
                realServers.put(real.id(), new Real(service.key(), real.address(), real.port(), real.method()));
            }
        }
        return new FlowNames(generation, services, realServers);
    }

    private ConnectionPage read(int firstTable, long firstSlot, FlowQuery query, FlowNames known) {
        long nowMs = System.nanoTime() / 1_000_000;
        FlowCollector collector = new FlowCollector(query, known);
        List<Worker> workers = datapath.workers();
        long budget = MAX_SLOTS;
        long slot = firstSlot;
        String next = null;
        for (int table = firstTable; table <= workers.size() && next == null; table++) {
            boolean last = table == workers.size();
            if (last
                    ? query.filter().takesTemplates()
                    : query.filter().takesQueue(workers.get(table).queue())) {
                long end = last
                        ? templates(slot, budget, nowMs, known, collector)
                        : flows(workers.get(table), slot, budget, nowMs, known, collector);
                next = end >= 0 ? table + ":" + end : null;
                long slots = last ? 0 : workers.get(table).flows().reader().slots();
                budget -= Math.clamp(slots - slot, 0, budget);
            }
            slot = 0;
        }
        return new ConnectionPage(collector.connections(), collector.groups(), collector.matched(), next);
    }

    /** Reads a table from a slot on; returns the slot to go on at, -1 at the end. */
    private static long flows(
            Worker worker, long first, long budget, long nowMs, FlowNames known, FlowCollector collector) {
        FlowTableReader reader = worker.flows().reader();
        FlowCopy flow = new FlowCopy();
        long end = Math.min(reader.slots(), first + budget);
        for (long slot = first; slot < end; slot++) {
            if (collector.isFull()) {
                return slot;
            }
            if (reader.read((int) slot, nowMs, flow) == FlowTableReader.FOUND) {
                collector.row().set(flow, known, worker.queue(), reader.remainingMs(flow, nowMs), nowMs);
                collector.take();
            }
        }
        return end < reader.slots() ? end : -1;
    }

    private long templates(long first, long budget, long nowMs, FlowNames known, FlowCollector collector) {
        PersistenceTable table = datapath.templates();
        TemplateCopy template = new TemplateCopy();
        long end = Math.min(table.places(), first + budget);
        for (long place = first; place < end; place++) {
            if (collector.isFull()) {
                return place;
            }
            if (table.read((int) place, nowMs, template)) {
                ServiceKey service = known.service(template.service());
                if (service != null) {
                    collector.row().set(template, service, known);
                    collector.take();
                }
            }
        }
        return end < table.places() ? end : -1;
    }
}

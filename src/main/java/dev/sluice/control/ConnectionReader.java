package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.KnownIds.Place;
import dev.sluice.control.admin.AdminException;
import dev.sluice.flow.FlowCopy;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTableReader;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.flow.TemplateCopy;
import dev.sluice.flow.Translation;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.ServiceKey;
import dev.sluice.stats.ConnectionPage;
import dev.sluice.stats.ConnectionStats;
import dev.sluice.worker.Worker;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Lists connections and persistence templates, some at a time, straight out of the workers' tables. The workers do not notice;
 * a connection that moves within its table meanwhile may be met twice or not at all. Any thread but control.
 *
 * <p>A cursor names the table and the slot at which to go on: workers' connection tables first, then the persistence table.
 */
final class ConnectionReader {
    private static final int MAX_LIMIT = 4096;
    private static final int DEFAULT_LIMIT = 1024;

    /** An answer ends after so many slots even when there was nothing in them, so that none takes long. */
    private static final int MAX_SLOTS = 1 << 20;

    private static final Pattern CURSOR = Pattern.compile("([0-9]{1,4}):([0-9]{1,10})");

    private final ControlQueue queue;
    private final Reconfigurer reconfigurer;
    private final Datapath datapath;
    private volatile Names names = new Names(-1, KnownIds.NONE);

    ConnectionReader(ControlQueue queue, Reconfigurer reconfigurer, Datapath datapath) {
        this.queue = queue;
        this.reconfigurer = reconfigurer;
        this.datapath = datapath;
    }

    /** What ids stand for under one configuration. */
    private static final class Names {
        final long generation;
        final Map<Integer, ServiceKey> services = new HashMap<>();
        final Map<Integer, Place> realServers = new HashMap<>();

        Names(long generation, KnownIds ids) {
            this.generation = generation;
            ids.services().forEach((key, id) -> services.put(id, key));
            ids.realServers().forEach((place, id) -> realServers.put(id, place));
        }
    }

    /**
     * The command {@code connections}: {@code cursor} from an earlier answer, {@code limit} up to {@value #MAX_LIMIT}.
     *
     * @return reads them; while it does, the tables must not be released
     */
    Supplier<ConnectionPage> prepare(JsonNode request) throws AdminException {
        JsonNode limit = request.path("limit");
        if (!(limit.isMissingNode() || (limit.canConvertToInt() && limit.isIntegralNumber()))
                || limit.asInt(1) < 1
                || limit.asInt(1) > MAX_LIMIT) {
            throw new AdminException("bad_request", "\"limit\" is not a number from 1 to " + MAX_LIMIT);
        }
        JsonNode cursor = request.path("cursor");
        Matcher place = CURSOR.matcher(cursor.isMissingNode() ? "0:0" : cursor.asText());
        if (!(cursor.isMissingNode() || cursor.isTextual()) || !place.matches()) {
            throw new AdminException("bad_request", "\"cursor\" is not one of an earlier answer");
        }
        int table = Integer.parseInt(place.group(1));
        long slot = Long.parseLong(place.group(2));
        Names known = names();
        return () -> read(table, slot, limit.asInt(DEFAULT_LIMIT), known);
    }

    private Names names() throws AdminException {
        Names known = names;
        long generation = reconfigurer.generation();
        if (known.generation != generation) {
            known = queue.call(() ->
                    new Names(reconfigurer.generation(), reconfigurer.registry().ids()));
            names = known;
        }
        return known;
    }

    private ConnectionPage read(int firstTable, long firstSlot, int limit, Names known) {
        long nowMs = System.nanoTime() / 1_000_000;
        List<ConnectionStats> connections = new ArrayList<>();
        List<Worker> workers = datapath.workers();
        int budget = MAX_SLOTS;
        long slot = firstSlot;
        for (int table = firstTable; table <= workers.size(); table++) {
            long end;
            if (table < workers.size()) {
                end = flows(workers.get(table).flows().reader(), slot, budget, limit, nowMs, known, connections);
            } else {
                end = templates(slot, budget, limit, nowMs, known, connections);
            }
            if (end >= 0) {
                return new ConnectionPage(connections, table + ":" + end);
            }
            slot = 0;
        }
        return new ConnectionPage(connections, null);
    }

    /** Reads a table from a slot on; returns the slot to go on at, -1 at the end. */
    private static long flows(
            FlowTableReader reader,
            long first,
            int budget,
            int limit,
            long nowMs,
            Names known,
            List<ConnectionStats> connections) {
        FlowCopy flow = new FlowCopy();
        long end = Math.min(reader.slots(), first + budget);
        for (long slot = first; slot < end; slot++) {
            if (connections.size() == limit) {
                return slot;
            }
            if (reader.read((int) slot, nowMs, flow) == FlowTableReader.FOUND) {
                connections.add(connection(flow, reader.remainingMs(flow, nowMs), known));
            }
        }
        return end < reader.slots() ? end : -1;
    }

    private long templates(
            long first, int budget, int limit, long nowMs, Names known, List<ConnectionStats> connections) {
        PersistenceTable table = datapath.templates();
        TemplateCopy template = new TemplateCopy();
        long end = Math.min(table.places(), first + budget);
        for (long place = first; place < end; place++) {
            if (connections.size() == limit) {
                return place;
            }
            if (table.read((int) place, nowMs, template)) {
                ServiceKey service = known.services.get(template.service());
                if (service != null) {
                    connections.add(connection(template, service, known.realServers.get(template.realServer())));
                }
            }
        }
        return end < table.places() ? end : -1;
    }

    private static ConnectionStats connection(FlowCopy flow, int remainingMs, Names known) {
        AddressFamily family = flow.inet6() ? AddressFamily.INET6 : AddressFamily.INET;
        Place place = known.realServers.get(flow.realServer());
        return new ConnectionStats(
                switch (flow.protocol()) {
                    case Transport.TCP -> "TCP";
                    case Transport.UDP -> "UDP";
                    case Transport.SCTP -> "SCTP";
                    case Transport.ESP -> "ESP";
                    case Transport.AH -> "AH";
                    default -> Integer.toString(flow.protocol());
                },
                FlowState.ofCode(flow.stateCode()).ipvsName(),
                remainingMs,
                family == AddressFamily.INET ? "inet" : "inet6",
                new IpAddress(family, flow.clientHigh(), flow.clientLow()).toString(),
                flow.clientPort(),
                new IpAddress(family, flow.virtualHigh(), flow.virtualLow()).toString(),
                flow.virtualPort(),
                place == null ? null : place.address().toString(),
                destinationPort(flow, place),
                isFullnat(flow) ? localAddress(flow.translation()).toString() : null,
                isFullnat(flow) ? flow.translation().localPort() : 0,
                false);
    }

    private static int destinationPort(FlowCopy flow, @Nullable Place place) {
        if (isTranslationKnown(flow)) {
            return flow.translation().realPort();
        }
        // Direct routing and tunneling keep the port; a service of every port, or of a mark, has no other.
        return place == null || place.port() == 0 ? flow.virtualPort() : place.port();
    }

    /** Whether what was read beside a flow is its own; else it is being entered or taken out. */
    private static boolean isTranslationKnown(FlowCopy flow) {
        Translation translation = flow.translation();
        return flow.isTranslated()
                && translation.realServer() == flow.realServer()
                && translation.clientPort() == flow.clientPort()
                && translation.clientLow() == flow.clientLow()
                && translation.clientHigh() == flow.clientHigh();
    }

    /** Whether the real server sees another address than the client's. */
    private static boolean isFullnat(FlowCopy flow) {
        Translation translation = flow.translation();
        return isTranslationKnown(flow)
                && (translation.realInet6() != flow.inet6()
                        || translation.localPort() != flow.clientPort()
                        || translation.localLow() != flow.clientLow()
                        || translation.localHigh() != flow.clientHigh());
    }

    private static IpAddress localAddress(Translation translation) {
        return new IpAddress(
                translation.realInet6() ? AddressFamily.INET6 : AddressFamily.INET,
                translation.localHigh(),
                translation.localLow());
    }

    private static ConnectionStats connection(TemplateCopy template, ServiceKey service, @Nullable Place place) {
        AddressFamily family = service.family();
        return new ConnectionStats(
                switch (service) {
                    case AddressKey key -> key.protocol().name();
                    case FwmarkKey ignored -> "IP";
                },
                // IPVS says so from the first established connection on, to spare such templates under drop_entry.
                "ASSURED",
                template.remainingMs(),
                family == AddressFamily.INET ? "inet" : "inet6",
                new IpAddress(family, template.clientHigh(), template.clientLow()).toString(),
                0,
                switch (service) {
                    case AddressKey key -> key.address().toString();
                    case FwmarkKey key ->
                        family == AddressFamily.INET
                                ? IpAddress.ofInet(key.mark()).toString()
                                : IpAddress.ofInet6((long) key.mark() << 32, 0).toString();
                },
                service instanceof AddressKey key ? key.port() : 0,
                place == null ? null : place.address().toString(),
                place == null ? 0 : place.port(),
                null,
                0,
                true);
    }
}

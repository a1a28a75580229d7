package dev.sluice.control.observe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.forward.observe.ObservedPacket;
import dev.sluice.forward.observe.PacketFilter;
import dev.sluice.forward.observe.Selection;
import dev.sluice.worker.Worker;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** The commands {@code capture-start}, {@code capture-read} and {@code capture-stop}. Any thread but the workers'. */
final class CaptureCommands {
    /** The most octets of each packet: a jumbo frame with an outer header. */
    static final int MAX_SNAP_BYTES = 16_384;

    static final int MAX_PER_SECOND = 100_000;

    private static final int DEFAULT_SNAP_BYTES = 256;
    private static final int DEFAULT_PER_SECOND = 1_000;
    private static final int MAX_ONE_IN = 1_000_000_000;
    private static final int MAX_WAIT_MS = 2_000;

    /** Octets of packets, or images, after which an answer ends. */
    private static final int ANSWER_BYTES = 1 << 20;

    private static final int ANSWER_PACKETS = 1_024;

    private static final long POLL_NS = 5_000_000;

    /** How long to wait for more when something has come, so that not each packet is an answer of its own. */
    private static final long GATHER_NS = 50_000_000;

    private static final Set<String> START = Set.of(
            "client",
            "client_port",
            "vip",
            "vip_port",
            "port",
            "protocol",
            "interface",
            "queue",
            "drops",
            "misses",
            "one_in",
            "images",
            "snap",
            "rate");

    private final Observatory observatory;
    private final List<String> interfaces;

    CaptureCommands(Observatory observatory, List<String> interfaces) {
        this.observatory = observatory;
        this.interfaces = List.copyOf(interfaces);
    }

    Object start(JsonNode request) throws AdminException {
        Fields fields = new Fields(request, START);
        int queue = queue(fields);
        String images = fields.text("images");
        if (images != null && !Set.of("before", "after", "both").contains(images)) {
            throw Fields.bad("\"images\" is none of before, after, both");
        }
        PacketFilter filter = new PacketFilter(
                fields.prefix("client"),
                fields.number("client_port", -1, 0, 65535),
                fields.prefix("vip"),
                fields.number("vip_port", -1, 0, 65535),
                fields.number("port", -1, 0, 65535),
                fields.protocol("protocol"),
                fields.interfaceOf("interface", interfaces));
        ObservationRequest wanted = new ObservationRequest(
                filter,
                selection(request, fields),
                !"after".equals(images),
                !"before".equals(images),
                fields.number("snap", DEFAULT_SNAP_BYTES, 14, MAX_SNAP_BYTES),
                fields.number("rate", DEFAULT_PER_SECOND, 1, MAX_PER_SECOND),
                queue);
        Session session = observatory.open(wanted);
        return Map.of("session", session.id(), "interfaces", interfaces, "snap", wanted.snapBytes());
    }

    private int queue(Fields fields) throws AdminException {
        int queue = fields.number("queue", -1, 0, 65535);
        if (queue >= 0 && observatory.workers().stream().noneMatch(worker -> worker.queue() == queue)) {
            throw Fields.bad("\"queue\": there is no queue " + queue + "; there are "
                    + observatory.workers().stream()
                            .map(Worker::queue)
                            .map(String::valueOf)
                            .collect(Collectors.joining(", ")));
        }
        return queue;
    }

    private static Selection selection(JsonNode request, Fields fields) throws AdminException {
        int oneIn = fields.number("one_in", 1, 1, MAX_ONE_IN);
        EnumSet<Counter> reasons = EnumSet.noneOf(Counter.class);
        if (!request.path("drops").isMissingNode()) {
            List<String> names = fields.texts("drops");
            reasons.addAll(names.isEmpty() ? Selection.drops() : drops(names));
        }
        if (fields.flag("misses")) {
            reasons.addAll(Selection.MISSES);
        }
        return new Selection(reasons.isEmpty(), reasons, oneIn, false);
    }

    private static Set<Counter> drops(List<String> names) throws AdminException {
        Map<String, Counter> byName = new TreeMap<>();
        Selection.drops().forEach(counter -> byName.put(counter.label(), counter));
        EnumSet<Counter> drops = EnumSet.noneOf(Counter.class);
        for (String name : names) {
            Counter counter = byName.get(name);
            if (counter == null) {
                boolean unseen =
                        Selection.UNSEEN.stream().anyMatch(one -> one.label().equals(name));
                throw Fields.bad(
                        unseen
                                ? "drops by " + name + " leave nothing to capture: only the counter tells of them"
                                : "there is no reason \"" + name + "\" to drop a packet; there are "
                                        + String.join(", ", byName.keySet()));
            }
            drops.add(counter);
        }
        return drops;
    }

    Object read(JsonNode request) throws AdminException {
        Fields fields = new Fields(request, Set.of("session", "wait_ms"));
        Session session = observatory.find(fields.neededText("session"));
        List<ObservedPacket> packets = await(session, fields.number("wait_ms", 0, 0, MAX_WAIT_MS));
        Map<String, Object> answer = totals(session);
        answer.put(
                "packets", packets.stream().map(packet -> json(session, packet)).toList());
        return answer;
    }

    /** What there is, after a while at the latest. */
    static List<ObservedPacket> await(Session session, int waitMs) {
        long endNs = System.nanoTime() + waitMs * 1_000_000L;
        List<ObservedPacket> packets = new ArrayList<>();
        int bytes = 0;
        while (true) {
            List<ObservedPacket> more = session.read(
                    Math.min(ANSWER_PACKETS - packets.size(), 1 + (ANSWER_BYTES - bytes) / MAX_SNAP_BYTES));
            if (packets.isEmpty() && !more.isEmpty()) {
                endNs = Math.min(endNs, System.nanoTime() + GATHER_NS);
            }
            packets.addAll(more);
            bytes += more.stream()
                    .mapToInt(packet -> packet.octets().remaining())
                    .sum();
            boolean full = packets.size() >= ANSWER_PACKETS || bytes >= ANSWER_BYTES;
            if (full || session.isEnded() || (more.isEmpty() && System.nanoTime() - endNs >= 0)) {
                return packets;
            }
            if (more.isEmpty()) {
                LockSupport.parkNanos(POLL_NS);
            }
        }
    }

    Object stop(JsonNode request) throws AdminException {
        Session session = observatory.find(new Fields(request, Set.of("session")).neededText("session"));
        observatory.close(session);
        return totals(session);
    }

    private static Map<String, Object> totals(Session session) {
        Session.Totals totals = session.totals();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("captured", totals.captured());
        answer.put("lost", totals.lost());
        answer.put("suppressed", totals.suppressed());
        return answer;
    }

    private static Map<String, Object> json(Session session, ObservedPacket packet) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("timeNs", session.wallClockNs(packet.timeNs()));
        json.put("id", packet.packetId());
        json.put("queue", packet.queue());
        json.put("image", packet.image().name().toLowerCase(Locale.ROOT));
        json.put("verdict", packet.verdict().name().toLowerCase(Locale.ROOT));
        json.put("in", packet.ingressPort());
        json.put("out", packet.egressPort());
        json.put("length", packet.originalLength());
        json.put("drops", labels(packet, Counter.Kind.DROP));
        json.put("events", labels(packet, Counter.Kind.EVENT, Counter.Kind.MADE));
        json.put("shared", packet.shared());
        json.put("bytes", Base64.getEncoder().encodeToString(packet.bytes()));
        return json;
    }

    private static List<String> labels(ObservedPacket packet, Counter.Kind... kinds) {
        return packet.counters().keySet().stream()
                .filter(counter -> Arrays.asList(kinds).contains(counter.kind()))
                .map(Counter::label)
                .toList();
    }
}

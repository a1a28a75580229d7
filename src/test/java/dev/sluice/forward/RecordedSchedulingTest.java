package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.SchedulerState;
import dev.sluice.schedule.SchedulerTable;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Lives of services as real IPVS was seen to schedule them, replayed through the pipeline packet by packet. Left out are
 * recordings that need what is not built yet: persistence, thresholds, one-packet scheduling, and other settings of the
 * sysctls than the defaults. Services of a firewall mark are replayed at their scheduler.
 */
class RecordedSchedulingTest {
    private static final Set<String> OPTIONS =
            Set.of("-A", "-E", "-D", "-a", "-e", "-d", "-t", "-u", "-r", "-g", "-s", "-w", "-b", "-f", "-6");
    /** How many recordings of each scheduler could be replayed when last counted. */
    private static final Map<String, Integer> FLOORS = Map.ofEntries(
            Map.entry("rr", 32),
            Map.entry("wrr", 13),
            Map.entry("lc", 14),
            Map.entry("wlc", 17),
            Map.entry("lblc", 13),
            Map.entry("lblcr", 14),
            Map.entry("dh", 14),
            Map.entry("sh", 16),
            Map.entry("sed", 13),
            Map.entry("nq", 13),
            Map.entry("fo", 16),
            Map.entry("ovf", 13),
            Map.entry("mh", 12));

    private static final Set<String> PROFILES = Set.of("default", "sloppy1", "short");

    @Test
    void everySchedulerChoosesAsRecorded() throws IOException {
        Map<String, Integer> replayed = new TreeMap<>();
        List<String> skipped = new ArrayList<>();
        for (JsonNode scenario : Golden.lines("ipvs/scheduling.jsonl")) {
            if (isSupported(scenario)) {
                new Replay(scenario).run();
                replayed.merge(scenario.get("scheduler").asText(), 1, Integer::sum);
            } else {
                skipped.add(scenario.get("id").asText());
            }
        }
        System.out.println("replayed " + replayed + "; skipped " + skipped.size() + ": " + skipped);
        FLOORS.forEach((scheduler, floor) ->
                assertTrue(replayed.getOrDefault(scheduler, 0) >= floor, () -> scheduler + " of " + replayed));
    }

    @Test
    void connectionsMoveThroughStatesAsRecorded() throws IOException {
        int replayed = 0;
        for (JsonNode scenario : Golden.lines("ipvs/states.jsonl")) {
            if (isSupported(scenario)) {
                new Replay(scenario).run();
                replayed++;
            }
        }
        assertTrue(replayed >= 10, "only " + replayed + " scenarios could be replayed");
    }

    private static boolean isSupported(JsonNode scenario) {
        if (!PROFILES.contains(scenario.get("profile").asText())) {
            return false;
        }
        for (JsonNode event : scenario.get("events")) {
            if (event.has("reply")) {
                return false;
            }
            if (event.has("cmd")
                    && !Arrays.stream(event.get("cmd").asText().split(" ", -1))
                            .filter(word -> word.startsWith("-"))
                            .allMatch(OPTIONS::contains)) {
                return false;
            }
        }
        return true;
    }

    /** One recording: ipvsadm's commands become snapshots, as control would make them; packets go through the pipeline. */
    private static final class Replay {
        private final JsonNode scenario;
        private final Harness harness = new Harness(4096);
        private final Map<ServiceKey, VirtualService> services = new LinkedHashMap<>();
        private final Map<ServiceKey, SchedulerTable> tables = new HashMap<>();
        private final Map<String, Integer> ids = new HashMap<>();
        private final Map<Integer, Integer> indexById = new HashMap<>();
        /** Whether the service is one of a firewall mark, which only the scheduler is asked about here. */
        private final boolean isMarked;

        private final SchedulerState markedState;
        private ForwardingSnapshot snapshot = ForwardingSnapshot.empty();
        private int nextService;

        Replay(JsonNode scenario) {
            this.scenario = scenario;
            isMarked = scenario.path("note").asText().startsWith("fwmark");
            FlowCounts counts = new FlowCounts();
            counts.add(harness.flows);
            markedState = new SchedulerState(counts);
            if (scenario.get("profile").asText().equals("short")) {
                harness.flows.setTimeout(FlowState.ESTABLISHED, 4000);
                harness.flows.setTimeout(FlowState.FIN_WAIT, 3000);
                harness.flows.setTimeout(FlowState.UDP, 2000);
            }
        }

        void run() {
            int number = 0;
            for (JsonNode event : scenario.get("events")) {
                String where = scenario.get("id").asText() + ", event " + number++ + ": " + event;
                long nowMs = (long) (event.get("t").asDouble() * 1000);
                harness.pipeline.expire(snapshot, Integer.MAX_VALUE, nowMs);
                if (event.has("cmd")) {
                    command(event.get("cmd").asText());
                } else if (event.has("p")) {
                    packet(event, packet(event.get("p")), nowMs, where);
                } else {
                    event.path("conns").forEach(line -> state(line.asText(), nowMs, where));
                    event.path("check").forEach(line -> counts(line, where));
                }
            }
        }

        private void packet(JsonNode event, byte[] frame, long nowMs, String where) {
            boolean opens = event.get("p").get(0).asText().equals("udp")
                    || event.get("p").get(5).asText().contains("S");
            boolean sloppy = scenario.get("profile").asText().equals("sloppy1");
            JsonNode got = event.get("got");
            if (!opens && !sloppy && got.isNull() && harness.slotOf(frame, nowMs) == FlowTable.NOT_FOUND) {
                // With sloppy_tcp=0 the kernel's own stack answers these; here they are scheduled.
                return;
            }
            int id = isMarked ? marked(frame, nowMs) : piped(frame, nowMs);
            assertEquals(got.isNull() ? null : (Integer) got.asInt(), indexById.get(id), where);
        }

        private int piped(byte[] frame, long nowMs) {
            int port = harness.process(snapshot, frame, nowMs);
            return port == Pipeline.DROPPED
                    ? Pipeline.DROPPED
                    : (int) (Ethernet.destination(harness.umem, harness.addresses[0]) - Harness.macOf(0));
        }

        /** What the pipeline does, without its look-up of the service: the scenario's only one has them all. */
        private int marked(byte[] frame, long nowMs) {
            FlowTable flows = harness.flows;
            PacketView packet = new PacketView();
            assertEquals(PacketParser.OK, PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, packet));
            long hash = harness.hasher.hash(packet);
            int slot = flows.find(packet, hash, nowMs);
            int state = slot == FlowTable.NOT_FOUND ? FlowState.NONE.code() : flows.stateCode(slot);
            boolean closed = state == FlowState.CLOSE.code() || state == FlowState.TIME_WAIT.code();
            if (closed && (packet.tcpFlags() & Transport.SYN) != 0) {
                flows.remove(slot);
                slot = FlowTable.NOT_FOUND;
            }
            if (slot == FlowTable.NOT_FOUND) {
                int id = tables.values().iterator().next().pick(markedState, packet, hash, nowMs);
                if (id == SchedulerTable.NO_REAL_SERVER) {
                    return id;
                }
                slot = flows.insert(packet, hash, id, 0, nowMs);
            }
            int id = flows.realServer(slot);
            if (snapshot.serviceOf(id) == ForwardingSnapshot.NONE) {
                return Pipeline.DROPPED;
            }
            flows.touch(slot, packet, nowMs);
            return id;
        }

        /** RIP and port, weight, active and inactive connections. */
        private void counts(JsonNode line, String where) {
            String rip =
                    line.get(0).asText().replaceAll(":[0-9]+$|[\\[\\]]", "").replaceAll("[\\[\\]]", "");
            if (services.size() != 1) {
                return;
            }
            for (VirtualService service : services.values()) {
                Integer id = ids.get(service.key() + " " + IpAddress.parse(rip));
                assertTrue(id != null, where);
                assertEquals(line.get(2).asInt(), harness.flows.activeOf(id), where + ": active of " + rip);
                assertEquals(line.get(3).asInt(), harness.flows.inactiveOf(id), where + ": inactive of " + rip);
            }
        }

        private void state(String line, long nowMs, String where) {
            // Protocol, client, virtual, real, state, seconds left.
            String[] words = line.split(" +", -1);
            String[] client = endpoint(words[1]);
            String[] virtual = endpoint(words[2]);
            IpAddress cip = IpAddress.parse(client[0]);
            IpAddress vip = IpAddress.parse(virtual[0]);
            int cport = Integer.parseInt(client[1]);
            int vport = Integer.parseInt(virtual[1]);
            byte[] frame = words[0].equals("TCP")
                    ? PacketBuilder.tcp(cip, cport, vip, vport).build()
                    : PacketBuilder.udp(cip, cport, vip, vport).build();
            int slot = harness.slotOf(frame, nowMs);
            assertTrue(slot != FlowTable.NOT_FOUND, where + " misses " + line);
            assertEquals(
                    words[4], FlowState.ofCode(harness.flows.stateCode(slot)).name(), where);
        }

        private static String[] endpoint(String text) {
            return text.replaceAll("[\\[\\]]", "").split(",", -1);
        }

        private byte[] packet(JsonNode p) {
            IpAddress source = IpAddress.parse(p.get(1).asText());
            IpAddress destination = IpAddress.parse(p.get(3).asText());
            if (p.get(0).asText().equals("udp")) {
                return PacketBuilder.udp(
                                source, p.get(2).asInt(), destination, p.get(4).asInt())
                        .build();
            }
            int flags = 0;
            for (char flag : p.get(5).asText().toCharArray()) {
                flags |= 1 << "FSRPAUEC".indexOf(flag);
            }
            return PacketBuilder.tcp(
                            source, p.get(2).asInt(), destination, p.get(4).asInt())
                    .tcpFlags(flags)
                    .build();
        }

        private void command(String line) {
            Map<String, String> options = new HashMap<>();
            String[] words = line.split(" ", -1);
            for (int i = 1; i < words.length; i++) {
                if (words[i].startsWith("-")) {
                    options.put(words[i], i + 1 < words.length ? words[i + 1] : "");
                }
            }
            ServiceKey key = key(options);
            VirtualService service = services.get(key);
            if (options.containsKey("-D")) {
                services.remove(key);
                tables.remove(key);
            } else if (options.containsKey("-A") || options.containsKey("-E")) {
                String scheduler = options.getOrDefault("-s", "wlc");
                SchedulerKind kind = SchedulerKind.valueOf(scheduler.toUpperCase(Locale.ROOT));
                VirtualService now = new VirtualService(
                        service == null ? nextService++ : service.id(),
                        key,
                        kind,
                        flags(options.getOrDefault("-b", "")),
                        service == null ? List.of() : service.realServers());
                // Binding the scheduler that is bound already is no event to it.
                change(now, service == null || service.scheduler() != kind);
            } else if (service != null) {
                change(
                        new VirtualService(
                                service.id(),
                                key,
                                service.scheduler(),
                                service.schedulerFlags(),
                                realServers(service, options)),
                        true);
            }
            publish();
        }

        private static Set<SchedulerFlag> flags(String keywords) {
            return Arrays.stream(SchedulerFlag.values())
                    .filter(flag -> Arrays.asList(keywords.split(",", -1)).contains(flag.keyword()))
                    .collect(Collectors.toSet());
        }

        private ServiceKey key(Map<String, String> options) {
            if (options.containsKey("-f")) {
                return new ServiceKey(
                        Protocol.TCP, IpAddress.parse(scenario.get("vip").asText()), 0);
            }
            boolean tcp = options.containsKey("-t");
            String text = options.getOrDefault(tcp ? "-t" : "-u", "");
            int colon = text.lastIndexOf(':');
            return new ServiceKey(
                    tcp ? Protocol.TCP : Protocol.UDP,
                    IpAddress.parse(text.substring(0, colon).replaceAll("[\\[\\]]", "")),
                    Integer.parseInt(text.substring(colon + 1)));
        }

        private List<RealServer> realServers(VirtualService service, Map<String, String> options) {
            String text = options.getOrDefault("-r", "");
            IpAddress rip = IpAddress.parse(text.replaceAll("^\\[|\\]$", ""));
            // The same real server of the same service keeps its id: its flows are still there.
            int id = ids.computeIfAbsent(service.key() + " " + rip, ignored -> ids.size());
            for (JsonNode real : scenario.get("reals")) {
                if (IpAddress.parse(real.get("addr").asText()).equals(rip)) {
                    indexById.put(id, real.get("i").asInt());
                }
            }
            int weight = Integer.parseInt(options.getOrDefault("-w", "1"));
            RealServer changed = new RealServer(id, rip, service.key().port(), ForwardingMethod.DR, weight);
            List<RealServer> reals = new ArrayList<>(service.realServers());
            if (options.containsKey("-a")) {
                reals.add(changed);
            } else if (options.containsKey("-e")) {
                reals.replaceAll(real -> real.id() == id ? changed : real);
            } else {
                reals.removeIf(real -> real.id() == id);
            }
            return reals;
        }

        private void change(VirtualService service, boolean rebuild) {
            services.put(service.key(), service);
            @Nullable SchedulerTable previous = tables.get(service.key());
            if (rebuild) {
                tables.put(service.key(), SchedulerTable.of(service, previous, Harness.PARAMETERS));
            }
        }

        private void publish() {
            ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(snapshot.generation() + 1);
            for (VirtualService service : services.values()) {
                SchedulerTable table = tables.get(service.key());
                if (table != null) {
                    builder.add(service, table);
                }
                for (RealServer real : service.realServers()) {
                    builder.nextHop(real.id(), new NextHop(0, Harness.macOf(real.id()), Harness.DIRECTOR_MAC, 1500));
                }
            }
            snapshot = builder.build();
        }
    }
}

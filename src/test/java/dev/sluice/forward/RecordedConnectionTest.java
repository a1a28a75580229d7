package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.schedule.SchedulerTable;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/**
 * What real IPVS was seen to remember of connections under each setting of its sysctls: the state of every entry, the
 * seconds left to it, active and inactive connections of every real server, and the fate of every packet.
 */
class RecordedConnectionTest {
    private static final Set<String> OPTIONS =
            Set.of("-A", "-E", "-D", "-a", "-e", "-d", "-t", "-u", "-r", "-g", "-s", "-w");

    /** conn_reuse_mode and expire_nodest_conn; sloppy_tcp is IPVS's default, off, but where the name says otherwise. */
    private static final Map<String, ConnectionPolicy> PROFILES = Map.of(
            "default", new ConnectionPolicy(false, 1, false, 0),
            "short", new ConnectionPolicy(false, 1, false, 0),
            "sloppy1", new ConnectionPolicy(true, 1, false, 0),
            "reuse0", new ConnectionPolicy(false, 0, false, 0),
            "reuse2", new ConnectionPolicy(false, 2, false, 0),
            "nodest1", new ConnectionPolicy(false, 1, true, 0),
            "quies1nodest1", new ConnectionPolicy(false, 1, true, 0),
            "reuse0nodest", new ConnectionPolicy(false, 0, true, 0));

    @Test
    void everySequenceOfTheClientsHalf() throws IOException {
        int scenarios = 0;
        int entries = 0;
        for (JsonNode scenario : Golden.lines("ipvs/states.jsonl")) {
            // Those with NAT show the other half as well.
            if (!scenario.get("id").asText().startsWith("state-nat")) {
                entries += new Replay(scenario).run();
                scenarios++;
            }
        }
        assertEquals(13, scenarios);
        assertEquals(31, entries);
    }

    @Test
    void everySettingOfTheSysctls() throws IOException {
        Map<String, Integer> replayed = new HashMap<>();
        int entries = 0;
        for (JsonNode scenario : Golden.lines("ipvs/scheduling.jsonl")) {
            String scheduler = scenario.get("scheduler").asText();
            if ((scheduler.equals("rr") || scheduler.equals("wrr")) && isSupported(scenario)) {
                entries += new Replay(scenario).run();
                replayed.merge(scenario.get("profile").asText(), 1, Integer::sum);
            }
        }
        assertEquals(
                Map.of(
                        "default",
                        40,
                        "short",
                        3,
                        "sloppy1",
                        2,
                        "reuse0",
                        8,
                        "reuse2",
                        5,
                        "nodest1",
                        14,
                        "quies1nodest1",
                        2,
                        "reuse0nodest",
                        7),
                replayed);
        assertEquals(933, entries);
    }

    private static boolean isSupported(JsonNode scenario) {
        return PROFILES.containsKey(scenario.get("profile").asText())
                && StreamSupport.stream(scenario.get("events").spliterator(), false)
                        .filter(event -> event.has("cmd"))
                        .flatMap(
                                event -> Arrays.stream(event.get("cmd").asText().split(" ", -1)))
                        .filter(word -> word.startsWith("-"))
                        .allMatch(OPTIONS::contains);
    }

    /** One recording: ipvsadm's commands become snapshots, packets go through the pipeline, listings are compared. */
    private static final class Replay {
        private final JsonNode scenario;
        private final Harness harness;
        private final Map<ServiceKey, VirtualService> services = new LinkedHashMap<>();
        private final Map<ServiceKey, SchedulerTable> tables = new HashMap<>();
        private final Map<String, Integer> ids = new HashMap<>();
        private final Map<Integer, Integer> indexById = new HashMap<>();
        private ForwardingSnapshot snapshot = ForwardingSnapshot.empty();
        private int nextService;
        private int entriesCompared;

        Replay(JsonNode scenario) {
            this.scenario = scenario;
            String profile = scenario.get("profile").asText();
            harness = new Harness(4096, PROFILES.getOrDefault(profile, ConnectionPolicy.DEFAULT));
            if (profile.equals("short")) {
                harness.flows.setTimeout(FlowState.ESTABLISHED, 4000);
                harness.flows.setTimeout(FlowState.FIN_WAIT, 3000);
                harness.flows.setTimeout(FlowState.UDP, 2000);
            }
        }

        /** How many entries were compared. */
        int run() {
            List<JsonNode> events = new ArrayList<>();
            scenario.get("events").forEach(events::add);
            for (int i = 0; i < events.size(); i++) {
                JsonNode event = events.get(i);
                String where = scenario.get("id").asText() + ", event " + i + ": " + event;
                long nowMs = event.has("t") ? ms(event) : 0;
                if (event.has("cmd")) {
                    command(event.get("cmd").asText());
                    harness.pipeline.expire(snapshot, Integer.MAX_VALUE, nowMs);
                } else if (event.has("p")) {
                    packet(event, nowMs, where);
                } else if (event.has("check")) {
                    harness.pipeline.expire(snapshot, Integer.MAX_VALUE, nowMs);
                    // The listing was taken between this event's time and the next one's.
                    long untilMs = i + 1 < events.size() && events.get(i + 1).has("t") ? ms(events.get(i + 1)) : nowMs;
                    listings(event, nowMs, untilMs, where);
                }
            }
            return entriesCompared;
        }

        private static long ms(JsonNode event) {
            return Math.round(event.get("t").asDouble() * 1000);
        }

        private void packet(JsonNode event, long nowMs, String where) {
            JsonNode got = event.get("got");
            int port = harness.process(snapshot, frame(event.get("p")), nowMs);
            Integer chosen = port == Pipeline.DROPPED
                    ? null
                    : indexById.get(
                            (int) (Ethernet.destination(harness.umem, harness.addresses[0]) - Harness.macOf(0)));
            assertEquals(got.isNull() ? null : (Integer) got.asInt(), chosen, where);
        }

        private void listings(JsonNode event, long nowMs, long untilMs, String where) {
            for (JsonNode real : event.get("check")) {
                String rip = real.get(0).asText().replaceAll(":\\d+$", "").replaceAll("[\\[\\]]", "");
                int active = 0;
                int inactive = 0;
                for (Map.Entry<String, Integer> entry : ids.entrySet()) {
                    if (entry.getKey().endsWith(" " + IpAddress.parse(rip))) {
                        active += harness.flows.activeOf(entry.getValue());
                        inactive += harness.flows.inactiveOf(entry.getValue());
                    }
                }
                assertEquals(real.get(2).asInt(), active, where + " active of " + rip);
                assertEquals(real.get(3).asInt(), inactive, where + " inactive of " + rip);
            }
            // Long lists were not recorded.
            if (event.has("conns") && !event.get("conns").isEmpty()) {
                event.get("conns").forEach(line -> entry(line.asText(), nowMs, untilMs, where));
                assertEquals(event.get("conns").size(), harness.flows.size(), where);
            }
        }

        private void entry(String line, long nowMs, long untilMs, String where) {
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
            assertNotEquals(FlowTable.NOT_FOUND, slot, where + " misses " + line);
            assertEquals(
                    words[4], FlowState.ofCode(harness.flows.stateCode(slot)).name(), where);
            // Whole seconds of a clock that ticks in jiffies: half a second on either side is not the table's.
            int seconds = Integer.parseInt(words[5]);
            double most = (harness.flows.remainingMs(slot, nowMs) + 500) / 1000.0;
            double least = (harness.flows.remainingMs(slot, untilMs) - 1500) / 1000.0;
            assertTrue(least <= seconds && seconds <= most, where + ": " + line + " not in " + least + " to " + most);
            entriesCompared++;
        }

        private static String[] endpoint(String text) {
            return text.replaceAll("[\\[\\]]", "").split(",", -1);
        }

        private static byte[] frame(JsonNode p) {
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
                int id = service == null ? nextService++ : service.id();
                List<RealServer> reals = service == null ? List.of() : service.realServers();
                boolean bound = service != null && service.scheduler() == kind;
                change(new VirtualService(id, key, kind, reals), !bound);
            } else if (service != null) {
                change(new VirtualService(service.id(), key, service.scheduler(), realServers(service, options)), true);
            }
            publish();
        }

        private static ServiceKey key(Map<String, String> options) {
            boolean tcp = options.containsKey("-t");
            String text = options.getOrDefault(tcp ? "-t" : "-u", "");
            int colon = text.lastIndexOf(':');
            return new ServiceKey(
                    tcp ? Protocol.TCP : Protocol.UDP,
                    IpAddress.parse(text.substring(0, colon).replaceAll("[\\[\\]]", "")),
                    Integer.parseInt(text.substring(colon + 1)));
        }

        private List<RealServer> realServers(VirtualService service, Map<String, String> options) {
            IpAddress rip = IpAddress.parse(options.getOrDefault("-r", "").replaceAll("^\\[|\\]$", ""));
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
            if (rebuild) {
                tables.put(service.key(), SchedulerTable.of(service, tables.get(service.key()), Harness.PARAMETERS));
            }
        }

        private void publish() {
            ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(snapshot.generation() + 1);
            services.forEach((key, service) -> {
                builder.add(service, tables.getOrDefault(key, SchedulerTable.of(service, null, Harness.PARAMETERS)));
                for (RealServer real : service.realServers()) {
                    builder.nextHop(real.id(), new NextHop(0, Harness.macOf(real.id()), Harness.DIRECTOR_MAC, 1500));
                }
            });
            snapshot = builder.build();
        }
    }
}

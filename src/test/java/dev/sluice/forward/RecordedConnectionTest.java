package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
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
            "default", new ConnectionPolicy(false, false, 1, false, 0),
            "short", new ConnectionPolicy(false, false, 1, false, 0),
            "sloppy1", new ConnectionPolicy(true, true, 1, false, 0),
            "reuse0", new ConnectionPolicy(false, false, 0, false, 0),
            "reuse2", new ConnectionPolicy(false, false, 2, false, 0),
            "nodest1", new ConnectionPolicy(false, false, 1, true, 0),
            "quies1nodest1", new ConnectionPolicy(false, false, 1, true, 0),
            "reuse0nodest", new ConnectionPolicy(false, false, 0, true, 0));

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
        private final RecordedTable table;
        private int entriesCompared;

        Replay(JsonNode scenario) {
            this.scenario = scenario;
            table = new RecordedTable(scenario);
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
                    table.command(event.get("cmd").asText());
                    harness.pipeline.expire(table.snapshot(), Integer.MAX_VALUE, nowMs);
                } else if (event.has("p")) {
                    packet(event, nowMs, where);
                } else if (event.has("check")) {
                    harness.pipeline.expire(table.snapshot(), Integer.MAX_VALUE, nowMs);
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
            int port = harness.process(table.snapshot(), RecordedTable.frame(event.get("p")), nowMs);
            Integer chosen = port == Pipeline.DROPPED
                    ? null
                    : table.indexOf(
                            (int) (Ethernet.destination(harness.umem, harness.addresses[0]) - Harness.macOf(0)));
            assertEquals(got.isNull() ? null : (Integer) got.asInt(), chosen, where);
        }

        private void listings(JsonNode event, long nowMs, long untilMs, String where) {
            for (JsonNode real : event.get("check")) {
                String rip = real.get(0).asText().replaceAll(":\\d+$", "").replaceAll("[\\[\\]]", "");
                int active = 0;
                int inactive = 0;
                for (int id : table.idsOf(IpAddress.parse(rip))) {
                    active += harness.flows.activeOf(id);
                    inactive += harness.flows.inactiveOf(id);
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
            int slot = harness.slotOf(RecordedTable.frameOf(line), nowMs);
            assertNotEquals(FlowTable.NOT_FOUND, slot, where + " misses " + line);
            assertEquals(
                    words[4], FlowState.ofCode(harness.flows.stateCode(slot)).ipvsName(), where);
            // Whole seconds of a clock that ticks in jiffies: half a second on either side is not the table's.
            int seconds = Integer.parseInt(words[5]);
            double most = (harness.flows.remainingMs(slot, nowMs) + 500) / 1000.0;
            double least = (harness.flows.remainingMs(slot, untilMs) - 1500) / 1000.0;
            assertTrue(least <= seconds && seconds <= most, where + ": " + line + " not in " + least + " to " + most);
            entriesCompared++;
        }
    }
}

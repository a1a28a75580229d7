package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.VirtualService;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Lives of services under real IPVS, replayed packet by packet under each scheduler and each setting of its sysctls: the
 * fate of every packet, the state of every entry and the seconds left to it, active and inactive connections of every real
 * server, and persistence templates.
 */
class RecordedLivesTest {
    /** sloppy_tcp is IPVS's default, off, but where the name says otherwise; what cache_bypass does, no recording shows. */
    private static final Map<String, ConnectionPolicy> PROFILES = Map.ofEntries(
            Map.entry("default", policy(1, false, false)),
            Map.entry("short", policy(1, false, false)),
            Map.entry("bypass1", policy(1, false, false)),
            Map.entry("sloppy1", new ConnectionPolicy(Sloppy.SCHEDULE, Sloppy.SCHEDULE, 1, false, false, 0)),
            Map.entry("reuse0", policy(0, false, false)),
            Map.entry("reuse2", policy(2, false, false)),
            Map.entry("nodest1", policy(1, true, false)),
            Map.entry("quies1", policy(1, false, true)),
            Map.entry("quies1nodest1", policy(1, true, true)),
            Map.entry("shortquies1", policy(1, true, true)),
            Map.entry("reuse0nodest", policy(0, true, false)));

    private static ConnectionPolicy policy(int reuseMode, boolean expireNodest, boolean expireQuiescentTemplate) {
        return new ConnectionPolicy(Sloppy.OFF, Sloppy.OFF, reuseMode, expireNodest, expireQuiescentTemplate, 0);
    }

    @Test
    void everySequenceOfBothHalves() throws IOException {
        int scenarios = 0;
        int entries = 0;
        for (JsonNode scenario : Golden.lines("ipvs/states.jsonl")) {
            if (scenario.get("id").asText().startsWith("state-nat")) {
                entries += new Replay(scenario).run();
                scenarios++;
            }
        }
        assertTrue(scenarios >= 9, "the recordings have NAT");
        assertTrue(entries >= 20, "entries of them");
    }

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
    void everyLife() throws IOException {
        Map<String, Integer> replayed = new TreeMap<>();
        int entries = 0;
        for (JsonNode scenario : Golden.lines("ipvs/scheduling.jsonl")) {
            entries += new Replay(scenario).run();
            replayed.merge(scenario.get("scheduler").asText(), 1, Integer::sum);
        }
        assertEquals(346, replayed.values().stream().mapToInt(Integer::intValue).sum(), replayed::toString);
        assertEquals(5126, entries);
    }

    /** One recording: ipvsadm's commands become snapshots, packets go through the pipeline, listings are compared. */
    private static final class Replay {
        private final JsonNode scenario;
        private final Harness harness;
        private final RecordedTable table;
        private int entriesCompared;
        private @Nullable JsonNode lastPacket;

        Replay(JsonNode scenario) {
            this.scenario = scenario;
            String profile = scenario.get("profile").asText();
            harness = new Harness(4096, PROFILES.getOrDefault(profile, ConnectionPolicy.DEFAULT));
            table = new RecordedTable(scenario, harness.connections);
            if (profile.startsWith("short")) {
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
                if (event.has("t")) {
                    harness.pipeline.expire(table.snapshot(), Integer.MAX_VALUE, nowMs);
                }
                if (event.has("cmd")) {
                    table.command(event.get("cmd").asText());
                } else if (event.has("p")) {
                    packet(event, nowMs, where);
                } else if (event.has("reply")) {
                    // Without a time of its own: some moment before the next event.
                    reply(event, i + 1 < events.size() ? ms(events.get(i + 1)) - 1 : nowMs, where);
                } else if (event.has("check")) {
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
            lastPacket = event.get("p");
            int port = harness.process(table.snapshot(), RecordedTable.frame(event.get("p")), nowMs);
            Integer chosen = port == Batch.DROPPED
                    ? null
                    : table.indexOf(
                            (int) (Ethernet.destination(harness.umem, harness.addresses[0]) - Harness.macOf(0)));
            assertEquals(got.isNull() ? null : (Integer) got.asInt(), chosen, where);
        }

        /** The real server's answer to the packet before. */
        private void reply(JsonNode event, long nowMs, String where) {
            int flags = 0;
            for (char flag : event.get("reply").asText().toCharArray()) {
                flags |= 1 << "FSRPAUEC".indexOf(flag);
            }
            JsonNode last = lastPacket;
            if (last == null) {
                throw new IllegalStateException(where + ": a reply to nothing");
            }
            IpAddress rip =
                    IpAddress.parse(scenario.get("reals").get(0).get("addr").asText());
            byte[] frame = PacketBuilder.tcp(
                            rip,
                            last.get(4).asInt(),
                            IpAddress.parse(last.get(1).asText()),
                            last.get(2).asInt())
                    .tcpFlags(flags)
                    .build();
            int port = harness.process(table.snapshot(), frame, nowMs);
            assertEquals(!event.path("cli").isEmpty(), port != Batch.DROPPED, where);
        }

        private void listings(JsonNode event, long nowMs, long untilMs, String where) {
            // Whole lists change between the times at which they may have been taken only by what expires.
            List<int[]> most = counts(event, nowMs);
            List<int[]> least = counts(event, untilMs);
            for (int i = 0; i < most.size(); i++) {
                int active = event.get("check").get(i).get(2).asInt();
                int inactive = event.get("check").get(i).get(3).asInt();
                assertTrue(least.get(i)[0] <= active && active <= most.get(i)[0], where + ": active of " + i);
                assertTrue(least.get(i)[1] <= inactive && inactive <= most.get(i)[1], where + ": inactive of " + i);
            }
            // Long lists were not recorded.
            if (event.has("conns") && !event.get("conns").isEmpty()) {
                int connections = 0;
                for (JsonNode line : event.get("conns")) {
                    String[] words = line.asText().split(" +", -1);
                    if (!words[1].endsWith(",0")) {
                        entry(line.asText(), nowMs, untilMs, where);
                        connections++;
                    } else if (!words[2].endsWith(",65535")) {
                        // IPVS keeps templates that it will never use again, at port 65535, until their time is up.
                        template(words, nowMs, untilMs, where + ": " + line.asText());
                    }
                }
                // Of a mark's service the recordings list one VIP's connections only.
                if (!scenario.path("note").asText().startsWith("fwmark")) {
                    int mostEntries = alive(nowMs, slot -> true);
                    assertTrue(alive(untilMs, slot -> true) <= connections && connections <= mostEntries, where);
                }
            }
        }

        /** Active and inactive connections of the real servers that a listing names. */
        private List<int[]> counts(JsonNode event, long atMs) {
            List<int[]> counts = new ArrayList<>();
            for (JsonNode real : event.get("check")) {
                String rip = real.get(0).asText().replaceAll(":\\d+$", "").replaceAll("[\\[\\]]", "");
                int port = Integer.parseInt(real.get(0).asText().replaceAll(".*:", ""));
                List<Integer> ids = table.idsOf(IpAddress.parse(rip), port);
                counts.add(new int[] {
                    alive(atMs, slot -> isActive(slot) && ids.contains(harness.flows.realServer(slot))),
                    alive(atMs, slot -> !isActive(slot) && ids.contains(harness.flows.realServer(slot)))
                });
            }
            return counts;
        }

        private boolean isActive(int slot) {
            return FlowState.ofCode(harness.flows.stateCode(slot)).isActive();
        }

        private int alive(long atMs, IntPredicate filter) {
            FlowTable flows = harness.flows;
            return (int) IntStream.range(0, flows.slots())
                    .filter(slot -> !flows.isFree(slot) && flows.remainingMs(slot, atMs) > 0 && filter.test(slot))
                    .count();
        }

        private void template(String[] words, long nowMs, long untilMs, String where) {
            IpAddress client = IpAddress.parse(words[1].replaceAll(",0$|[\\[\\]]", ""));
            long reference = PersistenceTable.NONE;
            for (VirtualService service : table.services()) {
                boolean named = service.key().toString().equals(words[0] + " " + words[2].replace(',', ':'));
                if (named || words[0].equals("IP")) {
                    long hash = harness.templates.hash(service.id(), client.high(), client.low());
                    reference = harness.templates.find(hash, service.id(), client.high(), client.low());
                }
            }
            assertNotEquals(PersistenceTable.NONE, reference, where);
            IpAddress real = IpAddress.parse(words[3].replaceAll(",[0-9]+$|[\\[\\]]", ""));
            assertTrue(table.idsOf(real, 0).contains(harness.templates.realServer(reference)), where);
            int seconds = Integer.parseInt(words[5]);
            double most = (harness.templates.remainingMs(reference, nowMs) + 500) / 1000.0;
            double least = (harness.templates.remainingMs(reference, untilMs) - 1500) / 1000.0;
            assertTrue(least <= seconds && seconds <= most, where + " not in " + least + " to " + most);
            entriesCompared++;
        }

        private void entry(String line, long nowMs, long untilMs, String where) {
            // Protocol, client, virtual, real, state, seconds left.
            String[] words = line.split(" +", -1);
            int slot = harness.slotOf(RecordedTable.frameOf(line), nowMs);
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
    }
}

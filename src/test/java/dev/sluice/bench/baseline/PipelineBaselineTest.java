package dev.sluice.bench.baseline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bench.baseline.RandomPackets.Arrival;
import dev.sluice.forward.Counter;
import dev.sluice.schedule.HashKey;
import dev.sluice.service.ForwardingMethod;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The same packets through the C pipeline and through the director's: the same octets come out, the same packets are dropped for
 * the same reasons, and the same flows are left. So both do equal work when they are timed.
 */
@TestInstance(Lifecycle.PER_CLASS)
class PipelineBaselineTest {
    private static final int SERVICES = 3;
    private static final int REAL_SERVERS = 7;
    /** So few that the table is full, and half-open flows use up their share, now and then. */
    private static final int CAPACITY = 160;

    private static final int BATCHES = 400;
    private static final HashKey KEY = HashKey.parse("00112233445566778899aabbccddeeff");
    private static final String KEY_HEX = "00112233445566778899aabbccddeeff";

    private Path program = Path.of("");

    @BeforeAll
    void build() throws IOException, InterruptedException {
        program = BaselinePrograms.pipeline();
    }

    @Test
    void hashAndChecksumsAreAsPublished() throws IOException, InterruptedException {
        String report = BaselinePrograms.run(program.toString(), "--selftest");
        assertFalse(report.contains("FAILED"), report);
        assertTrue(report.lines().filter(line -> line.startsWith("ok ")).count() >= 8, report);
    }

    @Test
    void measuresEveryDirection() throws IOException, InterruptedException {
        for (String direction : List.of("in", "out", "both")) {
            String line = BaselinePrograms.run(
                    program.toString(),
                    "--method",
                    "nat",
                    "--direction",
                    direction,
                    "--family",
                    "mixed",
                    "--flows",
                    "5000",
                    "--seconds",
                    "0.05");
            JsonNode counters = new ObjectMapper().readTree(line).get("counters");
            assertEquals(!direction.equals("out"), counters.get("flow_hit").asLong() > 0, line);
            assertEquals(!direction.equals("in"), counters.get("reply_hit").asLong() > 0, line);
        }
    }

    @Test
    void measuresEveryScenario() throws IOException, InterruptedException {
        for (String scenario : List.of("hit", "miss", "synflood", "copy")) {
            String line = BaselinePrograms.run(
                    program.toString(),
                    "--scenario",
                    scenario,
                    "--family",
                    "mixed",
                    "--flows",
                    "5000",
                    "--seconds",
                    "0.05");
            JsonNode result = new ObjectMapper().readTree(line);
            assertTrue(result.get("nsPerPacket").asDouble() > 0, line);
            assertTrue(result.get("packets").asLong() > 0, line);
        }
    }

    static Stream<Arguments> workloads() {
        return Stream.of(ForwardingMethod.DR, ForwardingMethod.TUN, ForwardingMethod.NAT)
                .flatMap(method -> Stream.of("4", "6", "mixed").map(family -> Arguments.of(method, family)));
    }

    @ParameterizedTest
    @MethodSource("workloads")
    void sameOctetsVerdictsAndCounters(ForwardingMethod method, String family, @TempDir Path folder)
            throws IOException, InterruptedException {
        boolean inet4 = !family.equals("6");
        boolean inet6 = !family.equals("4");
        boolean nat = method == ForwardingMethod.NAT;
        List<Arrival> arrivals = new RandomPackets(
                        new SplittableRandom(20), inet4, inet6, SERVICES, nat ? REAL_SERVERS : 0)
                .batches(nat ? 2 * BATCHES : BATCHES);
        Path in = Files.write(folder.resolve("in"), encode(arrivals));
        Path out = folder.resolve("out");
        String summary = BaselinePrograms.run(
                program.toString(),
                "--replay",
                in.toString(),
                "--output",
                out.toString(),
                "--method",
                method.name().toLowerCase(Locale.ROOT),
                "--family",
                family,
                "--services",
                Integer.toString(SERVICES),
                "--real-servers",
                Integer.toString(REAL_SERVERS),
                "--flows",
                Integer.toString(CAPACITY),
                "--key",
                KEY_HEX);
        ByteBuffer baseline = ByteBuffer.wrap(Files.readAllBytes(out)).order(ByteOrder.LITTLE_ENDIAN);
        try (Arena arena = Arena.ofConfined()) {
            Workload director = new Workload(arena, method, inet4, inet6, SERVICES, REAL_SERVERS, CAPACITY, KEY);
            for (Arrival arrival : arrivals) {
                List<Optional<byte[]>> outcomes = director.process(arrival);
                for (int i = 0; i < outcomes.size(); i++) {
                    byte[] arrived = arrival.frames().get(i);
                    compare(outcomes.get(i).orElse(null), next(baseline), method, arrived);
                }
            }
            assertFalse(baseline.hasRemaining());
            compareTotals(director, new ObjectMapper().readTree(summary));
            for (Counter often : List.of(Counter.REPLY_HIT, Counter.REPLY_PASSED_ON, Counter.NAT_WITHOUT_FLOW)) {
                assertEquals(nat, director.counters().get(often) > 0, often.label());
            }
        }
    }

    private static byte[] encode(List<Arrival> arrivals) {
        int bytes = arrivals.stream()
                .mapToInt(arrival -> 12
                        + arrival.frames().stream()
                                .mapToInt(frame -> 2 + frame.length)
                                .sum())
                .sum();
        ByteBuffer file = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (Arrival arrival : arrivals) {
            file.putLong(arrival.nowMs()).putInt(arrival.frames().size());
            arrival.frames()
                    .forEach(frame -> file.putShort((short) frame.length).put(frame));
        }
        return file.array();
    }

    /** The next packet that the C program wrote; null when it was dropped. */
    private static byte @Nullable [] next(ByteBuffer baseline) {
        int egress = baseline.getInt();
        int realServer = baseline.getInt();
        byte[] frame = new byte[baseline.getShort() & 0xffff];
        baseline.get(frame);
        assertEquals(egress < 0, realServer < 0);
        return egress < 0 ? null : frame;
    }

    private static void compare(
            byte @Nullable [] director, byte @Nullable [] baseline, ForwardingMethod method, byte[] arrived) {
        String what = "of " + HexFormat.of().formatHex(arrived);
        if (director == null || baseline == null) {
            assertEquals(director == null, baseline == null, what);
            return;
        }
        if (method == ForwardingMethod.TUN) {
            forgetIdentification(director);
            forgetIdentification(baseline);
        }
        assertArrayEquals(director, baseline, what);
    }

    /** Which a director begins anywhere with; the checksum, which must be right, goes with it. */
    private static void forgetIdentification(byte[] frame) {
        int l3 = 14;
        while (frame[l3 - 2] == (byte) 0x81 && frame[l3 - 1] == 0) {
            l3 += 4;
        }
        if (frame[l3] == 0x45) {
            assertEquals(0xffff, sum(frame, l3, 20), "outer header's checksum");
            Arrays.fill(frame, l3 + 4, l3 + 6, (byte) 0);
            Arrays.fill(frame, l3 + 10, l3 + 12, (byte) 0);
        }
    }

    private static int sum(byte[] octets, int from, int length) {
        int sum = 0;
        for (int at = from; at < from + length; at += 2) {
            sum += ((octets[at] & 0xff) << 8) | (octets[at + 1] & 0xff);
        }
        return (sum & 0xffff) + (sum >>> 16);
    }

    private static void compareTotals(Workload director, JsonNode baseline) {
        JsonNode counters = baseline.get("counters");
        for (Counter counter : Counter.values()) {
            if (counters.has(counter.label())) {
                assertEquals(
                        director.counters().get(counter),
                        counters.get(counter.label()).asLong(),
                        counter.label());
            }
        }
        assertEquals(director.flows().size(), baseline.get("tableFlows").asInt());
        assertEquals(director.flows().halfOpen(), baseline.get("halfOpen").asInt());
        assertEquals(director.flows().expired(), baseline.get("expired").asInt());
        for (Counter often : List.of(
                Counter.FLOW_HIT,
                Counter.FLOW_NEW,
                Counter.FLOW_NEW_SLOPPY,
                Counter.FLOW_REUSED,
                Counter.NO_SERVICE,
                Counter.TTL_EXPIRED)) {
            assertTrue(director.counters().get(often) > 0, () -> "nothing tells of " + often);
        }
        assertTrue(director.flows().expired() > 0);
    }
}

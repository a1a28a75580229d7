package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.FlowChoice;
import dev.sluice.bench.FrameSizes;
import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.OfferedTraffic;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import dev.sluice.testing.NetworkNamespace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every generator sends, as tshark sees it behind a veth. */
class GeneratorsIT {
    private static final OfferedTraffic.Ends INET =
            new OfferedTraffic.Ends(IpAddress.parse("198.18.0.1"), IpAddress.parse("192.0.2.100"));
    private static final OfferedTraffic.Ends INET6 =
            new OfferedTraffic.Ends(IpAddress.parse("2001:db8:1::1"), IpAddress.parse("2001:db8::100"));

    @TempDir
    Path folder;

    private final NetworkNamespace sender = NetworkNamespace.create("sluice-gen");
    private final NetworkNamespace receiver = NetworkNamespace.create("sluice-sink");

    @BeforeEach
    void join() {
        for (NetworkNamespace netns : List.of(sender, receiver)) {
            netns.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        }
        sender.veth("gen", receiver, "sink");
        receiver.run("ethtool", "-K", "sink", "gro", "on");
    }

    @AfterEach
    void leave() {
        sender.close();
        receiver.close();
    }

    /** A frame as tshark shows it. */
    private record Seen(int length, boolean is6, String protocol, int sourcePort) {
        static Seen of(String line) {
            String[] fields = line.split("\t", -1);
            boolean isTcp = fields[2].isEmpty();
            return new Seen(
                    Integer.parseInt(fields[0]),
                    !fields[1].isEmpty(),
                    isTcp ? "tcp" : "udp",
                    Integer.parseInt(isTcp ? fields[3] : fields[2]));
        }
    }

    private static OfferedTraffic traffic(
            List<OfferedTraffic.Ends> ends, List<Protocol> protocols, int flows, String sizes) {
        return new OfferedTraffic(
                "gen",
                PacketBuilder.DEFAULT_SOURCE_MAC,
                PacketBuilder.DEFAULT_DESTINATION_MAC,
                ends,
                protocols,
                80,
                flows,
                FrameSizes.parse(sizes));
    }

    private List<Seen> sent(GeneratorKind kind, OfferedTraffic traffic, int frames, Consumer<Flood> prepare)
            throws Exception {
        Optional<String> missing = kind.missing();
        Assumptions.assumeTrue(missing.isEmpty(), () -> kind + ": " + missing.orElse(""));
        Path capture = folder.resolve("frames.pcap");
        Process dumpcap = receiver.start(
                "dumpcap", "-q", "-i", "sink", "-B", "16", "-c", Integer.toString(frames), "-w", capture.toString());
        try (Flood flood = new Flood(kind, List.of(new Flood.Stream(traffic, 0)), sender, folder)) {
            prepare.accept(flood);
            long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (!Files.exists(capture) || Files.size(capture) == 0) {
                assertTrue(System.nanoTime() < giveUp, "dumpcap does not start");
                Thread.sleep(20);
            }
            Thread.sleep(300);
            long before = flood.sent();
            // Slowly enough for a ring of 256.
            flood.run(Duration.ofMillis(frames + 300L), LiveFrames.Pace.of(1000));
            assertTrue(flood.sent() - before >= frames, () -> "sent " + (flood.sent() - before));
            assertTrue(dumpcap.waitFor(10, TimeUnit.SECONDS), "not every frame arrived");
        } finally {
            dumpcap.destroyForcibly();
        }
        String bad = tshark(
                capture,
                "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status != 1 || tcp.checksum.status != 1"
                        + " || !(udp || tcp) || eth.dst != " + Topology.mac(PacketBuilder.DEFAULT_DESTINATION_MAC));
        assertEquals("", bad, "frames that tshark does not find good");
        List<Seen> seen = tshark(
                        capture,
                        "frame",
                        "-T",
                        "fields",
                        "-e",
                        "frame.len",
                        "-e",
                        "ipv6.dst",
                        "-e",
                        "udp.srcport",
                        "-e",
                        "tcp.srcport")
                .lines()
                .map(Seen::of)
                .toList();
        assertEquals(frames, seen.size());
        return seen;
    }

    private String tshark(Path capture, String filter, String... more) {
        List<String> command = new ArrayList<>(List.of("tshark", "-r", capture.toString()));
        for (String checked : List.of("ip", "tcp", "udp")) {
            command.addAll(List.of("-o", checked + ".check_checksum:TRUE"));
        }
        command.addAll(List.of("-Y", filter));
        command.addAll(List.of(more));
        return receiver.run(command.toArray(String[]::new))
                .lines()
                .filter(line -> !line.startsWith("Running as user"))
                .collect(Collectors.joining("\n"));
    }

    private static <T> Map<T, Long> count(List<Seen> seen, Function<Seen, T> by) {
        return seen.stream().collect(Collectors.groupingBy(by, Collectors.counting()));
    }

    private void everythingMixed(GeneratorKind kind) throws Exception {
        OfferedTraffic traffic =
                traffic(List.of(INET, INET6), List.of(Protocol.UDP, Protocol.TCP), 60, FrameSizes.IMIX);
        List<Seen> seen = sent(kind, traffic, 720, _ -> {});
        // IPv6 headers with TCP take 74 octets, with UDP 62.
        assertEquals(
                Map.of(60, 210L, 62, 105L, 74, 105L, 590, 240L, 1514, 60L), count(seen, Seen::length), "7 : 4 : 1");
        assertEquals(Map.of("udp", 360L, "tcp", 360L), count(seen, Seen::protocol));
        assertEquals(Map.of(false, 360L, true, 360L), count(seen, Seen::is6));
        assertEquals(60, count(seen, Seen::sourcePort).size());
        // Each flow is of one family and protocol, and has frames of all sizes.
        seen.stream().collect(Collectors.groupingBy(Seen::sourcePort)).values().forEach(flow -> {
            assertEquals(1, count(flow, Seen::is6).size());
            assertEquals(1, count(flow, Seen::protocol).size());
            assertEquals(3, count(flow, Seen::length).size());
        });
    }

    private void oneSize(GeneratorKind kind) throws Exception {
        List<Seen> seen = sent(kind, traffic(List.of(INET), List.of(Protocol.UDP), 50, "200"), 300, _ -> {});
        assertEquals(Map.of(200, 300L), count(seen, Seen::length));
        assertEquals(Map.of("udp", 300L), count(seen, Seen::protocol));
        assertEquals(50, count(seen, Seen::sourcePort).size());
    }

    private void zipf(GeneratorKind kind) throws Exception {
        OfferedTraffic traffic = traffic(List.of(INET6), List.of(Protocol.TCP), 100, "80");
        List<Seen> seen = sent(kind, traffic, 500, flood -> flood.choose(FlowChoice.zipf(100, 1.2, 1 << 12, 7)));
        long favourite = count(seen, Seen::sourcePort).values().stream()
                .mapToLong(Long::longValue)
                .max()
                .orElse(0);
        assertTrue(favourite > 50, "the most popular of 100 flows had " + favourite + " of 500 frames");
    }

    @Test
    void ours_mixes_sizes_protocols_and_families() throws Exception {
        everythingMixed(GeneratorKind.OURS);
    }

    @Test
    void trafgen_mixes_sizes_protocols_and_families() throws Exception {
        everythingMixed(GeneratorKind.TRAFGEN);
    }

    @Test
    void ours_has_popular_flows() throws Exception {
        zipf(GeneratorKind.OURS);
    }

    @Test
    void trafgen_has_popular_flows() throws Exception {
        zipf(GeneratorKind.TRAFGEN);
    }

    @Test
    void trafgen_sends_one_size() throws Exception {
        oneSize(GeneratorKind.TRAFGEN);
    }

    @Test
    void pktgen_sends_one_size() throws Exception {
        oneSize(GeneratorKind.PKTGEN);
    }
}

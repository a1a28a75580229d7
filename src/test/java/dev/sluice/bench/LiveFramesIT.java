package dev.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Frames of the generator, looked at behind a veth. */
class LiveFramesIT {
    private static final int FRAMES = 300;
    private static final int FLOWS = 100;

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

    @Test
    void udp4() throws Exception {
        verify("10.1.0.250", "10.0.0.100", Protocol.UDP, 60);
    }

    @Test
    void tcp4() throws Exception {
        verify("10.1.0.250", "10.0.0.100", Protocol.TCP, 60);
    }

    @Test
    void udp6() throws Exception {
        verify("2001:db8:1::ff", "2001:db8::100", Protocol.UDP, 128);
    }

    @Test
    void tcp6() throws Exception {
        verify("2001:db8:1::ff", "2001:db8::100", Protocol.TCP, 1514);
    }

    private static OfferedTraffic traffic(String source, String destination, Protocol protocol, int size) {
        return new OfferedTraffic(
                "gen",
                PacketBuilder.DEFAULT_SOURCE_MAC,
                PacketBuilder.DEFAULT_DESTINATION_MAC,
                IpAddress.parse(source),
                IpAddress.parse(destination),
                protocol,
                80,
                FLOWS,
                size);
    }

    private void verify(String source, String destination, Protocol protocol, int size) throws Exception {
        Path capture = folder.resolve("frames.pcap");
        Process tcpdump = receiver.start(
                "tcpdump",
                "-i",
                "sink",
                "-Z",
                "root",
                "-U",
                "-B",
                "4096",
                "-c",
                String.valueOf(FRAMES),
                "-w",
                capture.toString());
        try {
            waitFor("tcpdump's file", () -> Files.exists(capture) && Files.size(capture) > 0);
            try (var _ = sender.enter();
                    LiveFrames frames = LiveFrames.open(traffic(source, destination, protocol, size))) {
                assertEquals(FRAMES, frames.send(FRAMES).frames());
                assertEquals(FRAMES, frames.sent());
            }
            assertTrue(tcpdump.waitFor(10, TimeUnit.SECONDS), "not every frame arrived");
        } finally {
            tcpdump.destroyForcibly();
        }
        String stem = protocol == Protocol.TCP ? "tcp" : "udp";
        boolean inet6 = source.contains(":");
        String bad = tshark(capture, stem + ".checksum.status != 1" + (inet6 ? "" : " || ip.checksum.status != 1"));
        assertEquals("", bad, "frames whose checksums tshark does not find good");
        assertEquals(0, tshark(capture, "frame.len != " + size).length(), "frames of another size");
        List<String> flows = tshark(capture, stem, "-T", "fields", "-e", stem + ".srcport")
                .lines()
                .toList();
        assertEquals(FRAMES, flows.size());
        assertTrue(flows.stream().distinct().count() <= FLOWS);
        // The run may have moved between processors, each of which counts its own flows.
        assertTrue(flows.stream().distinct().count() > FLOWS / 2, "too few flows: " + flows);
    }

    private String tshark(Path capture, String filter, String... more) {
        String[] command = {
            "tshark",
            "-r",
            capture.toString(),
            "-o",
            "ip.check_checksum:TRUE",
            "-o",
            "tcp.check_checksum:TRUE",
            "-o",
            "udp.check_checksum:TRUE",
            "-Y",
            filter
        };
        String[] whole = new String[command.length + more.length];
        System.arraycopy(command, 0, whole, 0, command.length);
        System.arraycopy(more, 0, whole, command.length, more.length);
        return receiver.run(whole)
                .lines()
                .filter(line -> !line.startsWith("Running as user"))
                .reduce("", (text, line) -> text + line + "\n");
    }

    @Test
    void aRateIsKept() {
        try (var _ = sender.enter();
                LiveFrames frames = LiveFrames.open(traffic("10.1.0.250", "10.0.0.100", Protocol.UDP, 60))) {
            LiveFrames.Report report = frames.run(Duration.ofSeconds(1), 20_000);
            assertEquals(20_000, report.framesPerSecond(), 2_000);
            assertTrue(received() > 15_000, "received " + received());
        }
    }

    @Test
    void fullRateIsBoundedInTime() {
        try (var _ = sender.enter();
                LiveFrames frames = LiveFrames.open(traffic("10.1.0.250", "10.0.0.100", Protocol.UDP, 60))) {
            LiveFrames.Report report = frames.run(Duration.ofMillis(500), 0);
            assertTrue(report.frames() > 5_000, report::toString);
            assertTrue(report.elapsed().toMillis() < 3_000, report::toString);
        }
    }

    private long received() {
        return Long.parseLong(receiver.run("cat", "/proc/net/dev")
                .lines()
                .filter(line -> line.strip().startsWith("sink:"))
                .findFirst()
                .orElseThrow()
                .strip()
                .split("\\s+", -1)[2]);
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void waitFor(String what, Condition condition) throws IOException, InterruptedException {
        long giveUp = System.nanoTime() + 10_000_000_000L;
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < giveUp, "no " + what);
            Thread.sleep(20);
        }
    }
}

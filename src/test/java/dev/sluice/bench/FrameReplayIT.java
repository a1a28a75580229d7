package dev.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetworkNamespace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Captured frames sent over a veth, and captured again. */
class FrameReplayIT {
    @TempDir
    Path folder;

    private static byte[] frame(int payload, int port) {
        return PacketBuilder.udp(IpAddress.parse("10.1.0.1"), port, IpAddress.parse("10.1.0.2"), 53)
                .payloadLength(payload)
                .build();
    }

    private static byte[] pcap(List<byte[]> frames, ByteOrder order) {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(order);
        bytes.putInt(0xa1b2c3d4)
                .putShort((short) 2)
                .putShort((short) 4)
                .putLong(0)
                .putInt(65535)
                .putInt(1);
        for (byte[] frame : frames) {
            bytes.putLong(0).putInt(frame.length).putInt(frame.length).put(frame);
        }
        return java.util.Arrays.copyOf(bytes.array(), bytes.position());
    }

    @Test
    void frames_arrive_as_they_were_captured_and_in_their_order() throws Exception {
        List<byte[]> sent = List.of(frame(18, 1000), frame(900, 1001), frame(100, 1002));
        Path capture = folder.resolve("sent.pcap");
        Files.write(capture, pcap(sent, ByteOrder.BIG_ENDIAN));
        Path received = folder.resolve("received.pcapng");
        try (NetworkNamespace left = NetworkNamespace.create("sluice-replay");
                NetworkNamespace right = NetworkNamespace.create("sluice-replay")) {
            left.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
            right.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
            left.veth("out", right, "in");
            right.run("ethtool", "-K", "in", "gro", "on");
            // Writes pcapng, which is read here, too.
            Process dumpcap = right.start("dumpcap", "-q", "-i", "in", "-c", "6", "-w", received.toString());
            try (var _ = left.enter();
                    FrameReplay replay = FrameReplay.open("out", PcapFile.read(capture))) {
                long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
                while (!Files.exists(received) || Files.size(received) == 0) {
                    assertTrue(System.nanoTime() < giveUp, "dumpcap does not start");
                    Thread.sleep(20);
                }
                Thread.sleep(300);
                assertEquals(6, replay.run(Duration.ofSeconds(10), 6, 1000).frames());
                assertTrue(dumpcap.waitFor(10, TimeUnit.SECONDS), "not every frame arrived");
            } finally {
                dumpcap.destroyForcibly();
            }
        }
        List<byte[]> arrived = PcapFile.read(received);
        assertEquals(6, arrived.size());
        for (int i = 0; i < 6; i++) {
            assertArrayEquals(sent.get(i % 3), arrived.get(i), "frame " + i);
        }
    }
}

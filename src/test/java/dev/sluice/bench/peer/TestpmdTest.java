package dev.sluice.bench.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestpmdTest {
    private static final String OUTPUT = """
            Port statistics ====================================
              ######################## NIC statistics for port 0  ########################
              RX-packets: 0          RX-missed: 0          RX-bytes:  0
              Throughput (since last show)
              Rx-pps:            0          Rx-bps:            0
              RX-packets: 16449792   RX-missed: 0          RX-bytes:  1052786688
              Rx-pps:     16449797          Rx-bps:            0
              RX-packets: 32899584   RX-missed: 0          RX-bytes:  2105573376
            """;

    @Test
    void packetsAreWhatItShowedLastWhileRunning() {
        assertEquals(32_899_584, Testpmd.packets(OUTPUT));
        assertEquals(
                32_899_584,
                Testpmd.packets(OUTPUT + "  RX-packets: 98205280       RX-dropped: 0             RX-total: 98205280"));
        assertEquals(0, Testpmd.packets("EAL: Error - exiting with code: 1"));
    }

    @Test
    void isFoundOnThePath(@TempDir Path folder) throws IOException {
        assertTrue(Testpmd.find(folder.toString()).isEmpty());
        assertTrue(Testpmd.missing().contains("dpdk-dev"));
        Path program = Files.createFile(folder.resolve("dpdk-testpmd"));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        Testpmd found = Testpmd.find("/nowhere:" + folder).orElseThrow();
        List<String> command = found.afXdpCommand(Testpmd.Mode.MACSWAP, List.of("in", "out"), 0, List.of(1));
        assertEquals(program.toString(), command.getFirst());
        assertTrue(
                command.containsAll(List.of(
                        "--lcores=0@0,1@1",
                        "--vdev=net_af_xdp0,iface=in",
                        "--vdev=net_af_xdp1,iface=out",
                        "--forward-mode=macswap",
                        "--port-topology=paired")),
                command.toString());
    }

    @Test
    void forwardsInMemory() throws IOException, InterruptedException {
        assumeTrue(Testpmd.find().isPresent(), "NOT TESTED with testpmd itself: " + Testpmd.missing());
        Testpmd testpmd = Testpmd.find().orElseThrow();
        Testpmd.Rate rate = testpmd.runNull(Testpmd.Mode.MACSWAP, 0, 0, Duration.ofSeconds(1));
        assertTrue(rate.perSecond() > 0);
        // Nobody has more than a second of a processor in a second; the readings are some milliseconds apart.
        assertTrue(rate.perProcessorSecond() > 0.95 * rate.perSecond(), rate::toString);
    }
}

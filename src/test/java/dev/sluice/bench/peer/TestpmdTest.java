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
              Tx-pps:            0          Tx-bps:            0
              Rx-pps:     11264503          Rx-bps:            0
              Tx-pps:     11264487          Tx-bps:            0
              Rx-pps:     14305697          Rx-bps:            0
              Tx-pps:     14305713          Tx-bps:            0
              Rx-pps:     14305700          Rx-bps:            0
            """;

    @Test
    void ratesAreReceivedPacketsAfterTheStart() {
        assertEquals(List.of(14305697.0, 14305700.0), Testpmd.rates(OUTPUT));
        assertEquals(List.of(), Testpmd.rates("EAL: Error - exiting with code: 1"));
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
        Testpmd.Rates rates = testpmd.runNull(Testpmd.Mode.MACSWAP, 0, 0, Duration.ofSeconds(1));
        assertEquals(1, rates.packetsPerSecond().size());
        assertTrue(rates.packetsPerSecond().getFirst() > 0);
    }
}

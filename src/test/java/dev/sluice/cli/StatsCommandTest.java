package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.admin.AdminSocket;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.PathStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.Traffic;
import dev.sluice.stats.TranslationStats;
import dev.sluice.stats.TunnelStats;
import dev.sluice.stats.WorkerStats;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class StatsCommandTest {
    private static final DirectorStats READING = new DirectorStats(
            "1.2.3",
            4711,
            65_000,
            3,
            List.of(
                    new ServiceStats(
                            "TCP",
                            "10.0.0.100",
                            80,
                            "inet",
                            "wrr",
                            List.of(),
                            0,
                            null,
                            false,
                            null,
                            new Traffic(3, 250_999, 0, 146_945_600, 0),
                            Traffic.NONE,
                            List.of(
                                    new RealServerStats(
                                            "10.0.0.11",
                                            80,
                                            "tun",
                                            new TunnelStats("gue", 6080, "csum"),
                                            "12",
                                            2,
                                            "10.0.0.11 is at 02:00:00:00:00:0b on eth1",
                                            List.of(
                                                    new PathStats("eth1", "02:00:00:00:00:0b", "10.0.0.1", 1500, 0, 1),
                                                    new PathStats("eth2", "02:00:00:00:00:0c", null, 1500, 5, 2)),
                                            true,
                                            1,
                                            1,
                                            100,
                                            50,
                                            true,
                                            7,
                                            new Traffic(2, 125_499, 0, 73_472_954, 0),
                                            Traffic.NONE),
                                    new RealServerStats(
                                            "10.0.0.12",
                                            80,
                                            "dr",
                                            null,
                                            "keep",
                                            1,
                                            "10.0.0.12 does not answer on eth1 (ARP failed)",
                                            List.of(),
                                            false,
                                            0,
                                            1,
                                            0,
                                            0,
                                            false,
                                            0,
                                            new Traffic(1, 125_500, 0, 1_000_000_000_000L, 0),
                                            Traffic.NONE))),
                    new ServiceStats(
                            "UDP",
                            "fd00::100",
                            53,
                            "inet6",
                            "maglev",
                            List.of(),
                            300,
                            "128",
                            true,
                            null,
                            Traffic.NONE,
                            Traffic.NONE,
                            List.of()),
                    new ServiceStats(
                            "FWM",
                            "4294967295",
                            0,
                            "inet6",
                            "rr",
                            List.of(),
                            0,
                            null,
                            false,
                            new TranslationStats(
                                    List.of("10.0.1.5", "10.0.1.7-10.0.1.9"), "1024-65535", true, "toa", true),
                            Traffic.NONE,
                            Traffic.NONE,
                            List.of())),
            Map.of("packets_in", 5L, "fragment", 0L),
            List.of(new InterfaceStats(
                    "eth1",
                    "native",
                    true,
                    Map.of("steered", 5L),
                    List.of(new InterfaceStats.QueueStats(0, false, Map.of("rx_ring_full", 7L))))),
            List.of(new WorkerStats(0, 1, Map.of("duty_cycles", 9L), Map.of(1, 5L, 2, 3L, 4, 0L))),
            HealthCommandTest.READING);

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(Map<String, String> environment, String... args) {
        CommandLine command = Main.commandLine(
                (config, file, release) -> {
                    throw new AssertionError("stats starts no director");
                },
                environment);
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return command.execute(args);
    }

    private AdminSocket director(Path path) throws Exception {
        return AdminSocket.open(path, (command, request) -> {
            assertEquals("stats", command);
            return READING;
        });
    }

    @Test
    void printsServicesInTheColumnsOfIpvsadm() throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = director(path)) {
            assertEquals(0, run(Map.of(), "stats", "--socket", path.toString()), err::toString);
        }
        String expected = """
                Sluice 1.2.3, pid 4711, up 65 s, configuration 3
                Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
                  -> RemoteAddress:Port
                TCP  10.0.0.100:80                       3   250999        0  146945K        0
                  -> 10.0.0.11:80                        2   125499        0 73472954        0
                     tun (gue port 6080, csum), VLAN 12, via 10.0.0.1 on eth1 and 02:00:00:00:00:0c on eth2 in VLAN 5, 7 persistent, threshold 100, lower 50, overloaded
                  -> 10.0.0.12:80                        1   125500        0    1000G        0
                     10.0.0.12 does not answer on eth1 (ARP failed)
                UDP  [fd00::100]:53                      0        0        0        0        0
                     persistent 300 s, one-packet
                FWM  4294967295 IPv6                     0        0        0        0        0
                     local addresses 10.0.1.5 10.0.1.7-10.0.1.9 ports 1024-65535, client address by toa, SYN proxy

                Health: 1 of 3 real servers are down (sluice health)
                  TCP 10.0.0.100:80: NO QUORUM, sorry server in use
                  TCP 10.0.0.100:80 -> 10.0.0.12:80: DOWN, flapping since 2026-11-21T10:00:00Z, tcp: connection refused

                Balance of packets
                  5 seen = 0 passed to the kernel + 0 dropped by the program + 5 steered
                  5 steered = 5 received + 7 missed by the rings (-7 on their way)
                  5 received + 0 made = 0 forwarded + 0 answered + 0 dropped by reason + 0 held (5 on their way)

                Packets by outcome (all workers)
                  packets_in                   5

                Interface eth1: native XDP through libxdp's dispatcher, packets by outcome of the steering program
                  steered                      5
                  queue 0: copy, rx_ring_full 7

                Worker of queue 0, on processor 1
                  duty_cycles                  9
                  batches by packets           1: 5, 2: 3
                """;
        assertEquals(expected, out.toString());
    }

    @Test
    void jsonIsTheWholeReadingAndTheSocketComesFromTheEnvironment() throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = director(path)) {
            assertEquals(0, run(Map.of("SLUICE_SOCKET", path.toString()), "stats", "--json"), err::toString);
        }
        assertEquals(1, out.toString().lines().count());
        assertEquals(READING, new ObjectMapper().readValue(out.toString(), DirectorStats.class));
    }

    /** Asked again until the sums come out, for a packet may be on its way. */
    @Test
    void balanceWaitsUntilEveryPacketIsAccountedFor() throws Exception {
        Path path = folder.resolve("s");
        AtomicInteger asked = new AtomicInteger();
        try (AdminSocket _ =
                AdminSocket.open(path, (command, request) -> reading(asked.incrementAndGet() < 3 ? 4 : 5))) {
            assertEquals(0, run(Map.of(), "stats", "--balance", "--socket", path.toString()), err::toString);
        }
        assertEquals(3, asked.get());
        assertEquals("""
                Balance of packets
                  20 seen = 10 passed to the kernel + 1 dropped by the program + 9 steered
                  9 steered = 6 received + 3 missed by the rings
                  6 received + 2 made = 4 forwarded + 1 answered + 2 dropped by reason + 1 held
                """, out.toString());
    }

    @Test
    void aBalanceThatDoesNotComeOutIsAFailure() throws Exception {
        Path path = folder.resolve("s");
        try (AdminSocket _ = AdminSocket.open(path, (command, request) -> reading(4))) {
            assertEquals(1, run(Map.of(), "stats", "--balance", "--socket", path.toString()), err::toString);
        }
        assertTrue(out.toString().contains("+ 1 held (1 on their way)"), out::toString);
    }

    private static DirectorStats reading(long forwarded) {
        return new DirectorStats(
                "1.2.3",
                4711,
                65_000,
                3,
                List.of(),
                Map.of(
                        "packets_in", 6L,
                        "forwarded", forwarded,
                        "echo_answered", 1L,
                        "icmp_error_sent", 1L,
                        "fragment_made", 1L,
                        "no_service", 1L,
                        "tx_ring_full", 1L,
                        "flow_hit", 1000L),
                List.of(new InterfaceStats(
                        "eth1",
                        "native",
                        true,
                        Map.of("steered", 5L, "steered_icmp", 4L, "pass_not_ip", 10L, "drop_no_director", 1L),
                        List.of(
                                new InterfaceStats.QueueStats(
                                        0, false, Map.of("rx_ring_full", 1L, "rx_fill_ring_empty_descs", 7L)),
                                new InterfaceStats.QueueStats(1, false, Map.of("rx_dropped", 2L))))),
                List.of(new WorkerStats(0, 1, Map.of("packets_held", 1L), Map.of())),
                HealthCommandTest.READING);
    }

    @Test
    void exitCodeTellsAnAbsentDirectorFromOneThatRefuses() throws Exception {
        Path path = folder.resolve("s");
        assertEquals(5, run(Map.of(), "stats", "--socket", path.toString()));
        assertTrue(err.toString().startsWith("sluice: no director answers on " + path + ": "), err::toString);
        try (AdminSocket _ = AdminSocket.open(path, (command, request) -> {
            throw new AdminException("not_ready", "the director is starting or stopping");
        })) {
            err.getBuffer().setLength(0);
            assertEquals(1, run(Map.of(), "stats", "--socket", path.toString()));
            assertEquals("sluice: the director is starting or stopping\n", err.toString());
        }
        assertEquals("", out.toString());
    }

    @Test
    void shortensLargeNumbersAsIpvsadmDoes() {
        assertEquals("99999999", StatsPrinter.scaled(99_999_999));
        assertEquals("100000K", StatsPrinter.scaled(100_000_000));
        assertEquals("999999K", StatsPrinter.scaled(999_999_999));
        assertEquals("1000M", StatsPrinter.scaled(1_000_000_000));
        assertEquals("54073M", StatsPrinter.scaled(54_073_000_000L));
        assertEquals("99999M", StatsPrinter.scaled(99_999_999_999L));
        assertEquals("100G", StatsPrinter.scaled(100_000_000_000L));
        assertEquals("99999G", StatsPrinter.scaled(99_999_999_999_999L));
        assertEquals("100T", StatsPrinter.scaled(100_000_000_000_000L));
    }
}

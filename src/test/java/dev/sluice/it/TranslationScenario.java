package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.sluice.forward.Counter;
import dev.sluice.stats.ServiceStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * NAT or FULLNAT in a topology of {@code vagrant/scenarios}: the scenario itself, which is HTTP, downloads, UDP, ICMP errors, path
 * MTUs and FTP in both families, while all that the director sends is recorded; then what the scenario does not look at, on the
 * same lab and the same director.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
abstract class TranslationScenario {
    private static final Duration SCENARIO_TIMEOUT = Duration.ofMinutes(2);
    private static final String CLIENT4 = "198.51.100.1";
    private static final String CLIENT6 = "2001:db8:100::1";
    private static final String STATUS_BAD = "0";
    private static final String STATUS_GOOD = "1";

    private final LabFixture lab;
    private final CommandResult scenario;
    private final List<Capture> sent = new ArrayList<>();

    /**
     * Runs the scenario.
     *
     * @param directorPorts where the director is plugged into the switch
     */
    TranslationScenario(String name, String... directorPorts) {
        lab = LabFixture.up("--scenario", name);
        try {
            for (String port : directorPorts) {
                String fromDirector = "(ether src 02:51:00:00:00:02 or ether src 02:52:00:00:00:02) and not arp";
                sent.add(Capture.start(lab, "switch", port, fromDirector));
            }
            scenario = lab.lab(SCENARIO_TIMEOUT, "scenario", name, "--size", "2M", "--keep");
        } catch (Throwable e) {
            lab.close();
            throw e;
        }
    }

    LabFixture lab() {
        return lab;
    }

    @AfterAll
    void down() {
        lab.close();
    }

    @Test
    @Order(1)
    void the_scenario_is_as_it_says() {
        assertEquals(0, scenario.exitCode(), scenario::toString);
    }

    /**
     * Of every protocol in both directions. Of what ICMP errors quote only the IP header's: the rest is seldom all there.
     */
    @Test
    @Order(2)
    void every_checksum_that_the_director_sends_is_right() {
        Map<String, Integer> good = new TreeMap<>();
        for (Capture capture : sent) {
            capture.stop(1);
            List<String> packets = Tshark.fields(
                    lab,
                    capture.file(),
                    // The director sends no larger frames: they were merged by the switch's port, whose checksum is
                    // partial.
                    "(tcp || udp || icmp || icmpv6.type < 5) && frame.len <= 1514",
                    "frame.protocols",
                    "ip.src",
                    "ipv6.src",
                    "ip.checksum.status",
                    "tcp.checksum.status",
                    "udp.checksum.status",
                    "icmp.checksum.status",
                    "icmpv6.checksum.status");
            for (String packet : packets) {
                String[] fields = packet.split("\t", -1);
                boolean isError = !fields[6].isEmpty() || !fields[7].isEmpty();
                for (int status : isError ? new int[] {3, 6, 7} : new int[] {3, 4, 5}) {
                    assertFalse(List.of(fields[status].split(",", -1)).contains(STATUS_BAD), packet);
                }
                String source = first(fields[1].isEmpty() ? fields[2] : fields[1]);
                boolean isReply = Topology.VIPS.contains(source);
                for (int status = 4; status < fields.length; status++) {
                    if (first(fields[status]).equals(STATUS_GOOD)) {
                        good.merge((isReply ? "from the VIP: " : "to a real server: ") + kind(fields), 1, Integer::sum);
                    }
                }
            }
        }
        Set<String> expected = Set.of(
                "from the VIP: icmp",
                "from the VIP: icmpv6",
                "from the VIP: tcp4",
                "from the VIP: tcp6",
                "from the VIP: udp4",
                "from the VIP: udp6",
                "to a real server: icmp",
                "to a real server: icmpv6",
                "to a real server: tcp4",
                "to a real server: tcp6",
                "to a real server: udp4",
                "to a real server: udp6");
        assertEquals(Set.of(), difference(expected, good.keySet()), good::toString);
    }

    private static String kind(String[] fields) {
        List<String> protocols = List.of(fields[0].split(":", -1));
        String version = fields[1].isEmpty() ? "6" : "4";
        for (String protocol : List.of("icmpv6", "icmp")) {
            if (protocols.contains(protocol)) {
                return protocol;
            }
        }
        return (protocols.contains("tcp") ? "tcp" : "udp") + version;
    }

    private static Set<String> difference(Set<String> expected, Set<String> actual) {
        return Set.copyOf(
                expected.stream().filter(name -> !actual.contains(name)).toList());
    }

    private static String first(String occurrences) {
        return occurrences.split(",", -1)[0];
    }

    @Test
    @Order(3)
    void both_directions_are_counted() {
        for (String vip : Topology.VIPS) {
            ServiceStats before = Reading.of(lab).service(vip, 7);
            assertEquals(
                    12,
                    lab.exec("client", "vagrant/provision/ask", "udp", vip, "7", "12")
                            .orFail()
                            .lines()
                            .count());
            Reading reading = Reading.of(lab);
            ServiceStats after = reading.service(vip, 7);
            assertEquals(12, after.traffic().inPackets() - before.traffic().inPackets());
            assertEquals(12, after.traffic().outPackets() - before.traffic().outPackets());
            // The echo puts "rsN " before what it sends back.
            assertEquals(
                    12 * 4,
                    after.traffic().outBytes()
                            - before.traffic().outBytes()
                            - (after.traffic().inBytes() - before.traffic().inBytes()));
            reading.assertNothingIsLost();
        }
    }

    /** The director sees both directions, so it knows what a director that sees one of them has to guess. */
    @Test
    @Order(4)
    void states_follow_both_directions() {
        for (String vip : Topology.VIPS) {
            Path log = lab.state().resolve("states-" + vip.replace(':', '-'));
            Process client = lab.start(log, "client", "/usr/bin/python3", "-uc", """
                    import socket, sys, time
                    def connect():
                        sock = socket.create_connection((sys.argv[1], 80), 10)
                        print(sock.getsockname()[1])
                        return sock
                    established = connect()
                    closed_by_server = connect()
                    closed_by_server.sendall(b"GET / HTTP/1.1\\r\\nHost: vip\\r\\nConnection: close\\r\\n\\r\\n")
                    while closed_by_server.recv(65536):
                        pass
                    closed_by_both = connect()
                    closed_by_both.shutdown(socket.SHUT_WR)
                    while closed_by_both.recv(65536):
                        pass
                    print("done")
                    time.sleep(60)
                    """, vip);
            LogFile.await(log, "done"::equals);
            List<String> ports = LogFile.lines(log);
            String listing = lab.sluice("ipvsadm", "-Lnc").orFail();
            assertEquals("ESTABLISHED", state(listing, vip, ports.get(0)), listing);
            assertEquals("FIN_WAIT", state(listing, vip, ports.get(1)), listing);
            assertEquals("TIME_WAIT", state(listing, vip, ports.get(2)), listing);
            client.destroyForcibly();
        }
    }

    /** The state of a connection to port 80 of a VIP by its client port, in a listing of all connections. */
    private static String state(String listing, String vip, String clientPort) {
        String client = Topology.host(Topology.isInet6(vip) ? CLIENT6 : CLIENT4) + ":" + clientPort;
        return listing.lines()
                .map(line -> line.split("\\s+", -1))
                .filter(columns -> columns.length >= 6
                        && columns[3].equals(client)
                        && columns[4].equals(Topology.host(vip) + ":80")
                        && columns[5].endsWith(":8080"))
                .map(columns -> columns[2])
                .findFirst()
                .orElse("none");
    }

    /** Datagrams in fragments in both directions, in whatever order: the kernels at both ends judge the checksum. */
    @Test
    @Order(5)
    void fragmented_datagrams_arrive_whole_in_both_directions() {
        for (String vip : Topology.VIPS) {
            Reading before = Reading.of(lab);
            int first = 30_000;
            for (String order : List.of("forward", "shuffled")) {
                List<String> names = lab.exec(
                                "client",
                                "src/test/scripts/udp-fragments",
                                "eth1",
                                "02:50:00:00:00:fe",
                                Topology.isInet6(vip) ? CLIENT6 : CLIENT4,
                                vip,
                                "7",
                                "4000",
                                "1500",
                                order,
                                "12",
                                "" + first)
                        .orFail()
                        .lines()
                        .toList();
                assertEquals(12, names.size(), names::toString);
                assertEquals(Set.of("rs1", "rs2", "rs3"), Set.copyOf(names));
                first += 100;
            }
            Reading after = Reading.of(lab);
            assertEquals(24, after.count(Counter.FLOW_NEW) - before.count(Counter.FLOW_NEW));
            after.assertNothingIsLost();
        }
    }
}

package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sluice doctor} in every topology of {@code vagrant/scenarios}: nothing to report, and what only these can lack. */
class DoctorScenariosIT {
    private static final int ERRORS = 9;

    private static String doctor(LabFixture lab, int exitCode) {
        CommandResult result = lab.sluice("doctor", "--seconds", "1");
        assertEquals(exitCode, result.exitCode(), result.toString());
        return result.out();
    }

    private static void assertHealthy(LabFixture lab) {
        String out = doctor(lab, 0);
        assertTrue(out.contains("\nall of that is fine\n"), out);
    }

    /** One error, and nothing else. */
    private static void assertError(LabFixture lab, String line) {
        String out = doctor(lab, ERRORS);
        assertTrue(out.contains("\nerror " + line), out);
        assertTrue(out.contains("\n1 error, 0 warnings\n"), out);
    }

    private static void run(LabFixture lab, String host, String script) {
        lab.exec(host, "sh", "-ec", script).orFail();
    }

    /** Asks the first TCP service so often that every real server had connections. */
    private static void ask(LabFixture lab) {
        for (String vip : Topology.VIPS) {
            lab.exec("client", "vagrant/provision/ask", "tcp", vip, "80", "12").orFail();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "nat-one-armed, ",
        "nat-two-armed, nat-gateway-not-director: replies of the real server 10.0.1.11",
        "fullnat, local-address-missing: the local address 10.0.1.201"
    })
    void translation(String scenario, String error) {
        LabFixture lab = LabFixture.up("--scenario", scenario);
        try (lab) {
            lab.startDirector(lab.topologyConfig());
            ask(lab);
            assertHealthy(lab);
            switch (scenario) {
                case "nat-two-armed" -> {
                    run(lab, "rs1", "ip route replace default via 10.0.1.12");
                    assertError(lab, error);
                    run(lab, "rs1", "ip route replace default via 10.0.1.2");
                }
                case "fullnat" -> {
                    run(lab, "director", "ip address del 10.0.1.201/32 dev eth2");
                    assertError(lab, error);
                    run(lab, "director", "ip address add 10.0.1.201/32 dev eth2");
                }
                default -> {
                    // The kernel forwards for the real servers, and would tell them of the router.
                    run(lab, "director", "sysctl -qw net.ipv4.ip_forward=1");
                    CommandResult result = lab.sluice("doctor", "--seconds", "1");
                    assertEquals(8, result.exitCode(), result.toString());
                    assertTrue(result.out().contains("\nwarning send-redirects: "), result.out());
                    assertTrue(result.out().contains("\n0 errors, 1 warning\n"), result.out());
                    run(lab, "director", "sysctl -qw net.ipv4.ip_forward=0");
                }
            }
            assertHealthy(lab);
        }
    }

    @Test
    void tunnels() {
        LabFixture lab = LabFixture.up("--scenario", "tun");
        try (lab) {
            lab.startDirector(lab.topologyConfig());
            List<String> hosts = Topology.REAL_SERVERS;
            try {
                for (String host : hosts) {
                    lab.sluiceOn(
                                    host,
                                    "real-server",
                                    "setup",
                                    "--interface",
                                    "eth1",
                                    "--method",
                                    "tun",
                                    "--vip",
                                    Topology.VIP4,
                                    "--vip",
                                    Topology.VIP6)
                            .orFail();
                }
                ask(lab);
                assertHealthy(lab);
                run(lab, "rs2", "ip link set eth1 mtu 1400");
                assertError(
                        lab,
                        "mtu-mismatch: packets as large as the route says do not get to the real server 10.0.9.12");
                run(lab, "rs2", "ip link set eth1 mtu 1500");
            } finally {
                for (String host : hosts) {
                    lab.sluiceOn(host, "real-server", "undo", "--interface", "eth1")
                            .orFail();
                }
            }
            String out = doctor(lab, ERRORS);
            assertTrue(
                    out.contains("error tunnel-endpoint-missing: ")
                            || out.contains("error vip-missing-on-real-server: "),
                    out);
        }
    }
}

package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Real servers by NAT, whose networks nobody outside knows the way to, open connections of their own. */
class SourceNatIT {
    private static final String CLIENT4 = "198.51.100.1";
    private static final String CLIENT6 = "2001:db8:100::1";
    private static final String SNAT = """
            [director.snat]
            sources = ["10.0.1.0/24", "fd00:52::/64"]
            interface = "eth1"
            """;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private LabFixture lab;

    @BeforeEach
    void up() {
        lab = LabFixture.up("--scenario", "nat-two-armed");
        // An outside that knows the director's network alone.
        for (String route : List.of("10.0.1.0/24", "10.0.9.0/24", "fd00:52::/64", "fd00:59::/64")) {
            lab.exec("router", "ip", "route", "del", route);
        }
    }

    @AfterEach
    void down() {
        lab.close();
    }

    private String config(String director) {
        ConfigText config = new ConfigText(lab, "eth1", "eth2").lines(director);
        for (String vip : Topology.VIPS) {
            List<String> rips =
                    Topology.isInet6(vip) ? List.of("fd00:52::11", "fd00:52::12") : List.of("10.0.1.11", "10.0.1.12");
            config.nat(8080).service("tcp", vip, 80, "rr", rips, 1, 1);
        }
        return config.toString();
    }

    private void forward(boolean forwards) {
        String value = forwards ? "1" : "0";
        lab.exec("director", "sysctl", "-qw", "net.ipv4.ip_forward=" + value, "net.ipv6.conf.all.forwarding=" + value)
                .orFail();
    }

    private boolean reaches(String client) {
        return lab.exec("rs1", "ping", "-c", "3", "-i", "0.2", "-W", "2", client)
                        .exitCode()
                == 0;
    }

    private boolean hasTable() {
        return lab.exec("director", "nft", "list", "tables").out().contains("sluice_snat_eth1");
    }

    @Test
    void their_own_connections_leave_with_the_directors_address() throws IOException {
        forward(true);
        LabFixture.Director director = lab.startDirector(config(""));
        assertFalse(reaches(CLIENT4), "the outside knows a way back");
        assertEquals(0, director.stop(), director::log);

        director = lab.startDirector(config(SNAT));
        assertTrue(reaches(CLIENT4), director::log);
        assertTrue(reaches(CLIENT6), director::log);
        assertEquals("10.0.0.2", seenAs(CLIENT4));
        assertEquals("fd00:51::2", seenAs(CLIENT6));
        // Services are Sluice's as before.
        for (String vip : Topology.VIPS) {
            lab.exec("client", "curl", "-sf", "-m", "5", "http://" + Topology.host(vip) + "/")
                    .orFail();
        }

        assertEquals(0, director.stop(), director::log);
        assertTrue(reaches(CLIENT4), "it goes with the director");
        director = lab.startDirector(config(""));
        assertFalse(await(false), "a director that is told nothing of it leaves it");
        assertEquals(0, director.stop(), director::log);

        director = lab.startDirector(config(SNAT));
        assertTrue(hasTable());
        assertEquals(0, director.stop(), director::log);
        CommandResult released = lab.sluiceOn("director", "release", "--interface", "eth1");
        assertTrue(released.out().contains("removed source NAT"), released::toString);
        assertFalse(hasTable());
    }

    private boolean await(boolean wanted) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (hasTable() != wanted && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        return hasTable();
    }

    /** The address by which a server of the client's sees a connection of a real server's. */
    private String seenAs(String client) throws IOException {
        Path log = Files.createTempFile(lab.state(), "seen", "");
        String script = """
                import socket, sys
                family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
                server = socket.create_server((sys.argv[1], 7777), family=family)
                server.settimeout(20)
                print("ready", flush=True)
                print(server.accept()[1][0], flush=True)
                """;
        Process server = lab.start(log, "client", "/usr/bin/python3", "-c", script, client);
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (LogFile.lines(log).isEmpty() && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        lab.exec(
                        "rs1",
                        "/usr/bin/python3",
                        "-c",
                        "import socket; socket.create_connection(('%s', 7777), 10)".formatted(client))
                .orFail();
        while (server.isAlive() && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        return LogFile.lines(log).getLast();
    }

    @Test
    void a_kernel_that_does_not_forward_is_named() {
        forward(false);
        CommandResult refused =
                lab.sluiceOn("director", "run", "--config", write(config(SNAT)).toString());
        assertEquals(4, refused.exitCode(), refused::toString);
        assertTrue(
                refused.err()
                        .contains("[director.snat]: the kernel forwards nothing, for net.ipv4.ip_forward is 0;"
                                + " sysctl -w net.ipv4.ip_forward=1"),
                refused::toString);
        assertFalse(hasTable());
    }

    private Path write(String config) {
        Path file = lab.state().resolve("snat.toml");
        try {
            return Files.writeString(file, config);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}

package dev.sluice.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The lab is what its topology says, without any director running. */
class LabIT {
    private static final String VIP4 = "10.0.0.100";
    private static final String VIP6 = "fd00:51::100";
    private static final List<String> REAL_SERVERS = List.of("rs1", "rs2", "rs3");

    private LabFixture lab;

    @BeforeEach
    void up() {
        lab = LabFixture.up();
    }

    @AfterEach
    void down() {
        lab.close();
    }

    @Test
    void every_real_server_answers_under_its_own_name() {
        for (String host : REAL_SERVERS) {
            String last = host.replace("rs", "1");
            assertEquals(
                    host, client("curl", "-sS", "http://10.0.0." + last + "/").strip());
            assertEquals(
                    host,
                    client("curl", "-sS", "http://[fd00:51::" + last + "]:8081/")
                            .strip());
            assertTrue(client("curl", "-sSi", "http://10.0.0." + last + "/").contains("X-Real-Server: " + host));
            assertTrue(ask("udp", "10.0.0." + last, 7).endsWith(" " + host));
            assertTrue(ask("udp", "fd00:51::" + last, 7).endsWith(" " + host));
        }
    }

    @Test
    void real_servers_serve_the_vip_but_only_the_director_says_that_it_has_it() {
        List<String> answers = client("arping", "-c", "3", "-w", "3", "-I", "eth1", VIP4)
                .lines()
                .filter(line -> line.contains("bytes from"))
                .toList();
        assertEquals(3, answers.size());
        assertTrue(answers.stream().allMatch(line -> line.contains("02:51:00:00:00:02")), answers.toString());
        client("ping", "-c", "1", "-W", "2", VIP4);
        client("ping", "-c", "1", "-W", "2", VIP6);
        assertTrue(client("ip", "neigh", "show", VIP6).contains("02:51:00:00:00:02"));

        // What a director does to one packet, done to all of them: send them to the MAC of a real server.
        for (String vip : List.of(VIP4, VIP6)) {
            client("ip", "neigh", "replace", vip, "lladdr", "02:51:00:00:00:12", "dev", "eth1", "nud", "permanent");
            assertTrue(ask("tcp", vip, 80).endsWith(" rs2"));
            assertTrue(ask("udp", vip, 7).endsWith(" rs2"), "the echo must come from the VIP");
        }
    }

    @Test
    void up_leaves_a_healthy_lab_alone_and_rebuilds_a_damaged_one() throws IOException {
        long nginx = nginxOf("rs1");
        lab.lab("up").orFail();
        assertEquals(nginx, nginxOf("rs1"));

        lab.exec("rs1", "kill", "-KILL", Long.toString(nginx)).orFail();
        CommandResult status = lab.lab("status");
        assertEquals(1, status.exitCode(), status.toString());
        lab.lab("up").orFail();
        assertEquals("rs1", client("curl", "-sS", "http://10.0.0.11/").strip());

        // As a killed "up" leaves it: some namespaces, no mark that it was finished.
        Files.delete(lab.state().resolve("fingerprint"));
        CommandResult.of(new ProcessBuilder("ip", "netns", "del", lab.name() + "-rs3"), Duration.ofSeconds(10))
                .orFail();
        lab.lab("up").orFail();
        assertEquals("rs3", client("curl", "-sS", "http://10.0.0.13/").strip());
    }

    @Test
    void two_labs_do_not_meet_and_down_removes_only_its_own() {
        LabFixture other = LabFixture.up("--queues", "2");
        try (other) {
            assertEquals(
                    "rs1",
                    other.exec("client", "curl", "-sS", "http://10.0.0.11/")
                            .orFail()
                            .strip());
            String channels = other.exec("director", "ethtool", "-l", "eth1").orFail();
            assertTrue(channels.contains("RX:\t\t2") && channels.contains("TX:\t\t2"), channels);
        }
        assertFalse(Files.exists(other.namespace("client")));
        assertFalse(Files.exists(other.state()));
        assertEquals("rs1", client("curl", "-sS", "http://10.0.0.11/").strip());
    }

    @Test
    void exec_hands_on_the_exit_code_and_names_a_wrong_host() {
        assertEquals(7, lab.exec("client", "sh", "-c", "exit 7").exitCode());
        CommandResult wrong = lab.exec("rs9", "true");
        assertEquals(1, wrong.exitCode());
        assertEquals("lab: there is no host rs9; there are: client director rs1 rs2 rs3 switch\n", wrong.err());
    }

    private String client(String... command) {
        return lab.exec("client", command).orFail();
    }

    /** "CLIENT_PORT REAL_SERVER" of one request. */
    private String ask(String protocol, String address, int port) {
        return client("vagrant/provision/ask", protocol, address, Integer.toString(port), "1")
                .strip();
    }

    private long nginxOf(String host) throws IOException {
        return Long.parseLong(
                Files.readString(lab.state().resolve(host).resolve("nginx.pid")).strip());
    }
}

package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What is not for a virtual service stays the kernel's while the director runs: none of the traffic here reaches a
 * worker.
 */
class KernelIT {
    private static final String BULK = "src/test/scripts/bulk";
    private static final int LISTENER = 2222;
    private static final int NO_LISTENER = 81;

    private static LabFixture lab;
    private long steeredBefore;

    @BeforeAll
    static void up() throws IOException, InterruptedException {
        lab = LabFixture.up();
        ConfigText config = new ConfigText(lab, "eth1");
        for (String vip : Topology.VIPS) {
            config.service("tcp", vip, 80, "rr", 1, 1, 1);
            config.service("udp", vip, 7, "rr", 1, 1, 1);
        }
        lab.startDirector(config.toString());
        Path log = lab.state().resolve("bulk.log");
        lab.start(log, "director", BULK, "listen", Integer.toString(LISTENER));
        for (int tries = 0; !Files.readString(log).contains("listening"); tries++) {
            assertTrue(tries < 100, () -> "the listener does not start");
            Thread.sleep(50);
        }
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @BeforeEach
    void theServicesWork() {
        for (String vip : Topology.VIPS) {
            client("vagrant/provision/ask", "tcp", vip, "80", "3");
        }
        Reading reading = Reading.of(lab);
        assertTrue(reading.steered() >= 2 * 3 * 3);
        steeredBefore = reading.steered();
    }

    @AfterEach
    void nothingReachedAWorker() {
        Reading reading = Reading.of(lab);
        assertEquals(steeredBefore, reading.steered());
        reading.assertNothingIsLost();
    }

    @Test
    void ping_and_address_resolution_of_the_vip() {
        for (String address : List.of(Topology.VIP4, Topology.VIP6, Topology.DIRECTOR4, Topology.DIRECTOR6)) {
            assertTrue(
                    client("ping", "-c", "5", "-i", "0.05", "-W", "2", address).contains(" 5 received"));
            // In fragments, which have no ports to go by.
            assertTrue(client("ping", "-c", "3", "-i", "0.05", "-W", "2", "-s", "4000", address)
                    .contains(" 3 received"));
        }
        List<String> answers = client("arping", "-c", "2", "-w", "3", "-I", "eth1", Topology.VIP4)
                .lines()
                .filter(line -> line.contains("bytes from"))
                .toList();
        assertEquals(2, answers.size());
        assertTrue(answers.stream().allMatch(line -> line.contains(Topology.DIRECTOR_MAC)), answers.toString());
        client("ip", "neigh", "flush", "dev", "eth1");
        for (String vip : Topology.VIPS) {
            client("ping", "-c", "1", "-W", "2", vip);
            assertTrue(client("ip", "neigh", "show", vip).contains(Topology.DIRECTOR_MAC));
        }
    }

    @Test
    void much_data_both_ways_to_the_directors_own_address_and_to_a_port_of_the_vip_without_a_service() {
        for (String address : List.of(Topology.DIRECTOR4, Topology.DIRECTOR6, Topology.VIP4, Topology.VIP6)) {
            String answer = client(BULK, "exchange", address, Integer.toString(LISTENER), Integer.toString(8 << 20));
            assertEquals("unchanged\n", answer);
        }
    }

    @Test
    void the_kernel_refuses_what_has_neither_service_nor_listener() {
        for (String vip : Topology.VIPS) {
            assertRefused(vip, "connect", NO_LISTENER);
            assertRefused(vip, "datagram", NO_LISTENER);
            // A service's port number under the other protocol is another service.
            assertRefused(vip, "connect", 7);
            assertRefused(vip, "datagram", 80);
        }
        // A service's port at an address that is no VIP.
        assertRefused(Topology.DIRECTOR4, "connect", 80);
        assertRefused(Topology.DIRECTOR6, "connect", 80);
    }

    @Test
    void what_the_kernel_routes_through_the_director_goes_on() {
        lab.exec(
                        "director",
                        "sysctl",
                        "-qw",
                        "net.ipv4.conf.all.send_redirects=0",
                        "net.ipv4.conf.eth1.send_redirects=0",
                        "net.ipv4.ip_forward=1",
                        "net.ipv6.conf.all.forwarding=1")
                .orFail();
        for (String[] far : new String[][] {
            {"10.9.0.1/32", "10.9.0.1", Topology.DIRECTOR4, "10.0.0.11"},
            {"fd00:59::1/128", "fd00:59::1", Topology.DIRECTOR6, "fd00:51::11"}
        }) {
            lab.exec("rs1", "ip", "address", "add", far[0], "dev", "lo").orFail();
            lab.exec("director", "ip", "route", "add", far[0], "via", far[3]).orFail();
            client("ip", "route", "add", far[0], "via", far[2]);
            assertTrue(
                    client("ping", "-c", "3", "-i", "0.05", "-W", "2", far[1]).contains(" 3 received"));
            // The services' own port, at another address.
            assertEquals("rs1\n", client("curl", "-sS", "--fail", "http://" + Topology.host(far[1]) + "/"));
        }
        String forwarded = lab.exec("director", "awk", "/^Ip:/ {print $7}", "/proc/net/snmp")
                .orFail()
                .lines()
                .toList()
                .getLast();
        assertTrue(Integer.parseInt(forwarded) >= 3 + 4, "the kernel forwarded " + forwarded + " packets");
    }

    private static void assertRefused(String address, String how, int port) {
        assertEquals("ConnectionRefusedError\n", client(BULK, how, address, Integer.toString(port)));
    }

    private static String client(String... command) {
        return lab.exec("client", command).orFail();
    }
}

package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.LabFixture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Starts that only the try can refuse: each with exit code 4, one line, and nothing left behind. */
class RefusalIT {
    private static DirectorLab lab;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void nothing_stays_behind() {
        assertFalse(lab.hasXdp("eth1"), "an XDP program is left on eth1");
        assertFalse(Files.exists(lab.fixture().socket()), "the admin socket is left");
    }

    @Test
    void a_real_server_behind_a_gateway() {
        lab.on("director", "ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.13");
        assertEquals(
                "sluice: real server 10.9.0.5 with method dr: the route to 10.9.0.5 goes through gateway 10.0.0.13, but"
                        + " direct routing needs a real server on a network that the director is on\n",
                lab.refused(withRealServers("10.0.0.11", "10.9.0.5")));
        lab.on("director", "ip", "route", "del", "10.9.0.0/24");
    }

    @Test
    void a_real_server_that_is_the_director_itself() {
        assertEquals(
                "sluice: real server 10.0.0.2 with method dr: 10.0.0.2 is an address of this host itself\n",
                lab.refused(withRealServers("10.0.0.2")));
    }

    @Test
    void a_real_server_behind_an_interface_that_is_not_the_directors() {
        lab.on("director", "ip", "link", "add", "side", "type", "bridge");
        lab.on("director", "ip", "address", "add", "10.8.0.1/24", "dev", "side");
        lab.on("director", "ip", "link", "set", "side", "up");
        assertEquals(
                "sluice: real server 10.8.0.2 with method dr: the route to 10.8.0.2 leads out of side, which is not among"
                        + " the director's interfaces (eth1)\n",
                lab.refused(withRealServers("10.8.0.2")));
        lab.on("director", "ip", "link", "del", "side");
    }

    @Test
    void every_impossible_real_server_is_named() {
        List<String> lines =
                lab.refused(withRealServers("10.0.0.2", "10.0.0.255")).lines().toList();
        assertEquals(2, lines.size(), lines.toString());
        assertTrue(lines.get(0).contains("real server 10.0.0.2 with method dr: "), lines.toString());
        assertTrue(lines.get(1).contains("real server 10.0.0.255 with method dr: "), lines.toString());
    }

    @Test
    void an_interface_with_a_foreign_xdp_program() throws Exception {
        Path source = lab.fixture().state().resolve("foreign.bpf.c");
        Path object = lab.fixture().state().resolve("foreign.bpf.o");
        Files.writeString(
                source, "__attribute__((section(\"xdp\"), used)) int foreign_pass(void *ctx) { return 2; }\n");
        lab.on("director", "clang", "-O2", "-g", "-target", "bpf", "-c", source.toString(), "-o", object.toString());
        lab.on("director", "ip", "link", "set", "dev", "eth1", "xdp", "obj", object.toString(), "sec", "xdp");
        String before = lab.on("director", "ip", "-d", "link", "show", "dev", "eth1");

        String error = lab.refused(lab.allServices());

        assertEquals(1, error.lines().count(), error);
        assertTrue(error.startsWith("sluice: eth1: XDP program \"foreign_pass\" (id "), error);
        assertTrue(error.contains("xdp off"), error);
        assertEquals(before, lab.on("director", "ip", "-d", "link", "show", "dev", "eth1"));
        lab.on("director", "ip", "link", "set", "dev", "eth1", "xdp", "off");
    }

    @Test
    void an_interface_without_native_xdp() {
        lab.on("director", "ip", "link", "add", "plain", "type", "bridge");
        lab.on("director", "ip", "link", "set", "plain", "up");
        String config = lab.config("xdp_mode = \"native\"").replace("eth1", "plain");
        assertEquals(
                "sluice: plain: its driver has no native XDP: use mode auto or generic\n",
                withoutKernelsWords(lab.refused(config)));
        lab.on("director", "ip", "link", "del", "plain");
    }

    @Test
    void an_interface_without_zero_copy() {
        assertEquals(
                "sluice: queue 0 of eth1: its driver offers no zero-copy; choose mode copy or auto\n",
                lab.refused(lab.allServices("bind_mode = \"zerocopy\"")));
    }

    @Test
    void an_interface_with_larger_packets_than_can_be_served() {
        lab.mtu(65535, "director");
        assertEquals(
                "sluice: interface \"eth1\" has MTU 65535, and 18 frames of 2048 bytes, the most that a packet can take, serve"
                        + " 32234; lower the MTU to that, or set director.frame_size = 4096\n",
                lab.refused(lab.allServices("")));
        lab.mtu(1500, "director");
    }

    @Test
    void a_configuration_without_services_is_none_to_refuse() {
        LabFixture.Director director = lab.fixture().startDirector(lab.config(""), "--release");
        assertTrue(director.log().contains(", 0 services, "), director.log());
        String text = lab.fixture().sluice("stats").orFail();
        assertTrue(text.contains("eth1"), text);
        // Nobody listens at the director, and nothing is steered away from its kernel, which says so.
        assertEquals(
                7,
                lab.fixture()
                        .exec("client", "curl", "-sS", "-m", "2", "http://" + VIP4 + "/")
                        .exitCode());
        DirectorStats stats = lab.atRest();
        assertEquals(List.of(), stats.services());
        assertEquals(0, DirectorLab.steering(stats, "steered"));
        assertTrue(DirectorLab.steering(stats, "pass_no_service") > 0, stats.toString());
        assertEquals(0, director.stop());
    }

    private static String withRealServers(String... rips) {
        return lab.config("", DirectorLab.service("tcp", VIP4, 80, "rr", List.of(rips)));
    }

    /** What kernels put into their own words differs. */
    private static String withoutKernelsWords(String error) {
        return error.replaceAll(" \\(the kernel says: [^\n]*\\)", "");
    }
}

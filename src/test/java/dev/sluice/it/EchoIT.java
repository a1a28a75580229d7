package dev.sluice.it;

import static dev.sluice.it.Topology.VIP4;
import static dev.sluice.it.Topology.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.testing.LabFixture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who answers pings to a VIP, and what a packet hears whose TTL ends at the director. */
class EchoIT {
    private static DirectorLab lab;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stopDirector() {
        for (String vip : Topology.VIPS) {
            lab.on("director", "ip", "address", "replace", vip, "dev", "eth1", "nodad");
            lab.fixture().exec("client", "ip", "neigh", "del", vip, "dev", "eth1");
        }
        if (director != null) {
            assertEquals(0, director.stop(), director.log());
        }
    }

    @Test
    void the_director_answers_for_a_vip_that_its_host_does_not_have() {
        for (String vip : Topology.VIPS) {
            lab.on("director", "ip", "address", "del", vip, "dev", "eth1");
            // As a router would send it.
            lab.on(
                    "client",
                    "ip",
                    "neigh",
                    "replace",
                    vip,
                    "lladdr",
                    Topology.DIRECTOR_MAC,
                    "dev",
                    "eth1",
                    "nud",
                    "permanent");
        }
        director = lab.fixture().startDirector(config("icmp_echo = \"director\""));
        for (String vip : Topology.VIPS) {
            // Sizes odd, even and as large as a frame takes; ping compares what comes back.
            for (int size : new int[] {0, 57, 1000, 1452}) {
                assertPinged(vip, 3, size);
            }
        }
        Reading reading = Reading.of(lab.fixture());
        assertEquals(24, reading.count(Counter.ECHO_ANSWERED));
        assertEquals(24, reading.count(Counter.FORWARDED));
        reading.assertNothingIsLost();
    }

    @Test
    void the_kernel_answers_by_default_and_the_director_when_a_ttl_ends() {
        director = lab.fixture().startDirector(config(""));
        for (String vip : Topology.VIPS) {
            assertPinged(vip, 3, 57);
        }
        assertEquals(0, Reading.of(lab.fixture()).steered());
        // ICMP's and ICMPv6's time exceeded.
        assertEquals("11 0 10.0.0.100\n", firstHop(VIP4, 1));
        assertEquals("3 0 fd00:51::100\n", firstHop(VIP6, 1));
        assertEquals("answered\n", firstHop(VIP4, 2));
        assertEquals("answered\n", firstHop(VIP6, 2));
        Reading reading = Reading.of(lab.fixture());
        assertEquals(2, reading.count(Counter.TTL_EXPIRED));
        assertEquals(2, reading.count(Counter.ICMP_ERROR_SENT));
        reading.assertNothingIsLost();
    }

    @Test
    void a_director_that_keeps_ttls_is_no_hop() {
        director = lab.fixture().startDirector(config("ttl = \"keep\""));
        assertEquals("answered\n", firstHop(VIP4, 1));
        assertEquals("answered\n", firstHop(VIP6, 1));
        assertEquals(0, Reading.of(lab.fixture()).drops());
    }

    private static String config(String directorLines) {
        ConfigText config = new ConfigText(lab.fixture(), "eth1").director(directorLines);
        Topology.VIPS.forEach(vip -> config.service("udp", vip, 7, "rr", 1, 1, 1));
        return config.toString();
    }

    private static void assertPinged(String vip, int count, int bytes) {
        for (int i = 0; i < count; i++) {
            // One by one: once it has heard one reply, ping does not wait long for the rest.
            String summary = lab.on("client", "ping", "-c1", "-W5", "-s" + bytes, "-p5aa5", vip);
            assertTrue(summary.contains("1 received, 0% packet loss"), summary);
            assertTrue(!summary.contains("wrong data") && !summary.contains("DUP"), summary);
        }
    }

    /** What becomes of a datagram with a TTL: type, code and sender of the ICMP error, or {@code answered}. */
    private static String firstHop(String vip, int ttl) {
        return lab.on("client", "/usr/bin/python3", "-c", FIRST_HOP, vip, "7", "" + ttl);
    }

    private static final String FIRST_HOP = """
            import select, socket, struct, sys
            address, port, ttl = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
            inet6 = ":" in address
            sock = socket.socket(socket.AF_INET6 if inet6 else socket.AF_INET, socket.SOCK_DGRAM)
            # IPV6_RECVERR and IP_RECVERR
            level, errors = (socket.IPPROTO_IPV6, 25) if inet6 else (socket.IPPROTO_IP, 11)
            sock.setsockopt(level, errors, 1)
            sock.setsockopt(level, socket.IPV6_UNICAST_HOPS if inet6 else socket.IP_TTL, ttl)
            sock.connect((address, port))
            sock.send(b"probe")
            poll = select.poll()
            poll.register(sock, select.POLLIN)
            if not poll.poll(5000):
                sys.exit("neither answer nor error")
            try:
                print("answered" if sock.recv(100).endswith(b" probe") else "something else")
            except OSError:
                _, control, _, _ = sock.recvmsg(1000, 1000, socket.MSG_ERRQUEUE)
                # struct sock_extended_err and the offender's address
                data = next(data for kind, name, data in control if (kind, name) == (level, errors))
                _, _, kind, code = struct.unpack_from("=IBBB", data)
                packed = data[24:40] if inet6 else data[20:24]
                print(kind, code, socket.inet_ntop(sock.family, packed))
            """;
}

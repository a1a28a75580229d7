package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** FULLNAT across routers, to real servers of both families whose way to clients is another one than the director. */
class FullNatIT extends TranslationScenario {
    FullNatIT() {
        super("fullnat", "director", "director-eth2");
    }

    /** Real servers of the other family than the VIP, and datagrams in pieces: what is said of them is another header. */
    @Test
    @Order(6)
    void fragmented_datagrams_change_their_family() {
        for (String vip : Topology.VIPS) {
            List<String> names = lab().exec(
                            "client",
                            "src/test/scripts/udp-fragments",
                            "eth1",
                            "02:50:00:00:00:fe",
                            Topology.isInet6(vip) ? "2001:db8:100::1" : "198.51.100.1",
                            vip,
                            "17",
                            "4000",
                            "1400",
                            "forward",
                            "12",
                            "31000")
                    .orFail()
                    .lines()
                    .toList();
            assertEquals(Set.of("rs1", "rs2", "rs3"), Set.copyOf(names), names::toString);
            assertEquals(12, names.size(), names::toString);
        }
        Reading.of(lab()).assertNothingIsLost();
    }

    /**
     * Clients one after the other and at the same time: nginx is told who each of them is, by PROXY protocol, and a reader of
     * segments at the real server by TOA, in a segment before any data.
     */
    @Test
    @Order(7)
    void real_servers_are_told_of_each_client() {
        for (String vip : Topology.VIPS) {
            String client = Topology.isInet6(vip) ? "2001:db8:100::1" : "198.51.100.1";
            Set<String> asked = new HashSet<>();
            for (int port : List.of(82, 83)) {
                List<String> command =
                        new ArrayList<>(List.of("vagrant/provision/ask", "tcp", vip, "" + port, "30", "" + 10_000));
                lab().exec("client", command.toArray(String[]::new))
                        .orFail()
                        .lines()
                        .forEach(line -> asked.add(client + " " + line.substring(0, line.indexOf(' '))));
                assertEquals(30, asked.size());
                Set<String> told = new HashSet<>();
                for (String name : Topology.REAL_SERVERS) {
                    told.addAll(port == 82 ? proxied(lab(), name) : toa(lab(), name));
                }
                told.retainAll(asked);
                assertEquals(asked, told);
                asked.clear();
            }
        }
    }

    /** Lines "PEER PEER_PORT CLIENT CLIENT_PORT" of nginx's log. */
    private static Set<String> proxied(LabFixture lab, String realServer) {
        Set<String> clients = new HashSet<>();
        for (String line : LogFile.lines(log(lab, realServer, "proxy.log"))) {
            String[] words = line.split(" ", -1);
            assertTrue(isLocal(words[0]), line);
            clients.add(words[2] + " " + words[3]);
        }
        return clients;
    }

    /** Lines "PEER PEER_PORT says CLIENT CLIENT_PORT kind KIND". */
    private static Set<String> toa(LabFixture lab, String realServer) {
        Set<String> clients = new HashSet<>();
        for (String line : LogFile.lines(log(lab, realServer, "toa.log"))) {
            String[] words = line.split(" ", -1);
            if (words[0].equals("reading")) {
                continue;
            }
            assertTrue(isLocal(words[0]), line);
            assertEquals("254", words[6], line);
            clients.add(words[3] + " " + words[4]);
        }
        return clients;
    }

    private static boolean isLocal(String address) {
        return Set.of("10.0.1.201", "10.0.1.202", "fd00:52::c9", "fd00:52::ca").contains(address);
    }

    private static Path log(LabFixture lab, String realServer, String name) {
        return lab.state().resolve(realServer).resolve(name);
    }
}

package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.testing.LabFixture;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * A director between two networks: requests come in by eth1 and go out by eth2, on which the RIPs are; one worker, one
 * UMEM, two sockets. Replies go the short way, by the network that client and real servers share.
 */
class TwoInterfacesIT {
    private static final String DIRECTOR_ETH2_MAC = "02:52:00:00:00:02";
    private static final int REQUESTS = 200;

    private static LabFixture lab;

    @BeforeAll
    static void up() {
        lab = LabFixture.up();
        run("switch", "ip link add br1 type bridge stp_state 0 forward_delay 0 mcast_snooping 0");
        run("switch", "ip link set br1 up");
        plugIn("director", "02");
        plugIn("rs1", "11");
        plugIn("rs2", "12");
        ConfigText config = new ConfigText(lab, "eth1", "eth2");
        for (String vip : Topology.VIPS) {
            List<String> rips =
                    Topology.isInet6(vip) ? List.of("fd00:52::11", "fd00:52::12") : List.of("10.0.1.11", "10.0.1.12");
            config.service("tcp", vip, 80, "rr", rips, 1, 1);
            config.service("udp", vip, 7, "rr", rips, 1, 1);
        }
        lab.startDirector(config.toString());
    }

    /** A second interface, as the lab makes the first one. */
    private static void plugIn(String host, String last) {
        String number = last.replaceFirst("^0", "");
        run("switch", "ip link add back-%s type veth peer name eth2 netns %s-%s".formatted(host, lab.name(), host));
        run("switch", "ethtool -K back-%s tx off gro on".formatted(host));
        run("switch", "ip link set back-%s master br1 up".formatted(host));
        run(host, "ip link set eth2 address 02:52:00:00:00:" + last);
        run(host, "ethtool -K eth2 tx off");
        // A request's way back is not the way it came.
        run(
                host,
                "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth2.rp_filter=0"
                        + " net.ipv4.conf.eth2.arp_ignore=1 net.ipv6.conf.eth2.accept_dad=0");
        run(host, "ip link set eth2 up");
        run(host, "ip address add 10.0.1.%s/24 dev eth2".formatted(number));
        run(host, "ip -6 address add fd00:52::%s/64 dev eth2 nodad".formatted(number));
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @Test
    void requests_arrive_on_one_interface_and_leave_by_the_other() {
        for (String vip : Topology.VIPS) {
            Capture back = Capture.start(lab, "rs1", "eth2", "tcp or udp");
            Capture front = Capture.start(lab, "rs1", "eth1", "ether dst 02:51:00:00:00:11 and (tcp or udp)");
            Reading before = Reading.of(lab);
            long sentBefore = sentBy("eth2");

            List<String> names = client("curl", "-sS", "--fail", "-H", "Connection: close", url(vip))
                    .lines()
                    .toList();
            assertEquals(Spread.exact(REQUESTS, 1, 1), Topology.count(names));
            client("src/test/scripts/udp-conversations", vip, "7", "50", "4");
            assertTrue(client("sh", "-c", "curl -sS --fail 'http://" + Topology.host(vip) + "/big' | wc -c")
                    .startsWith("1048576"));

            Reading after = Reading.of(lab);
            long forwarded = after.count(Counter.FORWARDED) - before.count(Counter.FORWARDED);
            assertEquals(0, after.drops());
            assertTrue(forwarded >= 4 * REQUESTS + 200, forwarded + " packets forwarded");
            assertEquals(forwarded, steeredBy(after, "eth1") - steeredBy(before, "eth1"));
            assertEquals(0, steeredBy(after, "eth2"));
            // Beside the forwarded ones only an address resolution or two.
            long sent = sentBy("eth2") - sentBefore;
            assertTrue(sent >= forwarded && sent < forwarded + 20, "eth2 sent " + sent + " of " + forwarded);

            int toRs1 = (int) (rs1Packets(after, vip) - rs1Packets(before, vip));
            List<byte[]> frames = back.stop(toRs1);
            assertTrue(
                    frames.stream().allMatch(frame -> Capture.sourceMac(frame).equals(DIRECTOR_ETH2_MAC)));
            assertEquals(toRs1, frames.size());
            assertEquals(0, front.stop(0).size(), "requests on the way of the replies");
            after.assertNothingIsLost();
        }
    }

    private static String url(String vip) {
        return "http://" + Topology.host(vip) + "/?[1-" + REQUESTS + "]";
    }

    private static long rs1Packets(Reading reading, String vip) {
        return reading.service(vip, 80).realServers().getFirst().traffic().inPackets()
                + reading.service(vip, 7).realServers().getFirst().traffic().inPackets();
    }

    private static long steeredBy(Reading reading, String name) {
        InterfaceStats nic = reading.stats().interfaces().stream()
                .filter(candidate -> candidate.name().equals(name))
                .findFirst()
                .orElseThrow();
        return nic.steering().getOrDefault("steered", -1L);
    }

    private static long sentBy(String name) {
        return Long.parseLong(
                lab.exec("director", "sh", "-c", "ip -j -s link show %s | jq .[0].stats64.tx.packets".formatted(name))
                        .orFail()
                        .strip());
    }

    private static String client(String... command) {
        return lab.exec("client", command).orFail();
    }

    private static void run(String host, String command) {
        lab.exec(host, "sh", "-c", command).orFail();
    }
}

package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.LabFixture;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What the director does to a packet, seen on the wire: every frame that the client sends to the VIP arrives at the real
 * server in the same order and equal in every bit but those that direct routing changes.
 */
class CaptureIT {
    private static final int VLAN = 0x8100;
    private static final int SERVICE_VLAN = 0x88a8;
    private static final String TO_VIP = "ether dst " + Topology.DIRECTOR_MAC + " or ether dst " + Topology.RS1_MAC;
    private static final String IP_TO_VIP =
            "(tcp or udp) and (dst host " + Topology.VIP4 + " or dst host " + Topology.VIP6 + ")";

    private static LabFixture lab;

    @BeforeAll
    static void up() {
        lab = LabFixture.up();
        ConfigText config = new ConfigText(lab, "eth1");
        for (String vip : Topology.VIPS) {
            config.service("tcp", vip, 80, "rr", 1);
            config.service("udp", vip, 7, "rr", 1);
        }
        lab.startDirector(config.toString());
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @Test
    void tcp_and_udp_arrive_unchanged_but_for_the_mac_addresses_and_the_ttl() {
        Capture sent = Capture.start(lab, "client", IP_TO_VIP);
        Capture arrived = Capture.start(lab, "rs1", IP_TO_VIP);
        for (String vip : Topology.VIPS) {
            String url = "http://" + Topology.host(vip) + "/";
            assertEquals("rs1", client("curl", "-sS", "--fail", url).strip());
            // Several full segments from the client too.
            client("sh", "-c", "head -c 30000 /dev/urandom | curl -sS --fail --data-binary @- " + url);
            client("src/test/scripts/udp-conversations", vip, "7", "5", "6");
        }
        assertArrivedAsDirectRoutingSays(sent, arrived, 2 * (2 * 4 + 5 * 6));

        List<String> checked = tshark(arrived);
        assertTrue(checked.stream().anyMatch(line -> line.contains("," + Topology.VIP4 + ",,")));
        assertTrue(checked.stream().anyMatch(line -> line.contains(",," + Topology.VIP6 + ",")));
    }

    @Test
    void ipv4_options_stay_and_do_not_stand_in_the_way() {
        Capture sent = Capture.start(lab, "client", IP_TO_VIP);
        Capture arrived = Capture.start(lab, "rs1", IP_TO_VIP);
        assertEquals(
                List.of("rs1", "rs1 with options"),
                client("src/test/scripts/ip-options", Topology.VIP4, "80", "7")
                        .lines()
                        .toList());
        List<byte[]> frames = assertArrivedAsDirectRoutingSays(sent, arrived, 6);
        assertTrue(frames.stream().allMatch(frame -> (frame[14] & 0xf) == 8), "IHL is to tell of 12 bytes of options");
        tshark(arrived);
    }

    @Test
    void vlan_tags_stay_where_they_are() {
        // A veth hands tags over beside the frame, where XDP cannot see them. A NIC would deliver these in the frame.
        for (String port : List.of("client", "director", "rs1")) {
            lab.exec("switch", "ethtool", "-K", port, "txvlan", "off", "tx-vlan-stag-hw-insert", "off")
                    .orFail();
        }
        Capture sent = Capture.start(lab, "client", TO_VIP);
        Capture arrived = Capture.start(lab, "rs1", TO_VIP);
        client(
                "src/test/scripts/tagged-syns",
                "eth1",
                Topology.DIRECTOR_MAC,
                "10.0.0.1",
                Topology.VIP4,
                "fd00:51::1",
                Topology.VIP6);
        List<byte[]> before = sent.stop(3).stream().filter(CaptureIT::isTagged).toList();
        List<byte[]> after =
                arrived.stop(3).stream().filter(CaptureIT::isTagged).toList();
        assertEquals(3, before.size());
        assertSameButForDirectRouting(before, after);
        assertEquals(3, tshark(arrived).size());
    }

    private static boolean isTagged(byte[] frame) {
        int type = ByteBuffer.wrap(frame).getShort(12) & 0xffff;
        return type == VLAN || type == SERVICE_VLAN;
    }

    private static List<byte[]> assertArrivedAsDirectRoutingSays(Capture sent, Capture arrived, int atLeast) {
        List<byte[]> before = sent.stop(atLeast);
        List<byte[]> after = arrived.stop(before.size());
        assertTrue(before.size() >= atLeast, "only " + before.size() + " frames");
        assertSameButForDirectRouting(before, after);
        return after;
    }

    private static void assertSameButForDirectRouting(List<byte[]> before, List<byte[]> after) {
        assertEquals(before.size(), after.size(), "frames");
        for (int i = 0; i < before.size(); i++) {
            assertEquals(
                    HexFormat.of().formatHex(DirectRouted.of(before.get(i), Topology.RS1_MAC)),
                    HexFormat.of().formatHex(after.get(i)),
                    "frame " + i + ", sent as " + HexFormat.of().formatHex(before.get(i)));
        }
    }

    /** What tshark makes of the packets to the VIP, one line each; none has a bad checksum or one it did not check. */
    private static List<String> tshark(Capture capture) {
        List<String> lines = lab.exec(
                        "rs1",
                        "tshark",
                        "-r",
                        capture.file().toString(),
                        "-o",
                        "ip.check_checksum:TRUE",
                        "-o",
                        "tcp.check_checksum:TRUE",
                        "-o",
                        "udp.check_checksum:TRUE",
                        "-Y",
                        "tcp or udp",
                        "-T",
                        "fields",
                        "-E",
                        "separator=,",
                        "-e",
                        "ip.checksum.status",
                        "-e",
                        "tcp.checksum.status",
                        "-e",
                        "udp.checksum.status",
                        "-e",
                        "ip.dst",
                        "-e",
                        "ipv6.dst",
                        "-e",
                        "eth.src")
                .orFail()
                .lines()
                .toList();
        assertFalse(lines.isEmpty());
        String good = "1";
        for (String line : lines) {
            boolean inet6 = line.contains(":51::100");
            assertTrue(
                    line.matches((inet6 ? "" : good) + ",(" + good + ",|," + good + "),.*"),
                    "not all checksums good: " + line);
            assertTrue(line.endsWith("," + Topology.DIRECTOR_MAC), line);
        }
        return lines;
    }

    private static String client(String... command) {
        return lab.exec("client", command).orFail();
    }
}

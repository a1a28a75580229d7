package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.FrameSizes;
import dev.sluice.bench.OfferedTraffic;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.util.List;
import org.junit.jupiter.api.Test;

class PktgenTest {
    private static OfferedTraffic traffic(String source, String destination, int flows, String sizes) {
        return new OfferedTraffic(
                "eth2",
                0x02_00_00_00_00_01L,
                0x02_00_00_00_00_02L,
                List.of(new OfferedTraffic.Ends(IpAddress.parse(source), IpAddress.parse(destination))),
                List.of(Protocol.UDP),
                80,
                flows,
                FrameSizes.parse(sizes));
    }

    private static List<String> lines(OfferedTraffic traffic) {
        return Pktgen.setup(traffic, 3).stream().map(Object::toString).toList();
    }

    @Test
    void flows_in_turn() {
        assertEquals(
                List.of(
                        "echo \"rem_device_all\" >/proc/net/pktgen/kpktgend_3",
                        "echo \"add_device eth2@3\" >/proc/net/pktgen/kpktgend_3",
                        "echo \"flag QUEUE_MAP_CPU\" >/proc/net/pktgen/eth2@3",
                        "echo \"clone_skb 0\" >/proc/net/pktgen/eth2@3",
                        "echo \"delay 0\" >/proc/net/pktgen/eth2@3",
                        "echo \"pkt_size 60\" >/proc/net/pktgen/eth2@3",
                        "echo \"dst_mac 02:00:00:00:00:02\" >/proc/net/pktgen/eth2@3",
                        "echo \"src_mac 02:00:00:00:00:01\" >/proc/net/pktgen/eth2@3",
                        "echo \"dst_min 192.0.2.100\" >/proc/net/pktgen/eth2@3",
                        "echo \"dst_max 192.0.2.100\" >/proc/net/pktgen/eth2@3",
                        "echo \"src_min 198.18.0.1\" >/proc/net/pktgen/eth2@3",
                        "echo \"src_max 198.18.0.1\" >/proc/net/pktgen/eth2@3",
                        "echo \"udp_src_min 1024\" >/proc/net/pktgen/eth2@3",
                        "echo \"udp_src_max 2048\" >/proc/net/pktgen/eth2@3",
                        "echo \"udp_dst_min 80\" >/proc/net/pktgen/eth2@3",
                        "echo \"udp_dst_max 80\" >/proc/net/pktgen/eth2@3",
                        "echo \"flag UDPCSUM\" >/proc/net/pktgen/eth2@3"),
                lines(traffic("198.18.0.1", "192.0.2.100", 1024, "60")));
    }

    @Test
    void many_flows_are_drawn_and_sizes_mixed() {
        List<String> lines = lines(traffic("198.18.0.1", "192.0.2.100", 128_000, "imix"));
        for (String line : List.of(
                "imix_weights 60,7 590,4 1514,1",
                "src_max 198.18.0.3",
                "udp_src_max 65024",
                "flag IPSRC_RND",
                "flag UDPSRC_RND")) {
            assertTrue(lines.contains("echo \"" + line + "\" >/proc/net/pktgen/eth2@3"), () -> line + " in " + lines);
        }
    }

    @Test
    void inet6() {
        List<String> lines = lines(traffic("2001:db8:1::1", "2001:db8::100", 10, "100"));
        assertTrue(lines.contains("echo \"dst6 2001:db8::100\" >/proc/net/pktgen/eth2@3"), lines::toString);
        assertTrue(lines.contains("echo \"src6 2001:db8:1::1\" >/proc/net/pktgen/eth2@3"), lines::toString);
        assertThrows(
                IllegalArgumentException.class, () -> lines(traffic("2001:db8:1::1", "2001:db8::100", 64_001, "100")));
    }

    @Test
    void what_it_has_sent() {
        String device = """
                Params: count 0  min_pkt_size: 60  max_pkt_size: 60
                Current:
                     pkts-sofar: 1234567  errors: 3
                     started: 1us  stopped: 2us idle: 0us
                Result: OK: 1(c1+d0) usec, 1234567 (60byte,0frags)
                """;
        assertEquals(1_234_567, Pktgen.sofar(device));
        assertEquals(0, Pktgen.sofar("nothing"));
    }
}

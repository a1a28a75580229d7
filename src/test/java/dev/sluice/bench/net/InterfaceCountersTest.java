package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class InterfaceCountersTest {
    private static InterfaceCounters counters(long packets, long missed, long noBuffer) {
        return new InterfaceCounters(
                InterfaceCounters.link("[{\"ifname\":\"eth1\",\"stats64\":{\"rx\":{\"packets\":" + packets
                        + ",\"missed_errors\":" + missed + "},\"tx\":{\"packets\":5,\"dropped\":0}}}]"),
                InterfaceCounters.driver("NIC statistics:\n     rx_packets: " + packets + "\n     rx_no_buffer_count: "
                        + noBuffer + "\n     rx_queue_0_drops: 0\n     firmware: text\n"));
    }

    @Test
    void packets_of_queues_by_whatever_name_the_driver_has() {
        InterfaceCounters before = new InterfaceCounters(Map.of(), Map.of());
        InterfaceCounters after = new InterfaceCounters(Map.of(), InterfaceCounters.driver("""
                        NIC statistics:
                             rx_queue_0_packets: 5
                             rx_queue_0_xdp_packets: 3
                             rx1_packets: 7
                             rx-2.packets: 9
                             queue_3_rx_cnt: 11
                             rx_packets: 32
                             tx_queue_0_packets: 1
                        """));
        assertEquals(Map.of(0, 5L, 1, 7L, 2, 9L, 3, 11L), after.queuesSince(before));
    }

    @Test
    void losses_are_what_has_grown_and_is_called_so() {
        InterfaceCounters before = counters(100, 2, 10);
        InterfaceCounters after = counters(300, 5, 17);
        assertEquals(200, after.since(before, "rx_packets"));
        assertEquals(Map.of("rx_missed_errors", 3L, "ethtool:rx_no_buffer_count", 7L), after.lossesSince(before));
        assertEquals(Map.of(), after.lossesSince(after));
    }
}

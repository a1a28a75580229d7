package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class NicFactsTest {
    @Test
    void current_settings_and_not_the_possible_ones() {
        String channels = """
                Channel parameters for eth1:
                Pre-set maximums:
                RX:		n/a
                Combined:	63
                Current hardware settings:
                RX:		0
                Other:		1
                Combined:	8
                """;
        assertEquals(Map.of("Other", "1", "Combined", "8"), NicFacts.current(channels));
        assertEquals(Map.of(), NicFacts.current("netlink error: Operation not supported"));
    }

    @Test
    void fields_are_what_has_a_value() {
        assertEquals(
                Map.of("driver", "ixgbe", "version", "6.1"), NicFacts.fields("driver: ixgbe\nversion: 6.1\nbus:\n"));
    }
}

package dev.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameSizesTest {
    @Test
    void imix_is_seven_to_four_to_one_of_64_594_and_1518_on_the_wire() {
        FrameSizes imix = FrameSizes.parse("imix");
        assertEquals(List.of(60, 590, 1514), imix.distinct());
        int[] cycle = imix.cycle();
        assertEquals(12, cycle.length);
        assertEquals(7, Arrays.stream(cycle).filter(each -> each == 0).count());
        assertEquals(4, Arrays.stream(cycle).filter(each -> each == 1).count());
        assertEquals(1, Arrays.stream(cycle).filter(each -> each == 2).count());
        assertEquals("60,7 590,4 1514,1", imix.pairs());
        assertEquals((7 * 60 + 4 * 590 + 1514) / 12.0, imix.mean(), 1e-9);
        assertEquals("imix", imix.toString());
    }

    @Test
    void sizes_are_spread() {
        int[] cycle = FrameSizes.parse("60:3,100:1,200:2").cycle();
        for (int place = 1; place < cycle.length; place++) {
            assertTrue(cycle[place] != cycle[place - 1], Arrays.toString(cycle));
        }
    }

    @Test
    void a_flow_gets_all_sizes_in_time() {
        FrameSizes imix = FrameSizes.parse("imix");
        long sizes = LongStream.range(0, 12)
                .mapToInt(round -> imix.indexOf(24 * round, 24))
                .distinct()
                .count();
        assertEquals(3, sizes);
    }

    @Test
    void one_size() {
        FrameSizes one = FrameSizes.of(60);
        assertTrue(one.isOne());
        assertEquals(60, one.longest());
        assertEquals("60", one.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "small", "60;70", "60:0", "13", "9000", "60,60", "60:64,70:1", "1,", "-60", "60:7:4"})
    void what_is_no_size_is_named(String text) {
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> FrameSizes.parse(text));
        assertTrue(String.valueOf(refused.getMessage()).contains("frame"), refused::getMessage);
    }
}

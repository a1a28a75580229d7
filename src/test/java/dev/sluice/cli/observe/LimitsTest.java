package dev.sluice.cli.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LimitsTest {
    @Test
    void are_those_said_and_the_defaults() {
        assertEquals(new Limits(600, 100_000_000, Long.MAX_VALUE), Limits.DEFAULT.with(List.of()));
        assertEquals(new Limits(5, 7_000, 3), Limits.DEFAULT.with(List.of("duration:5", "filesize:7", "packets:3")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "duration", "duration:0", "duration:-1", "size:1", "filesize:1M", "packets:1000000000000000"
            })
    void all_else_is_refused(String condition) {
        assertThrows(IllegalArgumentException.class, () -> Limits.DEFAULT.with(List.of(condition)));
    }
}

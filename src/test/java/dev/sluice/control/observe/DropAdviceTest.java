package dev.sluice.control.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.Counter;
import org.junit.jupiter.api.Test;

class DropAdviceTest {
    @Test
    void every_drop_has_one_and_only_drops() {
        String ofDamaged = DropAdvice.of(Counter.PARSE_BAD_IP_CHECKSUM);
        for (Counter counter : Counter.values()) {
            if (counter.kind() != Counter.Kind.DROP) {
                assertEquals("", DropAdvice.of(counter));
            } else {
                assertTrue(DropAdvice.of(counter).length() > 20, counter.label());
                // A new reason is not a damaged packet.
                assertEquals(
                        counter.name().startsWith("PARSE_"),
                        DropAdvice.of(counter).equals(ofDamaged),
                        counter.label());
            }
        }
    }
}

package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class BoundedPatternTest {
    private static boolean isIn(String pattern, String text, int timeoutMs) throws IOException {
        return new BoundedPattern(new Probe.BodyPattern(pattern)).isIn(text, Deadline.in(timeoutMs));
    }

    @Test
    void finds() throws IOException {
        assertTrue(isIn("st[aeiou]tus: ok", "the status: ok of it", 10_000));
        assertFalse(isIn("^ok$", "not ok", 10_000));
        assertTrue(isIn("needle$", "hay ".repeat(250_000) + "needle", 60_000), "a megabyte is no trouble");
    }

    @Test
    void anExpressionThatBacktracksForEverEndsByItsSteps() {
        UnhealthyException e = assertTimeout(
                Duration.ofSeconds(30),
                () -> assertThrows(UnhealthyException.class, () -> isIn("a*a*a*a*a*a*b", "a".repeat(300), 60_000)));
        assertEquals("the search for the pattern takes more than 20000000 steps", e.getMessage());
    }

    @Test
    void andByTheDeadline() {
        assertThrows(SocketTimeoutException.class, () -> isIn("a*a*a*a*a*a*b", "a".repeat(300), 1));
    }

    @Test
    void anExpressionThatNestsTooDeeplyIsAFailureInWords() {
        UnhealthyException e =
                assertThrows(UnhealthyException.class, () -> isIn("(x|y|zz)*q", "xyzz".repeat(250_000), 60_000));
        assertEquals("the search for the pattern nests too deeply", e.getMessage());
    }
}

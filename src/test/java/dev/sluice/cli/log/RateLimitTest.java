package dev.sluice.cli.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class RateLimitTest {
    private static final long S = 1_000_000_000L;

    private final RateLimit limit = new RateLimit(3, 0.5, 10 * S);

    private int admitted(String kind, int count, long nowNs) {
        int admitted = 0;
        for (int i = 0; i < count; i++) {
            if (limit.admit(kind, nowNs)) {
                admitted++;
            } else {
                limit.holdBack(kind, kind + i, nowNs);
            }
        }
        return admitted;
    }

    @Test
    void a_burst_of_each_kind_and_then_so_many_a_second() {
        assertEquals(3, admitted("a", 10, 0));
        assertEquals(2, admitted("b", 2, 0));
        assertEquals(List.of(new RateLimit.HeldBack("a", 7, 1, "a9")), limit.due(0, true));
        assertEquals(0, admitted("a", 1, S));
        assertEquals(1, limit.due(S, true).size());
        // Two seconds for each; a kind that was left alone has its burst again, and no more than that.
        assertEquals(2, admitted("a", 2, 4 * S));
        assertEquals(3, admitted("b", 9, 100 * S));
    }

    @Test
    void what_was_held_back_is_told_of_when_the_period_is_over_and_in_order() {
        assertEquals(3, admitted("a", 5, 0));
        assertTrue(limit.isHolding());
        assertEquals(List.of(), limit.due(9 * S, false));
        // Allowed by now, but those before it have not been told of.
        assertEquals(0, admitted("a", 1, 9 * S));
        assertEquals(List.of(new RateLimit.HeldBack("a", 3, 10, "a0")), limit.due(10 * S, false));
        assertFalse(limit.isHolding());
        assertEquals(3, admitted("a", 4, 10 * S));
    }

    @Test
    void kinds_that_are_quiet_are_forgotten_and_too_many_share_one() {
        for (int kind = 0; kind < 1024; kind++) {
            assertEquals(1, admitted("kind" + kind, 1, 0));
        }
        assertEquals(3, admitted("one more", 3, 0));
        assertEquals(0, admitted("another", 1, 0));
        assertEquals(List.of(new RateLimit.HeldBack("", 1, 1, "another0")), limit.due(S, true));
        assertEquals(List.of(), limit.due(100 * S, true));
        assertEquals(3, admitted("another", 9, 100 * S));
    }
}

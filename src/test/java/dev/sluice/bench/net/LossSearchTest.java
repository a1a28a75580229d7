package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LossSearchTest {
    private static final CpuTimes.Use NOTHING = new CpuTimes.Use(Map.of());

    /** Ten seconds of something that forwards so many a second and drops the rest. */
    private static Trial trial(long rate, long capacity) {
        long received = Math.min(rate, capacity);
        return new Trial(rate, 10 * rate, 10 * received, 10, received, NOTHING);
    }

    @Test
    void the_highest_rate_without_loss_is_found_to_the_resolution() {
        for (long capacity : new long[] {1_000, 333_333, 700_001, 999_999}) {
            LossSearch.Result result = new LossSearch(0.001, 0, 1).search(1_000_000, rate -> trial(rate, capacity));
            assertTrue(result.perSecond() <= capacity, result::toString);
            assertTrue(result.perSecond() > capacity - 1_100, result::toString);
            assertTrue(result.trials().size() <= 12, result::toString);
        }
    }

    @Test
    void what_loses_nothing_at_all_needs_one_trial() {
        LossSearch.Result result = new LossSearch(0.01, 0, 3).search(500, rate -> trial(rate, 500));
        assertEquals(500, result.perSecond());
        assertEquals(1, result.trials().size());
    }

    @Test
    void what_always_loses_has_no_rate() {
        LossSearch.Result result = new LossSearch(0.1, 0, 1).search(1_000, rate -> trial(rate, 0));
        assertEquals(0, result.perSecond());
    }

    @Test
    void a_share_may_be_tolerated() {
        assertEquals(
                1_000,
                new LossSearch(0.01, 0.1, 1)
                        .search(1_000, rate -> trial(rate, 900))
                        .perSecond());
    }

    @Test
    void a_rate_that_was_not_offered_does_not_pass() {
        LossSearch.Result result = new LossSearch(0.01, 0, 1).search(1_000, rate -> {
            long sent = Math.min(10 * rate, 5_000);
            return new Trial(rate, sent, sent, 10, sent / 10.0, NOTHING);
        });
        assertTrue(result.perSecond() > 480 && result.perSecond() <= 505, result::toString);
    }

    @Test
    void a_rate_is_tried_again_as_often_as_asked_for() {
        AtomicInteger tried = new AtomicInteger();
        LossSearch.Result result =
                new LossSearch(0.01, 0, 2).search(1_000, rate -> trial(rate, tried.getAndIncrement() == 0 ? 0 : rate));
        assertEquals(1_000, result.perSecond());
        assertEquals(2, result.trials().size());
    }

    @Test
    void impossible_rules_are_refused() {
        assertThrows(IllegalArgumentException.class, () -> new LossSearch(0, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> new LossSearch(0.1, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new LossSearch(Double.NaN, 0, 1));
    }
}

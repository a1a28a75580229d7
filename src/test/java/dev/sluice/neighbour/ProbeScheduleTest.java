package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProbeScheduleTest {
    @Test
    void earliestFirstAndNotBeforeTheirTime() {
        ProbeSchedule<String> schedule = new ProbeSchedule<>(100, 10);
        schedule.at("late", 2_000);
        schedule.at("early", 1_000);
        schedule.at("early", 5_000);
        assertNull(schedule.poll(999));
        assertEquals(1_000, schedule.nextMs(999));
        assertEquals("early", schedule.poll(1_000));
        assertNull(schedule.poll(1_999));
        assertEquals("late", schedule.poll(2_000));
        assertEquals(Long.MAX_VALUE, schedule.nextMs(2_000));
    }

    @Test
    void thousandsAskedEachSecondStayWithinTheRateAndNobodyStarves() {
        ProbeSchedule<Integer> schedule = new ProbeSchedule<>(300, 300);
        for (int i = 0; i < 2_000; i++) {
            schedule.at(i, Long.MIN_VALUE);
        }
        Map<Integer, Integer> asked = new HashMap<>();
        List<Integer> perSecond = new ArrayList<>();
        long startMs = 7_000_000;
        for (long second = 0; second < 30; second++) {
            int count = 0;
            for (long ms = 0; ms < 1_000; ms += 10) {
                long nowMs = startMs + second * 1_000 + ms;
                Integer target;
                while ((target = schedule.poll(nowMs)) != null) {
                    asked.merge(target, 1, Integer::sum);
                    schedule.at(target, nowMs + 1_000);
                    count++;
                }
            }
            perSecond.add(count);
        }
        assertTrue(perSecond.getFirst() <= 600, perSecond::toString);
        assertTrue(perSecond.stream().skip(1).allMatch(count -> count >= 298 && count <= 302), perSecond::toString);
        assertEquals(2_000, asked.size());
        assertTrue(asked.values().stream().allMatch(count -> count == 4 || count == 5), asked::toString);
    }

    @Test
    void theNextTimeHonoursTheRate() {
        ProbeSchedule<String> schedule = new ProbeSchedule<>(100, 1);
        schedule.at("a", 0);
        schedule.at("b", 0);
        assertEquals("a", schedule.poll(50));
        assertNull(schedule.poll(50));
        assertEquals(60, schedule.nextMs(50));
        assertEquals("b", schedule.poll(60));
    }

    @Test
    void aNeedlessProbeCostsNothing() {
        ProbeSchedule<String> schedule = new ProbeSchedule<>(100, 1);
        schedule.at("a", 0);
        schedule.at("b", 0);
        assertEquals("a", schedule.poll(50));
        schedule.unused();
        assertEquals("b", schedule.poll(50));
    }

    @Test
    void aClockThatIsNegativeWorksTheSame() {
        ProbeSchedule<String> schedule = new ProbeSchedule<>(100, 1);
        schedule.at("a", Long.MIN_VALUE);
        assertEquals("a", schedule.poll(-1_000_000));
        schedule.at("b", -1_000_000);
        assertNull(schedule.poll(-1_000_000));
        assertEquals("b", schedule.poll(-999_990));
    }
}

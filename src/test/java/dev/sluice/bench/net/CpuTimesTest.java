package dev.sluice.bench.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class CpuTimesTest {
    @Test
    void shares_are_of_what_passed_in_between() {
        CpuTimes before =
                CpuTimes.of(List.of("cpu  9 9 9 9 9 9 9 9 0 0", "cpu0 100 0 50 800 10 0 40 0 0 0", "intr 1 2"));
        CpuTimes after = CpuTimes.of(List.of("cpu  9 9 9 9 9 9 9 9 0 0", "cpu0 150 0 60 820 10 0 50 10 0 0"));
        CpuTimes.Share share =
                Objects.requireNonNull(before.until(after).shares().get(0));
        assertEquals(0.7, share.busy(), 1e-9);
        assertEquals(0.1, share.softirq(), 1e-9);
        assertEquals(0.1, share.stolen(), 1e-9);
        assertEquals(
                "CPU 0 70 % busy (softirq 10 %, stolen 10 %)",
                before.until(after).text());
    }
}

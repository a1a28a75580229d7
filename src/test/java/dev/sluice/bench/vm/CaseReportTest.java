package dev.sluice.bench.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class CaseReportTest {
    private final CaseReport report = new CaseReport();

    /** A window in which each frame costs so many instructions, and each of 16 rounds 70,000 beside. */
    private static String window(long perFrame, long arrived) {
        long few = 4096;
        long many = 20_480;
        long rounds = 16 * 70_000L;
        return "{\"few\":" + few + ",\"many\":" + many + ",\"busyFew\":" + (rounds + few * perFrame) + ",\"busyMany\":"
                + (rounds + many * perFrame) + ",\"sent\":24576,\"arrived\":" + arrived + "}";
    }

    private boolean take(long perFrame) {
        return report.take(window(perFrame, 24_576));
    }

    @Test
    void whatRoundsCostIsTakenOffAndSoIsTheGenerator() {
        report.take("{\"phase\":\"generator\"}");
        take(900);
        take(820);
        take(820);
        report.take("{\"phase\":\"forwarder\"}");
        assertTrue(take(5800));
        assertTrue(take(5790));
        assertFalse(take(5790), "three windows agree");
        assertTrue(report.isSteady());
        assertEquals(List.of(4980.0, 4970.0, 4970.0), report.costs());
        assertEquals(3, report.windows());
    }

    @Test
    void warmingUpIsNotSteady() {
        report.take("{\"phase\":\"generator\"}");
        take(820);
        take(820);
        take(820);
        report.take("{\"phase\":\"forwarder\"}");
        assertTrue(take(50_000));
        assertTrue(take(9_000));
        assertTrue(take(6_000));
        assertTrue(take(5_500));
        assertTrue(take(5_480));
        assertFalse(take(5_490));
        assertEquals(List.of(4680.0, 4660.0, 4670.0), report.costs());
        assertEquals(6, report.windows());
    }

    @Test
    void lostFramesAreNoMeasurement() {
        report.take("{\"phase\":\"generator\"}");
        take(820);
        take(820);
        take(820);
        report.take("{\"phase\":\"forwarder\"}");
        take(5000);
        take(5000);
        assertTrue(report.take(window(5000, 24_000)));
        assertFalse(report.isSteady());
        IllegalStateException e = assertThrows(IllegalStateException.class, report::costs);
        assertEquals("of 24576 frames sent 24000 arrived", e.getMessage());
    }

    @Test
    void aMachineThatEndsTooSoonHasNoResult() {
        report.take("{\"phase\":\"generator\"}");
        take(820);
        take(820);
        take(820);
        report.take("{\"phase\":\"forwarder\"}");
        take(5000);
        assertFalse(report.take("{\"done\":true}"));
        assertThrows(IllegalStateException.class, report::costs);
    }

    @Test
    void whatIsNoReportIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> report.take("Kernel panic"));
        assertThrows(IllegalArgumentException.class, () -> report.take("{\"few\":1}"));
    }

    @Test
    void casesHaveNames() {
        assertEquals(VmCase.IPVS_DR_MH_NEW, VmCase.of("ipvs-dr-mh-new"));
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> VmCase.of("ipvs"));
        assertTrue(String.valueOf(e.getMessage()).contains("sluice-tun"));
    }
}

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
        return window(perFrame, arrived, 0, 0);
    }

    private static String window(long perFrame, long arrived, long compiled, long compiling) {
        long few = 4096;
        long many = 20_480;
        long rounds = 16 * 70_000L;
        return "{\"few\":" + few + ",\"many\":" + many + ",\"busyFew\":" + (rounds + few * perFrame) + ",\"busyMany\":"
                + (rounds + many * perFrame) + ",\"sent\":24576,\"arrived\":" + arrived + ",\"compiled\":" + compiled
                + ",\"compiling\":" + compiling + "}";
    }

    private boolean take(long perFrame) {
        return report.take(window(perFrame, 24_576));
    }

    @Test
    void whatRoundsCostIsTakenOffAndSoAreGeneratorAndSink() {
        phase("nowhere", 1000);
        phase("crossing", 2200);
        report.take("{\"phase\":\"generator\"}");
        take(900);
        take(820);
        take(820);
        report.take("{\"phase\":\"forwarder\"}");
        assertTrue(take(5800));
        assertTrue(take(5790));
        assertFalse(take(5790), "three windows agree");
        assertTrue(report.isSteady());
        assertEquals(2020, report.subtracted());
        assertEquals(List.of(3780.0, 3770.0, 3770.0), report.costs());
        assertEquals(3, report.windows());
    }

    @Test
    void warmingUpIsNotSteady() {
        generator();
        assertTrue(take(50_000));
        assertTrue(take(9_000));
        assertTrue(take(6_000));
        assertTrue(take(5_500));
        assertTrue(take(5_480));
        assertFalse(take(5_490));
        assertEquals(List.of(3480.0, 3460.0, 3470.0), report.costs());
        assertEquals(6, report.windows());
    }

    @Test
    void lostFramesAreNoMeasurement() {
        generator();
        take(5000);
        take(5000);
        assertTrue(report.take(window(5000, 24_000)));
        assertFalse(report.isSteady());
        IllegalStateException e = assertThrows(IllegalStateException.class, report::costs);
        assertEquals("of 24576 frames sent 24000 arrived", e.getMessage());
    }

    @Test
    void aCompilationThatBeganIsNotSteady() {
        generator();
        take(5000);
        take(5000);
        assertTrue(report.take(window(5000, 24_576, 1, 0)), "one began in the third");
        assertFalse(report.isSteady());
        take(5000);
        take(5000);
        assertFalse(take(5000));
        assertTrue(report.isSteady());
        assertEquals(1, report.compiledBefore());
        assertEquals(0, report.compiledInLast());
    }

    @Test
    void aCompilationThatWentOnIsNotSteady() {
        generator();
        take(5000);
        take(5000);
        assertTrue(report.take(window(5000, 24_576, 0, 3_000_000)), "begun before, it used 2 % of the third");
        assertFalse(report.isSteady());
    }

    @Test
    void aCompilerThatOnlyLooksForWorkIsSteady() {
        generator();
        take(5000);
        take(5000);
        assertFalse(report.take(window(5000, 24_576, 0, 50_000)));
        assertTrue(report.isSteady());
        assertEquals(50_000, report.compilingInLast());
        assertEquals(0, report.compiledInLast());
    }

    private void generator() {
        phase("nowhere", 1000);
        phase("crossing", 2200);
        phase("generator", 820);
        report.take("{\"phase\":\"forwarder\"}");
    }

    private void phase(String name, long perFrame) {
        report.take("{\"phase\":\"" + name + "\"}");
        for (int i = 0; i < CaseReport.STEADY_WINDOWS; i++) {
            assertTrue(take(perFrame));
        }
    }

    @Test
    void aMachineThatEndsTooSoonHasNoResult() {
        generator();
        take(5000);
        assertFalse(report.take("{\"done\":true}"));
        IllegalStateException e = assertThrows(IllegalStateException.class, report::costs);
        assertEquals(
                "the virtual machine reported 1 windows of the forwarder, not 3; its console says why", e.getMessage());
    }

    @Test
    void whatIsNoReportIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> report.take("Kernel panic"));
        assertThrows(IllegalArgumentException.class, () -> report.take("{\"few\":1}"));
        assertThrows(IllegalArgumentException.class, () -> report.take("{\"phase\":\"lunch\"}"));
    }

    @Test
    void casesHaveNames() {
        assertEquals(VmCase.IPVS_DR_MH_NEW, VmCase.of("ipvs-dr-mh-new"));
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> VmCase.of("ipvs"));
        assertTrue(String.valueOf(e.getMessage()).contains("sluice-tun"));
    }
}

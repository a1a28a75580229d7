package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every golden packet comes out as it shall, octet for octet, and is counted. */
class GoldenPacketsTest {
    /** The whole table. */
    static List<GoldenCase> all() {
        List<GoldenCase> cases = new ArrayList<>();
        cases.addAll(GoldenDirect.cases());
        cases.addAll(GoldenTunnels.cases());
        cases.addAll(GoldenIcmp.cases());
        cases.addAll(GoldenRelayed.cases());
        cases.addAll(GoldenPieces.cases());
        cases.addAll(GoldenFragments.cases());
        return cases;
    }

    @TestFactory
    Stream<DynamicTest> golden() {
        return all().stream().map(golden -> DynamicTest.dynamicTest(golden.name, () -> GoldenRun.of(golden)));
    }

    @Test
    void namesAreUnique() {
        Set<String> names = new HashSet<>();
        all().forEach(golden -> assertTrue(names.add(golden.name), golden.name));
        assertTrue(names.size() >= 120);
        assertEquals(all().size(), names.size());
    }
}

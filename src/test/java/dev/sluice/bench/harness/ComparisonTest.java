package dev.sluice.bench.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Two runs side by side. */
class ComparisonTest {
    private static Results results(String kernel, boolean met, Measurement... measurements) {
        Run run = SampleRun.run();
        Results sample = SampleRun.results();
        return new Results(
                "sample",
                run.started(),
                sample.duration(),
                "",
                List.of("sample"),
                Map.of(),
                SampleRun.facts(kernel),
                Map.of(),
                List.of(measurements),
                List.of(),
                List.of(new Target("fast <enough>", met ? 1 : 0.5, 0.9, true)),
                List.of());
    }

    private final Comparison comparison = Comparison.of(
            results(
                    "6.12",
                    true,
                    SampleRun.cost("sluice", 1000, 10, 11, 12),
                    SampleRun.cost("sluice", 2000, 10, 11, 12),
                    SampleRun.cost("sluice", 3000, 10),
                    SampleRun.cost("c", 1000, 0)),
            results(
                    "7.2",
                    false,
                    SampleRun.cost("sluice", 1000, 12, 13, 20),
                    SampleRun.cost("sluice", 2000, 5, 5.5, 6),
                    SampleRun.cost("sluice", 4000, 10),
                    SampleRun.cost("c", 1000, 1)));

    @Test
    void mediansArePairedByEverythingThatNamesThem() {
        assertEquals(3, comparison.pairs().size());
        assertEquals(11, comparison.pairs().getFirst().a());
        assertEquals(13, comparison.pairs().getFirst().b());
        assertEquals(List.of("sluice cost flows 3000, method dr"), comparison.onlyA());
        assertEquals(List.of("sluice cost flows 4000, method dr"), comparison.onlyB());
    }

    @Test
    void spreadsDecideWhetherThereIsADifference() {
        assertTrue(comparison.pairs().getFirst().overlap());
        assertEquals("within spread", comparison.pairs().getFirst().verdict());
        assertEquals(0.5, comparison.pairs().get(1).ratio());
        assertEquals("better", comparison.pairs().get(1).verdict());
        assertEquals("one sample", comparison.pairs().get(2).verdict());
        assertTrue(Double.isNaN(comparison.pairs().get(2).ratio()));
    }

    @Test
    void whatElseDiffersIsNamed() {
        assertEquals(List.of("fast <enough>: met (1) in A, missed (0.500) in B"), comparison.targets());
        assertEquals(List.of("kernel: 6.12 in A, 7.2 in B"), comparison.differences());
    }

    @Test
    void aRunEqualsItself() {
        Results results = SampleRun.results();
        Comparison same = Comparison.of(results, results);
        assertEquals(List.of(), same.targets());
        assertEquals(List.of(), same.differences());
        assertTrue(same.pairs().stream().allMatch(pair -> pair.ratio() == 1));
        // Five measurements, six percentiles.
        assertEquals(11, same.pairs().size());
    }

    @Test
    void bothFormsSayIt() {
        String text = ComparePage.text(comparison);
        assertTrue(text.contains("within spread"), text);
        assertTrue(text.contains("kernel: 6.12 in A, 7.2 in B"), text);
        String html = ComparePage.html("a", "<b>", comparison);
        assertTrue(html.contains("fast &lt;enough&gt;"), html);
        assertTrue(html.contains("&lt;b&gt;"), html);
    }
}

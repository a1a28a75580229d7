package dev.sluice.bench.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;

/** The report shows everything, loads nothing, and takes nothing that is measured for markup. */
class ReportPageTest {
    private final String page = ReportPage.of(SampleRun.results());

    @Test
    void everythingIsThere() {
        assertTrue(page.contains("1 of 2 targets met"));
        assertTrue(page.contains("cost by flows (method dr)"));
        assertTrue(page.contains("latency by percentile (load 50 %)"));
        assertTrue(page.contains("bench/run sample --quick"));
        assertTrue(page.contains("commit <code>0123456789ab</code>"));
        for (String text : List.of("rate, packets/s", "1.50 M", "6.12", "MTU 1500", "p99.99", "prefers-color-scheme")) {
            assertTrue(page.contains(text), text);
        }
        assertFalse(page.contains("incomplete"));
    }

    @Test
    void nothingIsLoadedAndNoScriptRuns() {
        assertFalse(page.contains("<script"));
        assertFalse(page.contains("src="));
        assertFalse(page.contains("href="));
        assertFalse(page.contains("url("));
    }

    @Test
    void namesAreNoMarkup() {
        assertTrue(page.contains("sluice &lt;dr&gt; &amp; &quot;co&quot;"));
        assertTrue(page.contains("without &lt;DPDK&gt;"));
        assertFalse(page.contains("<dr>"));
        assertFalse(page.contains("<DPDK>"));
        assertFalse(page.contains("<EPYC>"));
        assertFalse(page.contains("<file>"));
    }

    /** Browsers forgive what is not well formed; a reader of XML does not. */
    @Test
    void picturesAreWellFormed() throws Exception {
        List<String> pictures = Pattern.compile("<svg.*?</svg>", Pattern.DOTALL)
                .matcher(page)
                .results()
                .map(MatchResult::group)
                .toList();
        // Two plots in two sizes, five bars, three legend entries.
        assertEquals(4 + 5 + 3, pictures.size());
        for (String picture : pictures) {
            DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(picture)));
            assertFalse(picture.contains("NaN") || picture.contains("Infinity"), picture);
        }
    }

    @Test
    void anIncompleteRunSaysSo() {
        Results broken =
                Results.of(SampleRun.run(), "the <switch> died", List.of("sample"), Map.of(), SampleRun.facts("6.12"));
        assertTrue(ReportPage.of(broken).contains("incomplete: the &lt;switch&gt; died"));
    }

    /** What benchmarks may hand in at the edges. */
    @Test
    void oddFiguresAreDrawn() {
        Run run = SampleRun.run();
        run.add(SampleRun.cost("zero", 1000, 0));
        run.add(SampleRun.cost("zero", 10_000, 0));
        run.add(new Measurement(
                "none", "ratio", "ratio", Measurement.Better.NEITHER, Map.of(), List.of(Double.NaN, Double.NaN)));
        run.add(new Latency("silent", Map.of(), new Histogram(3)));
        Histogram one = new Histogram(3);
        one.recordValue(5);
        run.add(new Latency("one", Map.of(), one));
        String odd = ReportPage.of(Results.of(run, "", List.of("sample"), Map.of(), SampleRun.facts("6.12")));
        assertTrue(odd.contains("silent"));
        assertFalse(odd.contains("Infinity"));
    }

    @Test
    void numbersAreShort() {
        assertEquals("0", Html.number(0));
        assertEquals("0.951", Html.number(0.951));
        assertEquals("12.35", Html.number(12.345678));
        assertEquals("1000", Html.number(1000));
        assertEquals("100 k", Html.number(100_000));
        assertEquals("1.50 M", Html.number(1_500_000));
        assertEquals("–", Html.number(Double.NaN));
        assertEquals("999 ns", Html.duration(999));
        assertEquals("1.50 µs", Html.duration(1500));
        assertEquals("100 ms", Html.duration(1e8));
    }
}

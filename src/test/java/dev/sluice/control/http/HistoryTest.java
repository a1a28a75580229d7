package dev.sluice.control.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Rates by a clock of the test's own. */
class HistoryTest {
    private static final long SECOND_NS = 1_000_000_000L;

    private final History history = new History(5 * SECOND_NS);

    private void tick(double seconds, List<String> names, long received, long... counts) {
        history.tick(new Sample(names, counts, received, 0, 0), (long) ((5 + seconds) * SECOND_NS));
    }

    private String graphs(String name) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartObject();
            history.write(json, name);
            json.writeEndObject();
        }
        return text.toString();
    }

    @Test
    void ratesAreOfTheLastSecond() throws IOException {
        tick(1.5, List.of("a"), 100, 10, 100, 5, 1000, 50);
        assertArrayEquals(new double[5], history.rates("a"));
        tick(2.5, List.of("a"), 400, 12, 130, 15, 2000, 60);
        assertArrayEquals(new double[] {2, 30, 10, 1000, 10}, history.rates("a"));
        assertEquals(300, history.totalRates()[0]);
        assertEquals("{\"packets\":[null,40],\"connections\":[null,2]}", graphs("a"));
        assertArrayEquals(new double[5], history.rates("nobody"));
        assertEquals("{}", graphs("nobody"));
    }

    @Test
    void twiceInATickIsOnce() throws IOException {
        tick(1.1, List.of("a"), 0, 0, 0, 0, 0, 0);
        tick(2.1, List.of("a"), 0, 1, 10, 0, 0, 0);
        tick(2.9, List.of("a"), 0, 9, 90, 0, 0, 0);
        assertEquals("{\"packets\":[null,10],\"connections\":[null,1]}", graphs("a"));
    }

    /** On a machine that has much to do a tick comes late, and the next in time: what came in between is no rate. */
    @Test
    void aMomentIsNoTick() throws IOException {
        tick(1.5, List.of("a"), 0, 0, 0, 0, 0, 0);
        tick(2.9, List.of("a"), 0, 14, 140, 0, 0, 0);
        tick(3.1, List.of("a"), 0, 30, 300, 0, 0, 0);
        assertEquals(10, history.rates("a")[0], 1e-9);
        tick(3.9, List.of("a"), 0, 24, 240, 0, 0, 0);
        assertEquals("{\"packets\":[null,100,100],\"connections\":[null,10,10]}", graphs("a"));
    }

    @Test
    void missedTicksHaveTheMean() throws IOException {
        tick(1.5, List.of("a"), 0, 0, 0, 0, 0, 0);
        tick(4.5, List.of("a"), 0, 6, 60, 0, 0, 0);
        assertEquals(4, history.tick());
        assertEquals("{\"packets\":[null,20,20,20],\"connections\":[null,2,2,2]}", graphs("a"));
    }

    @Test
    void countersSetToZeroAreNoNegativeRate() {
        tick(1.5, List.of("a"), 0, 50, 500, 0, 0, 0);
        tick(2.5, List.of("a"), 0, 0, 0, 0, 0, 0);
        assertArrayEquals(new double[5], history.rates("a"));
    }

    @Test
    void whatStaysKeepsItsGraphWhenOthersComeAndGo() throws IOException {
        tick(1.5, List.of("a", "b"), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        tick(2.5, List.of("b", "c"), 0, 1, 7, 0, 0, 0, 99, 99, 0, 0, 0);
        assertEquals("{\"packets\":[null,7],\"connections\":[null,1]}", graphs("b"));
        assertEquals("{\"packets\":[null,null],\"connections\":[null,null]}", graphs("c"));
        assertEquals("{}", graphs("a"));
    }

    @Test
    void itIsBoundedInTimeAndNumber() throws IOException {
        for (int i = 1; i <= History.WINDOW + 50; i++) {
            tick(i + 0.5, List.of("a"), 0, 0, 10L * i, 0, 0, 0);
        }
        String ten = IntStream.range(0, History.WINDOW).mapToObj(_ -> "10").collect(Collectors.joining(","));
        assertEquals("{\"packets\":[" + ten + "]", graphs("a").split(",\"c", -1)[0]);

        List<String> many = IntStream.range(0, History.MAX_SERIES + 2)
                .mapToObj(i -> "n" + i)
                .toList();
        long[] counts = new long[many.size() * Sample.COUNTS];
        tick(400.5, many, 0, counts.clone());
        counts[counts.length - Sample.COUNTS] = 3;
        tick(401.5, many, 0, counts);
        assertEquals("{}", graphs("n" + (many.size() - 1)));
        assertEquals(3, history.rates("n" + (many.size() - 1))[0]);
    }
}

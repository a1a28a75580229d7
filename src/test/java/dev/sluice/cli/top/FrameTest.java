package dev.sluice.cli.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cli.top.TopState.View;
import dev.sluice.control.admin.AdminClient;
import java.nio.file.Path;
import java.time.LocalTime;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameTest {
    private static final LocalTime NOON = LocalTime.of(12, 0);

    private static Interval interval(double seconds, int services) {
        return Interval.between(Readings.after(100, services), Readings.after(100 + seconds, services))
                .orElseThrow();
    }

    private static TopState state(View view) {
        return new TopState(view, 0, false, 1);
    }

    private static List<String> screen(TopState state, int services, int width, int height) {
        return Frame.screen(state, interval(2.5, services), NOON, "", width, height).stream()
                .map(Line::text)
                .toList();
    }

    private static String words(String line) {
        return line.strip().replaceAll(" +", " ");
    }

    @Test
    void rates_are_by_the_time_that_really_passed() {
        for (double seconds : new double[] {0.5, 1, 2.5, 60}) {
            Interval interval = interval(seconds, 2);
            assertEquals(1_000_000, interval.outcome("packets_in"), 1);
            assertEquals(30, interval.dropped(), 0.01);
            assertEquals(0.25, interval.busy(interval.now().workers().getFirst()), 1e-6);
            assertEquals(50, interval.batch(interval.now().workers().getFirst()), 0.01);
            assertEquals(3000, interval.total().inPackets(), 0.01);
            assertEquals(3000 * 800, interval.total().inBits(), 0.01);
        }
    }

    @Test
    void readings_of_two_directors_say_nothing_together() {
        assertEquals(Optional.empty(), Interval.between(Readings.after(100, 1), Readings.after(101, 1, 4712)));
        assertEquals(Optional.empty(), Interval.between(Readings.after(100, 1), Readings.after(100, 1)));
        assertEquals(Optional.empty(), Interval.between(Readings.after(100, 1), Readings.after(2, 1)));
    }

    @Test
    void what_was_set_to_zero_or_is_new_has_counted_from_there() {
        Interval grown =
                Interval.between(Readings.after(100, 1), Readings.after(102, 2)).orElseThrow();
        assertEquals(204_000.0 / 2, grown.rate(grown.now().services().get(1)).inPackets(), 0.01);
        assertEquals(1000, grown.rate(grown.now().services().get(0)).inPackets(), 0.01);
    }

    @Test
    void services_and_their_real_servers() {
        List<String> lines = screen(state(View.SERVICES), 2, 100, 24);
        assertEquals(24, lines.size());
        assertEquals(
                "sluice top - 12:00:00 1.2.3, up 00:01:42, pid 4711, configuration 7, every 2.5 s",
                words(lines.get(0)));
        assertEquals("Packets/s in 1.00M, forwarded 1.00M, dropped 30", words(lines.get(1)));
        assertEquals(
                "Traffic in 2.40Mbit/s, out 0bit/s; new connections 300/s, 84 active, 20 inactive",
                words(lines.get(2)));
        assertEquals("Workers 1, busy 25%", words(lines.get(3)));
        assertEquals("Drops/s no_service 20, ttl_expired 10", words(lines.get(5)));
        assertEquals("SERVICE / REAL PPS-IN PPS-OUT BPS-IN BPS-OUT CPS ACTIVE INACT WEIGHT STATE", words(lines.get(7)));
        assertEquals("TCP 10.0.0.100:80 1.00k 0 800k 0 100 42 10 1", words(lines.get(8)));
        assertEquals("-> 10.0.0.11:80 1.00k 0 800k 0 100 40 5 1 up", words(lines.get(9)));
        assertEquals("-> 10.0.0.12:80 0 0 0 0 0 2 5 0 drain", words(lines.get(10)));
        assertTrue(lines.getLast().startsWith("q quit"), lines::toString);
    }

    @Test
    void workers_and_rings() {
        List<String> lines = screen(state(View.WORKERS), 1, 100, 24);
        assertEquals("queue 0 3 25% 1.00M 1.00M 50 64 12345 0 1.5 ms 50%", words(lines.get(8)));
        assertEquals("eth1:0 copy 0 40 0 0 0", words(lines.get(11)));
    }

    @Test
    void drops_come_first_and_what_never_happened_does_not() {
        List<String> lines = screen(state(View.DROPS), 1, 80, 24);
        assertEquals("no_service 20 2050 <0.1%", words(lines.get(8)));
        assertEquals("ttl_expired 10 1025 <0.1%", words(lines.get(9)));
        assertTrue(lines.stream().anyMatch(line -> words(line).startsWith("packets_in 1.00M 102500000")));
        assertTrue(lines.stream().noneMatch(line -> line.startsWith("no_route")));
    }

    @ParameterizedTest
    @CsvSource({"80,24", "200,50", "40,10", "20,3", "1,1"})
    void a_frame_fits_any_terminal(int width, int height) {
        for (View view : View.values()) {
            List<String> lines = screen(state(view), 30, width, height);
            assertTrue(lines.size() <= height, () -> lines.size() + " lines");
            lines.forEach(line -> assertTrue(line.length() <= width, line));
        }
        TopState help = state(View.SERVICES);
        help.press(Key.HELP, 10);
        List<String> lines = screen(help, 1, width, height);
        assertTrue(lines.size() <= height);
    }

    @Test
    void narrow_terminals_lose_what_can_best_be_missed_and_names_last() {
        String header = screen(state(View.SERVICES), 1, 80, 24).get(7);
        assertEquals("SERVICE / REAL PPS-IN PPS-OUT BPS-IN BPS-OUT CPS ACTIVE INACT STATE", words(header));
        String narrower = screen(state(View.SERVICES), 1, 78, 24).get(7);
        assertEquals("SERVICE / REAL PPS-IN BPS-IN CPS ACTIVE INACT STATE", words(narrower));
        List<String> small = screen(state(View.SERVICES), 1, 40, 10);
        assertTrue(small.stream().anyMatch(line -> line.contains("TCP 10.0.0.100:80")), small::toString);
        assertTrue(small.stream().anyMatch(line -> words(line).equals("-> 10.0.0.11:80 1.00k 40 up")), small::toString);
    }

    @Test
    void keys_scroll_sort_and_hide() {
        TopState state = state(View.SERVICES);
        assertTrue(screen(state, 30, 100, 20).getLast().startsWith("rows 1-11 of 90 "));
        state.press(Key.PAGE_DOWN, 10);
        List<String> second = screen(state, 30, 100, 20);
        assertTrue(second.getLast().startsWith("rows 12-22 of 90 "), second::getLast);
        state.press(Key.END, 10);
        assertTrue(screen(state, 30, 100, 20).getLast().startsWith("rows 80-90 of 90 "));
        state.press(Key.DOWN, 10);
        assertTrue(screen(state, 30, 100, 20).getLast().startsWith("rows 80-90 of 90 "));
        state.press(Key.UP, 10);
        assertTrue(screen(state, 30, 100, 20).getLast().startsWith("rows 79-89 of 90 "));
        state.press(Key.HOME, 10);

        state.press(Key.SORT_RIGHT, 10);
        List<String> sorted = screen(state, 30, 100, 20);
        assertTrue(sorted.get(7).contains(" *PPS-IN"), sorted.get(7));
        assertTrue(words(sorted.get(8)).startsWith("TCP 10.0.0.129:80 30.0k "), sorted.get(8));
        state.press(Key.REVERSE, 10);
        assertTrue(words(screen(state, 30, 100, 20).get(8)).startsWith("TCP 10.0.0.100:80 1.00k "));
        state.press(Key.SORT_LEFT, 10);

        state.press(Key.COLLAPSE, 10);
        assertTrue(screen(state, 30, 100, 20).getLast().startsWith("rows 1-11 of 30 "));
        state.press(Key.COLLAPSE, 10);
        state.press(Key.NEXT_VIEW, 10);
        assertEquals(View.WORKERS, state.view());
        state.press(Key.PREVIOUS_VIEW, 10);
        state.press(Key.PREVIOUS_VIEW, 10);
        assertEquals(View.DROPS, state.view());
        assertTrue(screen(state, 1, 100, 30).stream().anyMatch(line -> line.contains("pass_not_ip")));
        state.press(Key.IDLE, 10);
        assertFalse(screen(state, 1, 100, 30).stream().anyMatch(line -> line.contains("pass_not_ip")));

        state.press(Key.SLOWER, 10);
        assertEquals(2.0, state.delayS());
        state.press(Key.FASTER, 10);
        state.press(Key.FASTER, 10);
        assertEquals(0.5, state.delayS());
        assertFalse(state.press(Key.NONE, 10));
        state.press(Key.QUIT, 10);
        assertTrue(state.quit());
    }

    @Test
    void a_director_that_goes_away_and_another_that_comes() {
        Poller poller = new Poller(new AdminClient(Path.of("/nowhere")), () -> 1);
        poller.took(Readings.after(100, 1));
        poller.took(Readings.after(101, 1));
        assertEquals("", poller.known().notice());
        poller.failed("no director answers on /nowhere");
        Poller.Known gone = poller.known();
        assertEquals("no director answers on /nowhere; trying again", gone.notice());
        List<Line> lines = Frame.screen(state(View.SERVICES), gone.interval(), NOON, gone.notice(), 100, 24);
        assertTrue(lines.contains(new Line(gone.notice(), Line.Style.ALARM)));
        poller.took(Readings.after(1, 1, 5000));
        assertEquals(
                "another director answers now, pid 5000: rates begin anew",
                poller.known().notice());
        poller.took(Readings.after(2, 1, 5000));
        assertEquals("", poller.known().notice());
        Interval interval = poller.known().interval();
        assertTrue(interval != null);
        assertEquals(5000, interval.now().pid());
        assertEquals(1, interval.seconds());
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "0.04, <0.1",
        "0.54, 0.5",
        "1, 1",
        "9.94, 9.9",
        "9.96, 10",
        "999.4, 999",
        "999.6, 1.00k",
        "12345, 12.3k",
        "99960, 100k",
        "999600, 1.00M",
        "1e12, 1.00T",
        "9.6e9, 9.60G",
    })
    void numbers_in_three_digits(double value, String text) {
        assertEquals(text, Scale.of(value));
    }

    @ParameterizedTest
    @CsvSource({
        "[A, UP",
        "OA, UP",
        "[6~, PAGE_DOWN",
        "[1~, HOME",
        "OF, END",
        "[Z, PREVIOUS_VIEW",
        "[99~, NONE",
        "'', NONE"
    })
    void keys_without_a_character(String sequence, Key key) {
        assertEquals(key, Key.ofSequence(sequence));
    }
}

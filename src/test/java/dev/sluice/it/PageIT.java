package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.testing.Browser;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The stats page in a real browser, beside a director with real traffic. */
class PageIT {
    private static final String TOKEN = "00112233445566778899aabbccddeeff";
    private static final String URL = "http://127.0.0.1:9188/";

    /** The cells of a row by its name, from the name on. */
    private static final String CELLS = """
            const row = [...document.querySelectorAll("#services tr.service, #services tr.real")]
              .find((one) => one.querySelector(".open").textContent === arguments[0]);
            return row ? [...row.cells].map((cell) => cell.innerText.trim()) : [];
            """;

    private static DirectorLab lab;
    private static LabFixture.Director director;
    private static Browser browser;
    private static Path token;

    @BeforeAll
    static void up() throws IOException {
        lab = DirectorLab.up();
        token = lab.fixture().state().resolve("token");
        Files.writeString(token, TOKEN + "\n");
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-------"));
        director = lab.fixture().startDirector(config(""));
        browser = Browser.start(lab.fixture(), "director");
    }

    @AfterAll
    static void down() {
        try {
            browser.close();
        } finally {
            lab.close();
        }
    }

    private static String config(String more) {
        return lab.config(
                "[director.http]\nlisten = \"127.0.0.1:9188\"\ntoken_file = \"" + token + "\"",
                DirectorLab.service("tcp", VIP4, 80, "rr", RIPS4)
                        + "  [[service.check]]\n  type = \"tcp\"\n  interval = 1\n  timeout = 1\n  rise = 1\n  fall = 1\n",
                DirectorLab.service("udp", VIP4, 7, "rr", RIPS4),
                DirectorLab.service("tcp", VIP4, 8443, "rr", List.of()),
                more);
    }

    @BeforeEach
    void open() {
        browser.colourScheme("light");
        browser.size(1440, 1000, false);
        browser.open(URL);
        live();
    }

    /** Nothing but what a test has asked for is in the console: no error, nothing that the content security policy stopped. */
    @AfterEach
    void consoleIsEmpty() {
        assertEquals(List.of(), browser.console());
    }

    private static void live() {
        browser.await(
                "live",
                "return document.getElementById('live').dataset.state",
                state -> state.asText().equals("live"));
    }

    private static List<String> cells(String name) {
        return IntStream.range(0, browser.script(CELLS, name).size())
                .mapToObj(i -> browser.script(CELLS, name).path(i).asText())
                .toList();
    }

    private static String cell(String name, int column) {
        return browser.script(CELLS, name).path(column).asText();
    }

    private static void awaitCell(String name, int column, String text) {
        browser.await(
                name + ": " + text,
                CELLS.replace("arguments[0]", '"' + name + '"'),
                cells -> cells.path(column).asText().startsWith(text));
    }

    @Test
    void showsWhatStatsSay() {
        lab.ask("tcp", VIP4, 80, 30);
        lab.ask("udp", VIP4, 7, 12);
        lab.on("client", "sh", "-c", "curl -s --max-time 1 http://" + VIP4 + ":8443/ || true");
        DirectorStats stats = lab.atRest();
        for (ServiceStats service : stats.services()) {
            String name = service.protocol() + " " + service.address() + ":" + service.port();
            awaitCell(name, 10, Long.toString(service.traffic().connections()));
            assertEquals("0", cell(name, 5), "replies by DR do not pass");
        }
        for (RealServerStats real : stats.services().getFirst().realServers()) {
            awaitCell(real.address() + ":80", 10, Long.toString(real.traffic().connections()));
            awaitCell(real.address() + ":80", 8, Long.toString(real.active()));
            awaitCell(real.address() + ":80", 9, Long.toString(real.inactive()));
            assertEquals(Integer.toString(real.weight()), cell(real.address() + ":80", 2));
            assertTrue(
                    cell(real.address() + ":80", 1).startsWith("Up"),
                    () -> cells(real.address() + ":80").toString());
        }
        assertEquals("No server 0/0", cell("TCP " + VIP4 + ":8443", 1));
        String dropped = "\t" + DirectorLab.outcome(stats, Counter.NO_REAL_SERVER) + "\t";
        browser.await(
                "no_real_server" + dropped,
                "return document.querySelector('#drops').innerText",
                text -> text.asText().contains(dropped));
        String drops = browser.text("#drops");
        assertTrue(drops.contains("no_real_server"), drops);
        assertTrue(drops.contains(Counter.NO_REAL_SERVER.help()), drops);
        assertTrue(browser.text("#nics").contains("native XDP, copy"));
    }

    @Test
    void movesWithTheTraffic() {
        Process flood = lab.startFlood(lab.fixture().state().resolve("page-flood.log"), "udp", 7, 8, 50, 500);
        browser.await(
                "a rate of 400 packets a second",
                "return Number(document.querySelector('.tile .value').textContent)",
                rate -> rate.asInt() > 400 && rate.asInt() < 800);
        browser.await(
                "a graph that rises",
                "return document.querySelector('tr.service:nth-child(1) .graph .line').getAttribute('d')?.length ?? 0",
                length -> length.asInt() > 20);
        assertTrue(Integer.parseInt(cell("UDP " + VIP4 + ":7", 4)) > 300, cells("UDP " + VIP4 + ":7")::toString);
        browser.screenshot(Path.of("target", "page-light.png"));
        // What the director remembers is there at once.
        browser.open(URL);
        live();
        browser.await(
                "graphs of before the page was loaded",
                "return document.querySelector('.tile .line').getAttribute('d')?.split('L').length ?? 0",
                points -> points.asInt() >= 5);
        try {
            assertEquals(0, flood.waitFor());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        browser.await(
                "rest",
                "return document.querySelector('.tile .value').textContent",
                rate -> rate.asText().equals("0"));
    }

    @Test
    void namesWhatFails() {
        lab.on("rs3", "sh", "-c", "kill -TERM $(cat " + lab.fixture().state() + "/rs3/nginx.pid)");
        try {
            awaitCell("10.0.0.13:80", 1, "Down");
            awaitCell("10.0.0.13:80", 2, "0 of 1");
            assertEquals("Degraded 2/3", cell("TCP " + VIP4 + ":80", 1));
            assertTrue(browser.text("tr.why:not([hidden])").contains("connection refused"));
            assertTrue(browser.script("return document.getElementById('news').textContent")
                    .asText()
                    .equals("10.0.0.13:80 of TCP " + VIP4 + ":80: Down"));
            browser.script("document.getElementById('show').value = 'problems';"
                    + "document.getElementById('show').dispatchEvent(new Event('input'))");
            assertEquals("2 of 3", browser.text("#count"));
            browser.colourScheme("dark");
            browser.screenshot(Path.of("target", "page-dark.png"));
            // What is known beyond the table.
            browser.click("tr.real[data-state=down] button.open");
            browser.await(
                    "details",
                    "return document.querySelector('tr.details:not([hidden])')?.innerText ?? ''",
                    text -> text.asText().contains("tcp (interval 1")
                            && text.asText().contains("down: tcp 10.0.0.13:80: connection refused"));
        } finally {
            lab.on(
                    "rs3",
                    "nginx",
                    "-e",
                    lab.fixture().state() + "/rs3/error.log",
                    "-c",
                    lab.fixture().state() + "/rs3/nginx.conf");
        }
        awaitCell("10.0.0.13:80", 1, "Up");
        assertEquals("1 of 3", browser.text("#count"));
    }

    @Test
    void filtersAndCollapses() {
        browser.script(
                "const f = document.getElementById('filter'); f.value = 'udp'; f.dispatchEvent(new Event('input'))");
        assertEquals("1 of 3", browser.text("#count"));
        browser.script(
                "const f = document.getElementById('filter'); f.value = 'nothing'; f.dispatchEvent(new Event('input'))");
        assertEquals("Nothing matches.", browser.text("#empty"));
        browser.script(
                "const f = document.getElementById('filter'); f.value = ''; f.dispatchEvent(new Event('input'))");
        browser.click("#fold");
        assertEquals(
                0,
                browser.script("return document.querySelectorAll('tr.real').length")
                        .asInt());
        browser.click("tr.service button.open");
        assertEquals(
                3,
                browser.script("return document.querySelectorAll('tr.real').length")
                        .asInt());
        assertEquals(
                "true",
                browser.script("return document.querySelector('tr.service button.open').getAttribute('aria-expanded')")
                        .asText());
    }

    @Test
    void lightDarkAndOnAPhone() {
        String ground = "return getComputedStyle(document.body).backgroundColor";
        String light = browser.script(ground).asText();
        browser.colourScheme("dark");
        String dark = browser.script(ground).asText();
        assertNotEquals(light, dark);
        browser.click("#theme");
        assertEquals("Theme: light", browser.text("#theme"));
        assertEquals(light, browser.script(ground).asText());
        browser.open(URL);
        live();
        assertEquals(light, browser.script(ground).asText(), "what was chosen is remembered");
        browser.click("#theme");
        browser.colourScheme("light");
        assertEquals(dark, browser.script(ground).asText());
        browser.click("#theme");
        assertEquals(light, browser.script(ground).asText());

        for (int width : new int[] {360, 412, 700, 800, 1000, 1200, 1920}) {
            browser.size(width, 800, width < 500);
            JsonNode widths = browser.script("return [document.documentElement.scrollWidth, innerWidth]");
            assertTrue(widths.get(0).asInt() <= widths.get(1).asInt(), width + ": " + widths);
        }
        browser.size(360, 800, true);
        browser.screenshot(Path.of("target", "page-phone.png"));
        assertEquals(
                360,
                browser.script("return document.documentElement.scrollWidth").asInt(),
                "a phone makes wide what does not fit, and all else small");
        JsonNode lines = browser.script(
                "return [...document.querySelectorAll('.services .name')].map(name => name.getClientRects().length"
                        + " && name.offsetHeight / parseFloat(getComputedStyle(name).lineHeight))");
        assertTrue(lines.size() > 4, lines::toString);
        lines.forEach(count -> assertTrue(count.asDouble() < 2, lines::toString));
    }

    private static void unlock(String with) {
        browser.click("#lock");
        browser.script("document.getElementById('ask-token').value = arguments[0]", with);
        browser.click("#ask-do");
    }

    private static void act(String name, int button) {
        browser.script(
                "[...document.querySelectorAll('tr.real')].find((row) => row.querySelector('.open').textContent === arguments[0])"
                        + ".querySelectorAll('.act button')[Number(arguments[1])].click()",
                name,
                "" + button);
    }

    private static int weight() {
        return DirectorLab.real(lab.stats(), "10.0.0.11").weight();
    }

    @Test
    void actionsNeedTheToken() {
        assertFalse(browser.script("return [...document.querySelectorAll('.act button')].some((b) => b.offsetParent)")
                .asBoolean());
        unlock("not the token, but long enough");
        browser.await(
                "a refusal",
                "return document.getElementById('ask-error').innerText",
                text -> text.asText().equals("this is not the token"));
        // The browser itself notes the 401.
        assertEquals(1, browser.console().size());
        assertEquals(1, weight());
        browser.script("document.getElementById('ask-token').value = arguments[0]", TOKEN);
        browser.click("#ask-do");
        browser.await("unlocked", "return document.body.classList.contains('unlocked')", JsonNode::asBoolean);

        act("10.0.0.11:80", 0);
        assertTrue(browser.text("#ask").contains("last until the next reload"));
        browser.click("#ask-do");
        awaitCell("10.0.0.11:80", 2, "0");
        assertTrue(cell("10.0.0.11:80", 1).matches("Drain(ed|ing)"));
        assertEquals(0, weight());
        assertTrue(director.log().contains("edit real server 10.0.0.11 of TCP " + VIP4 + ":80: weight 1 -> 0"));
        assertTrue(director.log()
                .contains("weight 0 for 10.0.0.11:80 of TCP " + VIP4 + ":80 by HTTP from 127.0.0.1: done"));
        assertEquals(
                6,
                lab.ask("tcp", VIP4, 80, 6).values().stream()
                        .mapToInt(Integer::intValue)
                        .sum());
        assertFalse(lab.ask("tcp", VIP4, 80, 6).containsKey("rs1"));

        act("10.0.0.11:80", 1);
        browser.script("document.getElementById('ask-weight').value = 5");
        browser.click("#ask-do");
        awaitCell("10.0.0.11:80", 2, "5");
        assertEquals(5, weight());
        act("10.0.0.11:80", 0);
        browser.click("#ask-do");
        awaitCell("10.0.0.11:80", 2, "0");
        act("10.0.0.11:80", 0);
        browser.click("#ask-do");
        awaitCell("10.0.0.11:80", 2, "1");
        assertEquals(1, weight(), "that of the file");
        // Its checks are as they were.
        assertEquals(
                "up",
                lab.stats()
                        .health()
                        .services()
                        .getFirst()
                        .realServers()
                        .getFirst()
                        .state());
    }

    @Test
    void saysThatTheDirectorIsGoneAndComesBack() {
        director.kill9();
        browser.await(
                "a banner",
                "return document.getElementById('banner').innerText",
                text -> text.asText().startsWith("The director has not answered since "));
        assertEquals("No answer", browser.text("#live-text"));
        director = lab.fixture().startDirector(config(""));
        live();
        assertTrue(browser.script("return document.getElementById('banner').hidden")
                .asBoolean());
        lab.ask("tcp", VIP4, 80, 3);
        awaitCell("TCP " + VIP4 + ":80", 10, "3");
        // The browser notes every request that was refused.
        assertTrue(browser.console().stream().allMatch(line -> line.contains("ERR_")));
    }

    @Test
    void manyServicesStayFluid() {
        String many = IntStream.range(0, 200)
                .mapToObj(i -> DirectorLab.service("tcp", VIP4, 20_000 + i, "rr", List.of())
                        + IntStream.range(0, 20)
                                .mapToObj(j -> "  [[service.real]]\n  address = \"10.0.0." + (11 + j)
                                        + "\"\n  method = \"tun\"\n")
                                .collect(Collectors.joining()))
                .collect(Collectors.joining("\n"));
        lab.apply(config(many));
        try {
            browser.open(URL);
            live();
            browser.await(
                    "all of them", "return document.querySelectorAll('tr.service').length", n -> n.asInt() == 203);
            assertEquals("203", browser.text("#count"));
            assertEquals(
                    0,
                    browser.script("return document.querySelectorAll('tr.real').length")
                            .asInt());
            browser.screenshot(Path.of("target", "page-many.png"));
            browser.click("#fold");
            browser.await("each row", "return document.querySelectorAll('tr.real').length", n -> n.asInt() == 4006);
            browser.script("""
                    window.gaps = [];
                    let last = performance.now();
                    const frame = (now) => { window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
                    requestAnimationFrame(frame);
                    """);
            DirectorLab.pause(6000);
            JsonNode gaps = browser.script("return window.gaps.toSorted((a, b) => b - a).slice(0, 5)");
            System.out.println("longest times between frames, ms: " + gaps);
            // Between an update of 4000 rows each second there is time for everything else, on two processors that much
            // is run on.
            assertTrue(gaps.get(0).asDouble() < 1500, gaps::toString);
        } finally {
            browser.open("about:blank");
            lab.apply(config(""));
        }
    }
}

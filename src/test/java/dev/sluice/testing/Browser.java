package dev.sluice.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Predicate;

/**
 * A headless Chromium on a host of a lab, by way of chromedriver and the WebDriver protocol (W3C), with DevTools' commands for
 * what that has no words for. Owned by: one thread.
 */
public final class Browser implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PORT = 9515;
    private static final int START_MS = 20_000;
    private static final int AWAIT_MS = 20_000;
    private static final List<String> ARGUMENTS = List.of(
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1440,1000");

    private final NetworkNamespace namespace;
    private final Process driver;
    private final String session;

    private Browser(NetworkNamespace namespace, Process driver, String session) {
        this.namespace = namespace;
        this.driver = driver;
        this.session = session;
    }

    /** Starts one that sees the network as the host does, with a profile of its own. */
    public static Browser start(LabFixture lab, String host) {
        NetworkNamespace namespace = NetworkNamespace.existing(lab.name() + "-" + host);
        Process driver = lab.start(
                lab.state().resolve("chromedriver.log"), host, "chromedriver", "--port=" + PORT, "--log-level=SEVERE");
        ObjectNode capabilities = JSON.createObjectNode();
        ObjectNode always = capabilities.putObject("capabilities").putObject("alwaysMatch");
        always.putObject("goog:loggingPrefs").put("browser", "ALL");
        ArrayNode arguments = always.putObject("goog:chromeOptions").putArray("args");
        ARGUMENTS.forEach(arguments::add);
        arguments.add("--user-data-dir=" + lab.state().resolve("chromium"));
        long startNs = System.nanoTime();
        while (true) {
            try {
                JsonNode answer = call(namespace, "POST", "/session", capabilities);
                return new Browser(
                        namespace,
                        driver,
                        "/session/" + answer.path("sessionId").asText());
            } catch (UncheckedIOException e) {
                if (!(e.getCause() instanceof ConnectException)
                        || (System.nanoTime() - startNs) / 1_000_000 > START_MS) {
                    throw e;
                }
                pause(100);
            }
        }
    }

    /** Loads a page. */
    public void open(String url) {
        command("/url", JSON.createObjectNode().put("url", url));
    }

    /** What a script returns. */
    public JsonNode script(String script, String... arguments) {
        ObjectNode body = JSON.createObjectNode().put("script", script);
        ArrayNode list = body.putArray("args");
        for (String argument : arguments) {
            list.add(argument);
        }
        return command("/execute/sync", body);
    }

    /** The text of the first element that a selector finds, as it is seen. */
    public String text(String selector) {
        return script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
                .asText();
    }

    /** Clicks on the first element that a selector finds. */
    public void click(String selector) {
        JsonNode element = command(
                "/element", JSON.createObjectNode().put("using", "css selector").put("value", selector));
        String id = element.elements().next().asText();
        command("/element/" + id + "/click", JSON.createObjectNode());
    }

    /** Waits until what a script returns is as it should be; it must within some seconds. */
    public JsonNode await(String what, String script, Predicate<JsonNode> condition) {
        long startNs = System.nanoTime();
        JsonNode value = script(script);
        while (!condition.test(value)) {
            if ((System.nanoTime() - startNs) / 1_000_000 > AWAIT_MS) {
                throw new AssertionError("never: " + what + ", but " + value);
            }
            pause(100);
            value = script(script);
        }
        return value;
    }

    /** Gives the page another size in CSS pixels. */
    public void size(int width, int height, boolean phone) {
        devTools(
                "Emulation.setDeviceMetricsOverride",
                JSON.createObjectNode()
                        .put("width", width)
                        .put("height", height)
                        .put("deviceScaleFactor", phone ? 2 : 1)
                        .put("mobile", phone));
    }

    /** Has the system prefer {@code light} or {@code dark}. */
    public void colourScheme(String scheme) {
        ObjectNode parameters = JSON.createObjectNode();
        parameters
                .putArray("features")
                .addObject()
                .put("name", "prefers-color-scheme")
                .put("value", scheme);
        devTools("Emulation.setEmulatedMedia", parameters);
    }

    /** What the console has said since the last time, a line each: violations of the content security policy are among it. */
    public List<String> console() {
        List<String> lines = new ArrayList<>();
        command("/se/log", JSON.createObjectNode().put("type", "browser"))
                .forEach(entry -> lines.add(entry.path("level").asText() + " "
                        + entry.path("message").asText()));
        return lines;
    }

    /** Writes what is seen into a PNG file. */
    public void screenshot(Path file) {
        JsonNode shot =
                devTools("Page.captureScreenshot", JSON.createObjectNode().put("format", "png"));
        try {
            Files.write(file, Base64.getDecoder().decode(shot.path("data").asText()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonNode devTools(String command, ObjectNode parameters) {
        ObjectNode body = JSON.createObjectNode().put("cmd", command);
        body.set("params", parameters);
        return command("/goog/cdp/execute", body);
    }

    private JsonNode command(String path, ObjectNode body) {
        return call(namespace, "POST", session + path, body);
    }

    private static JsonNode call(NetworkNamespace namespace, String method, String path, ObjectNode body) {
        try {
            return namespace.in(() -> exchange(method, path, body));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static JsonNode exchange(String method, String path, ObjectNode body) throws IOException {
        HttpURLConnection connection = (HttpURLConnection)
                URI.create("http://127.0.0.1:" + PORT + path).toURL().openConnection();
        connection.setRequestMethod(method);
        connection.setReadTimeout(60_000);
        connection.setRequestProperty("Content-Type", "application/json");
        if (method.equals("POST")) {
            connection.setDoOutput(true);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body.toString().getBytes(StandardCharsets.UTF_8));
            }
        }
        boolean failed = connection.getResponseCode() >= 400;
        JsonNode value = JSON.readTree(failed ? connection.getErrorStream() : connection.getInputStream())
                .path("value");
        if (failed) {
            throw new AssertionError(path + ": " + value.path("message").asText());
        }
        return value;
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            JsonNode ignored = call(namespace, "DELETE", session, JSON.createObjectNode());
        } finally {
            driver.destroy();
        }
    }
}

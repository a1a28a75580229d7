package dev.sluice.control.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.HttpConfig;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The listener on a real socket, with clients that speak as they like. */
class HttpListenerTest {
    private static final String TOKEN = "0123456789abcdef0123456789abcdef";
    private static final int PATIENCE_MS = 15_000;

    @TempDir
    private Path folder;

    private final Readings source = new Readings(2, 3);
    private final List<String> changes = new ArrayList<>();
    private HttpListener listener;

    private static final class Response {
        private final int status;
        private final String head;
        private final byte[] body;

        Response(int status, String head, byte[] body) {
            this.status = status;
            this.head = head;
            this.body = body;
        }

        int status() {
            return status;
        }

        String head() {
            return head;
        }

        byte[] body() {
            return body;
        }

        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        String header(String name) {
            Matcher matcher = Pattern.compile("(?im)^" + name + ": (.*)$").matcher(head);
            return matcher.find() ? matcher.group(1).strip() : "";
        }
    }

    @BeforeEach
    void open() throws IOException {
        Path token = folder.resolve("token");
        Files.writeString(token, TOKEN + "\n");
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-------"));
        listener = open(Optional.of(token));
    }

    private HttpListener open(Optional<Path> token) throws IOException {
        HttpListener opened = HttpListener.open(new HttpConfig(
                Optional.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
                true,
                true,
                token,
                List.of("lb1.example.net")));
        opened.serve(source, this::change);
        return opened;
    }

    private List<String> change(String service, String real, OptionalInt weight) throws AdminException {
        if (!service.equals("TCP 10.1.0.1:80")) {
            throw new AdminException("service_not_found", "there is no service of that name");
        }
        changes.add(real + " " + weight);
        return List.of("edit real server " + real);
    }

    @AfterEach
    void close() {
        listener.close();
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), listener.port());
        socket.setSoTimeout(PATIENCE_MS);
        return socket;
    }

    private Response send(String request) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return read(socket);
        }
    }

    private static Response read(Socket socket) throws IOException {
        byte[] all = socket.getInputStream().readAllBytes();
        String text = new String(all, StandardCharsets.ISO_8859_1);
        int end = text.indexOf("\r\n\r\n");
        assertTrue(end > 0, "no answer: " + text);
        byte[] body = new byte[all.length - end - 4];
        System.arraycopy(all, end + 4, body, 0, body.length);
        return new Response(Integer.parseInt(text.substring(9, 12)), text.substring(0, end), body);
    }

    private Response get(String path, String... headers) throws IOException {
        return request("GET", path, headers);
    }

    private Response request(String method, String path, String... headers) throws IOException {
        return send(method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:9188\r\nConnection: close\r\n"
                + String.join("\r\n", headers) + (headers.length == 0 ? "" : "\r\n") + "\r\n");
    }

    private Response post(String path, String body, String... headers) throws IOException {
        return send("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: "
                + body.length() + "\r\n" + String.join("\r\n", headers) + (headers.length == 0 ? "" : "\r\n") + "\r\n"
                + body);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/", "/page.css", "/page.js", "/theme.js", "/icon.svg", "/api/state", "/api/history", "/metrics"
            })
    void whatThereIs(String path) throws IOException {
        Response got = get(path);
        assertEquals(200, got.status(), got.head());
        assertTrue(got.body().length > 0);
        assertEquals("nosniff", got.header("X-Content-Type-Options"));
        assertEquals("no-referrer", got.header("Referrer-Policy"));
        assertEquals("DENY", got.header("X-Frame-Options"));
        String policy = got.header("Content-Security-Policy");
        assertTrue(policy.startsWith("default-src 'none'; "), policy);
        assertTrue(policy.contains("frame-ancestors 'none'"), policy);
        assertFalse(policy.contains("unsafe"), policy);
        assertEquals("", got.header("Access-Control-Allow-Origin"));

        Response head = request("HEAD", path);
        assertEquals(200, head.status());
        assertEquals(0, head.body().length);
        assertTrue(Integer.parseInt(head.header("Content-Length")) > 0, head.head());
    }

    @Test
    void everyFileOfThePageIsServed() throws IOException {
        String html = get("/").text();
        Matcher references = Pattern.compile("(?:src|href)=\"(/[^\"]*)\"").matcher(html);
        while (references.find()) {
            assertEquals(200, get(references.group(1)).status(), references.group(1));
        }
        for (String script : List.of("page", "view", "rows", "panels", "graph", "format", "actions")) {
            Matcher imports = Pattern.compile("from \"\\.(/[a-z]+\\.js)\"")
                    .matcher(get("/" + script + ".js").text());
            while (imports.find()) {
                assertEquals(200, get(imports.group(1)).status(), imports.group(1));
            }
        }
    }

    @Test
    void contentThatIsKnownIsNotSentAgain() throws IOException {
        String tag = get("/page.css").header("ETag");
        Response again = get("/page.css", "If-None-Match: " + tag);
        assertEquals(304, again.status());
        assertEquals(0, again.body().length);
    }

    @Test
    void contentIsCompressedForWhoTakesIt() throws IOException {
        Response plain = get("/page.css");
        Response compressed = get("/page.css", "Accept-Encoding: br, gzip");
        assertEquals("gzip", compressed.header("Content-Encoding"));
        assertArrayEquals(
                plain.body(), new GZIPInputStream(new ByteArrayInputStream(compressed.body())).readAllBytes());
        assertEquals("", get("/page.css", "Accept-Encoding: gzip;q=0").header("Content-Encoding"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get"})
    void otherMethodsAreRefused(String method) throws IOException {
        Response got = request(method, "/metrics", "Content-Length: 0");
        assertEquals(405, got.status());
        assertEquals("GET, HEAD", got.header("Allow"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/..",
                "/../../etc/passwd",
                "/%2e%2e/%2e%2e/etc/passwd",
                "/..%2f..%2fetc%2fpasswd",
                "/%2e%2e%5cwindows",
                "//etc/passwd",
                "/page.css/",
                "/page.css%00.html",
                "/index.html",
                "/page/page.css",
                "/.git/config",
                "/api/",
                "/api/state/",
                "/API/STATE",
                "/metrics%20",
                "/metrics;x=1",
                "/%",
                "/\u00fc",
                "http://127.0.0.1/page.css/x",
                "*",
                "/PageData.class"
            })
    void otherPathsAreNotThere(String path) throws IOException {
        int status = get(path).status();
        assertTrue(status == 404 || status == 400, path + ": " + status);
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "127.0.0.1, 200",
                "127.0.0.1:9188, 200",
                "127.0.0.1:22, 200",
                "[::1]:9188, 200",
                "10.0.0.2, 200",
                "localhost, 200",
                "LOCALHOST:80, 200",
                "lb1.example.net:9188, 200",
                "LB1.example.net, 200",
                "evil.example.com, 421",
                "lb1.example.net.evil.com, 421",
                "127.0.0.1.evil.com, 421",
                "localhost:80:80, 421",
                "localhost., 421",
                "[::1, 421",
                "[127.0.0.1], 421",
                "'', 421",
                "-, 421",
            })
    void onlyNamesOfOursLeadHere(String host, int status) throws IOException {
        Response got = send("GET /metrics HTTP/1.1\r\nConnection: close\r\n"
                + (host == null ? "" : "Host: " + host + "\r\n") + "\r\n");
        assertEquals(status, got.status(), got.head());
    }

    @Test
    void twoHostsAreNone() throws IOException {
        assertEquals(
                421,
                send("GET / HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\nHost: localhost\r\n\r\n")
                        .status());
    }

    @Test
    void theStateHasWhatTheReadingHas() throws IOException {
        JsonNode state = new ObjectMapper().readTree(get("/api/state").body());
        assertEquals(2, state.path("services").size());
        JsonNode service = state.path("services").get(1);
        assertEquals("TCP 10.1.0.2:80", service.path("name").asText());
        assertEquals(3, service.path("real").size());
        JsonNode down = service.path("real").get(2);
        assertEquals("down", down.path("state").asText());
        assertEquals(3, down.path("weight").asInt());
        assertEquals(0, down.path("effective").asInt());
        assertEquals(13, down.path("traffic").get(0).asInt());
        JsonNode details = new ObjectMapper()
                .readTree(get("/api/service?name=TCP%2010.1.0.2%3A80").body());
        assertEquals(
                "why",
                details.path("real")
                        .path("10.2.1.3:80")
                        .path("changes")
                        .get(0)
                        .path("reason")
                        .asText());
        assertEquals(404, get("/api/service?name=TCP%201.2.3.4%3A80").status());
        assertEquals(404, get("/api/service").status());
        assertEquals(400, get("/api/service?name=%zz").status());
    }

    @Test
    void manyClientsCostNoMoreReadingsThanOne() throws IOException {
        long before = source.count();
        for (int i = 0; i < 40; i++) {
            get("/metrics");
        }
        assertTrue(source.count() - before < 20, () -> source.count() + " readings");
    }

    @Test
    void whoAsksTooMuchIsRefused() throws IOException {
        int refused = 0;
        for (int i = 0; i < 400 && refused == 0; i++) {
            refused += get("/icon.svg").status() == 429 ? 1 : 0;
        }
        assertEquals(1, refused);
    }

    @Test
    void endlessHeadersEndTheConnection() throws IOException {
        assertClosed(
                "GET / HTTP/1.1\r\nHost: localhost\r\n", "X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
        assertClosed(
                "GET / HTTP/1.1\r\nX-Long: ",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assertClosed("GET /", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assertClosed(
                "", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assertEquals(200, get("/").status());
    }

    /** It may be answered with an error, but not before long it is over. */
    private void assertClosed(String begin, String more) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(begin.getBytes(StandardCharsets.ISO_8859_1));
            byte[] piece = more.repeat(100).getBytes(StandardCharsets.ISO_8859_1);
            assertThrows(IOException.class, () -> {
                for (int i = 0; i < 10_000; i++) {
                    socket.getOutputStream().write(piece);
                }
            });
        }
    }

    /** As many as there may be at once but one, each with the beginning of a request, hold up nobody; and not for long. */
    @Test
    void slowClientsHoldUpNobody() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < HttpListener.MAX_CONNECTIONS - 2; i++) {
                Socket socket = connect();
                slow.add(socket);
                socket.getOutputStream().write("GET / HTTP/1.1\r\nHost:".getBytes(StandardCharsets.ISO_8859_1));
            }
            long startNs = System.nanoTime();
            assertEquals(200, get("/metrics").status());
            assertTrue(System.nanoTime() - startNs < TimeUnit.SECONDS.toNanos(3), "held up");

            // However often they send another byte.
            for (int i = 0; i < HttpListener.MAX_REQUEST_S + 3; i++) {
                Thread.sleep(1000);
                for (Socket socket : slow) {
                    trickle(socket);
                }
            }
            for (Socket socket : slow) {
                assertEnded(socket);
            }
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
        assertEquals(200, get("/").status());
    }

    private static void trickle(Socket socket) {
        try {
            socket.getOutputStream().write('x');
        } catch (IOException e) {
            // Closed by now, as it should be.
        }
    }

    private static void assertEnded(Socket socket) {
        try {
            assertEquals(-1, socket.getInputStream().read());
        } catch (IOException e) {
            assertFalse(e instanceof SocketTimeoutException, "a slow connection is still open");
        }
    }

    @Test
    void connectionsBeyondTheBoundAreClosed() throws IOException {
        List<Socket> many = new ArrayList<>();
        try {
            for (int i = 0; i < HttpListener.MAX_CONNECTIONS + 20; i++) {
                many.add(connect());
            }
            int closed = 0;
            for (Socket socket : many.subList(HttpListener.MAX_CONNECTIONS + 10, many.size())) {
                try {
                    closed += socket.getInputStream().read() == -1 ? 1 : 0;
                } catch (SocketException e) {
                    closed++;
                }
            }
            assertEquals(10, closed);
        } finally {
            for (Socket socket : many) {
                socket.close();
            }
        }
    }

    private static final String JSON = "Content-Type: application/json";
    private static final String AUTHORIZED = "Authorization: Bearer " + TOKEN;

    private static String weight(String value) {
        return "{\"service\":\"TCP 10.1.0.1:80\",\"real\":\"10.2.0.1:80\",\"weight\":" + value + "}";
    }

    @Test
    void theTokenOpensActions() throws IOException {
        assertEquals(200, post("/api/token", "{}", JSON, AUTHORIZED).status());
        Response done = post("/api/weight", weight("0"), JSON + "; charset=utf-8", AUTHORIZED);
        assertEquals(200, done.status(), done.text());
        assertEquals("{\"changes\":[\"edit real server 10.2.0.1:80\"]}", done.text());
        assertEquals(
                200,
                post("/api/weight", weight("\"configured\""), JSON, AUTHORIZED).status());
        assertEquals(
                200,
                post("/api/weight", weight("9"), JSON, AUTHORIZED, "Origin: http://127.0.0.1")
                        .status());
        assertEquals(
                List.of("10.2.0.1:80 OptionalInt[0]", "10.2.0.1:80 OptionalInt.empty", "10.2.0.1:80 OptionalInt[9]"),
                changes);
    }

    @Test
    void nothingElseDoes() throws IOException {
        assertEquals(401, post("/api/weight", weight("0"), JSON).status());
        assertEquals(
                401,
                post("/api/weight", weight("0"), JSON, "Authorization: Bearer " + TOKEN + "0")
                        .status());
        assertEquals(
                401,
                post("/api/weight", weight("0"), JSON, "Authorization: Bearer ").status());
        assertEquals(
                401,
                post("/api/weight", weight("0"), JSON, "Cookie: token=" + TOKEN).status());
        assertEquals(415, post("/api/weight", weight("0"), AUTHORIZED).status());
        assertEquals(
                415,
                post("/api/weight", weight("0"), "Content-Type: text/plain", AUTHORIZED)
                        .status());
        assertEquals(
                403,
                post("/api/weight", weight("0"), JSON, AUTHORIZED, "Origin: http://evil.example.com")
                        .status());
        assertEquals(405, get("/api/weight", JSON, AUTHORIZED).status());
        assertEquals(List.of(), changes);
    }

    @Test
    void guessingIsSlow() throws IOException {
        for (int i = 0; i < 5; i++) {
            assertEquals(
                    401,
                    post("/api/token", "{}", JSON, "Authorization: Bearer guess" + i)
                            .status());
        }
        assertEquals(
                429,
                post("/api/token", "{}", JSON, "Authorization: Bearer guess").status());
        assertEquals(429, post("/api/weight", weight("0"), JSON, AUTHORIZED).status());
        assertEquals(List.of(), changes);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|400",
                "{|400",
                "[]|400",
                "7|400",
                "{\"service\":7}|400",
                "{\"a\":1}|400",
                "{\"service\":\"TCP 10.1.0.1:80\",\"real\":\"x\",\"weight\":-1}|400",
                "{\"service\":\"TCP 10.1.0.1:80\",\"real\":\"x\",\"weight\":1.5}|400",
                "{\"service\":\"TCP 10.1.0.1:80\",\"real\":\"x\",\"weight\":99999999999}|400",
                "{\"service\":\"TCP 10.1.0.1:80\",\"real\":\"x\",\"weight\":\"all\"}|400",
                "{\"service\":\"x\",\"service\":\"y\",\"real\":\"x\",\"weight\":1}|400",
                "{\"service\":\"TCP 9.9.9.9:80\",\"real\":\"x\",\"weight\":1}|404",
                "[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]|400"
            })
    void wrongRequestsChangeNothing(String body, int status) throws IOException {
        Response got = post("/api/weight", body, JSON, AUTHORIZED);
        assertEquals(status, got.status(), got.text());
        assertTrue(got.text().startsWith("{\"error\":{\"code\":\""), got.text());
        assertEquals(List.of(), changes);
    }

    @Test
    void hugeBodiesAreNotRead() throws IOException {
        assertEquals(
                413, post("/api/weight", " ".repeat(5000), JSON, AUTHORIZED).status());
        try (Socket socket = connect()) {
            socket.getOutputStream()
                    .write(("POST /api/weight HTTP/1.1\r\nHost: localhost\r\n" + JSON + "\r\n" + AUTHORIZED
                                    + "\r\nContent-Length: 99999999999\r\n\r\n" + " ".repeat(8192))
                            .getBytes(StandardCharsets.ISO_8859_1));
            assertEquals(413, read(socket).status());
        }
        assertEquals(List.of(), changes);
    }

    @Test
    void theTokenCanBeChangedAndTakenAway() throws IOException {
        Path token = folder.resolve("token");
        Files.writeString(token, "another-token-of-enough-length\n");
        assertEquals(401, post("/api/token", "{}", JSON, AUTHORIZED).status());
        assertEquals(
                200,
                post("/api/token", "{}", JSON, "Authorization: Bearer another-token-of-enough-length")
                        .status());
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-r--r--"));
        assertEquals(
                503,
                post("/api/token", "{}", JSON, "Authorization: Bearer another-token-of-enough-length")
                        .status());
        Files.delete(token);
        assertEquals(503, post("/api/token", "{}", JSON, AUTHORIZED).status());
    }

    @Test
    void withoutATokenFileThereAreNoActions() throws IOException {
        listener.close();
        listener = open(Optional.empty());
        assertEquals(403, post("/api/weight", weight("0"), JSON, AUTHORIZED).status());
        assertTrue(get("/api/state").text().contains("\"actions\":false"));
        assertEquals(List.of(), changes);
    }

    @Test
    void aTokenFileThatIsNoneIsRefusedAtTheStart() throws IOException {
        Path token = folder.resolve("short");
        Files.writeString(token, "secret\n");
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-------"));
        IOException tooShort = assertThrows(IOException.class, () -> open(Optional.of(token)));
        assertEquals(
                "token_file " + token + " holds no token; allowed: one line of at least 24 printable ASCII characters,"
                        + " as openssl rand -hex 24 prints",
                tooShort.getMessage());
        IOException missing = assertThrows(IOException.class, () -> open(Optional.of(folder.resolve("none"))));
        assertEquals("token_file " + folder.resolve("none") + " cannot be read: no such file", missing.getMessage());
    }

    @Test
    void anAddressInUseIsRefused() {
        IOException refusal = assertThrows(
                IOException.class,
                () -> HttpListener.open(new HttpConfig(
                        Optional.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), listener.port())),
                        true,
                        true,
                        Optional.empty(),
                        List.of())));
        assertEquals(
                "director.http: cannot listen on 127.0.0.1:" + listener.port()
                        + ": Address already in use; listen names an address of this host and a port that nobody else"
                        + " has",
                refusal.getMessage());
    }
}

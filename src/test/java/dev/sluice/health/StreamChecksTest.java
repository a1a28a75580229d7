package dev.sluice.health;

import static dev.sluice.health.Asking.ask;
import static dev.sluice.health.Asking.http;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.FwmarkKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TCP, HTTP, SMTP and gRPC checks against servers that answer right, wrong, or to do harm. */
final class StreamChecksTest {
    private static final String LOOPBACK = "127.0.0.1";
    private static final String OK = "HTTP/1.1 200 OK\r\n";
    private static final Probe.Smtp SMTP = new Probe.Smtp("director.example");
    private static final Probe.Grpc GRPC = new Probe.Grpc("", null);

    private static int closedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static CheckResult askAnswering(Probe probe, String answer) throws IOException {
        try (ScriptedServer server = ScriptedServer.answering(answer)) {
            return ask(probe, LOOPBACK, server.port(), 5_000);
        }
    }

    @Test
    void tcpConnects() throws IOException {
        try (ScriptedServer server = ScriptedServer.answering("")) {
            assertEquals(
                    CheckResult.healthy("connection accepted"), ask(new Probe.Tcp(), LOOPBACK, server.port(), 5_000));
        }
        assertEquals(CheckResult.unhealthy("connection refused"), ask(new Probe.Tcp(), LOOPBACK, closedPort(), 5_000));
    }

    @Test
    void aConnectionThatIsNeverAcceptedEndsAtTheDeadline() throws IOException {
        List<Socket> filling = new ArrayList<>();
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            // Nobody accepts: the queue takes a backlog of one and one more, then the kernel drops SYNs.
            for (int i = 0; i < 2; i++) {
                filling.add(new Socket(full.getInetAddress(), full.getLocalPort()));
            }
            assertEquals(
                    CheckResult.unhealthy("no connection within 300 ms"),
                    ask(new Probe.Tcp(), LOOPBACK, full.getLocalPort(), 300));
        } finally {
            for (Socket socket : filling) {
                socket.close();
            }
        }
    }

    @Test
    void whatCannotBeAskedIsNotHeldAgainstTheRealServer() {
        assertEquals(
                CheckResult.notMade("this director makes no checks via the VIP"),
                ask(Asking.spec(new Probe.Tcp(), 1_000, null, Via.VIP), LOOPBACK, 80));
        assertEquals(
                CheckResult.Verdict.NOT_MADE,
                ask(Asking.spec(new Probe.Tcp(), 1_000, "192.0.2.77", Via.RIP), LOOPBACK, 80)
                        .verdict());
        assertEquals(
                CheckResult.notMade("source 2001:db8::1 is not of the family of 127.0.0.1"),
                ask(Asking.spec(new Probe.Tcp(), 1_000, "2001:db8::1", Via.RIP), LOOPBACK, 80));
        assertEquals(
                CheckResult.notMade("the check has no port, and its service none that it could be made on"),
                ask(
                        Asking.spec(new Probe.Tcp(), 1_000, null, Via.RIP),
                        new Target(new FwmarkKey(AddressFamily.INET, 1), IpAddress.parse(LOOPBACK), 0)));
        assertEquals(
                CheckResult.notMade("a check of type ping cannot be made via the VIP"),
                ask(Asking.spec(new Probe.Ping(), 1_000, null, Via.VIP), LOOPBACK, 80));
    }

    @Test
    void asksFromItsSource() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            assertEquals(
                    CheckResult.healthy("connection accepted"),
                    ask(Asking.spec(new Probe.Tcp(), 1_000, "127.9.9.9", Via.RIP), LOOPBACK, server.getLocalPort()));
            try (Socket accepted = server.accept()) {
                assertEquals("127.9.9.9", accepted.getInetAddress().getHostAddress());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            Content-Length: 5;;hello
            Content-Length: 5;;hello and what is behind it
            Transfer-Encoding: chunked;;2;he;3;llo;0;;
            Transfer-Encoding: Chunked;;002;he;3 ; name=value;llo;00;
            X: y;;hello
            """)
    void readsABodyHoweverItIsFramed(String rest) throws IOException {
        // The MD5 digest of "hello".
        Probe.Http probe = http(new Probe.BodyPattern("^hello$"), false, "5D41402ABC4B2A76B9719D911017C592");
        assertEquals(
                CheckResult.healthy("HTTP status 200"),
                askAnswering(
                        probe,
                        OK + rest.replace(" ; ", "\u0001").replace(";", "\r\n").replace("\u0001", " ; ")));
    }

    @Test
    void judgesStatusDigestAndPattern() throws IOException {
        assertEquals(
                CheckResult.unhealthy("HTTP status 503, not 200-299"),
                askAnswering(http("/"), "HTTP/1.1 503 Service Unavailable\r\n\r\n"));
        assertEquals(
                CheckResult.healthy("HTTP status 204"),
                askAnswering(http("/"), "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n"));
        assertEquals(
                CheckResult.healthy("HTTP status 200"),
                askAnswering(http("/"), "HTTP/1.1 103 Early Hints\r\n\r\n" + OK + "Content-Length: 0\r\n\r\n"));
        assertEquals(
                CheckResult.unhealthy("body has the MD5 digest 5d41402abc4b2a76b9719d911017c592, not "
                        + "00000000000000000000000000000000"),
                askAnswering(http(null, false, "0".repeat(32)), OK + "\r\nhello"));
        Probe.BodyPattern pattern = new Probe.BodyPattern("h.llo");
        assertEquals(
                CheckResult.unhealthy("body does not have in it what it must have"),
                askAnswering(http(pattern, false, null), OK + "\r\nbye"));
        assertEquals(
                CheckResult.unhealthy("body has in it what it must not have"),
                askAnswering(http(pattern, true, null), OK + "\r\nhello"));
        assertEquals(
                CheckResult.unhealthy("body is longer than 1048576 octets"),
                askAnswering(http(pattern, false, null), OK + "\r\n" + "x".repeat(1_100_000)));
        assertEquals(
                CheckResult.healthy("HTTP status 200"), askAnswering(http("/"), OK + "\r\n" + "x".repeat(1_100_000)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            SSH-2.0-OpenSSH_9.2; | answer is not of HTTP/1, it begins with "SSH-2.0-OpenSSH_9.2"
            HTTP/1.1 200 OK;Content-Length: -1;; | HTTP answer has the length "-1"
            HTTP/1.1 200 OK;Content-Length: 10;;short | connection closed by the server, no end of the HTTP answer
            HTTP/1.1 200 OK;Transfer-Encoding: chunked;;ffffffffff; | HTTP answer has the chunk size "ffffffffff"
            HTTP/1.1 200 OK;Transfer-Encoding: chunked;;-5; | HTTP answer has the chunk size "-5"
            HTTP/1.1 200 OK;Transfer-Encoding: chunked;;2;hello; | HTTP answer has a chunk that is longer than its size
            HTTP/1.1 200 OK;Transfer-Encoding: chunked;;7fffffff;hello | connection closed by the server, no end of the HTTP answer
            HTTP/1.1 200 OK;Cut off: | connection closed by the server, no HTTP answer
            """)
    void whatIsNoAnswerOfHttpIsSaidInWords(String answer, String reason) throws IOException {
        assertEquals(
                CheckResult.unhealthy(reason),
                askAnswering(http("/"), answer.stripTrailing().replace(";", "\r\n")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            ''                         | x           |  0 | HTTP answer has a line of more than 8192 octets
            HTTP/1.1 200 OK;           | a: b;       |  0 | HTTP answer has more than 200 header fields
            HTTP/1.1 200 OK;           | a: b;       | 50 | no HTTP answer within 700 ms
            HTTP/1.1 200 OK;           | a           | 50 | no HTTP answer within 700 ms
            HTTP/1.1 200 OK;;          | a           | 50 | no end of the HTTP answer within 700 ms
            HTTP/1.1 100 Continue;;    | HTTP/1.1 100 Continue;; | 0 | HTTP answer has no end
            HTTP/1.1 200 OK;Transfer-Encoding: chunked;; | 1;x; | 50 | no end of the HTTP answer within 700 ms
            """)
    void aServerThatDripsOrNeverEndsIsHeldToTheDeadline(String start, String repeated, int pauseMs, String reason)
            throws IOException {
        String begin = start.equals("''") ? "" : start.replace(";", "\r\n");
        int timeoutMs = pauseMs == 0 ? 20_000 : 700;
        try (ScriptedServer server = ScriptedServer.endless(begin, repeated.replace(";", "\r\n"), pauseMs)) {
            assertEquals(CheckResult.unhealthy(reason), ask(http("/"), LOOPBACK, server.port(), timeoutMs));
        }
    }

    @Test
    void aServerThatSaysNothingIsHeldToTheDeadline() throws IOException {
        try (ScriptedServer silent = new ScriptedServer((in, _) -> in.readAllBytes())) {
            int port = silent.port();
            assertEquals(CheckResult.unhealthy("no HTTP answer within 200 ms"), ask(http("/"), LOOPBACK, port, 200));
            assertEquals(CheckResult.unhealthy("no SMTP greeting within 200 ms"), ask(SMTP, LOOPBACK, port, 200));
            assertEquals(CheckResult.unhealthy("no gRPC answer within 200 ms"), ask(GRPC, LOOPBACK, port, 200));
            assertEquals(
                    CheckResult.unhealthy("no TLS handshake within 200 ms"),
                    ask(Asking.https("www.example", false, null), LOOPBACK, port, 200));
        }
    }

    @Test
    void tlsOfAServerThatDripsIsHeldToTheDeadline() throws IOException {
        // A record of the handshake that claims 16 KiB, octet by octet.
        try (ScriptedServer server = ScriptedServer.endless("\u0016\u0003\u0003@\u0000", "\u0002", 50)) {
            assertEquals(
                    CheckResult.unhealthy("no TLS handshake within 700 ms"),
                    ask(Asking.https("www.example", false, null), LOOPBACK, server.port(), 700));
        }
    }

    @Test
    void tlsOfAServerThatHasNoneIsSaidInWords() throws IOException {
        assertEquals(
                CheckResult.unhealthy("TLS: the server does not speak it on this port"),
                askAnswering(Asking.https(null, false, null), "HTTP/1.1 400 Bad Request\r\n\r\n"));
        assertEquals(
                CheckResult.unhealthy("TLS: the server refuses the handshake: handshake_failure"),
                askAnswering(Asking.https(null, false, null), "\u0015\u0003\u0003\u0000\u0002\u0002("));
        assertEquals(
                CheckResult.unhealthy("connection closed by the server, no TLS handshake"),
                askAnswering(Asking.https(null, false, null), ""));
    }

    @Test
    void smtpReadsRepliesOfSeveralLines() throws IOException {
        StringBuilder heard = new StringBuilder();
        try (ScriptedServer server = new ScriptedServer((in, out) -> {
            out.write("220-mail.example\r\n220 ready\r\n".getBytes(StandardCharsets.US_ASCII));
            byte[] buffer = new byte[100];
            int count = in.read(buffer);
            heard.append(new String(buffer, 0, count, StandardCharsets.US_ASCII));
            out.write("250-hello\r\n250 SIZE 1\r\n".getBytes(StandardCharsets.US_ASCII));
            in.read(buffer);
            out.write("221 bye\r\n".getBytes(StandardCharsets.US_ASCII));
        })) {
            assertEquals(CheckResult.healthy("SMTP greeting \"220 ready\""), ask(SMTP, LOOPBACK, server.port(), 5_000));
            assertEquals("HELO director.example\r\n", heard.toString());
        }
    }

    @Test
    void smtpFailsInWords() throws IOException {
        try (ScriptedServer busy = ScriptedServer.endless("554 no service\r\n", "", 100)) {
            assertEquals(
                    CheckResult.unhealthy("SMTP greeting \"554 no service\", not 220"),
                    ask(SMTP, LOOPBACK, busy.port(), 5_000));
        }
        try (ScriptedServer rude = ScriptedServer.endless("220 x\r\n550 go\u0007 away\r\n", "", 100)) {
            assertEquals(
                    CheckResult.unhealthy("SMTP answer to HELO \"550 go? away\", not 250"),
                    ask(SMTP, LOOPBACK, rude.port(), 5_000));
        }
        try (ScriptedServer endless = ScriptedServer.endless("", "220-more\r\n", 0)) {
            assertEquals(
                    CheckResult.unhealthy("SMTP answer has more than 100 lines"),
                    ask(SMTP, LOOPBACK, endless.port(), 20_000));
        }
        try (ScriptedServer other = ScriptedServer.endless("HTTP/1.1 400\r\n", "", 100)) {
            assertEquals(
                    CheckResult.unhealthy("answer is not of SMTP: \"HTTP/1.1 400\""),
                    ask(SMTP, LOOPBACK, other.port(), 5_000));
        }
    }

    @Test
    void aServerThatReadsNothingHoldsNoWriteBeyondTheDeadline() throws IOException {
        try (ScriptedServer deaf = new ScriptedServer((_, _) -> Thread.sleep(10_000))) {
            CheckSpec spec = Asking.spec(new Probe.Tcp(), 500, null, Via.RIP);
            Deadline deadline = Deadline.in(500);
            Destination destination = Destination.of(Asking.target(LOOPBACK, deaf.port()), spec, Sockets.DIRECT);
            try (PlainStream stream = new PlainStream(destination.connect(deadline), deadline)) {
                assertThrows(SocketTimeoutException.class, () -> stream.write(new byte[64 << 20]));
            }
        }
    }

    @Test
    void whatIsNoAnswerOfHttp2IsSaidInWords() throws IOException {
        String settings = "\0\0\0\u0004\0\0\0\0\0";
        assertEquals(
                CheckResult.unhealthy("answer is not of HTTP/2, it begins with \"HTTP/1.1 \""),
                askAnswering(GRPC, "HTTP/1.1 400 Bad Request\r\n\r\n"));
        assertEquals(
                CheckResult.unhealthy("HTTP/2 answer has a frame of 16777215 octets"),
                askAnswering(GRPC, settings + "\u00ff\u00ff\u00ff\0\0\0\0\0\u0001"));
        assertEquals(
                CheckResult.unhealthy("HTTP/2 server ends the connection: ENHANCE_YOUR_CALM"),
                askAnswering(GRPC, settings + "\0\0\u0008\u0007\0\0\0\0\0\0\0\0\0\0\0\0\u000b"));
        assertEquals(
                CheckResult.unhealthy("HTTP/2 request was reset: REFUSED_STREAM"),
                askAnswering(GRPC, settings + "\0\0\u0004\u0003\0\0\0\0\u0001\0\0\0\u0007"));
        assertEquals(
                CheckResult.unhealthy("HTTP/2 answer has a frame with more padding than it has room"),
                askAnswering(GRPC, settings + "\0\0\u0001\0\u0008\0\0\0\u0001\u0005"));
        assertEquals(
                CheckResult.unhealthy("HTTP/2 header is malformed"),
                askAnswering(GRPC, settings + "\0\0\u0001\u0001\u0005\0\0\0\u0001\u0080"));
        assertEquals(
                CheckResult.unhealthy("connection closed by the server, no HTTP/2 answer"),
                askAnswering(GRPC, settings));
    }

    @Test
    void endlessHttp2IsBounded() throws IOException {
        String settings = "\0\0\0\u0004\0\0\0\0\0";
        String continuation = "\0\u0010\0\u0009\0\0\0\0\u0001" + "\0".repeat(4096);
        assertEndless(GRPC, settings, continuation, "HTTP/2 answer has a header of more than 65536 octets");
        assertEndless(GRPC, settings, "\0\0\0\u0004\u0001\0\0\0\0", "HTTP/2 answer has no end");
        assertEndless(GRPC, settings, settings, "HTTP/2 answer has no end");
        String data = "\0\u0010\0\0\0\0\0\0\u0001" + "\0".repeat(4096);
        assertEndless(GRPC, settings, data, "HTTP/2 answer has more than 65535 octets");
    }

    private static void assertEndless(Probe probe, String start, String repeated, String reason) throws IOException {
        try (ScriptedServer server = ScriptedServer.endless(start, repeated, 0)) {
            assertEquals(CheckResult.unhealthy(reason), ask(probe, LOOPBACK, server.port(), 20_000));
        }
    }
}

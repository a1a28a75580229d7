package dev.sluice.health;

import static dev.sluice.health.Asking.ask;
import static dev.sluice.health.CheckResult.healthy;
import static dev.sluice.health.CheckResult.unhealthy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetnsFixture;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Each kind of check against servers that others wrote: nginx, dnsmasq, aiosmtpd, gRPC's C core, the kernel. */
final class ChecksIT {
    private static final String LOOPBACK = "127.0.0.1";
    private static final int TIMEOUT_MS = 10_000;

    private static LocalServers servers;

    @BeforeAll
    static void makeServers() throws IOException {
        servers = new LocalServers();
        servers.authority("ca");
        servers.authority("stranger");
        servers.certificate("www", "ca", "DNS:www.example,DNS:localhost,IP:127.0.0.1", 2);
        servers.certificate("old", "ca", "DNS:old.example", -1);
    }

    @AfterAll
    static void removeServers() throws IOException {
        servers.close();
    }

    /** nginx with plain HTTP on a port, HTTPS on the next but one, HTTP/2 without TLS on the third. */
    private static int[] nginx() throws IOException, InterruptedException {
        int[] ports = {LocalServers.freePort(), LocalServers.freePort(), LocalServers.freePort()};
        Files.writeString(servers.file("nginx.conf"), """
                daemon off; master_process off; pid %1$s/nginx.pid; error_log %1$s/error.log;
                events { worker_connections 64; }
                http {
                  access_log off; client_body_temp_path %1$s/t1; proxy_temp_path %1$s/t2; fastcgi_temp_path %1$s/t3;
                  uwsgi_temp_path %1$s/t4; scgi_temp_path %1$s/t5;
                  server {
                    listen 127.0.0.1:%2$d default_server;
                    location = / { return 200 "status: ok\\n"; }
                    location = /busy { return 503; }
                    location = /moved { return 301 /; }
                    location = /host { return 200 "$http_host"; }
                    location = /file { root %1$s; }
                  }
                  ssl_certificate %1$s/www.pem; ssl_certificate_key %1$s/www.key;
                  server { listen 127.0.0.1:%3$d ssl default_server; server_name www.example; return 200 "$ssl_server_name"; }
                  server {
                    listen 127.0.0.1:%3$d ssl; server_name old.example; return 200 "old";
                    ssl_certificate %1$s/old.pem; ssl_certificate_key %1$s/old.key;
                  }
                  server { listen 127.0.0.1:%4$d http2; return 404; }
                }
                """.formatted(servers.file("."), ports[0], ports[1], ports[2]));
        servers.start(
                ports[0],
                "nginx",
                "-p",
                servers.file(".").toString(),
                "-c",
                servers.file("nginx.conf").toString());
        return ports;
    }

    private static Probe.Http http(String path, @Nullable String host, @Nullable String body) {
        return new Probe.Http(
                path,
                host,
                Probe.StatusRanges.SUCCESS,
                null,
                body == null ? null : new Probe.BodyPattern(body),
                false,
                null);
    }

    private static Probe.Http https(@Nullable String serverName, @Nullable String authority, @Nullable String body) {
        return new Probe.Http(
                "/",
                null,
                Probe.StatusRanges.SUCCESS,
                null,
                body == null ? null : new Probe.BodyPattern(body),
                false,
                tls(serverName, authority));
    }

    private static Probe.Tls tls(@Nullable String serverName, @Nullable String authority) {
        return new Probe.Tls(
                serverName,
                authority != null,
                authority == null ? null : servers.file(authority + ".pem").toString());
    }

    @Test
    void asksNginx() throws Exception {
        byte[] page = "x".repeat(300_000).getBytes(StandardCharsets.US_ASCII);
        Files.write(servers.file("file"), page);
        int[] ports = nginx();
        int plain = ports[0];
        assertEquals(healthy("connection accepted"), ask(new Probe.Tcp(), LOOPBACK, plain, TIMEOUT_MS));
        assertEquals(healthy("HTTP status 200"), ask(http("/", null, "ok$"), LOOPBACK, plain, TIMEOUT_MS));
        assertEquals(
                unhealthy("HTTP status 503, not 200-299"), ask(http("/busy", null, null), LOOPBACK, plain, TIMEOUT_MS));
        assertEquals(
                unhealthy("HTTP status 301, not 200-299"),
                ask(http("/moved", null, null), LOOPBACK, plain, TIMEOUT_MS));
        assertEquals(
                healthy("HTTP status 200"),
                ask(http("/host", null, "^127.0.0.1:" + plain + "$"), LOOPBACK, plain, TIMEOUT_MS));
        assertEquals(
                healthy("HTTP status 200"),
                ask(http("/host", "www.example", "^www.example$"), LOOPBACK, plain, TIMEOUT_MS));
        String digest = NetworkNamespace.runHere("md5sum", servers.file("file").toString())
                .substring(0, 32);
        Probe.Http large = new Probe.Http("/file", null, Probe.StatusRanges.SUCCESS, digest, null, false, null);
        assertEquals(healthy("HTTP status 200"), ask(large, LOOPBACK, plain, TIMEOUT_MS));

        int tls = ports[1];
        assertEquals(healthy("HTTP status 200"), ask(https(null, null, "^$"), LOOPBACK, tls, TIMEOUT_MS));
        assertEquals(
                healthy("HTTP status 200"),
                ask(https("www.example", "ca", "^www.example$"), LOOPBACK, tls, TIMEOUT_MS));
        assertEquals(healthy("HTTP status 200"), ask(https("127.0.0.1", "ca", null), LOOPBACK, tls, TIMEOUT_MS));
        assertEquals(healthy("HTTP status 200"), ask(https(null, "ca", null), LOOPBACK, tls, TIMEOUT_MS));
        assertEquals(healthy("HTTP status 200"), ask(https("old.example", null, "old"), LOOPBACK, tls, TIMEOUT_MS));
        assertEquals(
                unhealthy("TLS: certificate is of no authority that is trusted"),
                ask(https("www.example", "stranger", null), LOOPBACK, tls, TIMEOUT_MS));
        assertStarts(
                "TLS: certificate does not fit: no subject alternative DNS name matching other.example found",
                ask(https("other.example", "ca", null), LOOPBACK, tls, TIMEOUT_MS));
        assertStarts(
                "TLS: certificate has expired (NotAfter: ",
                ask(https("old.example", "ca", null), LOOPBACK, tls, TIMEOUT_MS));
        CheckResult noFile = ask(https("www.example", "nobody", null), LOOPBACK, tls, TIMEOUT_MS);
        assertEquals(CheckResult.Verdict.NOT_MADE, noFile.verdict(), noFile.text());
        assertEquals(
                unhealthy("TLS: the server does not speak it on this port"),
                ask(https("www.example", null, null), LOOPBACK, plain, TIMEOUT_MS));

        assertEquals(
                unhealthy("answer is not of gRPC: HTTP status 404"),
                ask(new Probe.Grpc("", null), LOOPBACK, ports[2], TIMEOUT_MS));
        assertEquals(
                unhealthy("TLS: the server refuses the handshake: no_application_protocol"),
                ask(new Probe.Grpc("", tls(null, null)), LOOPBACK, tls, TIMEOUT_MS));
    }

    private static void assertStarts(String reason, CheckResult result) {
        assertEquals(CheckResult.Verdict.UNHEALTHY, result.verdict());
        assertTrue(result.text().startsWith(reason), result.text());
    }

    @Test
    void asksGrpc() throws Exception {
        int plain = LocalServers.freePort();
        String script = LocalServers.script("grpc-health").toString();
        servers.start(plain, script, Integer.toString(plain));
        assertEquals(healthy("SERVING"), ask(new Probe.Grpc("", null), LOOPBACK, plain, TIMEOUT_MS));
        assertEquals(
                unhealthy("gRPC health is NOT_SERVING"),
                ask(new Probe.Grpc("broken", null), LOOPBACK, plain, TIMEOUT_MS));
        assertEquals(
                unhealthy("gRPC status NOT_FOUND: no service 'caf\u00e9', 100 % sure"),
                ask(new Probe.Grpc("caf\u00e9", null), LOOPBACK, plain, TIMEOUT_MS));
        // The server is told the deadline, and may be the first to notice it.
        CheckResult slow = ask(new Probe.Grpc("slow", null), LOOPBACK, plain, 500);
        assertEquals(CheckResult.Verdict.UNHEALTHY, slow.verdict(), slow.text());
        assertTrue(
                List.of("no gRPC answer within 500 ms", "gRPC status DEADLINE_EXCEEDED: Deadline Exceeded")
                        .contains(slow.text()),
                slow.text());

        int tls = LocalServers.freePort();
        servers.start(
                tls,
                script,
                Integer.toString(tls),
                servers.file("www.pem").toString(),
                servers.file("www.key").toString());
        assertEquals(healthy("SERVING"), ask(new Probe.Grpc("", tls("www.example", "ca")), LOOPBACK, tls, TIMEOUT_MS));
        assertEquals(
                unhealthy("TLS: certificate is of no authority that is trusted"),
                ask(new Probe.Grpc("", tls("www.example", "stranger")), LOOPBACK, tls, TIMEOUT_MS));
        CheckResult unencrypted = ask(new Probe.Grpc("", null), LOOPBACK, tls, TIMEOUT_MS);
        assertEquals(CheckResult.Verdict.UNHEALTHY, unencrypted.verdict(), unencrypted.text());
    }

    @Test
    void asksDnsmasq() throws Exception {
        int port = LocalServers.freePort();
        servers.start(
                port,
                "dnsmasq",
                "--no-daemon",
                "--no-resolv",
                "--no-hosts",
                "--conf-file=/dev/null",
                "--bind-interfaces",
                "--listen-address=127.0.0.1",
                "--port=" + port,
                "--address=/blocked.example/",
                "--local=/example/",
                "--host-record=www.example,10.0.0.1,2001:db8::1",
                "--mx-host=example,mail.example,10",
                "--txt-record=example,hello",
                "--srv-host=_http._tcp.example,www.example,80",
                "--cname=alias.example,www.example",
                "--ptr-record=1.0.0.10.in-addr.arpa,www.example");
        for (String question : List.of(
                "www.example A",
                "www.example. aaaa",
                "example MX",
                "example TXT",
                "_http._tcp.example SRV",
                "alias.example CNAME",
                "alias.example A",
                "1.0.0.10.in-addr.arpa PTR",
                "www.example ANY")) {
            String[] words = question.split(" ", -1);
            CheckResult result = ask(new Probe.Dns(words[0], words[1]), LOOPBACK, port, TIMEOUT_MS);
            assertEquals(CheckResult.Verdict.HEALTHY, result.verdict(), question + ": " + result.text());
        }
        assertEquals(
                unhealthy("DNS answer without a MX record of www.example"),
                ask(new Probe.Dns("www.example", "MX"), LOOPBACK, port, TIMEOUT_MS));
        assertEquals(
                unhealthy("DNS error 3 (NXDOMAIN)"),
                ask(new Probe.Dns("blocked.example", "A"), LOOPBACK, port, TIMEOUT_MS));
        assertEquals(unhealthy("DNS error 5 (REFUSED)"), ask(new Probe.Dns(".", "SOA"), LOOPBACK, port, TIMEOUT_MS));
        int closed = LocalServers.freePort();
        assertEquals(unhealthy("port unreachable"), ask(new Probe.Dns(".", "SOA"), LOOPBACK, closed, TIMEOUT_MS));

        assertEquals(
                unhealthy("port unreachable"), ask(new Probe.Udp("00", false, null), LOOPBACK, closed, TIMEOUT_MS));
        // A query of its own making for www.example, whose answer has the address in it.
        Probe.Udp query = new Probe.Udp(
                "123401000001000000000000" + "03777777076578616d706c6500" + "00010001",
                true,
                new Probe.BodyPattern("\\x0a\\x00\\x00\\x01"));
        CheckResult answered = ask(query, LOOPBACK, port, TIMEOUT_MS);
        assertEquals(CheckResult.Verdict.HEALTHY, answered.verdict(), answered.text());
        assertEquals(
                unhealthy("answer does not have in it what it must have"),
                ask(
                        new Probe.Udp(query.payload(), true, new Probe.BodyPattern("\\xff{9}")),
                        LOOPBACK,
                        port,
                        TIMEOUT_MS));
        // dnsmasq takes no notice of what is shorter than a header.
        assertEquals(healthy("no ICMP error"), ask(new Probe.Udp("00", false, null), LOOPBACK, port, 300));
        assertEquals(unhealthy("no answer within 300 ms"), ask(new Probe.Udp("00", true, null), LOOPBACK, port, 300));
    }

    @Test
    void asksSmtp() throws Exception {
        int port = LocalServers.freePort();
        servers.start(port, LocalServers.script("smtp").toString(), Integer.toString(port));
        CheckResult result = ask(new Probe.Smtp("director.example"), LOOPBACK, port, TIMEOUT_MS);
        assertEquals(CheckResult.Verdict.HEALTHY, result.verdict(), result.text());
        assertTrue(result.text().startsWith("SMTP greeting \"220 "), result.text());
    }

    @Test
    void pings() throws Exception {
        assertEquals(healthy("echo reply"), ask(new Probe.Ping(), LOOPBACK, 0, TIMEOUT_MS));
        assertEquals(healthy("echo reply"), ask(new Probe.Ping(), "::1", 0, TIMEOUT_MS));
        CheckResult noSource = ask(Asking.spec(new Probe.Ping(), TIMEOUT_MS, "192.0.2.9", Via.RIP), LOOPBACK, 0);
        assertEquals(CheckResult.Verdict.NOT_MADE, noSource.verdict(), noSource.text());
        try (NetnsFixture lab = new NetnsFixture()) {
            NetworkNamespace director = lab.add("ping-d");
            NetworkNamespace real = lab.add("ping-r");
            lab.veth(director, "d0", real, "r0");
            director.run("ip", "address", "add", "10.9.0.1/24", "dev", "d0");
            director.run("ip", "address", "add", "10.9.0.3/24", "dev", "d0");
            director.run("ip", "address", "add", "2001:db8::1/64", "dev", "d0", "nodad");
            director.run("ip", "route", "add", "10.10.0.0/16", "via", "10.9.0.2");
            real.run("ip", "address", "add", "10.9.0.2/24", "dev", "r0");
            real.run("ip", "address", "add", "2001:db8::2/64", "dev", "r0", "nodad");
            real.run("ip", "route", "add", "prohibit", "10.10.0.0/24");
            real.run("ip", "route", "add", "unreachable", "10.10.1.0/24");
            real.run("ip", "route", "add", "blackhole", "10.10.2.0/24");
            real.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0");
            director.in(() -> {
                try (EchoSocket inet = EchoSocket.open(AddressFamily.INET, null);
                        EchoSocket bound = EchoSocket.open(AddressFamily.INET, IpAddress.parse("10.9.0.3"));
                        EchoSocket inet6 = EchoSocket.open(AddressFamily.INET6, null)) {
                    assertEquals(healthy("echo reply"), ping(inet, "10.9.0.2", TIMEOUT_MS));
                    assertEquals(healthy("echo reply"), ping(bound, "10.9.0.2", TIMEOUT_MS));
                    assertEquals(healthy("echo reply"), ping(inet6, "2001:db8::2", TIMEOUT_MS));
                    assertEquals(
                            unhealthy("10.9.0.2 says: prohibited by a filter"), ping(inet, "10.10.0.1", TIMEOUT_MS));
                    assertEquals(unhealthy("10.9.0.2 says: host unreachable"), ping(inet, "10.10.1.1", TIMEOUT_MS));
                    assertEquals(unhealthy("no echo reply within 300 ms"), ping(inet, "10.10.2.1", 300));
                    // Nobody has the address: the director's own kernel says so when it has asked for the MAC in vain.
                    assertEquals(unhealthy("10.9.0.1 says: host unreachable"), ping(inet, "10.9.0.77", TIMEOUT_MS));
                    assertEquals(
                            unhealthy("2001:db8::1 says: host unreachable"), ping(inet6, "2001:db8::77", TIMEOUT_MS));
                }
                return null;
            });
        }
    }

    private static CheckResult ping(EchoSocket socket, String address, int timeoutMs) throws Exception {
        Deadline deadline = Deadline.in(timeoutMs);
        deadline.expect("echo reply");
        return socket.ask(IpAddress.parse(address), deadline);
    }
}

package dev.sluice.control.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.health.CheckSpec;
import dev.sluice.health.Probe;
import dev.sluice.health.Probe.BodyPattern;
import dev.sluice.health.Probe.StatusRanges;
import dev.sluice.health.Probe.Tls;
import dev.sluice.health.Timing;
import dev.sluice.health.Via;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a file says about health: every key is heard, and everything that makes no sense is refused. */
class CheckReaderTest {
    private static final String DIRECTOR = "[director]\ninterfaces = [\"eth1\"]\n";
    private static final String SERVICE = DIRECTOR + "[[service]]\nprotocol = \"tcp\"\naddress = \"10.0.0.100:80\"\n";

    private static ServiceConfig service(String text) throws ConfigException {
        return ConfigFile.parse("f", text).services().getFirst();
    }

    private static List<String> problems(String text) {
        return assertThrows(ConfigException.class, () -> ConfigFile.parse("f", text)).problems().stream()
                .map(ConfigProblem::text)
                .toList();
    }

    private static CheckSpec check(String lines) throws ConfigException {
        return service(SERVICE + "[[service.check]]\n" + lines.replace('\'', '"'))
                .health()
                .checks()
                .getFirst();
    }

    private static CheckSpec plain(Probe probe) {
        return new CheckSpec(probe, null, 0, null, Via.RIP, Timing.DEFAULT);
    }

    @Test
    void everyKeyOfAServiceIsHeard() throws ConfigException {
        ServiceConfig service = service(SERVICE + """
                on_failure = "quiesce"
                slow_start = 60
                quorum = 5
                hysteresis = 2
                quorum_up = ["/bin/up", "a b"]
                quorum_down = ["/bin/down"]
                  [service.sorry]
                  address = "10.0.0.99"
                  method = "tun"
                  tun_type = "gue"
                  tun_port = 6080
                  vlan = 7
                  [[service.check]]
                  type = "tcp"
                  [[service.check]]
                  type = "ping"
                  [[service.real]]
                  address = "10.0.0.11"
                  [[service.real]]
                  address = "10.0.0.12"
                    [[service.real.check]]
                    type = "ping"
                  [[service.real]]
                  address = "10.0.0.13"
                  check = []
                """);
        HealthConfig health = service.health();
        assertEquals(FailureMode.QUIESCE, health.onFailure());
        assertEquals(60, health.slowStartSeconds());
        assertEquals(5, health.quorum());
        assertEquals(2, health.hysteresis());
        assertEquals(List.of("/bin/up", "a b"), health.quorumUp());
        assertEquals(List.of("/bin/down"), health.quorumDown());
        assertEquals(List.of(plain(new Probe.Tcp()), plain(new Probe.Ping())), health.checks());
        RealServerConfig sorry = Objects.requireNonNull(health.sorry());
        assertEquals(new RealServerConfig.Endpoint(IpAddress.parse("10.0.0.99"), 80), sorry.endpoint());
        assertEquals(ForwardingMethod.TUN, sorry.method());
        assertEquals(1, sorry.weight());
        assertEquals(7, sorry.vlan());
        assertNull(service.realServers().get(0).checks(), "those of the service");
        assertEquals(
                List.of(plain(new Probe.Ping())), service.realServers().get(1).checks());
        assertEquals(List.of(), service.realServers().get(2).checks());
    }

    @Test
    void aServiceThatSaysNothingHasNoHealth() throws ConfigException {
        assertEquals(HealthConfig.NONE, service(SERVICE).health());
    }

    @Test
    void everyKeyOfACheckIsHeard() throws ConfigException {
        assertEquals(
                new CheckSpec(
                        new Probe.Tcp(),
                        IpAddress.parse("10.1.0.11"),
                        8080,
                        IpAddress.parse("10.0.0.2"),
                        Via.RIP,
                        new Timing(500, 250, 86_400_000, 1, 1000, 100, false)),
                check("""
                        type = 'tcp'
                        interval = 0.5
                        retry_interval = 0.25
                        timeout = 86400
                        rise = 1
                        fall = 1000
                        jitter = 100
                        initial = 'down'
                        via = 'rip'
                        address = '10.1.0.11'
                        port = 8080
                        source = '10.0.0.2'
                        """));
        assertEquals(
                Via.VIP, check("type = 'tcp'\nvia = 'vip'\nsource = '10.0.0.2'").via());
        assertEquals(300, check("type = 'tcp'\ninterval = 0.3").timing().retryIntervalMs(), "not above the interval");
    }

    @Test
    void everyTypeHasItsKeys() throws ConfigException {
        assertEquals(
                plain(new Probe.Http("/", null, StatusRanges.SUCCESS, null, null, false, null)),
                check("type = 'http'"));
        assertEquals(
                plain(new Probe.Http(
                        "/health?full=1",
                        "www.example.com",
                        new StatusRanges(List.of(
                                StatusRanges.parse("200-299").orElseThrow(),
                                StatusRanges.parse("304").orElseThrow())),
                        "d41d8cd98f00b204e9800998ecf8427e",
                        new BodyPattern("^ok"),
                        false,
                        new Tls("name", true, "/etc/ca.pem"))),
                check("""
                        type = 'https'
                        path = '/health?full=1'
                        host = 'www.example.com'
                        status = ['200-299', '304']
                        digest = 'D41D8CD98F00B204E9800998ECF8427E'
                        body = '^ok'
                        sni = 'name'
                        verify = true
                        ca_file = '/etc/ca.pem'
                        """));
        assertEquals(
                plain(new Probe.Http("/", null, StatusRanges.SUCCESS, null, new BodyPattern("error"), true, null)),
                check("type = 'http'\nbody_absent = 'error'"));
        assertEquals(plain(new Probe.Udp("", false, null)), check("type = 'udp'"));
        assertEquals(
                plain(new Probe.Udp("00ff", true, new BodyPattern("pong"))),
                check("type = 'udp'\npayload = '00FF'\nreply_required = true\nreply = 'pong'"));
        assertEquals(plain(new Probe.Dns(".", "SOA")), check("type = 'dns'"));
        assertEquals(
                plain(new Probe.Dns("example.com", "AAAA")),
                check("type = 'dns'\nname = 'example.com'\nrecord = 'AAAA'"));
        assertEquals(plain(new Probe.Smtp("me")), check("type = 'smtp'\nhelo_name = 'me'"));
        assertEquals(
                plain(new Probe.Script(List.of("/bin/check", "x y"), "nobody")),
                check("type = 'script'\ncommand = ['/bin/check', 'x y']\nuser = 'nobody'"));
        assertEquals(plain(new Probe.Grpc("", null)), check("type = 'grpc'"));
        assertEquals(
                plain(new Probe.Grpc("a.B", new Tls(null, false, null))),
                check("type = 'grpc'\nservice = 'a.B'\ntls = true"));
        assertEquals(plain(new Probe.Ping()), check("type = 'ping'"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            path = '/' | [[service.check]] has no type; required: "tcp", "http", "https", "udp", "dns", "ping", "smtp", "script", "grpc"
            type = 'htp' | type = "htp" is not supported by this version, did you mean "http"?; allowed: "tcp", "http", "https", "udp", "dns", "ping", "smtp", "script", "grpc"
            type = 'tcp'@intervall = 1 | unknown key "intervall" in [[service.check]]; did you mean "interval"?
            type = 'tcp'@interval = 0.05 | interval = 0.05 is out of range; allowed: seconds 0.1-86400
            type = 'tcp'@interval = nan | interval = NaN is out of range; allowed: seconds 0.1-86400
            type = 'tcp'@timeout = '3' | timeout = "3" is a string; allowed: seconds 0.1-86400
            type = 'tcp'@rise = 0 | rise = 0 is out of range; allowed: an integer 1-1000
            type = 'tcp'@jitter = 101 | jitter = 101 is out of range; allowed: an integer 0-100, percent
            type = 'tcp'@initial = 'alpha' | initial = "alpha" is not supported by this version; allowed: "up", "down"
            type = 'tcp'@path = '/' | path = "/" does not go with type "tcp"; allowed: only with type = "http" or "https"
            type = 'http'@tls = true | tls = true does not go with type "http"; allowed: only with type = "grpc"
            type = 'http'@verify = true | verify = true does not go with type "http"; allowed: only with type = "https" or "grpc"
            type = 'grpc'@verify = true | verify = true stands without tls = true; allowed: only with tls = true
            type = 'https'@ca_file = '/ca' | ca_file = "/ca" stands without verify = true; allowed: only with verify = true
            type = 'https'@verify = true@ca_file = 'ca' | ca_file = "ca" is no absolute path; allowed: the absolute path of a PEM file
            type = 'http'@path = 'x' | path = "x" does not begin with a slash; allowed: "/", "/health?full=1"
            type = 'http'@path = '/a b' | path = "/a b" has characters that do not belong there; allowed: printable ASCII without spaces
            type = 'http'@host = 'a\\r\\nb' | host = "a\\r\\nb" has characters that do not belong there; allowed: printable ASCII without spaces
            type = 'http'@status = [200] | status = [200] is an integer; allowed: "200", "200-299", codes 100-599
            type = 'http'@status = ['299-200'] | status = ["299-200"] is no status code or range of them; allowed: "200", "200-299", codes 100-599
            type = 'http'@status = [] | status = [...] is empty; allowed: "200", "200-299", codes 100-599
            type = 'http'@digest = 'ff' | digest = "ff" is no MD5 digest; allowed: 32 hex digits
            type = 'http'@body = '(' | body = "(" is no regular expression (Unclosed group); allowed: a regular expression as java.util.regex.Pattern takes it
            type = 'http'@body = 'a'@body_absent = 'b' | body_absent = "b" stands beside body; allowed: one of the two
            type = 'udp'@payload = 'f' | payload = "f" is not hexadecimal; allowed: two hex digits an octet, at most 1024
            type = 'dns'@record = 'CNAMES' | record = "CNAMES" is not supported by this version, did you mean "CNAME"?; allowed: "A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA", "SRV", "NAPTR", "DS", "RRSIG", "DNSKEY", "HTTPS", "CAA", "ANY"
            type = 'dns'@name = 'a..b' | name = "a..b" is no domain name; allowed: ".", "example.com"
            type = 'script' | [[service.check]] has no command; required: with type "script", the program's absolute path and its arguments
            type = 'script'@command = ['check'] | command = ["check"] is no absolute path; allowed: a list of the program's absolute path and its arguments, all strings
            type = 'script'@command = [] | command = [...] is empty; allowed: a list of the program's absolute path and its arguments, all strings
            type = 'script'@command = ['/c']@via = 'vip' | via = "vip" does not go with type "script"; allowed: "rip"
            type = 'ping'@via = 'vip' | via = "vip" does not go with type "ping"; allowed: "rip"
            type = 'ping'@port = 80 | port = 80 does not go with type "ping"; allowed: with every other type
            type = 'tcp'@port = 0 | port = 0 is out of range; allowed: an integer 1-65535
            type = 'tcp'@address = '10.0.0.11:80' | address = "10.0.0.11:80" holds no IPv4 or IPv6 address; allowed: a unicast IPv4 or IPv6 address without port
            type = 'tcp'@address = '224.0.0.1' | address = "224.0.0.1" is a multicast address; allowed: a unicast IPv4 or IPv6 address without port
            type = 'tcp'@via = 'vip'@address = '10.0.0.11' | address = "10.0.0.11" does not go with via = "vip", which asks the VIP; allowed: only with via = "rip"
            type = 'tcp'@via = 'vip'@source = '2001:db8::1' | source = "2001:db8::1" is of another family than service TCP 10.0.0.100:80; allowed: addresses of one family
            type = 'tcp'@address = '10.0.0.1'@source = '2001:db8::1' | source = "2001:db8::1" is of another family than address 10.0.0.1; allowed: addresses of one family
            """)
    void whatMakesNoSenseInACheckIsRefused(String lines, String problem) {
        assertEquals(
                List.of(problem),
                problems(SERVICE + "[[service.check]]\n"
                        + lines.replace('\'', '"').replace('@', '\n')));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            on_failure = 'drop' | on_failure = "drop" is not supported by this version; allowed: "remove", "quiesce"
            slow_start = 3601 | slow_start = 3601 is out of range; allowed: an integer 0-3600
            quorum = 0 | quorum = 0 is out of range; allowed: an integer 1-2147483647
            quorum = 2@hysteresis = 2 | hysteresis = 2 is not below quorum = 2; allowed: less than quorum
            quorum_up = '/bin/up' | quorum_up = "/bin/up" is a string; allowed: a list of the program's absolute path and its arguments, all strings
            quorum_down = ['down'] | quorum_down = ["down"] is no absolute path; allowed: a list of the program's absolute path and its arguments, all strings
            [service.sorry]@address = '10.0.0.99'@weight = 2 | weight = 2 has no meaning for a sorry server; allowed: the other keys of [[service.real]]
            [service.sorry]@address = '10.0.0.99'@check = [] | check = [...] has no meaning for a sorry server; allowed: the other keys of [[service.real]]
            [service.sorry]@adress = '10.0.0.99' | [service.sorry] has no address; required: an IPv4 or IPv6 address without port, which is the service's or, with method nat or fullnat, the key port@@unknown key "adress" in [service.sorry]; did you mean "address"?
            [service.sorry]@address = '10.0.0.11'@[[service.real]]@address = '10.0.0.11' | address = "10.0.0.11" is a real server of this service as well; allowed: a server of its own
            """)
    void whatMakesNoSenseInAServiceIsRefused(String lines, String problem) {
        assertEquals(
                List.of(problem.split("@@", -1)),
                problems(SERVICE + lines.replace('\'', '"').replace('@', '\n')));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            protocol = 'tcp'@address = '10.0.0.100:0' | a service of every port
            fwmark = 1 | a fwmark service
            """)
    void whereTheServiceHasNoPortACheckNeedsOne(String key, String what) throws ConfigException {
        String mark = "[[fwmark]]\nmark = 1\ndestination = \"10.0.0.100\"\n";
        String service =
                DIRECTOR + mark + "[[service]]\n" + key.replace('\'', '"').replace('@', '\n') + "\n";
        for (String type : List.of("tcp", "http", "https", "udp", "dns", "smtp", "grpc")) {
            String check = "[[service.check]]\ntype = \"" + type + "\"\n";
            assertEquals(
                    List.of("[[service.check]] has no port; required: an integer 1-65535 with type \"" + type + "\" in "
                            + what + ", which does not say which port to ask"),
                    problems(service + check));
            assertEquals(
                    8080,
                    service(service + check + "port = 8080")
                            .health()
                            .checks()
                            .getFirst()
                            .port());
        }
        service(service
                + "[[service.check]]\ntype = \"ping\"\n[[service.check]]\ntype = \"script\"\ncommand = [\"/c\"]");
    }

    @Test
    void aMarkHasNoVip() {
        assertEquals(
                List.of("via = \"vip\" does not go with a fwmark service, which has no VIP; allowed: \"rip\""),
                problems(DIRECTOR + "[[fwmark]]\nmark = 1\ndestination = \"10.0.0.100\"\n[[service]]\nfwmark = 1\n"
                        + "[[service.check]]\ntype = \"tcp\"\nport = 80\nvia = \"vip\""));
    }

    @Test
    void everythingWrongIsToldAtOnceWithItsPlace() {
        ConfigException e = assertThrows(
                ConfigException.class,
                () -> ConfigFile.parse(
                        "f",
                        SERVICE + "slow_start = -1\n  [[service.check]]\n  type = \"tcp\"\n  rise = \"2\"\n"
                                + "  [[service.real]]\n  address = \"10.0.0.11\"\n    [[service.real.check]]\n"
                                + "    typ = \"tcp\""));
        assertEquals(
                List.of("f:6:1", "f:9:3", "f:12:5", "f:13:5"),
                e.problems().stream()
                        .map(problem -> problem.file() + ":" + problem.line() + ":" + problem.column())
                        .toList());
    }
}

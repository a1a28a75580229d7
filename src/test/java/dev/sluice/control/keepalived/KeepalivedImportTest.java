package dev.sluice.control.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.config.ConfigFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of keepalived's configuration, and what is said of the rest. */
class KeepalivedImportTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("sluice.basedir", "."), "src/test/resources/keepalived");

    @TempDir
    private Path folder;

    private static KeepalivedImport.Result parse(String text) {
        return KeepalivedImport.parse("k", text, List.of("eth1"));
    }

    /** The result of a server with these lines and a real server with those. */
    private static String service(String lines, String realLines) {
        KeepalivedImport.Result result = parse("virtual_server 10.0.0.100 80 {\nlb_kind DR\nlb_algo rr\n" + lines
                + "\nreal_server 10.0.0.11 80 {\n" + realLines + "\n}\n}\n");
        assertEquals(List.of(), result.notes(), result::toml);
        int start = result.toml().indexOf("scheduler = \"rr\"\n") + "scheduler = \"rr\"\n".length();
        return result.toml()
                .substring(start)
                .replaceAll("(?m)^ +", "")
                .replaceAll("\n\\[\\[service.real]]\naddress = \"10.0.0.11\"\nmethod = \"dr\"\nweight = 1\n", "");
    }

    private static String check(String realLines) {
        return service("", realLines).replace("\n[[service.check]]\n", "");
    }

    @ParameterizedTest
    @ValueSource(strings = {"web", "nat"})
    void anExampleIsCarriedOverWhole(String name) throws Exception {
        KeepalivedImport.Result result =
                KeepalivedImport.read(EXAMPLES.resolve(name + ".conf"), List.of("eth1", "eth2"));
        assertEquals(List.of(), result.notes());
        ConfigFile.parse("f", result.toml());
        assertEquals(
                Files.readString(EXAMPLES.resolve(name + ".toml")),
                result.toml().replace(EXAMPLES.toString() + "/", "").replaceFirst("(?s)^.*?\n\n", ""));
    }

    @Test
    void fullnatAsInDpvs() throws Exception {
        KeepalivedImport.Result result = parse("""
                local_address_group laddr_g1 {
                    10.9.0.5
                    10.9.0.7-9
                    fd09::5
                }
                virtual_server 10.0.0.100 80 {
                    lb_algo rr
                    lb_kind FNAT
                    protocol TCP
                    syn_proxy
                    laddr_group_name laddr_g1
                    real_server 10.7.0.11 8080 {
                    }
                    real_server fd07::11 80 {
                    }
                }
                """);
        assertEquals(List.of(), result.notes());
        assertTrue(
                result.toml().contains("local_addresses = [\"10.9.0.5\", \"10.9.0.7-10.9.0.9\", \"fd09::5\"]\n"),
                result.toml());
        assertTrue(result.toml().contains("syn_proxy = true\n"), result.toml());
        assertEquals(
                2,
                ConfigFile.parse("f", result.toml())
                        .services()
                        .getFirst()
                        .realServers()
                        .size());
    }

    @Test
    void whatOfFullnatIsMissingIsNamed() throws Exception {
        KeepalivedImport.Result result = parse("""
                local_address_group unused {
                    10.9.0.5
                }
                local_address_group odd {
                    10.9.0.6 dpdk0
                    127.0.0.1
                    10.9.0.9-1
                }
                virtual_server 10.0.0.100 80 {
                    lb_algo rr
                    lb_kind FNAT
                    laddr_group_name nobody
                    real_server 10.7.0.11 80 {
                    }
                }
                virtual_server 10.0.0.100 53 {
                    protocol UDP
                    lb_algo rr
                    lb_kind FNAT
                    syn_proxy
                    laddr_group_name odd
                    real_server 10.7.0.11 53 {
                    }
                }
                """);
        assertEquals(
                List.of(
                        "k:12: laddr_group_name nobody: there is no such local_address_group",
                        "k:9: virtual_server 10.0.0.100 80: FNAT needs local addresses, and there is no laddr_group_name:"
                                + " write them down, then take this service in",
                        "k:20: syn_proxy: is for TCP",
                        "k:5: 10.9.0.6 dpdk0: the director adds it to no interface: ip address add does, see"
                                + " docs/configuration.md",
                        "k:6: 127.0.0.1: is a loopback address",
                        "k:7: 10.9.0.9-1: is no address or range of them (a range has 1-1024 addresses)",
                        "k:1: local_address_group unused: no virtual_server uses it"),
                result.notes());
        assertEquals(1, ConfigFile.parse("f", result.toml()).services().size());
    }

    @Test
    void whatCannotBeIsNamedAndStandsInTheFileAsComment() throws IOException {
        KeepalivedImport.Result result = KeepalivedImport.read(EXAMPLES.resolve("odd.conf"), List.of());
        assertEquals(
                Files.readString(EXAMPLES.resolve("odd.notes")),
                String.join("\n", result.notes()).replace(EXAMPLES.toString() + "/", "") + "\n");
        String comments = String.join(
                        " ",
                        result.toml()
                                .lines()
                                .map(String::strip)
                                .filter(line -> line.startsWith("#"))
                                .map(line -> line.substring(1).strip())
                                .toList())
                .replaceAll(" +", " ");
        for (String note : result.notes()) {
            assertTrue(comments.contains(note.replaceAll(" +", " ")), note);
        }
        assertTrue(result.toml().contains("interfaces = [\"eth1\"]"), "VRRP's");
        assertTrue(result.toml().contains("[director.timeouts]\ntcp = 7200\nudp = 60\n"), result.toml());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "persistence_timeout|persistence = 360",
                "persistence_timeout 0|''",
                "persistence_granularity 255.255.0.0|persistence = 360\\npersistence_netmask = \"255.255.0.0\"",
                "inhibit_on_failure|on_failure = \"quiesce\"",
                "inhibit_on_failure off|''",
                "quorum 3|quorum = 3",
                "quorum_up \"/a b 'c  d' e\"|quorum_up = [\"/a\", \"b\", \"c  d\", \"e\"]",
                "sorry_server 10.0.0.9 80|\\n[service.sorry]\\naddress = \"10.0.0.9\"\\nmethod = \"dr\"",
            })
    void settingsOfAServer(String line, String expected) {
        assertEquals(expected.replace("\\n", "\n"), service(line, "").strip().replaceAll("^(?=\\[)", "\n"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "TCP_CHECK { }|tcp|60.0, 1.0, 5.0, 1, 2",
                "PING_CHECK { }|ping|60.0, 1.0, 5.0, 1, 2",
                "DNS_CHECK { }|dns|60.0, 60.0, 5.0, 1, 4",
                "UDP_CHECK { }|udp|60.0, 1.0, 5.0, 1, 2",
                "SMTP_CHECK { }|smtp|60.0, 1.0, 5.0, 1, 2",
                "delay_loop 7;retry 2;TCP_CHECK { }|tcp|7.0, 1.0, 5.0, 1, 3",
                "retry 2;TCP_CHECK { retry 0 }|tcp|60.0, 1.0, 5.0, 1, 1",
                "TCP_CHECK { connect_timeout 0.25 }|tcp|60.0, 1.0, 0.25, 1, 2",
                "TCP_CHECK { delay_before_retry 9 }|tcp|60.0, 9.0, 5.0, 1, 2",
            })
    void timing(String lines, String type, String expected) {
        String[] values = expected.split(", ", -1);
        assertEquals(
                "type = \"%s\"\ninterval = %s\nretry_interval = %s\ntimeout = %s\nrise = %s\nfall = %s\n"
                        .formatted(type, values[0], values[1], values[2], values[3], values[4]),
                check(lines.replace(";", "\n")));
    }

    @Test
    void alphaIsAnInitialState() {
        assertTrue(service("alpha", "TCP_CHECK {\n}").contains("initial = \"down\""));
        assertTrue(!service("alpha", "TCP_CHECK {\nalpha no\n}").contains("initial"));
    }

    @Test
    void checksThatAllHaveAreTheServices() {
        String real = "real_server 10.0.0.%d 80 {\n%s\n}\n";
        String server = "virtual_server 10.0.0.100 80 {\nlb_kind DR\n%s}\n";
        String same = parse(server.formatted(
                        real.formatted(11, "TCP_CHECK {\n}") + real.formatted(12, "weight 3\nTCP_CHECK {\n}")))
                .toml();
        assertEquals(same.indexOf("check]]"), same.lastIndexOf("check]]"), same);
        assertTrue(same.contains("[[service.check]]"), same);
        String other = parse(server.formatted(real.formatted(11, "TCP_CHECK {\n}") + real.formatted(12, "")))
                .toml();
        assertTrue(other.contains("[[service.real.check]]") && !other.contains("[[service.check]]"), other);
    }

    @Test
    void anHttpCheckOfEveryUrl() {
        assertEquals("""
            type = "https"
            path = "/"
            host = "b"
            sni = "a"
            verify = false
            body_absent = "(?i)down"
            source = "10.0.0.2"
            port = 8443
            interval = 60.0
            retry_interval = 3.0
            timeout = 5.0
            rise = 1
            fall = 2
            """, check("""
                    SSL_GET {
                        url {
                            path /
                            virtualhost b
                            regex_no_match
                            regex down
                            regex_options caseless
                        }
                        sni_name a
                        connect_port 8443
                        bindto 10.0.0.2
                    }\
                    """));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "virtual_server 10.0.0.100 80 {\nlb_kind DR\n}",
                "virtual_server 10.0.0.100 80\n{\nlb_kind DR }",
                "virtual_server 10.0.0.100 80{lb_kind DR}",
                "  virtual_server \"10.0.0.100\" '80' { ! comment }\n lb_kind DR # { \n}",
                "$VIP = 10.0.0.100\n$PORT=80\nvirtual_server ${VIP} $PORT {\nlb_kind DR\n}",
                "virtual_server 10.0.0.100 \\\n 80 {\n lb_kind \"D\\x52\"\n}",
            })
    void blocksQuotesCommentsAndDefinitions(String text) {
        KeepalivedImport.Result result = parse(text);
        assertEquals(List.of(), result.notes());
        assertTrue(result.toml().contains("address = \"10.0.0.100:80\""), result.toml());
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.1-3, 10.0.0.1 10.0.0.2 10.0.0.3",
        "10.0.0.255-10.0.1.0, 10.0.0.255 10.0.1.0",
        "10.0.0.9/31, 10.0.0.8 10.0.0.9",
        "2001:db8::e-10, [2001:db8::e] [2001:db8::f] [2001:db8::10]",
    })
    void ranges(String range, String addresses) {
        String toml = parse("virtual_server_group g {\n" + range + " 80\n}\nvirtual_server group g {\n}\n")
                .toml();
        List<String> found = toml.lines()
                .filter(line -> line.startsWith("address = "))
                .map(line -> line.substring(11, line.length() - 4))
                .toList();
        assertEquals(addresses, String.join(" ", found));
    }

    @Test
    void filesAreIncludedByPatternFromWhereTheIncludingFileIs() throws IOException {
        Files.createDirectories(folder.resolve("servers"));
        Path main = Files.writeString(
                folder.resolve("keepalived.conf"), "include servers/*.conf\ninclude servers/*.none\n");
        String server = "virtual_server 10.0.0.%d 80 {\n}\n";
        Files.writeString(folder.resolve("servers/b.conf"), server.formatted(2));
        Files.writeString(folder.resolve("servers/a.conf"), "include more\n" + server.formatted(1));
        Files.writeString(folder.resolve("servers/more"), server.formatted(3));
        KeepalivedImport.Result result = KeepalivedImport.read(main, List.of("eth1"));
        assertEquals(
                List.of("10.0.0.3:80", "10.0.0.1:80", "10.0.0.2:80"),
                result.toml()
                        .lines()
                        .filter(line -> line.startsWith("address = "))
                        .map(line -> line.substring(11, line.length() - 1))
                        .toList());
        assertEquals(List.of(main + ":2: include servers/*.none: no such file"), result.notes());
    }

    @Test
    void whatIncludesItselfEnds() throws IOException {
        Path main = Files.writeString(folder.resolve("keepalived.conf"), "include *\n".repeat(3));
        KeepalivedImport.Result result = KeepalivedImport.read(main, List.of("eth1"));
        assertTrue(
                result.notes().contains(main + ":1: include *: includes are nested too deep"),
                result.notes()::toString);
        assertTrue(
                result.notes().contains(main + ":2: include *: these are more than 1000 files"),
                result.notes()::toString);
    }
}

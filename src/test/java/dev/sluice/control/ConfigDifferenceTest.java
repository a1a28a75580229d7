package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a reload does to the services, and what it says of the rest. */
class ConfigDifferenceTest {
    private static final String DIRECTOR = "[director]\ninterfaces = [\"eth1\"]\n";
    private static final String SERVICE =
            "[[service]]\nprotocol = \"tcp\"\naddress = \"10.0.0.100:80\"\nscheduler = \"rr\"\n";
    private static final String MARKED = """
            [[service]]
            fwmark = 7
            one_packet = true
            persistence = 300
            [[fwmark]]
            mark = 7
            protocol = "tcp"
            destination = "10.0.0.101"
            ports = "80"
            """;

    @TempDir
    private Path folder;

    private Registry registry = new Registry(65537, KnownIds.NONE);

    private SluiceConfig config(String text) throws IOException, ConfigException {
        return ConfigFile.load(Files.writeString(folder.resolve("sluice.toml"), DIRECTOR + text));
    }

    private static String real(String rip, String lines) {
        return "[[service.real]]\naddress = \"" + rip + "\"\n" + lines + "\n";
    }

    private List<String> become(String text) throws Exception {
        SluiceConfig wanted = config(text);
        registry = registry.copy();
        List<String> lines = new ArrayList<>();
        for (Edit edit : ConfigDifference.edits(registry, wanted)) {
            lines.addAll(edit.applyTo(registry));
        }
        assertEquals(List.of(), ConfigDifference.edits(registry, wanted), "there is nothing left to do");
        return lines;
    }

    @Test
    void everyKindOfChangeIsALine() throws Exception {
        assertEquals(
                List.of(
                        "add service TCP 10.0.0.100:80: scheduler rr",
                        "add real server 10.0.0.11 to TCP 10.0.0.100:80: weight 1",
                        "add real server 10.0.0.12 to TCP 10.0.0.100:80: weight 2, thresholds 10 and 5"),
                become(SERVICE
                        + real("10.0.0.11", "")
                        + real("10.0.0.12", "weight = 2\nupper_threshold = 10\nlower_threshold = 5")));
        assertEquals(
                List.of(
                        "add fwmark rule 7: tcp to 10.0.0.101/32 port 80",
                        "add fwmark rule 7: all to 10.0.1.0/24 ports 1-9 from 192.0.2.0/24",
                        "delete real server 10.0.0.12 of TCP 10.0.0.100:80",
                        "edit service TCP 10.0.0.100:80: scheduler rr -> scheduler sh (sh-fallback, sh-port), not"
                                + " persistent -> persistent 60 s by netmask 255.255.0.0",
                        "edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 1 -> 0, upper threshold 0 -> 9",
                        "add real server 10.0.0.13 to TCP 10.0.0.100:80: weight 1",
                        "add service FWM 7: scheduler maglev, persistent 300 s, one-packet"),
                become(SERVICE.replace("\"rr\"", "\"sh\"") + """
                        scheduler_flags = ["sh-port", "sh-fallback"]
                        persistence = 60
                        persistence_netmask = "255.255.0.0"
                        """ + real("10.0.0.11", "weight = 0\nupper_threshold = 9")
                        + real("10.0.0.13", "") + MARKED + """
                        [[fwmark]]
                        mark = 7
                        destination = "10.0.1.0/24"
                        ports = "1-9"
                        source = "192.0.2.0/24"
                        """));
        assertEquals(
                List.of(
                        "delete service TCP 10.0.0.100:80 and its 2 real servers",
                        "delete fwmark rule 7: all to 10.0.1.0/24 ports 1-9 from 192.0.2.0/24"),
                become(MARKED));
    }

    @Test
    void tunnelsAndVlansAreSettings() throws Exception {
        become(SERVICE + real("10.0.0.11", "") + real("10.0.0.12", ""));
        assertEquals(
                List.of(
                        "edit real server 10.0.0.11 of TCP 10.0.0.100:80: method dr -> tun (ipip)",
                        "edit real server 10.0.0.12 of TCP 10.0.0.100:80: VLAN keep -> 7",
                        "add real server 2001:db8::13 to TCP 10.0.0.100:80: weight 1, method tun (gre, csum), VLAN none"),
                become(SERVICE
                        + real("10.0.0.11", "method = \"tun\"")
                        + real("10.0.0.12", "vlan = 7")
                        + real("2001:db8::13", """
                                method = "tun"
                                tun_type = "gre"
                                tun_checksum = "csum"
                                vlan = "none"
                                """)));
        assertEquals(
                List.of(
                        "delete real server 2001:db8::13 of TCP 10.0.0.100:80",
                        "edit real server 10.0.0.11 of TCP 10.0.0.100:80: method tun (ipip) -> tun (gue port 6080, csum)"),
                become(SERVICE + real("10.0.0.11", """
                                method = "tun"
                                tun_type = "gue"
                                tun_port = 6080
                                tun_checksum = "csum"
                                """) + real("10.0.0.12", "vlan = 7")));
    }

    @Test
    void whatStaysKeepsItsIdAndItsTable() throws Exception {
        become(SERVICE + real("10.0.0.11", "") + real("10.0.0.12", "") + SERVICE.replace(":80", ":81"));
        become(SERVICE.replace(":80", ":79")
                + SERVICE
                + real("10.0.0.12", "")
                + real("10.0.0.13", "")
                + SERVICE.replace(":80", ":81"));
        VirtualService http = registry.services().getFirst();
        assertEquals(0, http.id());
        assertEquals(
                List.of(1, 2), http.realServers().stream().map(RealServer::id).toList());
        assertTrue(registry.isRescheduled(0) && !registry.isAdded(0));
        assertTrue(!registry.isRescheduled(1), "nothing happened to TCP 10.0.0.100:81");
        assertTrue(registry.isAdded(2), "TCP 10.0.0.100:79 is new");
    }

    @Test
    void theOrderOfTheFileIsAChange() throws Exception {
        become(SERVICE + real("10.0.0.11", "") + real("10.0.0.12", "") + real("10.0.0.13", ""));
        assertEquals(
                List.of("reorder the real servers of TCP 10.0.0.100:80"),
                become(SERVICE + real("10.0.0.13", "") + real("10.0.0.11", "") + real("10.0.0.12", "")));
        assertEquals(
                List.of(2, 0, 1),
                registry.services().getFirst().realServers().stream()
                        .map(RealServer::id)
                        .toList());
    }

    /** From any configuration to any other: the services are as after a start with it. */
    @Test
    void aReloadLeadsWhereAStartDoes() throws Exception {
        Random random = new Random(7);
        for (int round = 0; round < 60; round++) {
            StringBuilder text = new StringBuilder();
            for (int port = 80; port < 84; port++) {
                if (random.nextInt(4) == 0) {
                    continue;
                }
                text.append(SERVICE.replace(":80", ":" + port)
                        .replace("\"rr\"", random.nextBoolean() ? "\"rr\"" : "\"wrr\""));
                List<Integer> hosts = new ArrayList<>(List.of(11, 12, 13, 14));
                Collections.shuffle(hosts, random);
                for (int host : hosts.subList(0, random.nextInt(5))) {
                    text.append(real("10.0.0." + host, "weight = " + random.nextInt(3)));
                }
            }
            become(text.toString());
            Registry started = new Registry(65537, KnownIds.NONE);
            for (Edit edit : ConfigDifference.edits(started, config(text.toString()))) {
                edit.applyTo(started);
            }
            assertEquals(described(started), described(registry));
        }
    }

    private static List<String> described(Registry registry) {
        return registry.services().stream()
                .map(service -> service.key() + " " + EditText.settings(service)
                        + service.realServers().stream()
                                .map(real -> EditText.addition(service.key(), real))
                                .toList())
                .sorted()
                .toList();
    }

    @Test
    void keysOfTheDirectorThatDifferAreNamed() throws Exception {
        DirectorConfig running = config("").director();
        assertEquals(List.of(), DirectorDifference.lines(running, config("").director()));
        DirectorConfig wanted = config("""
                flow_table_size = 2048
                hash_key = "000102030405060708090a0b0c0d0e0f"
                rx_ring = 1024
                sloppy_tcp = "off"
                timeouts.udp = 5
                ttl = "keep"
                tunnel.source_ipv4 = "10.0.0.16/28"
                busy_poll.enabled = true
                """).director();
        assertEquals(
                List.of(
                        "rx_ring",
                        "flow_table_size",
                        "sloppy_tcp",
                        "timeouts.udp",
                        "ttl",
                        "tunnel.source_ipv4",
                        "hash_key",
                        "busy_poll.enabled"),
                DirectorDifference.keys(running, wanted));
        assertEquals(
                "director.rx_ring differs; it takes effect with the next start",
                DirectorDifference.lines(running, wanted).getFirst());
    }

    @Test
    void everyKeyOfTheDirectorHasTheNameOfTheFile() throws IOException {
        String documentation = Files.readString(Path.of("docs/configuration.md"));
        for (String key : DirectorDifference.allKeys()) {
            String own = key.substring(key.indexOf('.') + 1);
            assertTrue(documentation.contains("`" + own + "`"), key);
        }
    }
}

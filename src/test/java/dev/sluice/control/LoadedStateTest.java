package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.ConnectionConfig.Timeouts;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.config.TomlWriter;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import dev.sluice.stats.TimeoutStats;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a dump says and what a reload undoes; the control thread is the test's own. */
class LoadedStateTest {
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.100"), 80);
    private static final String DIRECTOR = """
        [director]
        interfaces = ["eth1"]
        hash_key = "000102030405060708090a0b0c0d0e0f"
        """;
    private static final String SERVICES = """
        [[service]]
        protocol = "tcp"
        address = "10.0.0.100:80"
        scheduler = "wrr"
        [[service.real]]
        address = "10.0.0.11"
        weight = 2
        [[service.real]]
        address = "10.0.0.12"
        """;

    @TempDir
    private Path folder;

    private SluiceConfig config;
    private int longer;
    private Registry running;
    private LoadedState state;

    private TimeoutStats timeouts() {
        Timeouts configured = config.director().connections().timeouts();
        return new TimeoutStats(configured.tcp() + longer, configured.tcpfin(), configured.udp());
    }

    private SluiceConfig read(String text) throws Exception {
        return ConfigFile.load(Files.writeString(folder.resolve("sluice.toml"), text));
    }

    private void start(String text) throws Exception {
        config = read(text);
        running = new Registry(65537, KnownIds.NONE);
        apply(ConfigDifference.edits(running, config));
        state = new LoadedState(
                config.director(),
                () -> running,
                this::timeouts,
                new ConfigSource(Path.of("/etc/sluice.toml"), UnaryOperator.identity()));
    }

    @BeforeEach
    void start() throws Exception {
        start(DIRECTOR + SERVICES);
    }

    private void apply(List<Edit> edits) throws ChangeException {
        Registry draft = running.copy();
        for (Edit edit : edits) {
            edit.applyTo(draft);
        }
        running = draft;
    }

    private Edit.EditRealServer weight(String rip, int weight) throws Exception {
        return new Edit.EditRealServer(
                HTTP,
                ServiceJson.realServer(
                        HTTP, new ObjectMapper().readTree("{\"address\":\"" + rip + "\",\"weight\":" + weight + "}")));
    }

    /** What a reload with a file changes, and what of that undoes commands. */
    private List<String> undone(String text) throws Exception {
        SluiceConfig wanted = read(DIRECTOR + text);
        Registry draft = running.copy();
        List<String> changes = new ArrayList<>();
        for (Edit edit : ConfigDifference.edits(running, wanted)) {
            changes.addAll(edit.applyTo(draft));
        }
        return state.undone(changes, wanted);
    }

    @Test
    void whatTheFileChangesIsNotUndone() throws Exception {
        assertEquals(List.of(), undone(SERVICES));
        assertEquals(List.of(), undone(SERVICES.replace("weight = 2", "weight = 3")));
        assertEquals(List.of(), undone(""));
    }

    @Test
    void whatWasChangedByCommandIs() throws Exception {
        apply(List.of(weight("10.0.0.11", 5), new Edit.DeleteRealServer(HTTP, IpAddress.parse("10.0.0.12"), 80)));
        String weight = "edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 5 -> 2";
        String addition = "add real server 10.0.0.12 to TCP 10.0.0.100:80: weight 1";
        assertEquals(List.of(weight, addition), undone(SERVICES));
        assertEquals(
                List.of(weight.replace("-> 2", "-> 3"), addition),
                undone(SERVICES.replace("weight = 2", "weight = 3")),
                "the file overrides it as well");
        assertEquals(
                List.of(addition),
                undone(SERVICES.replace("weight = 2", "weight = 5").replace("\"wrr\"", "\"rr\"")),
                "the file has caught up with the one, and its own change is its own");
        state.loadedFrom("/etc/other.toml");
        assertEquals(List.of(), undone(SERVICES), "from here on that is what was loaded");
    }

    @Test
    void aServiceThatCameByCommandGoes() throws Exception {
        SluiceConfig more = read(DIRECTOR + SERVICES + SERVICES.replace("100:80", "100:81"));
        apply(ConfigDifference.edits(running, more));
        assertEquals(List.of("delete service TCP 10.0.0.100:81 and its 2 real servers"), undone(SERVICES));
        assertEquals(List.of(), undone(SERVICES + SERVICES.replace("100:80", "100:81")));
    }

    @Test
    void aDumpIsAFileThatChangesNothing() throws Exception {
        start(DIRECTOR + """
            socket = "/run/s"
            socket_mode = "0660"
            socket_group = 4
            queues = 2
            cpus = [1, 0]
            flow_table_memory = "shared"
            sloppy_tcp = "off"
            expire_nodest_conn = true
            [director.timeouts]
            udp = 30
            [director.tunnel]
            ttl = 9
            source_ipv4 = "10.9.0.0/24"
            [director.busy_poll]
            enabled = true
            [[fwmark]]
            mark = 1
            destination = "10.0.0.101"
            ports = "80"
            [[service]]
            fwmark = 1
            scheduler = "mh"
            scheduler_flags = ["mh-port", "mh-fallback"]
            persistence = 600
            persistence_netmask = "255.255.255.0"
            [[service.real]]
            address = "2001:db8::11"
            method = "tun"
            tun_type = "gue"
            tun_port = 6080
            vlan = 12
            [[service.real]]
            address = "10.0.0.13"
            port = 81
            [[service]]
            protocol = "udp"
            address = "10.0.0.100:53"
            [[service.real]]
            address = "10.0.0.11"
            method = "nat"
            port = 5353
            [[service.real]]
            address = "10.0.0.11"
            method = "nat"
            port = 0
            """ + SERVICES);
        apply(List.of(weight("10.0.0.11", 7)));
        String text = TomlWriter.write(state.config());
        assertTrue(text.startsWith("""
            # Loaded from /etc/sluice.toml; changed by command since:
            #   edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 2 -> 7

            # hash_key is set; it is a secret and not shown.
            [director]
            interfaces = ["eth1"]
            """), text);
        assertFalse(text.contains("00010203"), text);
        SluiceConfig again = read(text);
        assertEquals(List.of(), ConfigDifference.edits(running, again));
        assertEquals(List.of("hash_key"), DirectorDifference.keys(config.director(), again.director()));
    }

    @Test
    void everyKeyOfTheDirectorIsDumped() throws Exception {
        start("""
            [director]
            interfaces = ["eth1"]
            socket_group = "adm"
            [director.tunnel]
            source_ipv4 = "10.9.0.1"
            source_ipv6 = "2001:db8::9"
            [director.snat]
            sources = ["10.9.0.0/16"]
            addresses = ["203.0.113.5"]
            interface = "eth0"
            [director.http]
            listen = "127.0.0.1:9188"
            token_file = "/etc/sluice/token"
            hosts = ["lb1"]
            """);
        ObjectNode director = DirectorJson.of(config.director());
        Set<String> keys = new TreeSet<>();
        director.properties().forEach(member -> {
            if (member.getValue().isObject()) {
                member.getValue().fieldNames().forEachRemaining(key -> keys.add(member.getKey() + "." + key));
            } else {
                keys.add(member.getKey());
            }
        });
        Set<String> expected = new TreeSet<>(DirectorDifference.allKeys());
        expected.remove("hash_key");
        assertEquals(expected, keys);
        assertEquals(
                List.of(),
                DirectorDifference.keys(
                        config.director(),
                        read(TomlWriter.write(state.config())).director()));
    }

    @Test
    void timeoutsAreThoseThatHold() throws Exception {
        longer = 7;
        String text = TomlWriter.write(state.config());
        assertTrue(text.contains("#   timeouts: tcp 900 -> 907, tcpfin 120 -> 120, udp 300 -> 300\n"), text);
        assertEquals(907, read(text).director().connections().timeouts().tcp());
        longer = 700_000;
        assertEquals(
                604_800,
                read(TomlWriter.write(state.config()))
                        .director()
                        .connections()
                        .timeouts()
                        .tcp());
    }

    @Test
    void aServiceThatNoPacketReachesIsShownButNotPartOfTheFile() throws Exception {
        apply(List.of(new Edit.AddService(
                ServiceJson.service(new ObjectMapper().readTree("{\"fwmark\":5,\"scheduler\":\"rr\"}")))));
        String text = TomlWriter.write(state.config());
        assertTrue(text.contains("# [[service]]\n# fwmark = 5\n# family = \"inet\"\n# scheduler = \"rr\"\n"), text);
        assertEquals(config.services(), read(text).services());
    }
}

package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.config.TomlWriter;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.LocalPool;
import dev.sluice.service.Protocol;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.TimeoutStats;
import dev.sluice.stats.TranslationStats;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Changes of local addresses, of what tells clients' addresses, and of SYN proxies: by reload and by command, and back into a file. */
class TranslationEditsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.100"), 80);
    private static final String KEY = "'protocol':'tcp','address':'10.0.0.100:80'";
    private static final String DIRECTOR = "[director]\ninterfaces = ['eth1']\nqueues = 1\nfullnat.local_addresses = ";
    private static final String SERVICE =
            "\n[[service]]\nprotocol = 'tcp'\naddress = '10.0.0.100:80'\nscheduler = 'rr'\n";
    private static final String REAL = "real = [{ address = '10.7.0.11', port = 8080, method = 'fullnat' }]\n";

    private Registry registry = new Registry(65537, KnownIds.NONE);

    private static SluiceConfig config(String text) throws ConfigException {
        return ConfigFile.parse("f", text.replace('\'', '"'));
    }

    private List<String> change(List<Edit> edits) throws ChangeException {
        Registry draft = registry.copy();
        List<String> lines = new ArrayList<>();
        for (Edit edit : edits) {
            lines.addAll(edit.applyTo(draft));
        }
        TranslationCheck.check(draft);
        registry = draft;
        return lines;
    }

    private List<String> reload(String text) throws Exception {
        SluiceConfig wanted = config(text);
        List<String> lines = change(ConfigDifference.edits(registry, wanted));
        assertEquals(List.of(), ConfigDifference.edits(registry, wanted), "there is nothing left to do");
        return lines;
    }

    private List<String> command(String name, String service, String other) throws Exception {
        return change(List.of(ServiceCommands.edit(name, json("{" + service + "}"), json(other))));
    }

    private static JsonNode json(String text) throws Exception {
        return JSON.readTree(text.replace('\'', '"'));
    }

    private VirtualService http() throws ChangeException {
        return registry.get(HTTP);
    }

    @Test
    void aPoolGrowsAndShrinksByReload() throws Exception {
        assertEquals(
                List.of(
                        "local addresses: none -> 10.9.0.5",
                        "add service TCP 10.0.0.100:80: scheduler rr",
                        "add real server 10.7.0.11:8080 to TCP 10.0.0.100:80: weight 1, method fullnat"),
                reload(DIRECTOR + "['10.9.0.5']" + SERVICE + REAL));
        int id = http().realServers().getFirst().id();
        assertEquals(
                List.of("local addresses: 10.9.0.5 -> 10.9.0.5-10.9.0.7 10.9.0.9, ports 1024-65535 -> 2000-2999"),
                reload(DIRECTOR + "['10.9.0.5-10.9.0.7', '10.9.0.9']\nfullnat.local_ports = '2000-2999'" + SERVICE
                        + REAL));
        LocalPool pool = registry.localPool(http());
        assertEquals(4, pool.addresses().size());
        assertEquals(2000, pool.firstPort());
        assertEquals(id, http().realServers().getFirst().id());
        assertEquals(
                List.of(
                        "local addresses: 10.9.0.5-10.9.0.7 10.9.0.9 -> 10.9.0.7, ports 2000-2999 -> 1024-65535",
                        "edit service TCP 10.0.0.100:80: local addresses of the director -> 10.9.1.1 10.9.1.2, client"
                                + " address none -> toa, SYN proxy off -> on"),
                reload(DIRECTOR + "['10.9.0.7']" + SERVICE
                        + "local_addresses = ['10.9.1.1', '10.9.1.2']\nclient_address = 'toa'\nsyn_proxy = true\n"
                        + REAL));
        assertEquals(
                List.of(IpAddress.parse("10.9.1.1"), IpAddress.parse("10.9.1.2")),
                registry.localPool(http()).addresses());
    }

    @Test
    void workersGetThePoolThatAServiceUsesAndListingsSayWhoseItIs() throws Exception {
        reload(DIRECTOR + "['10.9.0.5']\nfullnat.local_ports = '2000-2999'" + SERVICE + REAL);
        Overlay overlay = Overlay.NONE.next(registry, Map.of(), new Overlay.Now(0, Instant.EPOCH), true);
        VirtualService effective = overlay.states(registry).getFirst().effective();
        assertEquals(
                new LocalPool(List.of(IpAddress.parse("10.9.0.5")), 2000, 2999),
                effective.translation().pool());
        assertEquals(
                new TranslationStats(List.of("10.9.0.5"), "2000-2999", false, "none", false),
                StatsReader.translation(effective, http().translation()));
        command("local-add", KEY, "['10.9.1.1-10.9.1.3']");
        effective = Overlay.withPool(http(), registry);
        TranslationStats shown = StatsReader.translation(effective, http().translation());
        assertNotNull(shown);
        assertEquals(List.of("10.9.1.1-10.9.1.3"), shown.localAddresses());
        assertEquals("2000-2999", shown.localPorts());
        assertTrue(shown.ownLocalAddresses());
        command("local-delete", KEY, "['10.9.1.1-10.9.1.3']");
        command("real-delete", KEY, "{'address':'10.7.0.11','port':8080}");
        assertNull(StatsReader.translation(Overlay.withPool(http(), registry), http().translation()));
    }

    @Test
    void localAddressesComeAndGoByCommand() throws Exception {
        command("service-add", KEY + ",'scheduler':'rr'", "{}");
        ChangeException without = assertThrows(
                ChangeException.class,
                () -> command("real-add", KEY, "{'address':'10.7.0.11','port':8080,'method':'fullnat'}"));
        assertEquals(ChangeException.Code.INVALID, without.code());
        assertTrue(String.valueOf(without.getMessage()).contains("has no IPv4 local address"));
        assertEquals(
                List.of("edit service TCP 10.0.0.100:80: local addresses of the director -> 10.9.1.1"),
                command("local-add", KEY, "['10.9.1.1']"));
        command("real-add", KEY, "{'address':'10.7.0.11','port':8080,'method':'fullnat'}");
        assertEquals(
                ChangeException.Code.LOCAL_EXISTS,
                assertThrows(ChangeException.class, () -> command("local-add", KEY, "['10.9.1.0-10.9.1.1']"))
                        .code());
        assertEquals(
                ChangeException.Code.LOCAL_NOT_FOUND,
                assertThrows(ChangeException.class, () -> command("local-delete", KEY, "['10.9.1.2']"))
                        .code());
        assertEquals(
                ChangeException.Code.INVALID,
                assertThrows(ChangeException.class, () -> command("local-delete", KEY, "['10.9.1.1']"))
                        .code(),
                "the last one, with a real server that needs it");
        assertEquals(
                ChangeException.Code.INVALID,
                assertThrows(ChangeException.class, () -> command("local-add", KEY, "['10.7.0.11']"))
                        .code());
        command("local-add", KEY, "['10.9.1.2', 'fd09::1']");
        command("local-delete", KEY, "['10.9.1.1']");
        assertEquals(
                List.of(IpAddress.parse("10.9.1.2"), IpAddress.parse("fd09::1")),
                registry.localPool(http()).addresses());
    }

    @Test
    void whatAnEditDoesNotSayStays() throws Exception {
        command(
                "service-add",
                KEY + ",'scheduler':'rr','local_addresses':['10.9.1.1'],'client_address':'toa','syn_proxy':true",
                "{}");
        assertEquals(
                List.of("edit service TCP 10.0.0.100:80: scheduler rr -> scheduler wlc"),
                command("service-edit", KEY + ",'scheduler':'wlc'", "{}"));
        assertEquals(
                List.of("edit service TCP 10.0.0.100:80: SYN proxy on -> off"),
                command("service-edit", KEY + ",'scheduler':'wlc','syn_proxy':false", "{}"));
        assertEquals(
                List.of(
                        "edit service TCP 10.0.0.100:80: local addresses 10.9.1.1 -> of the director, client address toa"
                                + " -> none"),
                command("service-edit", KEY + ",'scheduler':'wlc','local_addresses':[],'client_address':'none'", "{}"));
    }

    @Test
    void aSynProxyAndRealServersThatAnswerPastTheDirectorExcludeEachOther() throws Exception {
        command("service-add", KEY + ",'scheduler':'rr','syn_proxy':true", "{}");
        for (String method : List.of("dr", "tun")) {
            ChangeException refused = assertThrows(
                    ChangeException.class,
                    () -> command("real-add", KEY, "{'address':'10.7.0.11','method':'" + method + "'}"));
            assertTrue(
                    String.valueOf(refused.getMessage())
                            .startsWith(
                                    "service TCP 10.0.0.100:80 has a SYN proxy, and real server 10.7.0.11 of method "
                                            + method),
                    refused::getMessage);
        }
        command("real-add", KEY, "{'address':'10.7.0.11','method':'nat'}");
        assertThrows(ChangeException.class, () -> command("real-edit", KEY, "{'address':'10.7.0.11','method':'dr'}"));
        command("service-edit", KEY + ",'scheduler':'rr','syn_proxy':false", "{}");
        command("real-edit", KEY, "{'address':'10.7.0.11','method':'dr'}");
        assertThrows(
                ChangeException.class, () -> command("service-edit", KEY + ",'scheduler':'rr','syn_proxy':true", "{}"));
        // In one change, whatever comes first.
        reload("[director]\ninterfaces = ['eth1']\n" + SERVICE
                + "syn_proxy = true\nreal = [{ address = '10.7.0.11', method = 'nat' }]\n");
        assertTrue(http().translation().synProxy());
    }

    @Test
    void whatRunsIsAFileAgain() throws Exception {
        String text = DIRECTOR + "['10.9.0.5', '10.9.0.7-10.9.0.9', 'fd09::5']\nfullnat.local_ports = '2000-2999'"
                + "\nfullnat.toa_ipv6_kind = 253" + SERVICE
                + "local_addresses = ['10.9.1.1']\nclient_address = 'proxy'\nsyn_proxy = true\n" + REAL
                + "[[service]]\nprotocol = 'udp'\naddress = '10.0.0.100:53'\n"
                + "real = [{ address = 'fd07::11', method = 'fullnat' }]\n";
        SluiceConfig config = config(text);
        reload(text);
        LoadedState state = new LoadedState(
                config.director(),
                () -> registry,
                () -> new TimeoutStats(900, 120, 300),
                new ConfigSource(Path.of("/etc/sluice.toml"), UnaryOperator.identity()));
        assertEquals(config, ConfigFile.parse("f", TomlWriter.write(state.config())));
        reload(text.replace("'10.9.0.5', ", ""));
        String dumped = TomlWriter.write(state.config());
        assertTrue(dumped.contains("local_addresses = [\"10.9.0.7-10.9.0.9\", \"fd09::5\"]\n"), dumped);
        assertEquals(List.of(), ConfigDifference.edits(registry, ConfigFile.parse("f", dumped)));
        assertEquals(
                253, ConfigFile.parse("f", dumped).director().packetPolicy().toaInet6Kind());
    }

    @Test
    void whatAFileWouldBeRefusedForIsACommentInIt() throws Exception {
        String text = DIRECTOR + "['10.9.0.5']" + SERVICE + "client_address = 'toa'\n" + REAL;
        reload(text);
        command("real-add", KEY, "{'address':'10.7.0.12','port':80,'method':'nat'}");
        command("real-delete", KEY, "{'address':'10.7.0.11','port':8080}");
        LoadedState state = new LoadedState(
                config(text).director(),
                () -> registry,
                () -> new TimeoutStats(900, 120, 300),
                new ConfigSource(Path.of("/etc/sluice.toml"), UnaryOperator.identity()));
        String dumped = TomlWriter.write(state.config());
        assertFalse(dumped.contains("\n  client_address"), dumped);
        assertTrue(
                dumped.contains("# service TCP 10.0.0.100:80 has client_address = \"toa\", but no real server"),
                dumped);
        assertEquals(1, ConfigFile.parse("f", dumped).services().size());
    }

    @Test
    void addressesThatTheHostDoesNotHaveAreNamed() throws Exception {
        reload(DIRECTOR + "['10.9.0.5-10.9.0.8', 'fd09::5']" + SERVICE + REAL);
        Set<IpAddress> missing = LocalAddressLog.missing(registry, Set.of(IpAddress.parse("10.9.0.8")));
        assertEquals(
                "local address 10.9.0.5-10.9.0.7, fd09::5 is on no interface of this host, so nobody answers ARP for it:"
                        + " real servers' answers come back only if a router leads to it here; otherwise ip address add"
                        + " 10.9.0.5/32 dev INTERFACE",
                LocalAddressLog.text(missing.stream().sorted().toList()));
        command("real-delete", KEY, "{'address':'10.7.0.11','port':8080}");
        assertEquals(Set.of(), LocalAddressLog.missing(registry, Set.of()), "nobody uses them");
    }
}

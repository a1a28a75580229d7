package dev.sluice.control.config;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.forward.PacketPolicy;
import dev.sluice.forward.Sloppy;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a file says arrives in the records, and what is wrong arrives in messages. */
class ConfigFileTest {
    private static final String MINIMAL = "[director]\ninterfaces = [\"eth1\"]\n";

    @TempDir
    private Path folder;

    private static List<String> problems(String text) {
        return assertThrows(ConfigException.class, () -> ConfigFile.parse("f", text)).problems().stream()
                .map(ConfigProblem::toString)
                .toList();
    }

    private static DirectorConfig director(String lines) throws ConfigException {
        return ConfigFile.parse("f", MINIMAL + lines).director();
    }

    @Test
    void defaults() throws ConfigException {
        SluiceConfig config = ConfigFile.parse("f", MINIMAL);
        assertEquals(
                new DirectorConfig(
                        List.of("eth1"),
                        Path.of("/run/sluice/sluice.sock"),
                        SocketAccess.OWNER,
                        OptionalInt.empty(),
                        new CpuPinning.Auto(),
                        IdleMode.ADAPTIVE,
                        XdpMode.AUTO,
                        BindMode.AUTO,
                        HugePages.AUTO,
                        2048,
                        16384,
                        new RingSizes(2048, 2048, 2048, 2048),
                        64,
                        1048576,
                        false,
                        Path.of("/dev/shm/sluice"),
                        new ConnectionConfig(
                                Sloppy.HASH,
                                Sloppy.HASH,
                                1,
                                false,
                                false,
                                65536,
                                25,
                                0,
                                new ConnectionConfig.Timeouts(900, 120, 300, 60, 120, 10, 900)),
                        new PacketConfig(TtlMode.DECREMENT, EchoMode.KERNEL, 1000),
                        new TunnelConfig(-1, Optional.empty(), Optional.empty(), true, FragmentMode.OUTER),
                        new FullnatConfig(List.of(), 1024, 65535, 254),
                        SourceNatConfig.NONE,
                        65537,
                        4093,
                        Optional.empty(),
                        new BusyPollConfig(false, 20, 64),
                        WithoutDirector.DROP,
                        LogConfig.DEFAULT,
                        0,
                        HttpConfig.NONE),
                config.director());
        assertEquals(List.of(), config.services());
        assertEquals(32L << 20, config.director().umemBytes());
        assertEquals(PacketPolicy.DEFAULT, config.director().packetPolicy());
        assertFalse(config.director().icmpEcho());
    }

    @Test
    void everyKeyIsHeard() throws ConfigException {
        SluiceConfig config = ConfigFile.parse("f", """
                [director]
                interfaces = ["eth1", "eth2.100"]
                socket = "/tmp/s"
                socket_mode = "0660"
                socket_group = "adm"
                queues = 2
                cpus = [3, 1]
                idle = "busy"
                xdp_mode = "generic"
                bind_mode = "copy"
                hugepages = "on"
                frame_size = 4096
                frames = 4096
                rx_ring = 64
                tx_ring = 128
                fill_ring = 256
                completion_ring = 512
                batch_size = 32
                flow_table_size = 2048
                flow_table_memory = "shared"
                flow_table_directory = "/tmp/flows"
                sloppy_tcp = "off"
                sloppy_sctp = "schedule"
                conn_reuse_mode = 2
                expire_nodest_conn = true
                expire_quiescent_template = true
                persistence_table_size = 1000000
                half_open_percent = 50
                max_new_flows_per_second = 1000
                ttl = "keep"
                icmp_echo = "director"
                icmp_rate_limit = 7
                maglev_table_size = 251
                mh_table_size = 131071
                without_director = "pass"
                log_level = "debug"
                log_format = "json"
                warm_up_ms = 250
                hash_key = "000102030405060708090A0b0c0d0eFF"
                [director.timeouts]
                tcp = 1
                tcpfin = 2
                udp = 3
                syn_recv = 4
                time_wait = 5
                close = 6
                sctp = 7
                [director.tunnel]
                ttl = 64
                source_ipv4 = "10.9.0.0/16"
                source_ipv6 = "2001:db8:9::1"
                pmtu_disc = false
                fragment = "inner"
                [director.fullnat]
                local_addresses = ["10.9.0.5", "10.9.0.7-10.9.0.8", "fd00::ff-fd00::100"]
                local_ports = "2000-2999"
                toa_ipv6_kind = 253
                [director.snat]
                sources = ["10.9.0.0/16", "fd00::/64"]
                addresses = ["203.0.113.5"]
                interface = "eth0"
                [director.busy_poll]
                enabled = true
                usecs = 50
                budget = 8
                [director.http]
                listen = "[2001:db8::2]:9188"
                metrics = false
                token_file = "/etc/sluice/token"
                hosts = ["LB1.example.net"]
                [[service]]
                protocol = "udp"
                address = "[2001:db8::100]:0"
                scheduler = "rr"
                persistence = 2678400
                persistence_netmask = 64
                one_packet = true
                  [[service.real]]
                  address = "2001:db8::11"
                  method = "dr"
                  weight = 65535
                  upper_threshold = 2147483647
                  lower_threshold = 7
                  [[service.real]]
                  address = "2001:db8::12"
                  vlan = "none"
                  [[service.real]]
                  address = "10.0.0.13"
                  method = "tun"
                  tun_type = "gue"
                  tun_port = 6080
                  tun_checksum = "csum"
                  vlan = 4094
                [[service]]
                protocol = "tcp"
                address = "10.0.0.100:65535"
                scheduler = "sh"
                scheduler_flags = ["sh-port", "sh-fallback"]
                persistence = 1
                [[service]]
                fwmark = 4294967295
                one_packet = true
                persistence = 300
                persistence_netmask = "255.0.255.0"
                  [[service.real]]
                  address = "10.0.0.11"
                [[service]]
                fwmark = 4294967295
                family = "inet6"
                [[fwmark]]
                mark = 4294967295
                protocol = "sctp"
                destination = "10.1.0.0/16"
                ports = "8000-8999"
                source = "0.0.0.0/0"
                [[fwmark]]
                mark = 4294967295
                destination = "2001:db8:1::1"
                [[fwmark]]
                mark = 7
                destination = "10.0.0.101"
                ports = "80"
                """);
        assertEquals(
                new DirectorConfig(
                        List.of("eth1", "eth2.100"),
                        Path.of("/tmp/s"),
                        new SocketAccess(0660, Optional.of("adm")),
                        OptionalInt.of(2),
                        new CpuPinning.Fixed(List.of(3, 1)),
                        IdleMode.BUSY,
                        XdpMode.GENERIC,
                        BindMode.COPY,
                        HugePages.ON,
                        4096,
                        4096,
                        new RingSizes(64, 128, 256, 512),
                        32,
                        2048,
                        true,
                        Path.of("/tmp/flows"),
                        new ConnectionConfig(
                                Sloppy.OFF,
                                Sloppy.SCHEDULE,
                                2,
                                true,
                                true,
                                1000000,
                                50,
                                1000,
                                new ConnectionConfig.Timeouts(1, 2, 3, 4, 5, 6, 7)),
                        new PacketConfig(TtlMode.KEEP, EchoMode.DIRECTOR, 7),
                        new TunnelConfig(
                                64,
                                Optional.of(IpPrefix.parse("10.9.0.0/16")),
                                Optional.of(IpPrefix.parse("2001:db8:9::1")),
                                false,
                                FragmentMode.INNER),
                        new FullnatConfig(
                                List.of(
                                        IpAddress.parse("10.9.0.5"),
                                        IpAddress.parse("10.9.0.7"),
                                        IpAddress.parse("10.9.0.8"),
                                        IpAddress.parse("fd00::ff"),
                                        IpAddress.parse("fd00::100")),
                                2000,
                                2999,
                                253),
                        new SourceNatConfig(
                                List.of(IpPrefix.parse("10.9.0.0/16"), IpPrefix.parse("fd00::/64")),
                                List.of(IpAddress.parse("203.0.113.5")),
                                Optional.of("eth0")),
                        251,
                        131071,
                        Optional.of(new HashKey(0x0001020304050607L, 0x08090a0b0c0d0effL)),
                        new BusyPollConfig(true, 50, 8),
                        WithoutDirector.PASS,
                        new LogConfig(LogLevel.DEBUG, LogFormat.JSON),
                        250,
                        new HttpConfig(
                                Optional.of(new InetSocketAddress("2001:db8::2", 9188)),
                                false,
                                true,
                                Optional.of(Path.of("/etc/sluice/token")),
                                List.of("lb1.example.net"))),
                config.director());
        assertEquals(
                List.of(
                        new ServiceConfig(
                                new AddressKey(Protocol.UDP, IpAddress.parse("2001:db8::100"), 0),
                                SchedulerKind.RR,
                                Set.of(),
                                new Persistence(2678400, IpAddress.parse("ffff:ffff:ffff:ffff::")),
                                true,
                                List.of(
                                        new RealServerConfig(
                                                IpAddress.parse("2001:db8::11"),
                                                0,
                                                ForwardingMethod.DR,
                                                65535,
                                                Integer.MAX_VALUE,
                                                7),
                                        new RealServerConfig(
                                                IpAddress.parse("2001:db8::12"),
                                                0,
                                                ForwardingMethod.DR,
                                                1,
                                                0,
                                                0,
                                                null,
                                                RealServer.VLAN_NONE),
                                        new RealServerConfig(
                                                IpAddress.parse("10.0.0.13"),
                                                0,
                                                ForwardingMethod.TUN,
                                                1,
                                                0,
                                                0,
                                                new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.CSUM),
                                                4094))),
                        new ServiceConfig(
                                new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.100"), 65535),
                                SchedulerKind.SH,
                                Set.of(SchedulerFlag.SH_PORT, SchedulerFlag.SH_FALLBACK),
                                new Persistence(1, IpAddress.parse("255.255.255.255")),
                                false,
                                List.of()),
                        new ServiceConfig(
                                new FwmarkKey(AddressFamily.INET, -1),
                                SchedulerKind.MAGLEV,
                                Set.of(),
                                new Persistence(300, IpAddress.parse("255.0.255.0")),
                                true,
                                List.of(new RealServerConfig(
                                        IpAddress.parse("10.0.0.11"), 0, ForwardingMethod.DR, 1, 0, 0))),
                        new ServiceConfig(
                                new FwmarkKey(AddressFamily.INET6, -1),
                                SchedulerKind.MAGLEV,
                                Set.of(),
                                null,
                                false,
                                List.of())),
                config.services());
        assertEquals(
                List.of(
                        new FwmarkRule(
                                -1,
                                Protocol.SCTP,
                                IpPrefix.parse("10.1.0.0/16"),
                                8000,
                                8999,
                                IpPrefix.parse("0.0.0.0/0")),
                        new FwmarkRule(-1, null, IpPrefix.parse("2001:db8:1::1"), 0, 65535, null),
                        new FwmarkRule(7, null, IpPrefix.parse("10.0.0.101"), 80, 80, null)),
                config.fwmarkRules());
        assertEquals(
                new PacketPolicy(true, true, 7, 64, false, true, 253),
                config.director().packetPolicy());
        assertTrue(config.director().icmpEcho());
        assertEquals(Path.of("/x"), config.withSocket(Path.of("/x")).director().socket());
        assertEquals(config, config.withSocket(Path.of("/x")).withSocket(Path.of("/tmp/s")));
    }

    @Test
    void aTimeoutOfZeroLeavesTheDefaultAsIpvsadmDoes() throws ConfigException {
        assertEquals(
                new ConnectionConfig.Timeouts(900, 7, 300, 60, 120, 10, 900),
                director("timeouts.tcp = 0\ntimeouts.tcpfin = 7\ntimeouts.udp = 0")
                        .connections()
                        .timeouts());
    }

    @Test
    void framesGrowWithTheRingsUnlessGiven() throws ConfigException {
        assertEquals(
                5 * 4096,
                ConfigFile.parse("f", "[director]\ninterfaces = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n")
                        .director()
                        .frames());
        assertEquals(65536, director("fill_ring = 32768\ntx_ring = 32768").frames());
        assertEquals(4096, director("frames = 4096").frames());
        assertEquals(1, problems(MINIMAL + "frames = 4095").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"queues = \"auto\"", "cpus = \"auto\"", "queues = 1\ncpus = [0]", "cpus = [1, 0]"})
    void accepted(String lines) throws ConfigException {
        assertEquals(List.of("eth1"), director(lines).interfaces());
    }

    @Test
    void unpinnedWorkers() throws ConfigException {
        assertEquals(new CpuPinning.None(), director("cpus = \"none\"").cpus());
    }

    /** The smallest and largest accepted values, and their neighbours outside. */
    @ParameterizedTest
    @CsvSource({
        "queues, 1, 256",
        "batch_size, 1, 256",
        "flow_table_size, 1024, 67108864",
        "conn_reuse_mode, 0, 2",
        "half_open_percent, 1, 100",
        "max_new_flows_per_second, 0, 1000000000",
        "timeouts.tcp, 0, 604800",
        "timeouts.tcpfin, 0, 604800",
        "timeouts.udp, 0, 604800",
        "timeouts.syn_recv, 1, 604800",
        "timeouts.time_wait, 1, 604800",
        "timeouts.close, 1, 604800",
        "timeouts.sctp, 1, 604800",
        "persistence_table_size, 1, 16777216",
        "icmp_rate_limit, 0, 1000000",
        "tunnel.ttl, 1, 255",
        "maglev_table_size, 251, 16777213",
        "mh_table_size, 251, 131071",
        "frames, 4096, 4194304",
        "rx_ring, 64, 32768",
        "completion_ring, 64, 32768",
        "frame_size, 2048, 4096",
        "busy_poll.usecs, 1, 100000",
        "busy_poll.budget, 1, 65535",
    })
    void ranges(String key, long smallest, long largest) throws ConfigException {
        for (long good : new long[] {smallest, largest}) {
            assertEquals(List.of("eth1"), director(key + " = " + good).interfaces(), key);
        }
        String own = key.substring(key.indexOf('.') + 1);
        for (long wrong : new long[] {smallest - 1, largest + 1, -1, Long.MAX_VALUE}) {
            List<String> found = problems(MINIMAL + key + " = " + wrong);
            assertEquals(1, found.size(), found::toString);
            assertTrue(found.getFirst().startsWith("f:3:1: " + own + " = " + wrong + " is "), found::toString);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            source_ipv4 = "2001:db8::1" | is of the other family; allowed: "10.0.0.1", "10.0.0.16/28"
            source_ipv6 = "10.0.0.1" | is of the other family; allowed: "2001:db8::1", "2001:db8:0:1::/64"
            source_ipv4 = "10.0.0.1/24" | is no address or prefix (10.0.0.1/24 has bits set beyond its length; the network is 10.0.0.0/24); allowed: "10.0.0.1", "10.0.0.16/28"
            source_ipv4 = "127.0.0.1" | is a loopback address; allowed: a unicast address other machines can reach
            source_ipv6 = "::/0" | contains the unspecified address; allowed: a unicast address other machines can reach
            ttl = "keep" | is a string; allowed: "inherit", or an integer 1-255
            """)
    void outerHeadersThatCannotBe(String line, String why) {
        assertEquals(List.of("f:4:1: " + line + " " + why), problems(MINIMAL + "[director.tunnel]\n" + line));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "interfaces",
                "socket",
                "idle",
                "xdp_mode",
                "bind_mode",
                "hugepages",
                "hash_key",
                "queues",
                "cpus",
                "frames",
                "batch_size",
                "frame_size",
                "rx_ring",
                "flow_table_size",
                "flow_table_memory",
                "flow_table_directory",
                "sloppy_tcp",
                "sloppy_sctp",
                "conn_reuse_mode",
                "expire_nodest_conn",
                "expire_quiescent_template",
                "persistence_table_size",
                "flow_table_memory",
                "flow_table_directory",
                "half_open_percent",
                "max_new_flows_per_second",
                "timeouts",
                "ttl",
                "icmp_echo",
                "icmp_rate_limit",
                "tunnel",
                "tunnel.ttl",
                "tunnel.source_ipv4",
                "tunnel.source_ipv6",
                "tunnel.pmtu_disc",
                "tunnel.fragment",
                "maglev_table_size",
                "mh_table_size",
                "busy_poll"
            })
    void noKeyTakesAnotherType(String key) {
        List<String> found = problems((key.equals("interfaces") ? "[director]\n\n" : MINIMAL) + key + " = 1979-05-27");
        assertEquals(1, found.size(), found::toString);
        assertTrue(
                found.getFirst()
                        .startsWith("f:3:1: " + key.substring(key.indexOf('.') + 1)
                                + " = 1979-05-27 is a date or time; allowed: "),
                found::toString);
    }

    @Test
    void tenErrorsAreTenLinesInTheOrderOfTheFile() {
        assertEquals(
                List.of(
                        "f:2:15: interfaces = [\"eth0/1\"] is no interface name; allowed: 1-15 bytes without spaces,"
                                + " \"/\" and \":\"",
                        "f:3:1: socket = \"sluice.sock\" is no absolute path; allowed: an absolute path of 1-107 bytes",
                        "f:4:1: idle = \"bussy\" is not supported by this version, did you mean \"busy\"?; allowed:"
                                + " \"adaptive\", \"busy\"",
                        "f:5:1: unknown key \"frame_sise\" in [director]; did you mean \"frame_size\"?",
                        "f:8:1: address = \"10.0.0.300:80\" holds no IPv4 or IPv6 address; allowed: \"10.0.0.100:80\" or"
                                + " \"[2001:db8::100]:80\", port 0 for every port",
                        "f:9:3: unknown key \"reel\" in [[service]]; did you mean \"real\"?",
                        "f:11:1: [[service]] has no protocol; required: \"tcp\", \"udp\", \"sctp\"",
                        "f:15:3: weight = 2147483648 is out of range; allowed: an integer 0-2147483647",
                        "f:16:3: real server 10.0.0.11 is already in this service at line 13; allowed: each real server"
                                + " once, with the weight it deserves",
                        "f:18:1: unknown key \"services\" in the file; did you mean \"service\"?"),
                problems("""
                        [director]
                        interfaces = ["eth0/1"]
                        socket = "sluice.sock"
                        idle = "bussy"
                        frame_sise = 2048
                        [[service]]
                        protocol = "tcp"
                        address = "10.0.0.300:80"
                          [[service.reel]]
                          address = "10.0.0.11"
                        [[service]]
                        address = "10.0.0.100:80"
                          [[service.real]]
                          address = "10.0.0.11"
                          weight = 2147483648
                          [[service.real]]
                          address = "10.0.0.11"
                        [[services]]
                        """));
    }

    @Test
    void natTakesAnotherPortAndTheSameAddressOnSeveral() throws ConfigException {
        String file = """
                [director]
                interfaces = ["eth0"]
                [[service]]
                protocol = "tcp"
                address = "10.0.0.100:80"
                  [[service.real]]
                  method = "nat"
                  address = "10.0.0.11"
                  port = 8080
                  [[service.real]]
                  method = "nat"
                  address = "10.0.0.11"
                  [[service.real]]
                  method = "nat"
                  address = "10.0.0.12"
                  port = 0
                """;
        assertEquals(
                List.of(8080, 80, 0),
                ConfigFile.parse("f", file).services().getFirst().realServers().stream()
                        .map(RealServerConfig::port)
                        .toList());
        assertEquals(
                List.of(
                        "f:17:3: real server 10.0.0.11 with port 8080 is already in this service at line 6; allowed: each"
                                + " real server once, with the weight it deserves"),
                problems(file + """
                  [[service.real]]
                  method = "nat"
                  address = "10.0.0.11"
                  port = 8080
                """));
    }

    @Test
    void flagsWithoutANameGoWithEveryScheduler() {
        assertEquals(
                List.of("f:6:20: scheduler_flags = [\"sh-port\"] does not belong to scheduler \"rr\"; allowed:"
                        + " no flags with this scheduler"),
                problems("""
                        [director]
                        interfaces = ["eth0"]
                        [[service]]
                        protocol = "tcp"
                        address = "10.0.0.100:80"
                        scheduler_flags = ["sh-port"]
                        scheduler = "rr"
                        [[service]]
                        protocol = "tcp"
                        address = "10.0.0.100:81"
                        scheduler = "rr"
                        scheduler_flags = ["flag-1", "flag-3"]
                        """));
    }

    @Test
    void syntaxErrorsComeWithTheValuesThatAreWrongButWithoutWhatMayFollowFromThem() {
        List<String> found = problems("""
                [director]
                queues = 0
                socke = "/s"
                interfaces = ["eth1
                [[service]
                protocol = "tcp"
                [[service]]
                protocol = "esp"
                """);
        assertEquals(5, found.size(), found::toString);
        assertTrue(found.get(0).startsWith("f:2:1: queues = 0 is out of range"), found::toString);
        assertTrue(found.get(1).startsWith("f:3:1: unknown key \"socke\""), found::toString);
        assertTrue(found.get(2).startsWith("f:4:20: "), found::toString);
        assertTrue(found.get(3).startsWith("f:5:1: "), found::toString);
        assertTrue(found.get(4).startsWith("f:8:1: protocol = \"esp\""), found::toString);
    }

    @Test
    void theSameServiceOverAnotherProtocolPortOrSpellingOfTheAddress() throws ConfigException {
        String first = MINIMAL + "[[service]]\nprotocol = \"tcp\"\naddress = \"[2001:db8::1]:80\"\n[[service]]\n";
        assertEquals(
                2,
                ConfigFile.parse("f", first + "protocol = \"udp\"\naddress = \"[2001:db8::1]:80\"")
                        .services()
                        .size());
        assertEquals(
                2,
                ConfigFile.parse("f", first + "protocol = \"tcp\"\naddress = \"[2001:db8::1]:0\"")
                        .services()
                        .size());
        assertEquals(
                List.of(
                        "f:6:1: service TCP [2001:db8::1]:80 is already defined at line 3; allowed: one service for each"
                                + " protocol, address and port"),
                problems(first + "protocol = \"tcp\"\naddress = \"[2001:DB8:0::0001]:80\""));
    }

    @Test
    void inlineTablesAreTablesToo() throws ConfigException {
        SluiceConfig config = ConfigFile.parse("f", """
                director = { interfaces = ["eth1"], busy_poll = { enabled = true } }
                service = [{ protocol = "tcp", address = "10.0.0.100:80", real = [{ address = "10.0.0.11" }] }]
                """);
        assertTrue(config.director().busyPoll().enabled());
        assertEquals(1, config.services().getFirst().realServers().size());
    }

    @Test
    void moreRealServersThanMaglevEntries() {
        StringBuilder text = new StringBuilder(MINIMAL)
                .append("maglev_table_size = 251\n[[service]]\nprotocol = \"tcp\"\naddress = \"10.1.0.0:80\"\n");
        for (int i = 1; i <= 252; i++) {
            text.append("[[service.real]]\naddress = \"10.0.0.").append(i).append("\"\n");
        }
        assertEquals(
                List.of(
                        "f:4:1: service has 252 real servers, more than director.maglev_table_size = 251; allowed: at most"
                                + " one for each entry, better 100 entries for each"),
                problems(text.toString()));
    }

    @Test
    void nobodyNeedsMoreThanTheRulesThatTheProgramLooksThrough() throws ConfigException {
        String rule = "[[fwmark]]\nmark = 1\ndestination = \"10.0.0.100\"\n";
        assertEquals(
                256,
                ConfigFile.parse("f", MINIMAL + rule.repeat(256)).fwmarkRules().size());
        assertEquals(
                List.of("f:771:1: there are 257 [[fwmark]] rules; allowed: at most 256"),
                problems(MINIMAL + rule.repeat(257)));
    }

    @Test
    void aWrongRuleIsNotAlsoMissing() {
        assertEquals(
                1,
                problems(MINIMAL + "[[service]]\nfwmark = 1\n[[fwmark]]\nmark = 1\ndestination = \"10.0.0\"\n")
                        .size());
    }

    @Test
    void aFileThatIsNotUtf8IsPlacedWhereItStopsBeingIt() throws IOException {
        Path file = folder.resolve("latin1.toml");
        Files.write(file, new byte[] {'#', '\n', 'a', ' ', '=', (byte) 0xe4, '\n'});
        ConfigException e = assertThrows(ConfigException.class, () -> ConfigFile.load(file));
        assertEquals(file + ":2:4: not UTF-8 text; TOML files are UTF-8", e.getMessage());
    }

    @Test
    void aByteOrderMarkAndCarriageReturnsAreHarmless() throws Exception {
        Path file = folder.resolve("windows.toml");
        Files.writeString(file, "\ufeff" + MINIMAL.replace("\n", "\r\n"));
        assertEquals(List.of("eth1"), ConfigFile.load(file).director().interfaces());
    }

    @Test
    void hugeFilesAreNotRead() {
        ConfigException e = assertThrows(ConfigException.class, () -> ConfigFile.load(Path.of("/dev/zero")));
        assertEquals("/dev/zero: cannot be read: larger than 16 MiB", e.getMessage());
    }

    @Test
    void theExampleIsValid() throws ConfigException {
        SluiceConfig example = ConfigFile.load(Path.of("docs/examples/sluice.toml"));
        assertEquals(4, example.services().size());
        assertEquals(
                List.of(2, 1),
                example.services().getFirst().realServers().stream()
                        .map(RealServerConfig::weight)
                        .toList());
    }

    @Test
    void theExampleOfHealthIsValid() throws ConfigException {
        SluiceConfig example = ConfigFile.load(Path.of("docs/examples/health.toml"));
        assertEquals(3, example.services().size());
        assertEquals(2, example.services().get(1).health().checks().size());
    }

    @Test
    void tomlInTheDocumentationIsValid() throws Exception {
        for (Path file : Stream.of(Path.of("README.md"), Path.of("docs/configuration.md"))
                .filter(Files::exists)
                .toList()) {
            Matcher blocks = Pattern.compile("^```toml\\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL)
                    .matcher(Files.readString(file));
            while (blocks.find()) {
                assertFalse(ConfigFile.parse(file.toString(), blocks.group(1))
                        .director()
                        .interfaces()
                        .isEmpty());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            page = true                            | [director.http] has no listen; required: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = 9188                          | listen = 9188 is an integer; allowed: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = ":9188"                       | listen = ":9188" is no address and port; allowed: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = "127.0.0.1"                   | listen = "127.0.0.1" is no address and port; allowed: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = "127.0.0.1:0"                 | listen = "127.0.0.1:0" has a bad port; allowed: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = "127.0.0.1:65536"             | listen = "127.0.0.1:65536" has a bad port; allowed: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = "localhost:9188"              | listen = "localhost:9188" holds no IPv4 or IPv6 address; allowed: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = "::1:9188"                    | listen = "::1:9188" is no address and port; allowed: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = "[127.0.0.1]:9188"            | listen = "[127.0.0.1]:9188" has brackets around an IPv4 address; allowed: an address and a port 1-65535, "127.0.0.1:9188", "[::1]:9188"
            listen = "[::1]:1"; token_file = "t"   | token_file = "t" is no absolute path; allowed: an absolute path
            listen = "[::1]:1"; page = false; token_file = "/t" | token_file = "/t" is of no use without the page; allowed: with page = true
            listen = "[::1]:1"; page = false; metrics = false | page = false leaves nothing to listen for beside metrics = false; allowed: one of the two, or no table
            listen = "[::1]:1"; hosts = ["a b"]    | hosts = ["a b"] is no host name; allowed: a list of host names without port, ["lb1.example.net"]
            listen = "[::1]:1"; hosts = ["lb1:80"] | hosts = ["lb1:80"] is no host name; allowed: a list of host names without port, ["lb1.example.net"]
            listen = "[::1]:1"; hosts = ["a", "A"] | hosts = ["A"] is listed twice; allowed: each name once
            """)
    void wrongHttp(String lines, String problem) {
        List<String> found = problems(MINIMAL + "[director.http]\n" + lines.replace("; ", "\n"));
        assertEquals(1, found.size(), found::toString);
        assertTrue(found.getFirst().endsWith(": " + problem), found::toString);
    }

    /** The reader itself lists the keys it knows, in answer to one it does not. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                MINIMAL + "zzzzzz = 1",
                MINIMAL + "[director.busy_poll]\nzzzzzz = 1",
                MINIMAL + "[director.timeouts]\nzzzzzz = 1",
                MINIMAL + "[director.tunnel]\nzzzzzz = 1",
                MINIMAL + "[director.http]\nlisten = \"127.0.0.1:9188\"\nzzzzzz = 1",
                MINIMAL + "[[service]]\nprotocol = \"tcp\"\naddress = \"10.0.0.1:0\"\nzzzzzz = 1",
                MINIMAL + "[[service]]\nprotocol = \"tcp\"\naddress = \"10.0.0.1:0\"\n"
                        + "[[service.real]]\naddress = \"10.0.0.2\"\nzzzzzz = 1",
                MINIMAL + "[[service]]\nprotocol = \"tcp\"\naddress = \"10.0.0.1:1\"\n"
                        + "[[service.check]]\ntype = \"tcp\"\nzzzzzz = 1",
                MINIMAL + "[[fwmark]]\nmark = 1\ndestination = \"10.0.0.1\"\nzzzzzz = 1",
                MINIMAL + "zzzzzz = 1\n[[service]]\nfwmark = 1\n[[fwmark]]\nmark = 1\ndestination = \"10.0.0.1\""
            })
    void everyKeyIsDocumented(String text) throws IOException {
        String documentation = Files.readString(Path.of("docs/configuration.md"));
        String message = problems(text).getFirst();
        for (String key : message.substring(message.indexOf("allowed: ") + 9).split(", ", -1)) {
            assertTrue(documentation.contains("`" + key + "`") || documentation.contains("." + key + "]`"), key);
        }
    }

    @Test
    void pinningTakesTheLastCpus() {
        CpuPinning auto = new CpuPinning.Auto();
        assertArrayEquals(new int[] {6, 7}, auto.assign(2, List.of(0, 1, 6, 7)));
        assertArrayEquals(new int[] {2, 5, 2}, auto.assign(3, List.of(2, 5)));
        assertArrayEquals(new int[] {-1, -1}, new CpuPinning.None().assign(2, List.of(0)));
        assertArrayEquals(new int[] {5, 2}, new CpuPinning.Fixed(List.of(5, 2)).assign(2, List.of(0)));
        assertThrows(IllegalArgumentException.class, () -> new CpuPinning.Fixed(List.of(5)).assign(2, List.of(0, 5)));
    }

    @Test
    void theMachinesKeyIsStableSecretAndItsOwn() throws IOException {
        Path id = folder.resolve("machine-id");
        Files.writeString(id, "0123456789abcdef0123456789abcdef\n");
        HashKey key = HashKey.ofMachine(id).orElseThrow();
        // printf dev.sluice.hash_key | openssl dgst -sha256 -mac HMAC -macopt hexkey:0123456789abcdef0123456789abcdef
        assertEquals(HashKey.parse("223742c48009da8eb61532bec532a93f"), key);
        assertEquals("HashKey[secret]", key.toString());
        Files.writeString(id, "0123456789abcdef0123456789abcdee\n");
        assertFalse(HashKey.ofMachine(id).equals(Optional.of(key)));
        Files.writeString(id, "uninitialized\n");
        assertEquals(Optional.empty(), HashKey.ofMachine(id));
        assertEquals(Optional.empty(), HashKey.ofMachine(folder.resolve("none")));
    }
}

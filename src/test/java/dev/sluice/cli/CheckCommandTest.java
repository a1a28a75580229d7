package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What a user of {@code sluice check} sees, and what a script does: one test for each class of error. */
class CheckCommandTest {
    private static final String DIRECTOR = "[director]\ninterfaces = [\"eth1\"]\n";
    private static final String SERVICE = "[[service]]\nprotocol = \"tcp\"\naddress = \"10.0.0.9:80\"\n";

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int sluice(String... args) {
        CommandLine command = Main.commandLine(
                (config, file, release) -> {
                    throw new AssertionError("check runs no director");
                },
                Map.of());
        return command.setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    private void assertRefused(String text, String message) throws IOException {
        Path file = folder.resolve("sluice.toml");
        Files.writeString(file, text);
        int code = sluice("check", file.toString());
        assertEquals("sluice: " + file + ":" + message + System.lineSeparator(), err.toString());
        assertEquals(ExitCode.CONFIG.code(), code);
        assertEquals("", out.toString());
    }

    @Test
    void goodFile() {
        int code = sluice("check", "docs/examples/sluice.toml");
        assertEquals("", err.toString());
        assertEquals(
                "docs/examples/sluice.toml: ok, 1 interface, 4 services, 8 real servers" + System.lineSeparator(),
                out.toString());
        assertEquals(0, code);
    }

    @Test
    void missingFile() {
        Path file = folder.resolve("none.toml");
        assertEquals(3, sluice("check", file.toString()));
        assertEquals("sluice: " + file + ": cannot be read: no such file" + System.lineSeparator(), err.toString());
    }

    @Test
    void directoryForAFile() {
        assertEquals(3, sluice("check", folder.toString()));
        assertEquals("sluice: " + folder + ": cannot be read: is a directory" + System.lineSeparator(), err.toString());
    }

    @Test
    void noFile() {
        assertEquals(2, sluice("check"));
        assertEquals(
                "sluice: Missing required parameter: 'FILE'" + System.lineSeparator() + "Try: sluice check --help"
                        + System.lineSeparator(),
                err.toString());
    }

    @Test
    void unknownCommand() {
        assertEquals(2, sluice("chekc"));
        assertEquals(
                "sluice: Unmatched argument at index 0: 'chekc'",
                err.toString().lines().findFirst().orElseThrow());
    }

    @Test
    void noDirectorTable() throws IOException {
        assertRefused(
                "# empty\n", "1:1: the file has no [director]; required: [director] with interfaces = [\"eth1\"]");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            interfaces =                  | 2:13: Unexpected end of line, expected a value
            idle = "busy"                 | 1:1: [director] has no interfaces; required: a list of interface names, ["eth1"]
            interfaces = []               | 2:1: interfaces = [...] names no interface; allowed: a list of interface names, ["eth1"]
            interfaces = "eth1"           | 2:1: interfaces = "eth1" is a string; allowed: a list of interface names, ["eth1"]
            interfaces = ["a", 7]         | 2:20: interfaces = [7] is an integer; allowed: a list of interface names, ["eth1"]
            interfaces = ["a", "a"]       | 2:20: interfaces = ["a"] is already listed at line 2, column 15; allowed: each interface once
            interfaces = ["sixteen-bytes-16"] | 2:15: interfaces = ["sixteen-bytes-16"] is too long for an interface name; allowed: 1-15 bytes
            interfaces = ["a b"]          | 2:15: interfaces = ["a b"] is no interface name; allowed: 1-15 bytes without spaces, "/" and ":"
            """)
    void interfaces(String line, String message) throws IOException {
        assertRefused("[director]\n" + line + "\n", message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            socket = "run/s"              | socket = "run/s" is no absolute path; allowed: an absolute path of 1-107 bytes
            queues = 0                    | queues = 0 is out of range; allowed: an integer 1-256, or "auto"
            queues = "all"                | queues = "all" is a string; allowed: an integer 1-256, or "auto"
            cpus = []                     | cpus = [...] names no CPU; allowed: a list of CPU numbers, one for each queue, or "auto", or "none"
            cpus = "last"                 | cpus = "last" is a string; allowed: a list of CPU numbers, one for each queue, or "auto", or "none"
            idle = "lazy"                 | idle = "lazy" is not supported by this version; allowed: "adaptive", "busy"
            xdp_mode = "skb"              | xdp_mode = "skb" is not supported by this version; allowed: "auto", "native", "generic"
            bind_mode = "zero-copy"       | bind_mode = "zero-copy" is not supported by this version, did you mean "zerocopy"?; allowed: "auto", "zerocopy", "copy"
            hugepages = true              | hugepages = true is a boolean; allowed: "auto", "on", "off"
            frame_size = 3000             | frame_size = 3000 is no frame size of AF_XDP; allowed: 2048, 4096
            frame_size = 9000             | frame_size = 9000 is out of range; allowed: 2048, 4096
            frames = 1024                 | frames = 1024 is too small for fill and TX rings of 2048 and 2048 on 1 interface; allowed: at least 4096
            fill_ring = 1000              | fill_ring = 1000 is not a power of two; allowed: a power of two 64-32768
            batch_size = 1.5              | batch_size = 1.5 is a floating-point number; allowed: an integer 1-256
            maglev_table_size = 65536     | maglev_table_size = 65536 is not prime; allowed: a prime 251-16777213, the nearest are 65521 and 65537
            mh_table_size = 4096          | mh_table_size = 4096 is no size that a kernel has; allowed: the kernel's sizes 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071
            flow_table_size = 1000        | flow_table_size = 1000 is out of range; allowed: an integer 1024-67108864
            sloppy_tcp = true             | sloppy_tcp = true is a boolean; allowed: "off", "hash", "schedule"
            sloppy_sctp = "on"            | sloppy_sctp = "on" is not supported by this version; allowed: "off", "hash", "schedule"
            flow_table_memory = "heap"    | flow_table_memory = "heap" is not supported by this version; allowed: "private", "shared"
            flow_table_directory = "shm"  | flow_table_directory = "shm" is no absolute path; allowed: an absolute path
            persistence_table_size = 0    | persistence_table_size = 0 is out of range; allowed: an integer 1-16777216
            expire_quiescent_template = 1 | expire_quiescent_template = 1 is an integer; allowed: true, false
            hash_key = "5ec2e7"           | hash_key is no key of 32 hex digits; allowed: what `openssl rand -hex 16` prints
            busy_poll = 20                | busy_poll = 20 is an integer; allowed: a table [director.busy_poll]
            busy_poll = { usec = 20 }     | unknown key "usec" in [director.busy_poll]; did you mean "usecs"?
            Queues = 2                    | unknown key "Queues" in [director]; did you mean "queues"?
            sloppy_tcp = true             | sloppy_tcp = true is a boolean; allowed: "off", "hash", "schedule"
            sloppy_sctp = "on"            | sloppy_sctp = "on" is not supported by this version; allowed: "off", "hash", "schedule"
            flow_table_memory = "heap"    | flow_table_memory = "heap" is not supported by this version; allowed: "private", "shared"
            flow_table_directory = "shm"  | flow_table_directory = "shm" is no absolute path; allowed: an absolute path
            colour = "red"                | unknown key "colour" in [director]; allowed: interfaces, socket, socket_mode, socket_group, queues, cpus, idle, xdp_mode, bind_mode, hugepages, frame_size, batch_size, rx_ring, tx_ring, fill_ring, completion_ring, frames, flow_table_size, flow_table_memory, flow_table_directory, sloppy_tcp, sloppy_sctp, conn_reuse_mode, expire_nodest_conn, expire_quiescent_template, persistence_table_size, half_open_percent, max_new_flows_per_second, timeouts, ttl, icmp_echo, icmp_rate_limit, maglev_table_size, mh_table_size, hash_key, without_director, tunnel, fullnat, snat, busy_poll, log_level, log_format, warm_up_ms, http
            """)
    void director(String line, String message) throws IOException {
        String column = message.startsWith("unknown key \"usec\"") ? "15: " : "1: ";
        assertRefused(DIRECTOR + line + "\n", "3:" + column + message);
    }

    @Test
    void cpusAndQueuesDisagree() throws IOException {
        assertRefused(
                DIRECTOR + "queues = 2\ncpus = [0]\n",
                "4:1: cpus = [...] lists 1 CPU while queues = 2; allowed: one CPU for each queue");
    }

    @Test
    void aCpuTwice() throws IOException {
        assertRefused(
                DIRECTOR + "cpus = [1, 1]\n",
                "3:12: cpus = [1] is already listed at line 3; allowed: each CPU once, or \"none\"");
    }

    @Test
    void ringSmallerThanABatch() throws IOException {
        assertRefused(
                DIRECTOR + "batch_size = 100\ntx_ring = 64\n",
                "4:1: tx_ring = 64 is smaller than batch_size = 100; allowed: at least batch_size");
    }

    @Test
    void aKeyTwice() throws IOException {
        assertRefused(DIRECTOR + "queues = 2\nqueues = 2\n", "4:1: queues previously defined at line 3, column 1");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            protocol = "esp"  | address = "10.0.0.9:80" | 4:1: protocol = "esp" is not supported by this version; allowed: "tcp", "udp", "sctp"
            protocol = 6      | address = "10.0.0.9:80" | 4:1: protocol = 6 is an integer; allowed: "tcp", "udp", "sctp"
            protocol = "TCP"  | address = "10.0.0.9:80" | 4:1: protocol = "TCP" is not supported by this version, did you mean "tcp"?; allowed: "tcp", "udp", "sctp"
            protocol = "tcp"  | scheduler = "rr"        | 3:1: [[service]] has no address; required: @VIP@
            protocol = "tcp"  | address = "10.0.0.9"    | 5:1: address = "10.0.0.9" has no port; allowed: @VIP@
            protocol = "tcp"  | address = "[2001:db8::9]" | 5:1: address = "[2001:db8::9]" has no port; allowed: @VIP@
            protocol = "tcp"  | address = "2001:db8::9:80" | 5:1: address = "2001:db8::9:80" leaves open where the IPv6 address ends and the port begins; allowed: @VIP@
            protocol = "tcp"  | address = "[10.0.0.9]:80" | 5:1: address = "[10.0.0.9]:80" has brackets around an IPv4 address; allowed: @VIP@
            protocol = "tcp"  | address = "www:80"      | 5:1: address = "www:80" holds no IPv4 or IPv6 address; allowed: @VIP@
            protocol = "tcp"  | address = "10.0.0:80"   | 5:1: address = "10.0.0:80" holds no IPv4 or IPv6 address; allowed: @VIP@
            protocol = "tcp"  | address = "10.0.0.9:http" | 5:1: address = "10.0.0.9:http" has a bad port; allowed: ports 1-65535, or 0 for every port
            protocol = "tcp"  | address = "10.0.0.9:65536" | 5:1: address = "10.0.0.9:65536" has a bad port; allowed: ports 1-65535, or 0 for every port
            protocol = "tcp"  | address = "0.0.0.0:80"  | 5:1: address = "0.0.0.0:80" is the unspecified address; allowed: @UNICAST@
            protocol = "tcp"  | address = "[::1]:80"    | 5:1: address = "[::1]:80" is a loopback address; allowed: @UNICAST@
            protocol = "tcp"  | address = "239.1.1.1:80" | 5:1: address = "239.1.1.1:80" is a multicast address; allowed: @UNICAST@
            protocol = "tcp"  | address = "255.255.255.255:80" | 5:1: address = "255.255.255.255:80" is the broadcast address; allowed: @UNICAST@
            protocol = "tcp"  | address = "[fe80::1]:80" | 5:1: address = "[fe80::1]:80" is a link-local address; allowed: @UNICAST@
            protocol = "tcp"  | address = "[::ffff:10.0.0.9]:80" | 5:1: address = "[::ffff:10.0.0.9]:80" is an IPv4-mapped IPv6 address; allowed: @UNICAST@
            """)
    void service(String protocol, String address, String message) throws IOException {
        assertRefused(
                DIRECTOR + "[[service]]\n" + protocol + "\n" + address + "\n",
                message.replace("@VIP@", "\"10.0.0.100:80\" or \"[2001:db8::100]:80\", port 0 for every port")
                        .replace("@UNICAST@", "a unicast address other machines can reach"));
    }

    @Test
    void unknownScheduler() throws IOException {
        assertRefused(
                DIRECTOR + SERVICE + "scheduler = \"wlcr\"\n",
                "6:1: scheduler = \"wlcr\" is not supported by this version, did you mean \"wlc\"?; allowed: \"rr\","
                        + " \"wrr\", \"lc\", \"wlc\", \"lblc\", \"lblcr\", \"dh\", \"sh\", \"sed\", \"nq\", \"fo\","
                        + " \"ovf\", \"mh\", \"twos\", \"maglev\"");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            sh     | "sh-fallbak"  | "sh-fallbak"] is no scheduler flag, did you mean "sh-fallback"?; allowed: "sh-fallback", "sh-port"
            sh     | "mh-port"     | "mh-port"] does not belong to scheduler "sh"; allowed: "sh-fallback", "sh-port"
            mh     | "sh-port"     | "sh-port"] does not belong to scheduler "mh"; allowed: "mh-fallback", "mh-port"
            maglev | "mh-fallback" | "mh-fallback"] does not belong to scheduler "maglev"; allowed: no flags with this scheduler
            mh     | 1             | 1] is an integer; allowed: "mh-fallback", "mh-port"
            """)
    void schedulerFlags(String scheduler, String flag, String message) throws IOException {
        assertRefused(
                DIRECTOR + SERVICE + "scheduler = \"" + scheduler + "\"\nscheduler_flags = [" + flag + "]\n",
                "7:20: scheduler_flags = [" + message);
    }

    @Test
    void schedulerFlagsOnce() throws IOException {
        assertRefused(
                DIRECTOR + SERVICE + "scheduler = \"sh\"\nscheduler_flags = [\"sh-port\", \"sh-port\"]\n",
                "7:31: scheduler_flags = [\"sh-port\"] is listed already; allowed: each flag once");
    }

    @Test
    void oneServiceTableInsteadOfAnArray() throws IOException {
        assertRefused(
                DIRECTOR + "[service]\nprotocol = \"tcp\"\n",
                "3:1: service = {...} is a table; allowed: tables [[service]]");
    }

    @Test
    void duplicateService() throws IOException {
        assertRefused(
                DIRECTOR + SERVICE + SERVICE,
                "6:1: service TCP 10.0.0.9:80 is already defined at line 3; allowed: one service for each protocol,"
                        + " address and port");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            address = "10.0.0.9"    | weight = 1       | 7:1: address = "10.0.0.9" is the VIP itself; allowed: the real server's own address
            address = "2001:db8::1" | weight = 1       | 7:1: address = "2001:db8::1" is of another family than the VIP 10.0.0.9; allowed: addresses of one family with method dr; methods tun and fullnat take either
            address = "10.0.0.1:80" | weight = 1       | 7:1: address = "10.0.0.1:80" has a port or brackets; allowed: @RIP@
            address = "[2001:db8::1]" | weight = 1     | 7:1: address = "[2001:db8::1]" has a port or brackets; allowed: @RIP@
            address = "web1"        | weight = 1       | 7:1: address = "web1" holds no IPv4 or IPv6 address; allowed: @RIP@
            address = "127.0.0.1"   | weight = 1       | 7:1: address = "127.0.0.1" is a loopback address; allowed: a unicast address other machines can reach
            address = "224.0.0.1"   | weight = 1       | 7:1: address = "224.0.0.1" is a multicast address; allowed: a unicast address other machines can reach
            address = "0.0.0.0"     | weight = 1       | 7:1: address = "0.0.0.0" is the unspecified address; allowed: a unicast address other machines can reach
            method = "dr"           | weight = 1       | 6:1: [[service.real]] has no address; required: @RIP@
            address = "10.0.0.1"    | weight = 2147483648 | 8:1: weight = 2147483648 is out of range; allowed: an integer 0-2147483647
            address = "10.0.0.1"    | weight = -1      | 8:1: weight = -1 is out of range; allowed: an integer 0-2147483647
            address = "10.0.0.1"    | weight = "2"     | 8:1: weight = "2" is a string; allowed: an integer 0-2147483647
            address = "10.0.0.1"    | tun_type = "gue" | 8:1: tun_type = "gue" does not go with method "dr"; allowed: only with method = "tun"
            address = "10.0.0.1"    | tun_port = 6080 | 8:1: tun_port = 6080 does not go with method "dr"; allowed: only with method = "tun"
            address = "10.0.0.1"    | tun_checksum = "nocsum" | 8:1: tun_checksum = "nocsum" does not go with method "dr"; allowed: only with method = "tun"
            address = "10.0.0.1"    | method = "tun"~tun_type = "vxlan" | 9:1: tun_type = "vxlan" is not supported by this version; allowed: "ipip", "gue", "gre"
            address = "10.0.0.1"    | method = "tun"~tun_type = "gue" | 6:1: [[service.real]] has no tun_port; required: with tun_type "gue", an integer 1-65535, the UDP port on which the real server decapsulates
            address = "10.0.0.1"    | method = "tun"~tun_port = 6080 | 9:1: tun_port = 6080 does not go with tun_type "ipip"; allowed: only with tun_type = "gue"
            address = "10.0.0.1"    | method = "tun"~tun_type = "gue"~tun_port = 65536 | 10:1: tun_port = 65536 is out of range; allowed: an integer 1-65535, the UDP port on which the real server decapsulates
            address = "10.0.0.1"    | method = "tun"~tun_type = "gre"~tun_port = 6080 | 10:1: tun_port = 6080 does not go with tun_type "gre"; allowed: only with tun_type = "gue"
            address = "10.0.0.1"    | method = "tun"~tun_checksum = "nocsum" | 9:1: tun_checksum = "nocsum" does not go with tun_type "ipip", which has no checksum; allowed: only with tun_type = "gue" or "gre"
            address = "10.0.0.1"    | method = "tun"~tun_type = "gre"~tun_checksum = "remcsum" | 10:1: tun_checksum = "remcsum" does not go with tun_type "gre"; allowed: "nocsum", "csum"
            address = "10.0.0.9"    | method = "tun"   | 7:1: address = "10.0.0.9" is the VIP itself; allowed: the real server's own address
            address = "10.0.0.1"    | vlan = 0         | 8:1: vlan = 0 is out of range; allowed: "keep", "none", or an integer 1-4094
            address = "10.0.0.1"    | vlan = 4095      | 8:1: vlan = 4095 is out of range; allowed: "keep", "none", or an integer 1-4094
            address = "10.0.0.1"    | vlan = "12"      | 8:1: vlan = "12" is a string; allowed: "keep", "none", or an integer 1-4094
            address = "10.0.0.1"    | method = "masq" | 8:1: method = "masq" is not supported by this version; allowed: "dr", "tun", "nat", "fullnat"
            address = "10.0.0.1"    | upper_threshold = -1 | 8:1: upper_threshold = -1 is out of range; allowed: an integer 0-2147483647
            address = "10.0.0.1"    | upper_threshold = 2147483648 | 8:1: upper_threshold = 2147483648 is out of range; allowed: an integer 0-2147483647
            address = "10.0.0.1"    | lower_threshold = 1  | 8:1: lower_threshold = 1 is above upper_threshold = 0; allowed: at most upper_threshold
            address = "10.0.0.1"    | port = 80        | 8:1: port = 80 does not go with method "dr", which keeps the service's; allowed: only with method = "nat" or "fullnat"
            address = "10.0.0.1"    | method = "tun"~port = 81 | 9:1: port = 81 does not go with method "tun", which keeps the service's; allowed: only with method = "nat" or "fullnat"
            address = "10.0.0.1"    | method = "nat"~port = 65536 | 9:1: port = 65536 is out of range; allowed: an integer 0-65535
            address = "10.0.0.1"    | method = "nat"~tun_type = "gue" | 9:1: tun_type = "gue" does not go with method "nat"; allowed: only with method = "tun"
            address = "2001:db8::1" | method = "nat"   | 7:1: address = "2001:db8::1" is of another family than the VIP 10.0.0.9; allowed: addresses of one family with method nat; methods tun and fullnat take either
            """)
    void realServer(String first, String second, String message) throws IOException {
        assertRefused(
                DIRECTOR + SERVICE + "[[service.real]]\n" + first + "\n" + second.replace('~', '\n') + "\n",
                message.replace(
                        "@RIP@",
                        "an IPv4 or IPv6 address without port, which is the service's or, with method nat or fullnat, the key port"));
    }

    @Test
    void lowerThresholdAboveTheUpper() throws IOException {
        assertRefused(
                DIRECTOR + SERVICE
                        + "[[service.real]]\naddress = \"10.0.0.1\"\nupper_threshold = 5\nlower_threshold = 6\n",
                "9:1: lower_threshold = 6 is above upper_threshold = 5; allowed: at most upper_threshold");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            tcp | 10.0.0.9:80        | persistence = 0      |                                    | 6:1: persistence = 0 is out of range; allowed: an integer 1-2678400
            tcp | 10.0.0.9:80        | persistence = 2678401 |                                   | 6:1: persistence = 2678401 is out of range; allowed: an integer 1-2678400
            tcp | 10.0.0.9:80        | persistence = true   |                                    | 6:1: persistence = true is a boolean; allowed: an integer 1-2678400
            tcp | 10.0.0.9:80        | persistence_netmask = "255.255.0.0" |                     | 6:1: persistence_netmask = "255.255.0.0" stands without persistence; allowed: only with persistence = SECONDS
            tcp | 10.0.0.9:80        | persistence = 300    | persistence_netmask = 24           | 7:1: persistence_netmask = 24 is an integer; allowed: a mask of CIPs, "255.255.255.0"
            tcp | 10.0.0.9:80        | persistence = 300    | persistence_netmask = "255.255"    | 7:1: persistence_netmask = "255.255" is no netmask; allowed: a mask of CIPs, "255.255.255.0"
            tcp | 10.0.0.9:80        | persistence = 300    | persistence_netmask = "ffff::"     | 7:1: persistence_netmask = "ffff::" is no netmask; allowed: a mask of CIPs, "255.255.255.0"
            tcp | [2001:db8::9]:80   | persistence = 300    | persistence_netmask = "ffff::"     | 7:1: persistence_netmask = "ffff::" is a string; allowed: a prefix length 1-128
            tcp | [2001:db8::9]:80   | persistence = 300    | persistence_netmask = 129          | 7:1: persistence_netmask = 129 is out of range; allowed: a prefix length 1-128
            tcp | 10.0.0.9:80        | one_packet = true    |                                    | 6:1: one_packet = true does not go with protocol "tcp"; allowed: with protocol "udp" and with fwmark
            sctp | 10.0.0.9:80       | one_packet = true    |                                    | 6:1: one_packet = true does not go with protocol "sctp"; allowed: with protocol "udp" and with fwmark
            udp | 10.0.0.9:80        | one_packet = 1       |                                    | 6:1: one_packet = 1 is an integer; allowed: true, false
            udp | 10.0.0.9:80        | family = "inet"      |                                    | 6:1: family = "inet" stands without fwmark; allowed: only with fwmark; an address tells its family itself
            """)
    void serviceOptions(String protocol, String address, String first, @Nullable String second, String message)
            throws IOException {
        assertRefused(
                DIRECTOR + "[[service]]\nprotocol = \"" + protocol + "\"\naddress = \"" + address + "\"\n" + first
                        + "\n" + (second == null ? "" : second) + "\n",
                message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            fwmark = 0          |                         | 3:1: fwmark = 0 is out of range; allowed: an integer 1-4294967295
            fwmark = 4294967296 |                         | 3:1: fwmark = 4294967296 is out of range; allowed: an integer 1-4294967295
            fwmark = "1"        |                         | 3:1: fwmark = "1" is a string; allowed: an integer 1-4294967295
            fwmark = 1          | protocol = "tcp"        | 4:1: protocol = "tcp" stands beside fwmark; allowed: either fwmark, or protocol and address
            fwmark = 1          | address = "10.0.0.9:80" | 4:1: address = "10.0.0.9:80" stands beside fwmark; allowed: either fwmark, or protocol and address
            fwmark = 1          | family = "ipv6"         | 4:1: family = "ipv6" is not supported by this version; allowed: "inet", "inet6"
            fwmark = 2          |                         | 2:1: service FWM 2 has no [[fwmark]] rule, so no packet reaches it; required: a rule with mark = 2 and an IPv4 destination
            fwmark = 1          | family = "inet6"        | 2:1: service FWM 1 IPv6 has no [[fwmark]] rule, so no packet reaches it; required: a rule with mark = 1 and an IPv6 destination
            fwmark = 1          | real = [{ address = "2001:db8::1" }] | 4:11: address = "2001:db8::1" is of another family than the service FWM 1; allowed: addresses of one family with method dr; methods tun and fullnat take either
            fwmark = 1          | real = [{ address = "10.0.0.1:80" }] | 4:11: address = "10.0.0.1:80" has a port or brackets; allowed: an IPv4 or IPv6 address without port, which is the service's or, with method nat or fullnat, the key port
            """)
    void fwmarkService(String first, @Nullable String second, String message) throws IOException {
        assertRefused(
                "director = { interfaces = [\"eth1\"] }\n[[service]]\n" + first + "\n" + (second == null ? "" : second)
                        + "\n[[fwmark]]\nmark = 1\ndestination = \"10.0.0.100\"\n",
                message);
    }

    @Test
    void duplicateFwmarkService() throws IOException {
        assertRefused(
                DIRECTOR + "[[service]]\nfwmark = 1\n[[service]]\nfwmark = 1\nfamily = \"inet\"\n"
                        + "[[fwmark]]\nmark = 1\ndestination = \"10.0.0.100\"\n",
                "5:1: service FWM 1 is already defined at line 3; allowed: one service for each mark and family");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            destination = "10.0.0.100" |                    | 3:1: [[fwmark]] has no mark; required: an integer 1-4294967295
            mark = 0     | destination = "10.0.0.100"       | 4:1: mark = 0 is out of range; allowed: an integer 1-4294967295
            mark = 1     | ports = "80"                     | 3:1: [[fwmark]] has no destination; required: @DST@
            mark = 1     | destination = "vip"              | 5:1: destination = "vip" is no address or prefix ("vip" is not an IPv4 or IPv6 address); allowed: @DST@
            mark = 1     | destination = "10.0.0.100:80"    | 5:1: destination = "10.0.0.100:80" is no address or prefix ("10.0.0.100:80" is not an IPv4 or IPv6 address); allowed: @DST@
            mark = 1     | destination = "10.0.0.1/24"      | 5:1: destination = "10.0.0.1/24" is no address or prefix (10.0.0.1/24 has bits set beyond its length; the network is 10.0.0.0/24); allowed: @DST@
            mark = 1     | destination = "0.0.0.0/0"        | 5:1: destination = "0.0.0.0/0" contains the unspecified address; allowed: unicast addresses of the director
            mark = 1     | destination = "127.0.0.1"        | 5:1: destination = "127.0.0.1" is a loopback address; allowed: unicast addresses of the director
            mark = 1     | destination = "192.0.0.0/2"      | 5:1: destination = "192.0.0.0/2" contains a multicast address; allowed: unicast addresses of the director
            mark = 1     | destination = "fe80::/64"        | 5:1: destination = "fe80::/64" contains a link-local address; allowed: unicast addresses of the director
            mark = 1     | destination = "10.0.0.9"~ports = "http" | 6:1: ports = "http" is no port or range of ports; allowed: @PORTS@
            mark = 1     | destination = "10.0.0.9"~ports = "90-80" | 6:1: ports = "90-80" is no port or range of ports; allowed: @PORTS@
            mark = 1     | destination = "10.0.0.9"~ports = "1-65536" | 6:1: ports = "1-65536" is no port or range of ports; allowed: @PORTS@
            mark = 1     | destination = "10.0.0.9"~ports = 80 | 6:1: ports = 80 is an integer; allowed: @PORTS@
            mark = 1     | destination = "10.0.0.9"~protocol = "icmp" | 6:1: protocol = "icmp" is not supported by this version; allowed: "tcp", "udp", "sctp"
            mark = 1     | destination = "10.0.0.9"~source = "2001:db8::/32" | 6:1: source = "2001:db8::/32" is of another family than destination 10.0.0.9/32; allowed: one family
            mark = 1     | destination = "10.0.0.9"~source = "10.0.0.0/33" | 6:1: source = "10.0.0.0/33" is no address or prefix (prefix length 33 is outside 0-32 of 10.0.0.0); allowed: "198.51.100.0/24", of the destination's family
            mark = 1     | destination = "10.0.0.9"~port = "80" | 6:1: unknown key "port" in [[fwmark]]; did you mean "ports"?
            """)
    void fwmarkRule(String first, @Nullable String second, String message) throws IOException {
        assertRefused(
                DIRECTOR + "[[fwmark]]\n" + first + "\n" + (second == null ? "" : second.replace('~', '\n')) + "\n",
                message.replace("@DST@", "\"10.0.0.100\", \"10.0.1.0/24\", \"2001:db8::/64\"")
                        .replace("@PORTS@", "\"80\" or \"8000-8999\", ports 0-65535"));
    }

    @Test
    void duplicateRealServer() throws IOException {
        String real = "[[service.real]]\naddress = \"10.0.0.1\"\n";
        assertRefused(
                DIRECTOR + SERVICE + real + real,
                "8:1: real server 10.0.0.1 is already in this service at line 6; allowed: each real server once, with the"
                        + " weight it deserves");
    }
}

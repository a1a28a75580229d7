package dev.sluice.control.preflight;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.DirectorConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each thing a machine can lack, in the texts that real kernels write under /proc. */
class PreflightTest {
    private static final String NO_CAPABILITIES = "0000000000000000";
    private static final String ALL_CAPABILITIES = "000001ffffffffff";

    @TempDir
    private Path proc;

    @TempDir
    private Path folder;

    private final Set<String> absentLibraries = new HashSet<>();
    private final Map<String, Integer> mtus = new HashMap<>(Map.of("eth0", 1500, "eth1", 1500, "lo", 65536));
    private final Map<String, Integer> queues = new HashMap<>(Map.of("eth0", 4, "eth1", 2, "lo", 1));

    @BeforeEach
    void aMachineThatHasEverything() throws IOException {
        write("sys/kernel/osrelease", "6.1.0-18-cloud-amd64\n");
        status(ALL_CAPABILITIES);
        limits("8388608");
        write("self/net/dev", """
                Inter-|   Receive                                                |  Transmit
                 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
                    lo:  140964    1563    0    0    0     0          0         0   140964    1563    0
                  eth0:1415904210  991284    0    0    0     0          0         0 12711313  181229    0
                  eth1:       0       0    0    0    0     0          0         0        0       0    0
                """);
        write("meminfo", """
                MemTotal:        8145160 kB
                HugePages_Total:      32
                HugePages_Free:       20
                HugePages_Rsvd:        4
                HugePages_Surp:        0
                Hugepagesize:       2048 kB
                """);
    }

    private void write(String file, String text) throws IOException {
        Path path = proc.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void status(String effective) throws IOException {
        write("self/status", """
                Name:	java
                Umask:	0022
                Uid:	1000	1000	1000	1000
                CapInh:	0000000000000000
                CapPrm:	%1$s
                CapEff:	%1$s
                CapBnd:	000001ffffffffff
                Cpus_allowed:	b
                Cpus_allowed_list:	0-1,3
                """.formatted(effective));
    }

    private void limits(String softMemlock) throws IOException {
        write("self/limits", """
                Limit                     Soft Limit           Hard Limit           Units
                Max open files            1024                 1048576              files
                Max locked memory         %-20s 8388608              bytes
                Max address space         unlimited            unlimited            bytes
                """.formatted(softMemlock));
    }

    private MachineFacts machine() {
        return new MachineFacts(proc, soname -> !absentLibraries.contains(soname), queues::get, mtus::get);
    }

    private DirectorConfig config(String lines) throws Exception {
        Path file = folder.resolve("sluice.toml");
        String interfaces = lines.contains("interfaces") ? "" : "interfaces = [\"eth0\", \"eth1\"]\n";
        Files.writeString(file, "[director]\n" + interfaces + lines + "\n");
        return ConfigFile.load(file).director();
    }

    private List<String> problems(String lines) throws Exception {
        DirectorConfig config = config(lines);
        return assertThrows(EnvironmentException.class, () -> Preflight.check(config, machine()))
                .problems();
    }

    @Test
    void nothingMissing() throws Exception {
        Preflight.check(config(""), machine());
        Preflight.check(config("queues = 2\ncpus = [1, 3]\nhugepages = \"on\"\nframes = 8192"), machine());
        assertEquals(2, Preflight.workers(config(""), machine()));
        assertEquals(1, Preflight.workers(config("queues = 1"), machine()));
        assertEquals(List.of(0, 1, 3), machine().allowedCpus());
    }

    @ParameterizedTest
    @ValueSource(strings = {"5.10.0-28-amd64", "5.17.15", "4.19.0-27-amd64", "5.4.0-187-generic"})
    void kernelTooOld(String release) throws Exception {
        write("sys/kernel/osrelease", release + "\n");
        assertEquals(
                List.of("kernel too old: this is Linux " + release
                        + ", needed is 5.18 or newer, the first whose XDP programs can call bpf_xdp_load_bytes"),
                problems(""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"5.18.0-4-amd64", "6.6.87.2-microsoft-standard-WSL2", "6.18.44", "10.0-rc1"})
    void kernelNewEnough(String release) throws Exception {
        write("sys/kernel/osrelease", release + "\n");
        Preflight.check(config(""), machine());
    }

    @Test
    void noPrivileges() throws Exception {
        write("sys/kernel/osrelease", "6.12.0\n");
        status(NO_CAPABILITIES);
        limits("unlimited");
        assertEquals(
                List.of("missing privilege: CAP_NET_ADMIN CAP_NET_RAW CAP_BPF; run as root, or grant CAP_NET_ADMIN"
                        + " CAP_NET_RAW CAP_BPF (systemd: AmbientCapabilities=, by hand: setpriv --ambient-caps)"),
                problems(""));
    }

    @Test
    void onePrivilegeMissing() throws Exception {
        write("sys/kernel/osrelease", "6.12.0\n");
        status("0000008000005000");
        assertEquals(
                List.of("missing privilege: CAP_NET_RAW; run as root, or grant CAP_NET_ADMIN CAP_NET_RAW CAP_BPF"
                        + " (systemd: AmbientCapabilities=, by hand: setpriv --ambient-caps)"),
                problems(""));
    }

    @Test
    void beforeLinux68TheVerifierAsksForPerfmon() throws Exception {
        write("sys/kernel/osrelease", "6.1.0-56-amd64\n");
        status("0000008000007000");
        assertEquals(
                List.of(
                        "missing privilege: CAP_PERFMON; run as root, or grant CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_PERFMON"
                                + " (systemd: AmbientCapabilities=, by hand: setpriv --ambient-caps)"),
                problems(""));
        status("000000c000007000");
        Preflight.check(config(""), machine());
        write("sys/kernel/osrelease", "6.8.0\n");
        status("0000008000007000");
        Preflight.check(config(""), machine());
    }

    @Test
    void theFourCapabilitiesAreEnoughAndSysAdminStandsForBpf() throws Exception {
        write("sys/kernel/osrelease", "6.12.0\n");
        status("0000008000007000");
        Preflight.check(config(""), machine());
        status("0000000000207000");
        Preflight.check(config(""), machine());
    }

    @Test
    void librariesMissing() throws Exception {
        absentLibraries.addAll(List.of("libxdp.so.1", "libbpf.so.1"));
        assertEquals(
                List.of(
                        "libxdp.so.1 not found; Debian and Ubuntu: apt-get install libxdp1",
                        "libbpf.so.1 not found; Debian and Ubuntu: apt-get install libbpf1"),
                problems(""));
    }

    @Test
    void interfacesMissing() throws Exception {
        assertEquals(
                List.of(
                        "interface \"eth2\" does not exist in this network namespace; there are lo, eth0, eth1",
                        "interface \"eth\" does not exist in this network namespace; there are lo, eth0, eth1"),
                problems("interfaces = [\"eth2\", \"eth0\", \"eth\"]"));
    }

    @Test
    void moreQueuesThanAnInterfaceHas() throws Exception {
        assertEquals(
                List.of(
                        "director.queues = 3, but interface \"eth1\" uses 2 receive queues; lower it, or see ethtool -L"),
                problems("queues = 3"));
    }

    @Test
    void cpusDoNotMatchTheQueuesFound() throws Exception {
        assertEquals(
                List.of(
                        "director.cpus lists 3 CPUs, but the interfaces lead to 2 workers; list one CPU for each, or set"
                                + " director.queues"),
                problems("cpus = [0, 1, 3]"));
    }

    @Test
    void cpusThatAreNotThere() throws Exception {
        assertEquals(
                List.of("director.cpus: CPU 2, 4 is not there or not allowed to this process; it may use 0, 1, 3"),
                problems("cpus = [2, 4]"));
    }

    @Test
    void memlockTooSmall() throws Exception {
        status("000000c000003000");
        String wanted = "memlock limit too small: the UMEM needs 65536 KiB (2 workers x 16384 frames x 2048 bytes),"
                + " RLIMIT_MEMLOCK is 8192 KiB; raise it (ulimit -l, systemd: LimitMEMLOCK=), grant CAP_IPC_LOCK, or"
                + " lower director.frames";
        assertEquals(List.of(wanted), problems(""));
        limits(Integer.toString((64 << 20) - 1));
        assertEquals(List.of(wanted.replace("8192 KiB", "65535 KiB")), problems(""));
        limits(Integer.toString(64 << 20));
        Preflight.check(config(""), machine());
        limits("unlimited");
        Preflight.check(config("frames = 4194304"), machine());
    }

    @Test
    void tooFewHugePages() throws Exception {
        assertEquals(
                List.of(
                        "director.hugepages = \"on\", but the UMEM needs 65536 KiB (2 workers x 16384 frames x 2048 bytes)"
                                + " and 32768 KiB of huge pages are free; raise vm.nr_hugepages, or use \"auto\""),
                problems("hugepages = \"on\""));
        Preflight.check(config("hugepages = \"auto\""), machine());
    }

    @Test
    void aKernelWithoutHugePages() throws Exception {
        write("meminfo", "MemTotal:        8145160 kB\n");
        assertEquals(1, problems("hugepages = \"on\"").size());
        Preflight.check(config(""), machine());
    }

    @Test
    void everythingAtOnce() throws Exception {
        write("sys/kernel/osrelease", "5.4.0-187-generic\n");
        status(NO_CAPABILITIES);
        absentLibraries.add("libxdp.so.1");
        List<String> found = problems("interfaces = [\"eth7\"]\nqueues = 1\ncpus = [2]\nhugepages = \"on\"");
        assertEquals(
                List.of("kernel", "missing", "libxdp.so.1", "interface", "director.cpus:", "memlock"),
                found.stream().map(line -> line.substring(0, line.indexOf(' '))).toList());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // Release, frame size, the largest MTU that is served, one frame a packet up to MTU
                "5.18.0-4-amd64 | 2048 | 1770 | 1770",
                "6.1.0-18-amd64 | 2048 | 1770 | 1770",
                "6.5.13         | 4096 | 3818 | 3818",
                "6.6.0-14       | 2048 | 32234 | 1770",
                "6.18.44        | 4096 | 69098 | 3818",
            })
    void mtusThatCanBeServed(String release, int frameSize, int largest, int alone) throws Exception {
        write("sys/kernel/osrelease", release + "\n");
        DirectorConfig config = config("frame_size = " + frameSize);
        mtus.put("eth1", alone);
        Preflight.check(config, machine());
        assertFalse(Preflight.needsSeveralFrames(config, machine()));
        mtus.put("eth1", largest);
        Preflight.check(config, machine());
        mtus.put("eth1", alone + 1);
        assertTrue(Preflight.needsSeveralFrames(config, machine()));
        mtus.put("eth1", largest + 1);
        List<String> problems = problems("frame_size = " + frameSize);
        assertEquals(1, problems.size());
        assertTrue(
                problems.getFirst().startsWith("interface \"eth1\" has MTU " + (largest + 1) + ", and "),
                problems::toString);
        assertTrue(problems.getFirst().contains("; lower the MTU to that"), problems::toString);
    }

    @Test
    void anMtuThatCannotBeServedSaysWhatCan() throws Exception {
        mtus.put("eth0", 9000);
        assertEquals(
                List.of(
                        "interface \"eth0\" has MTU 9000, and a frame of 2048 bytes, the most that a packet can take before"
                                + " Linux 6.6 (this is Linux 6.1.0-18-cloud-amd64), serves 1770; lower the MTU to that, or to 3818"
                                + " with director.frame_size = 4096"),
                problems(""));
        mtus.put("eth0", 3000);
        assertEquals(
                List.of(
                        "interface \"eth0\" has MTU 3000, and a frame of 2048 bytes, the most that a packet can take before"
                                + " Linux 6.6 (this is Linux 6.1.0-18-cloud-amd64), serves 1770; lower the MTU to that, or set"
                                + " director.frame_size = 4096"),
                problems(""));
        write("sys/kernel/osrelease", "6.12.9\n");
        mtus.put("eth0", 65535);
        assertEquals(
                List.of(
                        "interface \"eth0\" has MTU 65535, and 18 frames of 2048 bytes, the most that a packet can take, serve"
                                + " 32234; lower the MTU to that, or set director.frame_size = 4096"),
                problems(""));
    }

    @Test
    void thisMachinesOwnFactsCanBeRead() {
        MachineFacts machine = MachineFacts.ofThisMachine();
        KernelVersion.parse(machine.kernelRelease());
        assertEquals(
                Runtime.getRuntime().availableProcessors(),
                machine.allowedCpus().size());
        assertTrue(machine.interfaces().contains("lo"));
        assertEquals(1, machine.receiveQueues("lo"));
        assertEquals(65536, machine.mtu("lo"));
        assertTrue(machine.memlockLimitBytes() > 0);
        assertTrue(machine.freeHugePageBytes() >= 0);
    }
}

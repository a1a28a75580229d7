package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static dev.sluice.it.DirectorLab.worker;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Settings of {@code [director]} do what they say, and the director directs under each. */
class SettingsIT {
    private static DirectorLab lab;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @Test
    void adaptive_sleeps_without_traffic() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices("idle = \"adaptive\""));
        lab.assertServes();
        DirectorStats before = lab.atRest();
        DirectorLab.pause(1_000);
        DirectorStats after = lab.stats();
        long sleeps = worker(after, "sleeps") - worker(before, "sleeps");
        long cycles = worker(after, "duty_cycles") - worker(before, "duty_cycles");
        assertTrue(sleeps >= 20, sleeps + " sleeps in a second");
        // Each sleep lasts 10 ms, and without traffic there is no spinning between two of them.
        assertTrue(Math.abs(cycles - sleeps) <= 3, cycles + " duty cycles with " + sleeps + " sleeps");
        assertEquals(0, director.stop());
    }

    @Test
    void busy_never_sleeps() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices("idle = \"busy\""));
        lab.assertServes();
        DirectorStats before = lab.atRest();
        DirectorLab.pause(500);
        DirectorStats after = lab.stats();
        assertEquals(0, worker(after, "sleeps"));
        assertTrue(worker(after, "duty_cycles") - worker(before, "duty_cycles") > 20_000, after.toString());
        assertEquals(0, director.stop());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "xdp_mode = \"generic\"",
                "batch_size = 1\nrx_ring = 64\ntx_ring = 64\nfill_ring = 64\ncompletion_ring = 64\nframes = 256",
                "batch_size = 256\nhugepages = \"auto\"\nbind_mode = \"copy\"",
            })
    void directs_under(String settings) {
        // The next one is to find its mode by itself, and not in what this one leaves.
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices(settings), "--release");
        lab.assertServes();
        DirectorStats stats = lab.atRest();
        DirectorLab.assertNothingLost(stats);
        assertEquals(
                settings.contains("generic") ? "generic" : "native",
                stats.interfaces().getFirst().xdpMode());
        assertEquals(settings.contains("frames = 256") ? 256 : 16_384, worker(stats, "frames_total"));
        assertEquals(0, director.stop());
    }

    @ParameterizedTest
    @ValueSource(ints = {2048, 4096})
    void packets_larger_than_a_frame(int frameSize) {
        lab.mtu(4_500);
        LabFixture.Director director =
                lab.fixture().startDirector(lab.allServices("frame_size = " + frameSize + "\nhugepages = \"off\""));
        lab.assertServes();
        for (String vip : List.of(VIP4, VIP6)) {
            CommandResult echo = echo(vip, 4_200);
            assertTrue(echo.orFail().matches("rs[123] 4200\\s*"), echo.toString());
        }
        DirectorLab.assertNothingLost(lab.atRest());
        assertEquals(0, director.stop());
        lab.mtu(1_500);
    }

    @Test
    void an_mtu_that_is_raised_later_takes_a_restart() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices("frame_size = 2048"));
        lab.mtu(3_000);
        assertEquals(1, echo(VIP4, 2_500).exitCode());
        DirectorStats stats = lab.atRest();
        assertEquals(1, DirectorLab.xsk(stats, "rx_dropped"), "the kernel drops what does not fit, and counts it");
        assertEquals(0, worker(stats, "rx_packets"));
        DirectorLab.assertNothingLost(stats);
        lab.assertServes();
        assertEquals(0, director.stop());
        lab.mtu(1_500);
    }

    @Test
    void a_worker_is_pinned_where_the_configuration_says() {
        for (int cpu : new int[] {0, 1}) {
            LabFixture.Director director = lab.fixture().startDirector(lab.allServices("cpus = [" + cpu + "]"));
            assertEquals("" + cpu, allowedCpus(director, "sluice-worker-0"));
            assertEquals(cpu, lab.stats().workers().getFirst().cpu());
            assertEquals(0, director.stop());
        }
        LabFixture.Director unpinned = lab.fixture().startDirector(lab.allServices("cpus = \"none\""));
        assertEquals(allowedCpus(unpinned, "sluice-admin"), allowedCpus(unpinned, "sluice-worker-0"));
        assertEquals(-1, lab.stats().workers().getFirst().cpu());
        assertEquals(0, unpinned.stop());
    }

    @Test
    void a_worker_that_spins_has_its_processor_for_itself() {
        LabFixture.Director director =
                lab.fixture().startDirector(lab.allServices("cpus = [1]\nqueues = 1\nidle = \"busy\""));
        lab.assertServes();
        var _ = lab.await(
                "all threads but the worker to keep off its processor",
                _ -> cpusOfAll(director).entrySet().stream()
                        .noneMatch(thread -> thread.getKey().equals("sluice-worker-0") != isOn(1, thread.getValue())));
        assertEquals("1", allowedCpus(director, "sluice-worker-0"));
        assertEquals(0, director.stop());
        LabFixture.Director sleeping = lab.fixture().startDirector(lab.allServices("cpus = [1]\nqueues = 1"));
        assertTrue(isOn(1, allowedCpus(sleeping, "sluice-admin")), "one that sleeps shares it");
        assertEquals(0, sleeping.stop());
    }

    /** Whether a list as in {@code 0-3,5} has a processor. */
    private static boolean isOn(int cpu, String list) {
        return Stream.of(list.split(",", -1)).anyMatch(range -> {
            String[] ends = range.split("-", -1);
            return Integer.parseInt(ends[0]) <= cpu && cpu <= Integer.parseInt(ends[ends.length - 1]);
        });
    }

    /** By name, and number where several are called the same: all but the worker. */
    private static Map<String, String> cpusOfAll(LabFixture.Director director) {
        Map<String, String> cpus = new TreeMap<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc", "" + director.pid(), "task"))) {
            for (Path task : tasks.toList()) {
                String name = read(task.resolve("comm")).strip();
                String key = cpus.containsKey(name) ? name + " " + task.getFileName() : name;
                affinity(task).ifPresent(list -> cpus.put(key, list));
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return cpus;
    }

    private static Optional<String> affinity(Path task) {
        return read(task.resolve("status"))
                .lines()
                .filter(line -> line.startsWith("Cpus_allowed_list:"))
                .map(line -> line.split("\\s+", -1)[1])
                .findFirst();
    }

    private static String allowedCpus(LabFixture.Director director, String thread) {
        try (Stream<Path> tasks = Files.list(Path.of("/proc", "" + director.pid(), "task"))) {
            Path task = tasks.filter(path -> read(path.resolve("comm")).strip().equals(thread))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no thread " + thread));
            return affinity(task).orElseThrow();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            // A thread that ended while the others were looked at.
            return "";
        }
    }

    /** One datagram to the echo: prints the real server's name and how much came back. Fails after a second. */
    private static CommandResult echo(String vip, int bytes) {
        String script = """
                import socket, sys
                sock = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
                sock.settimeout(1)
                sock.connect((sys.argv[1], 7))
                sock.send(b"x" * int(sys.argv[2]))
                name, echoed = sock.recv(65536).split(b" ", 1)
                print(name.decode(), len(echoed))
                """;
        return lab.fixture().exec("client", "/usr/bin/python3", "-c", script, vip, "" + bytes);
    }
}

package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.NativeLibraries;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The distribution as users have it: bin/sluice in a process of its own, with more and with fewer privileges. */
class LauncherIT {
    private static final Path HOME = Path.of(System.getProperty("sluice.home"));
    private static final String SLUICE = HOME.resolve("bin/sluice").toString();
    private static final String JAVA =
            Path.of(System.getProperty("java.home")).resolve("bin/java").toString();

    @TempDir
    private Path folder;

    private Path config = Path.of("");

    private record Result(int code, String out, String err) {
        private void assertRefused(int wanted, String... lines) {
            assertEquals(List.of(lines), err.lines().toList());
            assertEquals(wanted, code);
            assertEquals("", out);
        }
    }

    @BeforeEach
    void readableByEveryone() throws IOException {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        config = write("sluice.toml", "[director]\ninterfaces = [\"lo\"]\nframe_size = 4096\n");
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private Result run(Map<String, String> environment, String... command) throws Exception {
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("SLUICE_"));
        builder.environment().put("SLUICE_JAVA", JAVA);
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertTrue(process.waitFor(60, TimeUnit.SECONDS), "still running: " + List.of(command));
            return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
        } finally {
            process.destroyForcibly();
        }
    }

    private Result run(String... command) throws Exception {
        return run(Map.of(), command);
    }

    @Test
    void checkOfAGoodFile() throws Exception {
        assertEquals(
                new Result(0, config + ": ok, 1 interface, 0 services, 0 real servers\n", ""),
                run(SLUICE, "check", config.toString()));
    }

    @Test
    void checkOfABadFile() throws Exception {
        Path bad = write("bad.toml", "[director]\ninterfaces = [\"lo\"]\nqueues = 0\nidel = \"busy\"\n");
        run(SLUICE, "check", bad.toString())
                .assertRefused(
                        3,
                        "sluice: " + bad + ":3:1: queues = 0 is out of range; allowed: an integer 1-256, or \"auto\"",
                        "sluice: " + bad + ":4:1: unknown key \"idel\" in [director]; did you mean \"idle\"?");
    }

    @Test
    void runOfABadFile() throws Exception {
        Path bad = write("bad.toml", "[director]\n");
        run(SLUICE, "run", "--config", bad.toString())
                .assertRefused(
                        3,
                        "sluice: " + bad + ":1:1: [director] has no interfaces; required: a list of interface names,"
                                + " [\"eth1\"]");
    }

    @Test
    void version() throws Exception {
        Result result = run(SLUICE, "version");
        assertEquals(0, result.code());
        List<String> lines = result.out().lines().toList();
        assertEquals(5, lines.size(), result::out);
        assertTrue(lines.get(0).matches("sluice \\d+\\.\\d+\\.\\d+.*"), result::out);
        assertTrue(lines.get(1).startsWith("java 25"), result::out);
        assertTrue(lines.get(2).startsWith("linux " + System.getProperty("os.version")), result::out);
        assertTrue(lines.get(3).matches("libxdp /.*/libxdp\\.so\\.1.*"), result::out);
        assertTrue(lines.get(4).matches("libbpf /.*/libbpf\\.so\\.1.*"), result::out);
        assertEquals(result, run(SLUICE, "--version"));
        assertEquals("", result.err());
    }

    @Test
    void helpTeaches() throws Exception {
        Result result = run(SLUICE, "--help");
        assertEquals(0, result.code());
        for (ExitCode code : ExitCode.values()) {
            assertTrue(result.out().contains("  " + code.code() + "   " + code.meaning()), result::out);
        }
        assertTrue(run(SLUICE, "help", "run").out().contains("sluice run --config /etc/sluice.toml"));
    }

    @Test
    void completionIsAScriptThatBashTakes() throws Exception {
        Result result = run(SLUICE, "completion");
        assertEquals(0, result.code());
        Path script = write("completion", result.out());
        Result completed = run(
                "bash",
                "-c",
                ". " + script + "; COMP_WORDS=(sluice che); COMP_CWORD=1; _complete_sluice; echo ${COMPREPLY[@]}");
        assertEquals(new Result(0, "check\n", ""), completed);
    }

    @Test
    void wrongUse() throws Exception {
        run(SLUICE).assertRefused(2, "sluice: a command is missing", "Try: sluice --help");
        run(SLUICE, "run")
                .assertRefused(2, "sluice: Missing required option: '--config=FILE'", "Try: sluice run --help");
        String path = "/" + "x".repeat(107);
        run(Map.of("SLUICE_SOCKET", path), SLUICE, "run", "--config", config.toString())
                .assertRefused(
                        2,
                        "sluice: socket path " + path + " is too long; allowed: 1-107 bytes",
                        "Try: sluice run --help");
    }

    @Test
    void missingInterface() throws Exception {
        Path missing = write("missing.toml", "[director]\ninterfaces = [\"nosuch0\"]\n");
        Result result = run("unshare", "--net", SLUICE, "run", "--config", missing.toString());
        result.assertRefused(4, "sluice: interface \"nosuch0\" does not exist in this network namespace; there is lo");
    }

    @Test
    void missingCpuAndQueue() throws Exception {
        Path missing = write(
                "missing.toml", "[director]\ninterfaces = [\"lo\"]\nframe_size = 4096\nqueues = 2\ncpus = [0, 8000]\n");
        Result result = run("unshare", "--net", SLUICE, "run", "--config", missing.toString());
        assertEquals(4, result.code(), result::err);
        List<String> lines = result.err().lines().toList();
        assertEquals(
                "sluice: director.queues = 2, but interface \"lo\" uses 1 receive queue; lower it, or see ethtool -L",
                lines.getFirst());
        assertTrue(lines.get(1).startsWith("sluice: director.cpus: CPU 8000 is not there"), result::err);
        assertEquals(2, lines.size(), result::err);
    }

    @Test
    void noPrivileges() throws Exception {
        Path copy = copyOfTheDistribution();
        Path small = write("small.toml", """
                [director]
                interfaces = ["lo"]
                frame_size = 4096
                frames = 256
                fill_ring = 64
                tx_ring = 64
                """);
        Result result = run(
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "--bounding-set=-all",
                "--inh-caps=-all",
                copy.resolve("bin/sluice").toString(),
                "run",
                "--config",
                small.toString());
        result.assertRefused(
                4,
                "sluice: missing privilege: CAP_NET_ADMIN CAP_NET_RAW CAP_BPF; run as root, or grant CAP_NET_ADMIN"
                        + " CAP_NET_RAW CAP_BPF (systemd: AmbientCapabilities=, by hand: setpriv --ambient-caps)");
    }

    /** A distribution that other users may read, wherever the build is. */
    private Path copyOfTheDistribution() throws IOException {
        Path copy = folder.resolve("sluice");
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> tree = Files.walk(HOME)) {
            tree.forEach(sources::add);
        }
        for (Path source : sources) {
            Path target = copy.resolve(HOME.relativize(source).toString());
            Files.copy(source, target, StandardCopyOption.COPY_ATTRIBUTES);
            boolean open = Files.isDirectory(source) || Files.isExecutable(source);
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString(open ? "rwxr-xr-x" : "rw-r--r--"));
        }
        return copy;
    }

    @Test
    void memlockTooSmall() throws Exception {
        Result result = run(
                "setpriv",
                "--bounding-set=-ipc_lock",
                "--inh-caps=-ipc_lock",
                "sh",
                "-c",
                "ulimit -l 64; exec \"$@\"",
                "sh",
                SLUICE,
                "run",
                "--config",
                config.toString());
        result.assertRefused(
                4,
                "sluice: memlock limit too small: the UMEM needs 65536 KiB (1 worker x 16384 frames x 4096 bytes),"
                        + " RLIMIT_MEMLOCK is 64 KiB; raise it (ulimit -l, systemd: LimitMEMLOCK=), grant CAP_IPC_LOCK,"
                        + " or lower director.frames");
    }

    @Test
    void missingLibrary() throws Exception {
        Path library = NativeLibraries.file("libxdp.so.1").orElseThrow().toRealPath();
        Result result = run(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount --bind /dev/null " + library + " && exec \"$@\"",
                "sh",
                SLUICE,
                "run",
                "--config",
                config.toString());
        result.assertRefused(4, "sluice: libxdp.so.1 not found; Debian and Ubuntu: apt-get install libxdp1");
    }

    @Test
    void throughSymbolicLinks() throws Exception {
        Path first = Files.createSymbolicLink(folder.resolve("first"), Path.of(SLUICE));
        Path second = Files.createSymbolicLink(folder.resolve("second"), first.getFileName());
        assertEquals(0, run(second.toString(), "check", config.toString()).code());
        Map<String, String> path = Map.of("PATH", folder + ":" + System.getenv("PATH"));
        assertEquals(0, run(path, "sh", "-c", "second check " + config).code());
    }

    /** What stands for a JDK as far as the launcher looks: a release file, and a program that says how it was called. */
    private Path fakeJdk(String name, String version) throws IOException {
        Path home = folder.resolve(name);
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
        Path java = Files.writeString(home.resolve("bin/java"), "#!/bin/sh\necho " + name + " $$ \"$@\"\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        return home;
    }

    @Test
    void theJavaGoesByVersionAndOrder() throws Exception {
        Path old = fakeJdk("jdk17", "17.0.19");
        Path good = fakeJdk("jdk25", "25.0.3");
        Path newer = fakeJdk("jdk26", "26-ea");
        String path = System.getenv("PATH");
        Map<String, String> onPath =
                Map.of("SLUICE_JAVA", "", "JAVA_HOME", old.toString(), "PATH", good.resolve("bin") + ":" + path);
        assertTrue(run(onPath, SLUICE, "version").out().startsWith("jdk25 "));
        Map<String, String> byHome =
                Map.of("SLUICE_JAVA", "", "JAVA_HOME", newer.toString(), "PATH", good.resolve("bin") + ":" + path);
        assertTrue(run(byHome, SLUICE, "version").out().startsWith("jdk26 "));
        Map<String, String> named =
                Map.of("SLUICE_JAVA", good.resolve("bin/java").toString(), "JAVA_HOME", newer.toString(), "PATH", path);
        assertTrue(run(named, SLUICE, "version").out().startsWith("jdk25 "));
        String tooOld = old.resolve("bin/java").toString();
        run(Map.of("SLUICE_JAVA", tooOld), SLUICE, "version")
                .assertRefused(4, "sluice: SLUICE_JAVA=" + tooOld + " is no Java 25 or newer");
        run(Map.of("SLUICE_JAVA", "/no/java"), SLUICE, "version")
                .assertRefused(
                        4, "sluice: SLUICE_JAVA=/no/java is no executable; it names a java, version 25 or newer");
    }

    @Test
    void aPackagesOwnRuntimeGoesBeforeThoseOfTheMachine() throws Exception {
        Path home = folder.resolve("packaged");
        Path jar = Path.of(System.getProperty("sluice.home"), "lib");
        Files.createDirectories(home.resolve("lib"));
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(jar, "sluice-*.jar")) {
            for (Path each : jars) {
                Files.createSymbolicLink(home.resolve("lib").resolve(each.getFileName()), each);
            }
        }
        Path launcher = home.resolve("bin/sluice");
        Files.createDirectories(launcher.getParent());
        Files.copy(Path.of(SLUICE), launcher, StandardCopyOption.COPY_ATTRIBUTES);
        fakeJdk("packaged/runtime", "25.0.3");
        Path other = fakeJdk("jdk26", "26");
        Map<String, String> machine = Map.of("SLUICE_JAVA", "", "JAVA_HOME", other.toString());
        assertTrue(run(machine, launcher.toString(), "version").out().startsWith("packaged/runtime "));
        Map<String, String> named =
                Map.of("SLUICE_JAVA", other.resolve("bin/java").toString());
        assertTrue(run(named, launcher.toString(), "version").out().startsWith("jdk26 "));
    }

    @Test
    void theJvmTakesTheLaunchersPlaceAndUsersOptionsComeLast() throws Exception {
        Path jdk = fakeJdk("jdk25", "25");
        Result result = run(
                Map.of("SLUICE_JAVA", jdk.resolve("bin/java").toString(), "SLUICE_JAVA_OPTS", "-Xmx1g -Dx=y"),
                "sh",
                "-c",
                "echo $$; exec \"$@\"",
                "sh",
                SLUICE,
                "run",
                "--config",
                "a b.toml");
        List<String> lines = result.out().lines().toList();
        assertTrue(lines.get(1).startsWith("jdk25 " + lines.get(0) + " --enable-native-access=ALL-UNNAMED "));
        assertTrue(lines.get(1).indexOf("-Xmx1g -Dx=y") > lines.get(1).indexOf("-Xmx512m"), result::out);
        assertTrue(lines.get(1).endsWith(".jar run --config a b.toml"), result::out);
        assertFalse(lines.get(1).contains("TieredStopAtLevel"), result::out);
    }

    @Test
    void theOptionsAreOnesThatTheJvmKnows() throws Exception {
        Result result =
                run(Map.of("SLUICE_JAVA_OPTS", "-XX:+PrintFlagsFinal"), SLUICE, "run", "--config", "/nonexistent");
        assertEquals(3, result.code(), result::err);
        assertEquals("sluice: /nonexistent: cannot be read: no such file\n", result.err());
        assertTrue(result.out().lines().anyMatch(line -> line.matches(" *bool UseSerialGC += true .*")), result::out);
        assertTrue(result.out().lines().anyMatch(line -> line.matches(" *size_t NewSize += 50331648 .*")), result::out);
    }

    @Test
    void anUnexpectedFailureIsOneLineUnlessTracesAreWanted() throws Exception {
        Path unreadable = folder.resolve("loop");
        Files.createSymbolicLink(unreadable, unreadable.getFileName());
        Result quiet = run(SLUICE, "check", unreadable.toString());
        assertEquals(3, quiet.code());
        assertEquals(1, quiet.err().lines().count(), quiet::err);
        Result loud = run(Map.of("SLUICE_DEBUG", "1"), SLUICE, "check", unreadable.toString());
        assertTrue(loud.err().contains("\tat dev.sluice."), loud::err);
    }
}

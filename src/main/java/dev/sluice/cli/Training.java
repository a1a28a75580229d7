package dev.sluice.cli;

import static java.lang.ProcessBuilder.Redirect.PIPE;

import dev.sluice.cli.log.LogHandler;
import dev.sluice.control.Director;
import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.preflight.MachineFacts;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.control.warmup.WarmUp;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.Prelink;
import dev.sluice.forward.ConnectionPolicy;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.PacketPolicy;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import java.util.jar.JarFile;

/**
 * {@code sluice train}: does what a start does, as far as it goes without privileges, network and interfaces, so that the JVM can
 * put what it learns of it into a cache. bin/sluice-cache runs it; it is no command for users.
 */
final class Training {
    /** The command. */
    static final String NAME = "train";

    /** Long enough for the compiler's profile of the datapath to be complete. */
    private static final int REHEARSAL_MS = 3000;

    private static final long REHEARSAL_PACKETS = 2_000_000;

    /** Of linux/sched.h. */
    private static final int CLONE_NEWNET = 0x40000000;

    /** So long that the control thread has done everything that it does every second. */
    private static final int RUN_MS = 1300;

    /** What the configuration is about, in a network namespace that nobody else ever sees. */
    private static final String NETWORK = """
            link add training0 type veth peer name training1
            link set training1 up
            link set training0 up
            addr add 198.18.255.250/24 dev training0
            addr add 2001:2:0:ffff::fa/64 dev training0 nodad
            neigh add 198.18.255.2 lladdr 02:00:00:00:00:02 dev training0
            neigh add 2001:2:0:ffff::2 lladdr 02:00:00:00:00:02 dev training0
            route add 198.18.254.0/24 via 198.18.255.2
            """;

    /** Keys of every kind that starts read. */
    private static final String CONFIG = """
            [director]
            interfaces = ["training0"]
            socket = "/run/sluice/training.sock"
            queues = 1
            cpus = [CPU]
            idle = "adaptive"
            hash_key = "000102030405060708090a0b0c0d0e0f"
            warm_up_ms = 0
            [director.timeouts]
            tcp = 900
            [[service]]
            protocol = "tcp"
            address = "198.18.255.1:80"
            scheduler = "wrr"
              [[service.real]]
              address = "198.18.255.2"
              method = "dr"
              weight = 2
              [[service.real]]
              address = "198.18.254.3"
              method = "tun"
            [[service]]
            protocol = "udp"
            address = "[2001:2:0:ffff::1]:53"
              [[service.real]]
              address = "2001:2:0:ffff::2"
            [[fwmark]]
            mark = 1
            destination = "198.18.255.4"
            ports = "80"
            """;

    private Training() {}

    /** Trains, and returns. */
    static void main() throws Exception {
        loadClasses();
        Prelink.begin();
        Prelink.link();
        var _ = RunArguments.parse(new String[] {"run", "--release", "--config", "sluice.toml"}, System.getenv());
        HangUp.handle(() -> {});
        LogHandler.prepare();
        startOnPaper();
        SchedulerParameters parameters = SchedulerParameters.of(new MaglevParameters(251, new HashKey(1, 2)));
        for (int ports = 1; ports <= 2; ports++) {
            WarmUp.Setting setting = new WarmUp.Setting(
                    ports,
                    1,
                    64,
                    false,
                    false,
                    ConnectionPolicy.DEFAULT,
                    PacketPolicy.DEFAULT,
                    parameters,
                    new HashKey(1, 2));
            var _ = new WarmUp(setting, ForwardingSnapshot.empty(), List.of()).run(REHEARSAL_MS, REHEARSAL_PACKETS);
        }
        startInNamespace();
    }

    /** Where the builder is root: a whole start and stop. */
    private static void startInNamespace() throws Exception {
        if (LibC.unshare(CallState.current(), CLONE_NEWNET) < 0) {
            return;
        }
        Path folder = Files.createTempDirectory("sluice-training");
        Path file = folder.resolve("sluice.toml");
        Path socket = folder.resolve("sluice.sock");
        try {
            Files.writeString(file, config());
            Process ip = new ProcessBuilder("ip", "-batch", "-")
                    .inheritIO()
                    .redirectInput(PIPE)
                    .start();
            try (OutputStream in = ip.getOutputStream()) {
                in.write(NETWORK.getBytes(StandardCharsets.UTF_8));
            }
            if (ip.waitFor() != 0) {
                return;
            }
            SluiceConfig config = ConfigFile.load(file).withSocket(socket);
            try (Director director = Director.start(config, new ConfigSource(file, UnaryOperator.identity()), "")) {
                Thread end = Thread.ofPlatform().start(() -> {
                    LockSupport.parkNanos(RUN_MS * 1_000_000L);
                    director.requestStop();
                });
                var _ = director.run();
                end.join();
                director.release();
            }
        } catch (EnvironmentException | IOException | RuntimeException e) {
            System.err.println("no whole start: " + e.getMessage());
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(socket);
            Files.deleteIfExists(folder);
        }
    }

    /** On a processor that this process may use. */
    private static String config() {
        return CONFIG.replace(
                "CPU",
                Integer.toString(MachineFacts.ofThisMachine().allowedCpus().getFirst()));
    }

    /** Configuration and checks, whose refusal is expected. */
    private static void startOnPaper() throws IOException, ConfigException {
        Path file = Files.createTempFile("sluice-training", ".toml");
        try {
            Files.writeString(file, config());
            SluiceConfig config = ConfigFile.load(file);
            Preflight.check(config.director(), MachineFacts.ofThisMachine());
        } catch (EnvironmentException e) {
            // Builders are not root.
        } finally {
            Files.delete(file);
        }
    }

    /**
     * A cache holds the classes that were loaded. All of them: with those of a start alone, which would be read 40 ms faster, JDK 25
     * writes a cache that it later uses without a look at whether the jars have changed.
     */
    private static void loadClasses() throws IOException {
        Path own = Path.of(Training.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
        if (!Files.isRegularFile(own)) {
            return;
        }
        try (JarFile jar = new JarFile(own.toFile())) {
            jar.stream()
                    .map(entry -> entry.getName())
                    .filter(name -> name.startsWith("dev/sluice/") && name.endsWith(".class"))
                    .filter(name -> !name.endsWith("/package-info.class"))
                    .map(name ->
                            name.substring(0, name.length() - ".class".length()).replace('/', '.'))
                    .forEach(Training::load);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static void load(String name) {
        try {
            Class.forName(name, false, Training.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            // One class less.
        }
    }
}

package dev.sluice.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * The lab of {@code vagrant/lab} under a name of its own: client, director and real servers as {@code
 * vagrant/topology.conf} declares them. {@link #close} takes it down with everything that runs in it.
 *
 * <p>Commands run on its hosts by {@link #exec}; {@link #startDirector} runs the built distribution there. Needs root and
 * the system properties {@code sluice.basedir} and {@code sluice.home}.
 */
public final class LabFixture implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final String name = "it-%08x".formatted(ThreadLocalRandom.current().nextInt());
    private final List<Process> background = new ArrayList<>();
    private int directorsStarted;

    private LabFixture() {}

    /** A lab that is up and whose director does not run yet; options as for {@code vagrant/lab up}. */
    public static LabFixture up(String... options) {
        LabFixture lab = new LabFixture();
        List<String> command = new ArrayList<>(List.of("up"));
        command.addAll(Arrays.asList(options));
        lab.lab(command.toArray(String[]::new)).orFail();
        return lab;
    }

    /** The name of the lab; its namespaces are called {@code NAME-HOST}. */
    public String name() {
        return name;
    }

    /** Where the lab keeps logs and configurations. */
    public Path state() {
        return Path.of("/run/sluice-lab", name);
    }

    /** The admin socket of the lab's director; {@link #exec} puts it into the environment. */
    public Path socket() {
        return state().resolve("sluice.sock");
    }

    /** For {@code nsenter --net=}. */
    public Path namespace(String host) {
        return Path.of("/run/netns", name + "-" + host);
    }

    /** The configuration that the topology declares: every service on both VIPs, with all real servers. */
    public String topologyConfig() {
        return read(state().resolve("director.toml"));
    }

    /** Runs {@code vagrant/lab} with the lab's name. */
    public CommandResult lab(String... arguments) {
        return lab(TIMEOUT, arguments);
    }

    /** As {@link #lab(String...)}; one that takes longer than the timeout is killed and fails the test. */
    public CommandResult lab(Duration timeout, String... arguments) {
        return CommandResult.of(builder(arguments), timeout);
    }

    /** Runs a command on a host, at most a minute long. */
    public CommandResult exec(String host, String... command) {
        return exec(TIMEOUT, host, command);
    }

    /** Runs a command on a host; one that takes longer than the timeout is killed and fails the test. */
    public CommandResult exec(Duration timeout, String host, String... command) {
        return CommandResult.of(builder(execArguments(host, command)), timeout);
    }

    /**
     * Starts a command on a host and leaves it running. Its standard output and error go to {@code log}; it is killed when
     * the lab closes. It meets SIGHUP and SIGINT as if started by hand, though a build in the background ignores them and a
     * JVM would go on ignoring what it inherits as ignored.
     */
    public Process start(Path log, String host, String... command) {
        try {
            List<String> signalled = new ArrayList<>(List.of("env", "--default-signal=HUP,INT"));
            signalled.addAll(Arrays.asList(command));
            Process process = builder(execArguments(host, signalled.toArray(String[]::new)))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            background.add(process);
            process.getOutputStream().close();
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * As {@link #start}, but the command's standard input and output are the caller's to write and read; only its standard
     * error goes to {@code log}.
     */
    public Process startInteractive(Path log, String host, String... command) {
        try {
            Process process = builder(execArguments(host, command))
                    .redirectError(log.toFile())
                    .start();
            background.add(process);
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The command-line client on the director's host. */
    public CommandResult sluice(String... arguments) {
        return sluiceOn("director", arguments);
    }

    /** The command-line client on a host. */
    public CommandResult sluiceOn(String host, String... arguments) {
        List<String> command = new ArrayList<>(List.of(launcher()));
        command.addAll(Arrays.asList(arguments));
        return exec(host, command.toArray(String[]::new));
    }

    /**
     * Starts {@code sluice run} with a configuration and waits until it says that it is ready. The director's command line
     * ends in {@code extraArguments}.
     */
    public Director startDirector(String configText, String... extraArguments) {
        return startDirectorBy(List.of(), configText, extraArguments);
    }

    /** As {@link #startDirector}, by a command that replaces itself by what follows it: {@code env}, {@code setpriv}. */
    public Director startDirectorBy(List<String> before, String configText, String... extraArguments) {
        int number = ++directorsStarted;
        Path config = state().resolve("director-" + number + ".toml");
        Path log = state().resolve("director-" + number + ".log");
        write(config, configText);
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(launcher(), "run", "--config", config.toString()));
        command.addAll(Arrays.asList(extraArguments));
        Director director = new Director(start(log, "director", command.toArray(String[]::new)), config, log);
        director.awaitReady();
        return director;
    }

    /** Kills what still runs and removes the lab. */
    @Override
    public void close() {
        for (Process process : background) {
            process.destroyForcibly();
        }
        lab("down").orFail();
    }

    private static String[] execArguments(String host, String... command) {
        List<String> arguments = new ArrayList<>(List.of("exec", host));
        arguments.addAll(Arrays.asList(command));
        return arguments.toArray(String[]::new);
    }

    private ProcessBuilder builder(String... arguments) {
        Path base = Path.of(property("sluice.basedir"));
        List<String> command =
                new ArrayList<>(List.of(base.resolve("vagrant/lab").toString(), "--name", name));
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(base.toFile());
        builder.environment().put("JAVA_HOME", property("java.home"));
        return builder;
    }

    private static String launcher() {
        return Path.of(property("sluice.home"), "bin", "sluice").toString();
    }

    private static String property(String key) {
        String value = System.getProperty(key);
        if (value == null) {
            throw new IllegalStateException("system property " + key + " is not set: run by mvn verify");
        }
        return value;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A running {@code sluice run}. Everything between here and the JVM replaces itself, so the process is the JVM. */
    public static final class Director {
        private static final long READY_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(30);
        private static final int STOP_TIMEOUT_S = 20;

        private final Process process;
        private final Path config;
        private final Path log;

        private Director(Process process, Path config, Path log) {
            this.process = process;
            this.config = config;
            this.log = log;
        }

        /** The file that it read at its start, and reads again to reload. */
        public Path config() {
            return config;
        }

        /** The process id of the director's JVM. */
        public long pid() {
            return process.pid();
        }

        public boolean isAlive() {
            return process.isAlive();
        }

        /** All it has logged so far. */
        public String log() {
            return read(log);
        }

        /** Asks it to stop by SIGTERM and waits; its exit code. */
        public int stop() {
            process.destroy();
            return awaitEnd("SIGTERM");
        }

        /** Kills it by SIGKILL: no shutdown hook runs. */
        public void kill9() {
            process.destroyForcibly();
            int exitCode = awaitEnd("SIGKILL");
            if (exitCode != 128 + 9) {
                throw new AssertionError("not ended by SIGKILL but with exit code " + exitCode + "\n" + log());
            }
        }

        private int awaitEnd(String signal) {
            try {
                if (!process.waitFor(STOP_TIMEOUT_S, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    throw new AssertionError("not ended " + STOP_TIMEOUT_S + " s after " + signal + "\n" + log());
                }
                return process.exitValue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }

        private void awaitReady() {
            long startNs = System.nanoTime();
            try {
                while (!log().contains("ready")) {
                    if (!process.isAlive()) {
                        throw new AssertionError(
                                "ended with exit code " + process.exitValue() + " before it was ready\n" + log());
                    }
                    if (System.nanoTime() - startNs > READY_TIMEOUT_NS) {
                        process.destroyForcibly();
                        throw new AssertionError("not ready within 30 s\n" + log());
                    }
                    Thread.sleep(20);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
    }
}

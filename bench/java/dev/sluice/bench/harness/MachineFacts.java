package dev.sluice.bench.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.RuntimeMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Asks {@code /proc}, {@code /sys}, git and the JVM what a run depends on. What cannot be read is left out. */
final class MachineFacts {
    private static final long GIT_SECONDS = 10;

    private final Path root;

    /**
     * Facts of a machine.
     *
     * @param root where {@code proc} and {@code sys} are
     */
    MachineFacts(Path root) {
        this.root = root;
    }

    /** Those of this machine and the source tree of the property {@code sluice.basedir}. */
    static Facts here() {
        MachineFacts facts = new MachineFacts(Path.of("/"));
        return new Facts(
                source(Path.of(System.getProperty("sluice.basedir", "."))), facts.machine(), facts.interfaces(), jvm());
    }

    Map<String, String> machine() {
        Map<String, String> facts = new LinkedHashMap<>();
        put(facts, "processor", field("proc/cpuinfo", "model name"));
        put(facts, "cores online", line("sys/devices/system/cpu/online"));
        put(facts, "cores present", line("sys/devices/system/cpu/present"));
        put(facts, "cores isolated", line("sys/devices/system/cpu/isolated"));
        put(facts, "frequency governor", line("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
        put(facts, "virtualised", virtualisation());
        put(facts, "machine", line("sys/class/dmi/id/product_name"));
        put(facts, "memory", field("proc/meminfo", "MemTotal"));
        put(facts, "huge pages", hugePages());
        put(facts, "transparent huge pages", line("sys/kernel/mm/transparent_hugepage/enabled"));
        put(facts, "kernel", line("proc/sys/kernel/osrelease"));
        put(facts, "kernel build", line("proc/sys/kernel/version"));
        put(facts, "kernel command line", line("proc/cmdline"));
        put(facts, "mitigations", mitigations());
        put(facts, "system", field("etc/os-release", "PRETTY_NAME").replace("\"", ""));
        return facts;
    }

    Map<String, String> interfaces() {
        Map<String, String> facts = new TreeMap<>();
        for (Path link : list("sys/class/net")) {
            String name = link.getFileName().toString();
            if (name.equals("lo") || !Files.isDirectory(link)) {
                continue;
            }
            String folder = "sys/class/net/" + name;
            List<String> parts = new ArrayList<>();
            parts.add(driver(link));
            parts.add(count(folder + "/queues", "rx-") + " RX and " + count(folder + "/queues", "tx-") + " TX queues");
            parts.add("MTU " + line(folder + "/mtu"));
            String speed = line(folder + "/speed");
            if (!speed.isEmpty() && !speed.startsWith("-")) {
                parts.add(speed + " Mbit/s");
            }
            facts.put(name, String.join(", ", parts));
        }
        return facts;
    }

    static Map<String, String> jvm() {
        Map<String, String> facts = new LinkedHashMap<>();
        RuntimeMXBean runtime = ManagementFactory.getRuntimeMXBean();
        facts.put("version", Runtime.version().toString());
        facts.put("name", runtime.getVmName() + ", " + runtime.getVmVendor());
        facts.put("flags", String.join(" ", runtime.getInputArguments()));
        return facts;
    }

    static Map<String, String> source(Path tree) {
        Map<String, String> facts = new LinkedHashMap<>();
        String commit = git(tree, "rev-parse", "HEAD");
        if (!commit.isEmpty()) {
            facts.put("commit", commit);
            facts.put("tree", git(tree, "status", "--porcelain").isEmpty() ? "clean" : "has changes beyond the commit");
        }
        return facts;
    }

    private static String git(Path tree, String... arguments) {
        List<String> command = new ArrayList<>(List.of("git", "-C", tree.toString()));
        command.addAll(List.of(arguments));
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor(GIT_SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0 ? output.strip() : "";
        } catch (IOException e) {
            // No git here: the run says nothing about its source.
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    private static void put(Map<String, String> facts, String name, String value) {
        if (!value.isEmpty()) {
            facts.put(name, value);
        }
    }

    private String virtualisation() {
        String hypervisor = line("sys/hypervisor/type");
        if (!hypervisor.isEmpty()) {
            return hypervisor;
        }
        String flags = " " + field("proc/cpuinfo", "flags") + " ";
        return flags.isBlank() ? "" : flags.contains(" hypervisor ") ? "yes" : "no";
    }

    private String hugePages() {
        List<String> kinds = new ArrayList<>();
        for (Path kind : list("sys/kernel/mm/hugepages")) {
            String name = kind.getFileName().toString();
            kinds.add(line("sys/kernel/mm/hugepages/" + name + "/nr_hugepages") + " of "
                    + name.replace("hugepages-", ""));
        }
        return String.join(", ", kinds);
    }

    /** Only what is or was a weakness: the others say that the processor is not affected. */
    private String mitigations() {
        Map<String, String> affected = new TreeMap<>();
        for (Path file : list("sys/devices/system/cpu/vulnerabilities")) {
            String name = file.getFileName().toString();
            String state = line("sys/devices/system/cpu/vulnerabilities/" + name);
            if (!state.isEmpty() && !state.equals("Not affected")) {
                affected.put(name, state);
            }
        }
        List<String> texts = new ArrayList<>();
        affected.forEach((name, state) -> texts.add(name + ": " + state));
        return String.join("; ", texts);
    }

    private static String driver(Path link) {
        try {
            Path driver = link.resolve("device/driver");
            return Files.exists(driver) ? driver.toRealPath().getFileName().toString() : "virtual";
        } catch (IOException e) {
            return "unknown driver";
        }
    }

    private long count(String folder, String prefix) {
        return list(folder).stream()
                .filter(path -> path.getFileName().toString().startsWith(prefix))
                .count();
    }

    private List<Path> list(String folder) {
        try (Stream<Path> paths = Files.list(root.resolve(folder))) {
            return paths.sorted().toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of();
        }
    }

    private String field(String file, String name) {
        for (String line : text(file).lines().toList()) {
            int colon = line.indexOf(line.indexOf(':') >= 0 ? ':' : '=');
            if (colon > 0 && line.substring(0, colon).strip().equals(name)) {
                return line.substring(colon + 1).strip();
            }
        }
        return "";
    }

    private String line(String file) {
        return text(file).lines().findFirst().orElse("").strip();
    }

    private String text(String file) {
        try {
            return new String(Files.readAllBytes(root.resolve(file)), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}

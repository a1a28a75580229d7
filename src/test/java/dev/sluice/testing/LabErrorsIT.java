package dev.sluice.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a lab says and leaves when it cannot be built, or is interrupted. Machines are not booted: that takes minutes. */
class LabErrorsIT {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private static final List<String> TOOLS = List.of(
            "awk",
            "basename",
            "bash",
            "cat",
            "cut",
            "dirname",
            "env",
            "flock",
            "grep",
            "mkdir",
            "readlink",
            "rm",
            "sed",
            "sha256sum",
            "sort",
            "tr",
            "xargs");

    private final String name = "it-%08x".formatted(ThreadLocalRandom.current().nextInt());

    @TempDir
    private Path folder;

    @Test
    void a_program_that_machines_need_and_that_is_missing_is_named() throws IOException {
        ProcessBuilder builder = builder("--provider", "qemu", "up");
        builder.environment().put("PATH", tools("ip", "jq", "nsenter", "ssh").toString());
        CommandResult result = CommandResult.of(builder, TIMEOUT);
        assertEquals(1, result.exitCode(), result.toString());
        assertEquals("lab: qemu-system-x86_64 is missing; run: vagrant/lab --provider qemu setup\n", result.err());
        assertNothingIsLeft();
    }

    @Test
    void vagrant_without_a_hypervisor_says_so() throws IOException {
        assumeFalse(Files.exists(Path.of("/run/libvirt/libvirt-sock")), "libvirt is running here");
        ProcessBuilder builder = builder("--provider", "vagrant", "up");
        builder.environment().put("PATH", tools("jq", "ssh", "vagrant").toString());
        CommandResult result = CommandResult.of(builder, TIMEOUT);
        assertEquals(1, result.exitCode(), result.toString());
        assertEquals(
                "lab: there is neither libvirt nor VirtualBox for Vagrant to use"
                        + " (Debian: libvirt-daemon-system and vagrant-libvirt)\n",
                result.err());
    }

    @Test
    void machines_are_not_there_before_they_are_up_and_down_is_no_error() {
        CommandResult result = lab("--provider", "qemu", "exec", "client", "true");
        assertEquals(1, result.exitCode(), result.toString());
        assertEquals(
                "lab: %1$s is not up; run: vagrant/lab --provider qemu --name %1$s up\n".formatted(name), result.err());
        assertEquals(name + ": down\n", lab("--provider", "qemu", "status").out());
        for (int i = 0; i < 2; i++) {
            assertEquals(0, lab("--provider", "qemu", "down").exitCode());
        }
    }

    @Test
    void a_lab_is_of_the_provider_that_built_it() {
        lab("up").orFail();
        try {
            CommandResult result = lab("--provider", "qemu", "status");
            assertEquals(1, result.exitCode(), result.toString());
            assertEquals(
                    "lab: %1$s is a lab of the provider netns; use another --name, or run: vagrant/lab --name %1$s down\n"
                            .formatted(name),
                    result.err());
        } finally {
            lab("down").orFail();
        }
        assertNothingIsLeft();
    }

    @Test
    void an_interrupted_up_leaves_nothing() throws Exception {
        Process up = builder("up").redirectErrorStream(true).start();
        try {
            long deadline = System.nanoTime() + TIMEOUT.toNanos();
            while (!Files.exists(namespace("client"))) {
                assertTrue(System.nanoTime() < deadline && up.isAlive(), "no namespace was made");
                Thread.sleep(1);
            }
            up.destroy();
            assertTrue(up.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS), "it goes on");
            assertNotEquals(0, up.exitValue());
            assertNothingIsLeft();
        } finally {
            up.destroyForcibly();
            lab("down");
        }
    }

    private void assertNothingIsLeft() {
        assertFalse(Files.exists(Path.of("/run/sluice-lab", name)), "state is left");
        for (String host : List.of("switch", "client", "rs3")) {
            assertFalse(Files.exists(namespace(host)), host + " is left");
        }
    }

    private Path namespace(String host) {
        return Path.of("/run/netns", name + "-" + host);
    }

    /** A folder for PATH with what the lab calls before it builds anything. */
    private Path tools(String... further) throws IOException {
        for (String name : Stream.concat(TOOLS.stream(), Stream.of(further)).toList()) {
            for (String place : List.of("/usr/bin", "/usr/sbin")) {
                if (Files.exists(Path.of(place, name))) {
                    Files.createSymbolicLink(folder.resolve(name), Path.of(place, name));
                    break;
                }
            }
        }
        return folder;
    }

    @AfterEach
    void removeLinks() throws IOException {
        try (Stream<Path> links = Files.list(folder)) {
            for (Path link : links.toList()) {
                Files.delete(link);
            }
        }
    }

    private CommandResult lab(String... arguments) {
        return CommandResult.of(builder(arguments), TIMEOUT);
    }

    private ProcessBuilder builder(String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(TopologyFile.checkout().resolve("vagrant/lab").toString(), "--name", name));
        command.addAll(Arrays.asList(arguments));
        return new ProcessBuilder(command);
    }
}

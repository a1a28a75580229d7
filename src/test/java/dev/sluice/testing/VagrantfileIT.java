package dev.sluice.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code vagrant/Vagrantfile}, by Vagrant itself: it is valid, and machines have the addresses of the topology. No box is fetched. */
class VagrantfileIT {
    private static final Duration TIMEOUT = Duration.ofSeconds(90);

    @TempDir
    private Path home;

    static Stream<String> scenarios() {
        return TopologyFile.scenarios().stream();
    }

    @ParameterizedTest
    @MethodSource("scenarios")
    void is_valid_and_has_the_addresses_of_the_topology(String scenario) {
        String said = vagrant(scenario, "vagrant", "validate").orFail();
        assertTrue(said.contains("Vagrantfile validated successfully"), said);

        Path networks = TopologyFile.checkout().resolve("src/test/resources/vagrant/networks.rb");
        TopologyFile topology = TopologyFile.of(scenario);
        assertEquals(
                topology.ports().stream()
                        .map(port -> String.join(
                                " ",
                                port.host(),
                                "sluice-it-" + topology.networkOf(port),
                                port.ipv4(),
                                port.mac().replace(":", ""),
                                port.mac()))
                        .toList(),
                vagrant(scenario, "ruby", networks.toString(), folder().toString())
                        .orFail()
                        .lines()
                        .toList());
    }

    @Test
    void names_a_scenario_that_does_not_exist() {
        CommandResult result = vagrant("nowhere", "vagrant", "validate");
        assertEquals(1, result.exitCode(), result.toString());
        assertTrue(
                result.err()
                        .contains("there is no scenario nowhere; there are: "
                                + String.join(" ", TopologyFile.scenarios())),
                result.toString());
    }

    @Test
    void leaves_out_who_is_not_wanted() {
        Path networks = TopologyFile.checkout().resolve("src/test/resources/vagrant/networks.rb");
        ProcessBuilder builder = builder("dr", "ruby", networks.toString(), folder().toString());
        builder.environment().put("SLUICE_WITHOUT", "director2 rs3");
        assertEquals(
                List.of("client", "router", "director", "rs1", "rs2"),
                CommandResult.of(builder, TIMEOUT)
                        .orFail()
                        .lines()
                        .map(line -> line.substring(0, line.indexOf(' ')))
                        .distinct()
                        .toList());
    }

    private static Path folder() {
        return TopologyFile.checkout().resolve("vagrant").toAbsolutePath();
    }

    private CommandResult vagrant(String scenario, String... command) {
        return CommandResult.of(builder(scenario, command), TIMEOUT);
    }

    private ProcessBuilder builder(String scenario, String... command) {
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder().toFile());
        builder.environment().put("SLUICE_SCENARIO", scenario);
        builder.environment().put("SLUICE_LAB", "it");
        builder.environment().put("VAGRANT_DEFAULT_PROVIDER", "libvirt");
        builder.environment().put("VAGRANT_HOME", home.toString());
        builder.environment().put("VAGRANT_DOTFILE_PATH", dotfiles().toString());
        builder.environment().put("VAGRANT_CHECKPOINT_DISABLE", "1");
        return builder;
    }

    private Path dotfiles() {
        try {
            return Files.createDirectories(home.resolve("dotfiles"));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}

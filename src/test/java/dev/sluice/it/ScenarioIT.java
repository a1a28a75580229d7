package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Files;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The scenarios whose replies go past the director: clients beyond a router, and with tunnels a real server beyond it too. */
class ScenarioIT {
    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    @ParameterizedTest
    @ValueSource(strings = {"dr", "tun"})
    void is_as_it_says_and_leaves_nothing(String name) {
        try (LabFixture lab = LabFixture.up("--scenario", name)) {
            CommandResult scenario = lab.lab(TIMEOUT, "scenario", name, "--size", "2M");
            assertEquals(0, scenario.exitCode(), scenario::toString);
            assertTrue(scenario.out().contains("all as expected"), scenario::toString);
            assertFalse(Files.exists(lab.namespace("director2")), "a namespace is left");
            assertFalse(Files.exists(lab.state()), "the lab's state is left");
        }
    }
}

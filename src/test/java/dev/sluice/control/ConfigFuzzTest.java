package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.ConnectionConfig.Timeouts;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.config.TomlWriter;
import dev.sluice.stats.TimeoutStats;
import dev.sluice.testing.Fuzz;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Configuration files: whatever is in them, they are read or refused with problems that have a place; and what is read,
 * dumped and read again is the same.
 */
class ConfigFuzzTest {
    private static TimeoutStats timeouts(SluiceConfig config) {
        Timeouts configured = config.director().connections().timeouts();
        return new TimeoutStats(configured.tcp(), configured.tcpfin(), configured.udp());
    }

    @FuzzTest(maxDuration = "2m")
    void file(byte[] bytes) throws Exception {
        if (bytes == null || bytes.length > Fuzz.MAX_BYTES) {
            return;
        }
        SluiceConfig config;
        try {
            config = Fuzz.inTime(() -> ConfigFile.parse("f", new String(bytes, StandardCharsets.UTF_8)));
        } catch (ConfigException e) {
            assertFalse(e.problems().isEmpty());
            e.problems().forEach(problem -> assertTrue(problem.line() > 0 && problem.column() > 0, problem::toString));
            return;
        }
        Registry registry = new Registry(config.director().maglevTableSize(), KnownIds.NONE);
        try {
            for (Edit edit : ConfigDifference.edits(registry, config)) {
                edit.applyTo(registry);
            }
        } catch (ChangeException e) {
            return;
        }
        LoadedState state = new LoadedState(
                config.director(),
                () -> registry,
                () -> timeouts(config),
                new ConfigSource(Path.of("/f"), UnaryOperator.identity()));
        SluiceConfig again = ConfigFile.parse("dump", TomlWriter.write(state.config()));
        assertEquals(List.of(), ConfigDifference.edits(registry, again));
        assertTrue(
                Set.of("hash_key").containsAll(DirectorDifference.keys(config.director(), again.director())),
                () -> DirectorDifference.keys(config.director(), again.director())
                        .toString());
    }
}

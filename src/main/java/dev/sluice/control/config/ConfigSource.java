package dev.sluice.control.config;

import java.nio.file.Path;
import java.util.function.UnaryOperator;

/**
 * Where a director's configuration came from, and with it those that follow. Immutable; any thread.
 *
 * @param file absolute, since the process may be asked for it from anywhere
 * @param overrides what option and environment put in place of the file's words
 */
public record ConfigSource(Path file, UnaryOperator<SluiceConfig> overrides) {
    /**
     * Reads and checks a file as it was read at the start.
     *
     * @param path {@link #file}, or another one
     * @throws ConfigException with every problem of the file
     */
    public SluiceConfig load(Path path) throws ConfigException {
        return overrides.apply(ConfigFile.load(path));
    }
}

package dev.sluice.control.config;

import java.nio.file.Path;
import java.util.List;

/**
 * A valid configuration file.
 *
 * @param director how the director runs; fixed while it does
 * @param services the virtual services it starts with, in file order; may be empty
 */
public record SluiceConfig(DirectorConfig director, List<ServiceConfig> services) {
    /** Copies the list. */
    public SluiceConfig {
        services = List.copyOf(services);
    }

    /** The same configuration with another admin socket, as {@code --socket} and {@code SLUICE_SOCKET} ask for. */
    public SluiceConfig withSocket(Path socket) {
        return new SluiceConfig(director.withSocket(socket), services);
    }
}

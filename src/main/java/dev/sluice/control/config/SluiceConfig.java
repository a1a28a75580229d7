package dev.sluice.control.config;

import dev.sluice.service.FwmarkRule;
import java.nio.file.Path;
import java.util.List;

/**
 * A valid configuration file.
 *
 * @param director how the director runs; fixed while it does
 * @param services the virtual services, in file order; may be empty
 * @param fwmarkRules which packets belong to the services of firewall marks, in file order: the first match counts
 */
public record SluiceConfig(DirectorConfig director, List<ServiceConfig> services, List<FwmarkRule> fwmarkRules) {
    /** Copies the lists. */
    public SluiceConfig {
        services = List.copyOf(services);
        fwmarkRules = List.copyOf(fwmarkRules);
    }

    /** The same configuration with another admin socket, as {@code --socket} and {@code SLUICE_SOCKET} ask for. */
    public SluiceConfig withSocket(Path socket) {
        return new SluiceConfig(director.withSocket(socket), services, fwmarkRules);
    }

    /** The same configuration with another log, as {@code --log-level} and {@code SLUICE_LOG_LEVEL} ask for. */
    public SluiceConfig withLog(LogConfig log) {
        return new SluiceConfig(director.withLog(log), services, fwmarkRules);
    }
}

package dev.sluice.cli;

import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.SluiceConfig;

/** Runs a director in the foreground. */
@FunctionalInterface
public interface DirectorLauncher {
    /**
     * Returns when the director has stopped.
     *
     * @param config what to run, the admin socket's overrides applied; it has passed the preflight checks
     * @param source where it came from
     * @param release whether its XDP programs are taken off the interfaces when it is told to stop
     * @return the process's exit code, one of {@link ExitCode}
     * @throws Exception {@link dev.sluice.control.preflight.EnvironmentException} when the machine refuses a start, any
     *     other when the director fails
     */
    int run(SluiceConfig config, ConfigSource source, boolean release) throws Exception;
}

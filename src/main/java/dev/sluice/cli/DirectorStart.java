package dev.sluice.cli;

import dev.sluice.control.LogSettings;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.preflight.MachineFacts;
import dev.sluice.control.preflight.Preflight;

/** From the arguments of {@code sluice run} to a running director. */
final class DirectorStart {
    private DirectorStart() {}

    /**
     * Reads the configuration, checks the machine and runs the director until it stops.
     *
     * @return the process's exit code
     * @throws Exception what {@link ErrorOutput} explains
     */
    static int start(RunArguments arguments, DirectorLauncher director) throws Exception {
        // The file as the user names it, for messages; absolute for whoever reads it again.
        SluiceConfig effective = arguments.overridden(ConfigFile.load(arguments.config()));
        var _ = LogSettings.apply(effective.director().log());
        Preflight.check(effective.director(), MachineFacts.ofThisMachine());
        return director.run(
                effective,
                new ConfigSource(arguments.config().toAbsolutePath(), arguments::overridden),
                arguments.release());
    }
}

package dev.sluice.cli.socket;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.config.DirectorConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** {@code --socket}, before SLUICE_SOCKET, before where the admin socket is by default: a mixin of every command that asks a director. */
public final class AdminSocketOption {
    private final Path otherwise;

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = "The director's admin socket. Goes before SLUICE_SOCKET; default /run/sluice/sluice.sock.")
    private @Nullable Path socket;

    /** {@code ofEnvironment} is SLUICE_SOCKET, if set. */
    public AdminSocketOption(@Nullable Path ofEnvironment) {
        otherwise = ofEnvironment == null ? DirectorConfig.DEFAULT_SOCKET : ofEnvironment;
    }

    /** Asks at the socket that was named; valid once the command line has been read. */
    public AdminClient client() {
        return new AdminClient(socket == null ? otherwise : socket);
    }
}

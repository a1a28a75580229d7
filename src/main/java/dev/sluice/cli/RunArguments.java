package dev.sluice.cli;

import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.SluiceConfig;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What {@code sluice run} was asked for.
 *
 * @param config the configuration as the user names it
 * @param socket the admin socket of option or environment; null when the configuration says it
 * @param release whether the XDP programs are taken off at the stop
 * @param log the log's level and format of option or environment
 */
record RunArguments(Path config, @Nullable Path socket, boolean release, LogArguments log) {
    private static final Set<String> WITH_VALUE = Set.of("--config", "-c", "--socket", "--log-level", "--log-format");

    /** The environment variable of the admin socket. */
    static final String SOCKET_VARIABLE = "SLUICE_SOCKET";

    /**
     * Understands command lines as they are usually written, without picocli.
     *
     * @param args the whole command line
     * @return empty for another command, and for whatever is wrong or unusual: picocli is to say what
     */
    static Optional<RunArguments> parse(String[] args, Map<String, String> environment) {
        if (args.length == 0 || !args[0].equals(RunCommand.NAME)) {
            return Optional.empty();
        }
        @Nullable String config = null;
        @Nullable String socket = null;
        @Nullable String logLevel = null;
        @Nullable String logFormat = null;
        boolean release = false;
        for (int i = 1; i < args.length; i++) {
            String name = args[i];
            @Nullable String value = null;
            int equals = name.indexOf('=');
            if (name.startsWith("--") && equals > 0) {
                value = name.substring(equals + 1);
                name = name.substring(0, equals);
            } else if (WITH_VALUE.contains(name)) {
                value = ++i < args.length ? args[i] : null;
            }
            boolean usual = value != null && !value.isEmpty() && "-@\"'".indexOf(value.charAt(0)) < 0;
            if ((name.equals("--config") || name.equals("-c")) && usual && config == null) {
                config = value;
            } else if (name.equals("--socket") && usual && socket == null) {
                socket = value;
            } else if (name.equals("--log-level") && usual && logLevel == null) {
                logLevel = value;
            } else if (name.equals("--log-format") && usual && logFormat == null) {
                logFormat = value;
            } else if (name.equals("--release") && value == null && !release) {
                release = true;
            } else {
                return Optional.empty();
            }
        }
        if (config == null) {
            return Optional.empty();
        }
        LogArguments log;
        try {
            log = LogArguments.of(logLevel, logFormat, environment);
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        RunArguments arguments = new RunArguments(
                Path.of(config), socket == null ? socketOf(environment).orElse(null) : Path.of(socket), release, log);
        return arguments.socketFits() ? Optional.of(arguments) : Optional.empty();
    }

    /** The admin socket that the environment names. */
    static Optional<Path> socketOf(Map<String, String> environment) {
        return Optional.ofNullable(environment.get(SOCKET_VARIABLE))
                .filter(name -> !name.isEmpty())
                .map(Path::of);
    }

    /** Whether the kernel takes the path of the admin socket. */
    boolean socketFits() {
        return socket == null
                || socket.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8).length
                        <= DirectorConfig.MAX_SOCKET_PATH_BYTES;
    }

    /** The configuration with the admin socket and the log that were asked for. */
    SluiceConfig overridden(SluiceConfig loaded) {
        SluiceConfig logged = loaded.withLog(log.over(loaded.director().log()));
        return socket == null ? logged : logged.withSocket(socket.toAbsolutePath());
    }
}

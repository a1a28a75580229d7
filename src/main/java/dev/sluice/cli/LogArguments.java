package dev.sluice.cli;

import dev.sluice.control.config.LogConfig;
import dev.sluice.control.config.LogFormat;
import dev.sluice.control.config.LogLevel;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What options and the environment say of the log; goes before the configuration.
 *
 * @param level null when they do not say
 * @param format null when they do not say
 */
record LogArguments(@Nullable LogLevel level, @Nullable LogFormat format) {
    /** The environment variable of the level. */
    static final String LEVEL_VARIABLE = "SLUICE_LOG_LEVEL";

    /** The environment variable of the format. */
    static final String FORMAT_VARIABLE = "SLUICE_LOG_FORMAT";

    /**
     * Understands options, and the environment's variables where an option is not given.
     *
     * @throws IllegalArgumentException with a message fit for users
     */
    static LogArguments of(@Nullable String level, @Nullable String format, Map<String, String> environment) {
        return new LogArguments(
                level == null ? level(LEVEL_VARIABLE, environment.get(LEVEL_VARIABLE)) : level("--log-level", level),
                format == null
                        ? format(FORMAT_VARIABLE, environment.get(FORMAT_VARIABLE))
                        : format("--log-format", format));
    }

    private static @Nullable LogLevel level(String source, @Nullable String word) {
        if (word == null || isUnset(source, word)) {
            return null;
        }
        return LogLevel.of(word)
                .orElseThrow(() -> new IllegalArgumentException(
                        source + " " + word + ": no level; allowed: " + LogLevel.keywords()));
    }

    private static @Nullable LogFormat format(String source, @Nullable String word) {
        if (word == null || isUnset(source, word)) {
            return null;
        }
        return LogFormat.of(word)
                .orElseThrow(() -> new IllegalArgumentException(
                        source + " " + word + ": no format; allowed: " + LogFormat.keywords()));
    }

    /** An empty variable is none; an empty option is a mistake. */
    private static boolean isUnset(String source, String word) {
        return word.isEmpty() && !source.startsWith("-");
    }

    /** The configuration's with what was asked for. */
    LogConfig over(LogConfig loaded) {
        return new LogConfig(level == null ? loaded.logLevel() : level, format == null ? loaded.logFormat() : format);
    }
}

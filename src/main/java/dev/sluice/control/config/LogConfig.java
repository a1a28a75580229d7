package dev.sluice.control.config;

/**
 * What a director says of itself, and how.
 *
 * @param logLevel the least grave that is said
 * @param logFormat how lines look
 */
public record LogConfig(LogLevel logLevel, LogFormat logFormat) {
    /** When the file does not say. */
    public static final LogConfig DEFAULT = new LogConfig(LogLevel.INFO, LogFormat.AUTO);
}

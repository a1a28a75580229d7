package dev.sluice.stats;

/**
 * A value in a log message that has a name: as text it is the value, as JSON a member of the line's object.
 *
 * @param name {@code service}, {@code real}, {@code generation}, {@code queue}, {@code interface}, {@code user}, {@code pid},
 *     {@code command}, {@code change}
 * @param value shown by its {@code toString}
 */
public record LogField(String name, Object value) {
    /** A virtual service. */
    public static LogField service(Object value) {
        return new LogField("service", value);
    }

    /** A real server. */
    public static LogField real(Object value) {
        return new LogField("real", value);
    }

    /** The generation of a configuration. */
    public static LogField generation(long value) {
        return new LogField("generation", value);
    }

    /** The queue of a worker. */
    public static LogField queue(int value) {
        return new LogField("queue", value);
    }

    /** What has been changed, and by whom: records of that are never suppressed. */
    public static LogField change(Object value) {
        return new LogField("change", value);
    }

    @Override
    public String toString() {
        return value.toString();
    }
}

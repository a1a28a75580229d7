package dev.sluice.bench.vm;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What {@code rounds} in the virtual machine says of one window: rounds of few frames each, then as many of many.
 *
 * @param few frames in the rounds of few, all of them together
 * @param many in the rounds of many
 * @param busyFew instructions that the machine executed during the rounds of few, idling left out
 * @param busyMany during the rounds of many
 * @param sent frames in both
 * @param arrived how many of them arrived at the sink
 * @param compiled compilations of the forwarder's JVM that began in the window, 0 when it is not in Java
 * @param compiling instructions of the threads that compile, during the whole window
 */
record Window(
        long few, long many, long busyFew, long busyMany, long sent, long arrived, long compiled, long compiling) {
    /** What a compiler's thread may use of a window, as a share, without having compiled: it looks for work now and then. */
    private static final double IDLE_COMPILER = 0.001;

    /** Reads a line's JSON; throws {@link IllegalArgumentException} when a number is missing. */
    static Window of(JsonNode line) {
        return new Window(
                number(line, "few"),
                number(line, "many"),
                number(line, "busyFew"),
                number(line, "busyMany"),
                number(line, "sent"),
                number(line, "arrived"),
                number(line, "compiled"),
                number(line, "compiling"));
    }

    private static long number(JsonNode line, String name) {
        JsonNode value = line.path(name);
        if (!value.isIntegralNumber()) {
            throw new IllegalArgumentException("the virtual machine's report has no number \"" + name + "\": " + line);
        }
        return value.longValue();
    }

    /** Instructions for one more frame: what a round costs beside its frames is in both sums, and goes. */
    double perFrame() {
        return (double) (busyMany - busyFew) / (many - few);
    }

    /** Whether no more than one frame in a thousand was lost: the cost of a lost frame is not that of a forwarded one. */
    boolean isWhole() {
        return arrived >= sent - sent / 1000;
    }

    /** Whether no compilation of the JVM began, went on or ended in it. */
    boolean isCompiled() {
        return compiled == 0 && compiling <= IDLE_COMPILER * (busyFew + busyMany);
    }
}

package dev.sluice.testing;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** What holds for every parser that is fuzzed. */
public final class Fuzz {
    /** The socket takes no more at a time; files are held to it as well, so that each run is short. */
    public static final int MAX_BYTES = 64 * 1024;

    /** On a machine that is busy with everything else. */
    private static final long MAX_SECONDS = 10;

    private Fuzz() {}

    /** Has something done that must not take long, however odd the input. */
    public static <T> T inTime(Callable<T> parse) throws Exception {
        long startNs = System.nanoTime();
        T result = parse.call();
        long took = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - startNs);
        if (took > MAX_SECONDS) {
            throw new AssertionError("took " + took + " s");
        }
        return result;
    }
}

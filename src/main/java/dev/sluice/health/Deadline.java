package dev.sluice.health;

import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;

/** When one check must be over, and what it is waiting for. Owned by the check's thread. */
final class Deadline {
    private final long endNs;
    private final int timeoutMs;
    private String awaited = "answer";

    private Deadline(int timeoutMs) {
        this.timeoutMs = timeoutMs;
        endNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
    }

    /** A check that begins now may take so long. */
    static Deadline in(int timeoutMs) {
        return new Deadline(timeoutMs);
    }

    /** Names what the check waits for from now on: "no {@code awaited} within 3000 ms" is what a failure will say. */
    void expect(String awaitedNext) {
        awaited = awaitedNext;
    }

    /**
     * The time that is left, at least 1 ms.
     *
     * @throws SocketTimeoutException when none is
     */
    int remainingMs() throws SocketTimeoutException {
        long leftNs = endNs - System.nanoTime();
        if (leftNs <= 0) {
            throw new SocketTimeoutException();
        }
        return (int) Math.max(1, TimeUnit.NANOSECONDS.toMillis(leftNs));
    }

    boolean hasPassed() {
        return endNs - System.nanoTime() <= 0;
    }

    /** The failure in words. */
    String text() {
        return "no " + awaited + " within " + timeoutMs + " ms";
    }
}

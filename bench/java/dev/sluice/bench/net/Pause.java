package dev.sluice.bench.net;

/** Waiting, where an interrupt ends the benchmark. */
final class Pause {
    private Pause() {}

    static void ms(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}

package dev.sluice.forward;

/**
 * Identifications of IP packets that the director itself makes: no two workers give the same one before each has gone through
 * its share of the range (RFC 6864 section 4.3). Owned by: worker.
 */
final class Identifications {
    private final int worker;
    private final int step;
    private int last;

    /**
     * @param worker whose they are, from 0
     * @param workers how many share the range
     * @param seed where to begin, so that a restart does not repeat what is on its way
     */
    Identifications(int worker, int workers, int seed) {
        step = workers;
        this.worker = worker;
        restart(seed);
    }

    /** Begins anew, as with another seed. */
    void restart(int seed) {
        last = seed - Math.floorMod(seed, step) + worker;
    }

    /** All 32 bits for IPv6; the lower 16 for IPv4. */
    int next() {
        last += step;
        return last;
    }
}

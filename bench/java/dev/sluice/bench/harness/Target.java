package dev.sluice.bench.harness;

/**
 * Something that must hold, and whether it does in this run: a ratio of two subjects measured in turn, or a limit.
 *
 * @param name what, readably: {@code DR, 1 M flows: Java to C}
 * @param value as measured
 * @param wanted the bound
 * @param atLeast whether the bound is a lower one
 */
public record Target(String name, double value, double wanted, boolean atLeast) {
    /** Whether it holds. */
    public boolean isMet() {
        return atLeast ? value >= wanted : value <= wanted;
    }
}

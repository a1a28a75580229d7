package dev.sluice.schedule;

import java.math.BigInteger;

/**
 * How Maglev tables are made. Directors that share them, and their real servers, build equal tables.
 *
 * @param tableSize entries, a prime; more than a hundred times the number of real servers keeps the imbalance below
 *     one percent
 * @param key under which real servers are placed
 */
public record MaglevParameters(int tableSize, HashKey key) {
    /** The smaller of the two sizes in the paper's evaluation. */
    public static final int DEFAULT_TABLE_SIZE = 65537;
    /** The larger of the two sizes in the paper's evaluation. */
    public static final int LARGE_TABLE_SIZE = 655373;
    /** The largest accepted size; 32 MiB a service. */
    public static final int MAX_TABLE_SIZE = 1 << 24;

    /** Throws {@link IllegalArgumentException}, with a message fit for users, for a size that is no prime in range. */
    public MaglevParameters {
        if (tableSize < 3
                || tableSize > MAX_TABLE_SIZE
                || !BigInteger.valueOf(tableSize).isProbablePrime(30)) {
            throw new IllegalArgumentException("a Maglev table's size is a prime from 3 to " + MAX_TABLE_SIZE + " (say "
                    + DEFAULT_TABLE_SIZE + " or " + LARGE_TABLE_SIZE + "), not " + tableSize);
        }
    }

    /** Parameters with {@link #DEFAULT_TABLE_SIZE}. */
    public static MaglevParameters withKey(HashKey key) {
        return new MaglevParameters(DEFAULT_TABLE_SIZE, key);
    }
}

package dev.sluice.schedule;

import java.util.List;

/**
 * What all services' schedulers are made with.
 *
 * @param maglev how {@code maglev} tables are made
 * @param mhTableSize slots of {@code mh} tables, one of {@link #MH_TABLE_SIZES}; equal on all directors, IPVS's
 *     included, that must agree
 */
public record SchedulerParameters(MaglevParameters maglev, int mhTableSize) {
    /** The primes that the kernel can be built with ({@code CONFIG_IP_VS_MH_TAB_INDEX} 8 to 17). */
    public static final List<Integer> MH_TABLE_SIZES =
            List.of(251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071);
    /** What kernels are built with when nobody chose ({@code CONFIG_IP_VS_MH_TAB_INDEX} 12). */
    public static final int DEFAULT_MH_TABLE_SIZE = 4093;

    /** Throws {@link IllegalArgumentException}, with a message fit for users, for a size that no kernel has. */
    public SchedulerParameters {
        if (!MH_TABLE_SIZES.contains(mhTableSize)) {
            throw new IllegalArgumentException(
                    "the size of an mh table is one of " + MH_TABLE_SIZES + ", not " + mhTableSize);
        }
    }

    /** Parameters with {@link #DEFAULT_MH_TABLE_SIZE}. */
    public static SchedulerParameters of(MaglevParameters maglev) {
        return new SchedulerParameters(maglev, DEFAULT_MH_TABLE_SIZE);
    }
}

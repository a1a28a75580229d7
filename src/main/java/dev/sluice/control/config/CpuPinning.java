package dev.sluice.control.config;

import java.util.Arrays;
import java.util.List;

/** Which CPU each worker thread is pinned to. Immutable; any thread. */
public sealed interface CpuPinning {
    /** Stands for "not pinned" in {@link #assign}. */
    int UNPINNED = -1;

    /**
     * Spreads workers over CPUs.
     *
     * @param workers how many workers there are; for {@link Fixed} as many as it lists
     * @param allowedCpus the CPUs this process may run on, ascending, at least one
     * @return by worker: the number of its CPU, or {@link #UNPINNED}
     */
    int[] assign(int workers, List<Integer> allowedCpus);

    /**
     * The last CPUs the process may run on, the highest for the last worker: CPU 0 takes most interrupts and timers. More
     * workers than CPUs share them in turn.
     */
    record Auto() implements CpuPinning {
        @Override
        public int[] assign(int workers, List<Integer> allowedCpus) {
            int used = Math.min(workers, allowedCpus.size());
            int first = allowedCpus.size() - used;
            int[] cpus = new int[workers];
            Arrays.setAll(cpus, worker -> allowedCpus.get(first + worker % used));
            return cpus;
        }
    }

    /** The kernel's scheduler decides. */
    record None() implements CpuPinning {
        @Override
        public int[] assign(int workers, List<Integer> allowedCpus) {
            int[] cpus = new int[workers];
            Arrays.fill(cpus, UNPINNED);
            return cpus;
        }
    }

    /**
     * One CPU a worker, in order.
     *
     * @param cpus distinct CPU numbers
     */
    record Fixed(List<Integer> cpus) implements CpuPinning {
        /** Copies the list. */
        public Fixed {
            cpus = List.copyOf(cpus);
        }

        @Override
        public int[] assign(int workers, List<Integer> allowedCpus) {
            if (workers != cpus.size()) {
                throw new IllegalArgumentException(workers + " workers, but cpus lists " + cpus.size());
            }
            return cpus.stream().mapToInt(Integer::intValue).toArray();
        }
    }
}

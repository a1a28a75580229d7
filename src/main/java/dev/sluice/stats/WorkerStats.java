package dev.sluice.stats;

import java.util.Map;

/**
 * One worker.
 *
 * @param queue the queue index that it owns on every interface
 * @param cpu the processor it is pinned to, -1 for none
 * @param counters its own counters by name
 * @param batches how many batches it took from its interfaces, by the largest number of packets that is counted there: those of
 *     up to 1, 2, 4, … packets and more than the number before
 */
public record WorkerStats(int queue, int cpu, Map<String, Long> counters, Map<Integer, Long> batches) {}

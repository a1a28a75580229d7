package dev.sluice.stats;

import java.util.Map;

/**
 * One worker.
 *
 * @param queue the queue index that it owns on every interface
 * @param cpu the processor it is pinned to, -1 for none
 * @param counters its own counters by name
 */
public record WorkerStats(int queue, int cpu, Map<String, Long> counters) {}

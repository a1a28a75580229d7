package dev.sluice.control.http;

import dev.sluice.stats.DirectorStats;
import java.time.Instant;
import java.util.Map;

/**
 * One reading of a director, as {@code sluice stats} has it but for its real servers.
 *
 * @param stats all counters; the services have every real server that is configured, and the sorry server behind them: those
 *     that are out of service with weight 0
 * @param nextHops how many RIPs there are by what is known of the way to them, all states, zeros included
 * @param load the configuration file that was loaded last
 * @param maxFlows connections that there is room for, over all workers
 */
public record Reading(DirectorStats stats, Map<String, Integer> nextHops, Load load, long maxFlows) {
    /** Copies the map. */
    public Reading {
        nextHops = Map.copyOf(nextHops);
    }

    /**
     * What came of the configuration file.
     *
     * @param file the one that was loaded last
     * @param at when
     * @param lastSucceeded whether the last attempt to load one, at the start or by reload, was a success
     * @param lastAttempt when that was
     */
    public record Load(String file, Instant at, boolean lastSucceeded, Instant lastAttempt) {}
}

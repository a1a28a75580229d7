package dev.sluice.stats;

import java.util.List;
import java.util.Map;

/**
 * One reading of everything a director counts. Counters only ever grow while the director runs; a reading is not atomic
 * over all of them, each number is.
 *
 * @param version the director's version
 * @param pid its process
 * @param uptimeMs milliseconds since it was ready
 * @param generation the generation of the configuration snapshot in force, from 1
 * @param services the virtual services in the order of the configuration, with those real servers that are in service
 * @param outcomes every packet outcome by its name, summed over the workers, zeros included
 * @param interfaces the interfaces that it steers from
 * @param workers its workers by queue
 * @param health the health of real servers
 */
public record DirectorStats(
        String version,
        long pid,
        long uptimeMs,
        long generation,
        List<ServiceStats> services,
        Map<String, Long> outcomes,
        List<InterfaceStats> interfaces,
        List<WorkerStats> workers,
        HealthStats health) {}

package dev.sluice.stats;

import java.util.List;

/**
 * The table of virtual services, with all that {@code ipvsadm -L} shows of it.
 *
 * @param size how many connections there is room for, over all workers
 * @param services the services in the order in which they came
 */
public record TableStats(long size, List<ServiceStats> services) {}

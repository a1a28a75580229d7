package dev.sluice.bench.net;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.InterfaceStats;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a running director and the interfaces around it have counted so far.
 *
 * @param steered packets that its XDP programs handed to sockets
 * @param forwarded packets put on TX rings
 * @param dropped by cause, zeros left out: of the sockets, of the director, of the interfaces
 * @param stats all that the director says
 */
record Losses(long steered, long forwarded, Map<String, Long> dropped, DirectorStats stats) {
    /**
     * Of XDP_STATISTICS; {@code rx_dropped} holds what an empty fill ring costs, and the counts of empty rings say how often the kernel
     * looked in vain.
     */
    private static final List<String> XSK_LOSSES =
            List.of("rx_dropped", "rx_ring_full", "rx_invalid_descs", "tx_invalid_descs");

    /** Asks the director and the interfaces. */
    static Losses now(Path socket, Topology topology) {
        DirectorStats stats;
        try {
            stats = new AdminClient(socket).ask("stats", DirectorStats.class);
        } catch (AdminException e) {
            throw new IllegalStateException("the director does not answer: " + e.getMessage(), e);
        }
        Map<String, Long> dropped = new TreeMap<>();
        long steered = 0;
        for (InterfaceStats one : stats.interfaces()) {
            steered += one.steering().getOrDefault("steered", 0L);
        }
        dropped.putAll(ofDirector(stats));
        // A full ring of the ingress interface counts at its peer; what it does not take from the director, at the
        // egress.
        String sent = topology.generator().run("ethtool", "-S", Topology.GENERATOR);
        sent.lines()
                .filter(line -> line.contains("xdp_xmit_errors"))
                .forEach(line -> add(
                        dropped,
                        "nic_xmit_errors",
                        Long.parseLong(line.substring(line.indexOf(':') + 1).strip())));
        String link = topology.director().run("cat", "/proc/net/dev");
        link.lines()
                .map(String::strip)
                .filter(line -> line.startsWith(topology.egress() + ":"))
                .forEach(line -> add(dropped, "egress_tx_dropped", Long.parseLong(line.split("\\s+", -1)[12])));
        return new Losses(steered, stats.outcomes().getOrDefault(Counter.FORWARDED.label(), 0L), dropped, stats);
    }

    /** What a director and its sockets have dropped, by cause, zeros left out. */
    static Map<String, Long> ofDirector(DirectorStats stats) {
        Map<String, Long> dropped = new TreeMap<>();
        for (InterfaceStats one : stats.interfaces()) {
            one.queues()
                    .forEach(queue -> XSK_LOSSES.forEach(
                            cause -> add(dropped, cause, queue.xsk().getOrDefault(cause, 0L))));
        }
        for (Counter counter : Counter.values()) {
            if (counter.kind() == Counter.Kind.DROP) {
                add(dropped, counter.label(), stats.outcomes().getOrDefault(counter.label(), 0L));
            }
        }
        return dropped;
    }

    private static void add(Map<String, Long> dropped, String cause, long count) {
        if (count != 0) {
            dropped.merge(cause, count, Long::sum);
        }
    }

    /** Causes that have grown since an earlier reading, and by how much. */
    Map<String, Long> since(Losses earlier) {
        Map<String, Long> grown = new TreeMap<>();
        dropped.forEach((cause, count) -> add(grown, cause, count - earlier.dropped.getOrDefault(cause, 0L)));
        return grown;
    }

    /** All of them together. */
    static long sum(Map<String, Long> dropped) {
        return dropped.values().stream().mapToLong(Long::longValue).sum();
    }

    /** A counter of the first worker's own. */
    long worker(String counter) {
        return stats.workers().getFirst().counters().getOrDefault(counter, 0L);
    }
}

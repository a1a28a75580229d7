package dev.sluice.bench.net;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.Traffic;
import dev.sluice.stats.WorkerStats;
import dev.sluice.testing.NetworkNamespace;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Everything that is counted on the way, at one moment: by the director, its interfaces, the CPUs, and the generator.
 *
 * @param atNs {@link System#nanoTime()}
 * @param offered frames that the generator has sent, -1 where nobody knows
 * @param interfaces the director's, by name
 */
record LineReading(
        long atNs, long offered, DirectorStats stats, Map<String, InterfaceCounters> interfaces, CpuTimes cpus) {
    /** On the wire an IP packet has 14 octets of Ethernet header, 4 of check sequence, 8 of preamble and 12 of gap with it. */
    private static final int WIRE_BYTES = 38;

    /** A queue over a while: packets a second, and the share of its worker's duty cycles that found work. */
    record QueueUse(int queue, int cpu, double received, double sent, double busyCycles) {}

    /** A reading. Throws {@link IllegalStateException} when the director does not answer. */
    static LineReading now(Path socket, NetworkNamespace namespace, List<String> interfaces, long offered) {
        Map<String, InterfaceCounters> counters = new LinkedHashMap<>();
        interfaces.forEach(name -> counters.put(name, InterfaceCounters.of(namespace, name)));
        try {
            DirectorStats stats = new AdminClient(socket).ask("stats", DirectorStats.class);
            return new LineReading(System.nanoTime(), offered, stats, counters, CpuTimes.now());
        } catch (AdminException e) {
            throw new IllegalStateException("the director does not answer: " + e.getMessage(), e);
        }
    }

    /** Since an earlier reading. */
    double secondsSince(LineReading earlier) {
        return (atNs - earlier.atNs) / 1e9;
    }

    /** Frames a second that the generator sent; not a number where nobody knows. */
    double offeredSince(LineReading earlier) {
        return offered < 0 ? Double.NaN : (offered - earlier.offered) / secondsSince(earlier);
    }

    /** Packets a second that the steering programs handed to the director. */
    double receivedSince(LineReading earlier) {
        return (workers("rx_packets") - earlier.workers("rx_packets")) / secondsSince(earlier);
    }

    /** Packets a second that the director put on TX rings. */
    double forwardedSince(LineReading earlier) {
        return (workers("tx_packets") - earlier.workers("tx_packets")) / secondsSince(earlier);
    }

    /** Packets a second by an interface's own count. */
    double nicSince(LineReading earlier, String interfaceName, String counter) {
        return (double) nic(interfaceName).since(earlier.nic(interfaceName), counter) / secondsSince(earlier);
    }

    /** Packets a second of each receive queue by the driver's count; empty where it has none. */
    Map<Integer, Double> nicQueuesSince(LineReading earlier, String interfaceName) {
        Map<Integer, Double> queues = new TreeMap<>();
        nic(interfaceName)
                .queuesSince(earlier.nic(interfaceName))
                .forEach((queue, packets) -> queues.put(queue, packets / secondsSince(earlier)));
        return queues;
    }

    private InterfaceCounters nic(String interfaceName) {
        InterfaceCounters counters = interfaces.get(interfaceName);
        if (counters == null) {
            throw new IllegalArgumentException("no reading of " + interfaceName);
        }
        return counters;
    }

    /** Gbit/s that clients' packets take on a wire, preamble and gap included, as far as they were forwarded. */
    double gigabitsSince(LineReading earlier) {
        Traffic grown = traffic().minus(earlier.traffic());
        return 8e-9 * (grown.inBytes() + WIRE_BYTES * (double) grown.inPackets()) / secondsSince(earlier);
    }

    private Traffic traffic() {
        return stats.services().stream().map(each -> each.traffic()).reduce(Traffic.NONE, Traffic::plus);
    }

    private long workers(String counter) {
        return stats.workers().stream()
                .mapToLong(worker -> counter(worker, counter))
                .sum();
    }

    private static long counter(WorkerStats worker, String counter) {
        return worker.counters().getOrDefault(counter, 0L);
    }

    /** Each queue with its worker. */
    List<QueueUse> queuesSince(LineReading earlier) {
        double seconds = secondsSince(earlier);
        return stats.workers().stream()
                .map(worker -> {
                    WorkerStats before = earlier.stats.workers().stream()
                            .filter(each -> each.queue() == worker.queue())
                            .findFirst()
                            .orElse(worker);
                    double cycles = (double) counter(worker, "duty_cycles") - counter(before, "duty_cycles");
                    double busy = (double) counter(worker, "busy_cycles") - counter(before, "busy_cycles");
                    return new QueueUse(
                            worker.queue(),
                            worker.cpu(),
                            (counter(worker, "rx_packets") - counter(before, "rx_packets")) / seconds,
                            (counter(worker, "tx_packets") - counter(before, "tx_packets")) / seconds,
                            busy / Math.max(cycles, 1));
                })
                .toList();
    }

    /**
     * Packets lost, by whom and why: of the director by its own names and those of XDP_STATISTICS, of interfaces after their
     * names.
     */
    Map<String, Long> lossesSince(LineReading earlier) {
        Map<String, Long> lost = new TreeMap<>();
        Map<String, Long> before = Losses.ofDirector(earlier.stats);
        Losses.ofDirector(stats).forEach((cause, count) -> {
            long grown = count - before.getOrDefault(cause, 0L);
            if (grown > 0) {
                lost.put(cause, grown);
            }
        });
        interfaces.forEach((name, counters) ->
                counters.lossesSince(earlier.nic(name)).forEach((cause, count) -> lost.put(name + ":" + cause, count)));
        return lost;
    }

    /** How the director has its interfaces: XDP mode, and copy or zero-copy by queue. */
    String modes() {
        StringBuilder text = new StringBuilder();
        stats.interfaces().forEach(each -> {
            text.append(text.isEmpty() ? "" : "; ")
                    .append(each.name())
                    .append(": XDP ")
                    .append(each.xdpMode())
                    .append(each.dispatcher() ? " behind libxdp's dispatcher" : "");
            each.queues()
                    .forEach(queue -> text.append(", queue ")
                            .append(queue.queue())
                            .append(queue.zeroCopy() ? " zero-copy" : " copy"));
        });
        return text.toString();
    }
}

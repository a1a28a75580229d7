package dev.sluice.cli.top;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.Traffic;
import dev.sluice.stats.WorkerStats;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Two readings of one director and the time between them by its own clock: rates are exact, however late the second one came.
 * Immutable.
 */
final class Interval {
    private final DirectorStats before;
    private final DirectorStats after;
    private final double seconds;
    private final Map<String, Traffic> earlier = new HashMap<>();

    /** What something gets in a second. Bits of IP packets, as links are measured. */
    record Rate(double connections, double inPackets, double outPackets, double inBits, double outBits) {
        boolean isIdle() {
            return connections == 0 && inPackets == 0 && outPackets == 0;
        }

        Rate plus(Rate other) {
            return new Rate(
                    connections + other.connections,
                    inPackets + other.inPackets,
                    outPackets + other.outPackets,
                    inBits + other.inBits,
                    outBits + other.outBits);
        }
    }

    private Interval(DirectorStats before, DirectorStats after) {
        this.before = before;
        this.after = after;
        seconds = (after.uptimeMs() - before.uptimeMs()) / 1000.0;
        for (ServiceStats service : before.services()) {
            earlier.put(key(service), service.traffic());
            for (RealServerStats real : service.realServers()) {
                earlier.put(key(service, real), real.traffic());
            }
        }
    }

    /** Empty when the readings are of two directors, or one and the same: nothing can be said. */
    static Optional<Interval> between(DirectorStats before, DirectorStats after) {
        return before.pid() == after.pid() && after.uptimeMs() > before.uptimeMs()
                ? Optional.of(new Interval(before, after))
                : Optional.empty();
    }

    /** The later reading. */
    DirectorStats now() {
        return after;
    }

    double seconds() {
        return seconds;
    }

    Rate rate(ServiceStats service) {
        return rate(service.traffic(), earlier.get(key(service)));
    }

    Rate rate(ServiceStats service, RealServerStats real) {
        return rate(real.traffic(), earlier.get(key(service, real)));
    }

    /** All services together. */
    Rate total() {
        return after.services().stream().map(this::rate).reduce(new Rate(0, 0, 0, 0, 0), Rate::plus);
    }

    /** What has come into being in between has counted from zero. */
    private Rate rate(Traffic now, @Nullable Traffic then) {
        Traffic from = then == null ? Traffic.NONE : then;
        return new Rate(
                perSecond(from.connections(), now.connections()),
                perSecond(from.inPackets(), now.inPackets()),
                perSecond(from.outPackets(), now.outPackets()),
                8 * perSecond(from.inBytes(), now.inBytes()),
                8 * perSecond(from.outBytes(), now.outBytes()));
    }

    /** A counter that was set to zero in between has counted at least what it shows. */
    private double perSecond(long then, long now) {
        return (now >= then ? now - then : now) / seconds;
    }

    /** Packets of one outcome in a second. */
    double outcome(String label) {
        return perSecond(
                before.outcomes().getOrDefault(label, 0L), after.outcomes().getOrDefault(label, 0L));
    }

    /** Packets dropped in a second, for whatever reason. */
    double dropped() {
        double sum = 0;
        for (Counter counter : Counter.values()) {
            sum += counter.kind() == Counter.Kind.DROP ? outcome(counter.label()) : 0;
        }
        return sum;
    }

    /** Packets of one outcome of the steering programs in a second. */
    double steering(String outcome) {
        return perSecond(sum(before, outcome), sum(after, outcome));
    }

    private static long sum(DirectorStats stats, String outcome) {
        return stats.interfaces().stream()
                .mapToLong(nic -> nic.steering().getOrDefault(outcome, 0L))
                .sum();
    }

    /** What a counter of the steering program on an interface grows by in a second. */
    double steering(InterfaceStats nic, String outcome) {
        long then = before.interfaces().stream()
                .filter(other -> other.name().equals(nic.name()))
                .mapToLong(other -> other.steering().getOrDefault(outcome, 0L))
                .sum();
        return perSecond(then, nic.steering().getOrDefault(outcome, 0L));
    }

    /** What a counter of {@code XDP_STATISTICS} grows by in a second. */
    double xsk(InterfaceStats nic, InterfaceStats.QueueStats queue, String counter) {
        long then = before.interfaces().stream()
                .filter(other -> other.name().equals(nic.name()))
                .flatMap(other -> other.queues().stream())
                .filter(other -> other.queue() == queue.queue())
                .mapToLong(other -> other.xsk().getOrDefault(counter, 0L))
                .sum();
        return perSecond(then, queue.xsk().getOrDefault(counter, 0L));
    }

    /** What a counter of a worker grows by in a second. */
    double worker(WorkerStats worker, String counter) {
        return perSecond(
                earlier(worker)
                        .map(other -> other.counters().getOrDefault(counter, 0L))
                        .orElse(0L),
                worker.counters().getOrDefault(counter, 0L));
    }

    /** The share of time in which a worker was not idle. */
    double busy(WorkerStats worker) {
        return Math.min(1, worker(worker, "busy_ns") / 1e9);
    }

    /** How many batches a worker took in between, by the largest number of packets that is counted there. */
    Map<Integer, Long> batches(WorkerStats worker) {
        Map<Integer, Long> then = earlier(worker).map(WorkerStats::batches).orElse(Map.of());
        Map<Integer, Long> grown = new TreeMap<>();
        worker.batches().forEach((size, count) -> grown.put(size, Math.max(0, count - then.getOrDefault(size, 0L))));
        return grown;
    }

    /** Packets that a worker took at a time, in the mean; 0 when none came. */
    double batch(WorkerStats worker) {
        double batches =
                batches(worker).values().stream().mapToLong(count -> count).sum() / seconds;
        return batches == 0 ? 0 : worker(worker, "rx_packets") / batches;
    }

    private Optional<WorkerStats> earlier(WorkerStats worker) {
        return before.workers().stream()
                .filter(other -> other.queue() == worker.queue())
                .findFirst();
    }

    private static String key(ServiceStats service) {
        return service.protocol() + " " + service.address() + " " + service.port() + " " + service.family();
    }

    private static String key(ServiceStats service, RealServerStats real) {
        return key(service) + " " + real.address() + " " + real.port();
    }
}

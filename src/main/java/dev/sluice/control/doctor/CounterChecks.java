package dev.sluice.control.doctor;

import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.WorkerStats;
import dev.sluice.worker.WorkerCounter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;

/** Counters that grow, between the two readings, and should not. */
final class CounterChecks {
    private static final List<String> STEERING = List.of("pass_no_socket", "drop_no_director", "pass_malformed");
    private static final List<String> XSK =
            List.of("rx_dropped", "rx_ring_full", "rx_fill_ring_empty_descs", "rx_invalid_descs", "tx_invalid_descs");

    private CounterChecks() {}

    /** How much a counter of packets by outcome has grown. */
    static long grown(Subject subject, String label) {
        return grown(subject, stats -> stats.outcomes().getOrDefault(label, 0L));
    }

    private static long grown(Subject subject, ToLongFunction<DirectorStats> counter) {
        if (subject.before().isEmpty() || subject.after().isEmpty()) {
            return 0;
        }
        DirectorStats before = subject.before().get();
        DirectorStats after = subject.after().get();
        // Another process counts anew.
        return before.pid() == after.pid() ? counter.applyAsLong(after) - counter.applyAsLong(before) : 0;
    }

    static List<Finding> check(Facts facts) {
        Subject subject = facts.subject();
        Map<String, Long> grown = new LinkedHashMap<>();
        for (Counter counter : Counter.values()) {
            if (counter.kind() == Counter.Kind.DROP) {
                grown.put("drop-" + counter.label(), grown(subject, counter.label()));
            }
        }
        for (String name : STEERING) {
            grown.put(
                    "steering-" + name,
                    grown(
                            subject,
                            stats -> stats.interfaces().stream()
                                    .mapToLong(nic -> nic.steering().getOrDefault(name, 0L))
                                    .sum()));
        }
        for (String name : XSK) {
            grown.put("xsk-" + name, grown(subject, stats -> xsk(stats, name)));
        }
        grown.put("worker-tx_kick_errors", grown(subject, stats -> worker(stats, WorkerCounter.TX_KICK_ERRORS)));
        long packets = Math.max(1, grown(subject, Counter.PACKETS_IN.label()));
        List<Finding> findings = new ArrayList<>();
        grown.forEach((name, count) -> finding(subject, name, count, packets).ifPresent(findings::add));
        return findings;
    }

    private static long xsk(DirectorStats stats, String name) {
        return stats.interfaces().stream()
                .map(InterfaceStats::queues)
                .flatMap(List::stream)
                .mapToLong(queue -> queue.xsk().getOrDefault(name, 0L))
                .sum();
    }

    private static long worker(DirectorStats stats, WorkerCounter counter) {
        return stats.workers().stream()
                .map(WorkerStats::counters)
                .mapToLong(counters -> counters.getOrDefault(counter.label(), 0L))
                .sum();
    }

    private static Optional<Finding> finding(Subject subject, String name, long count, long packets) {
        String id = name.replace('_', '-').toLowerCase(Locale.ROOT);
        CounterAdvice advice = CounterAdvice.of(id)
                .orElse(new CounterAdvice(0, "packets are dropped", "docs/datapath.md tells what the counter means"));
        if (count <= 0 || count * 1000 <= advice.tolerable() * packets) {
            return Optional.empty();
        }
        String counter = name.substring(name.indexOf('-') + 1);
        List<String> evidence = new ArrayList<>();
        evidence.add(String.format(
                Locale.ROOT,
                "sluice stats: %s grew by %d, of %d packets that came in meanwhile",
                counter,
                count,
                packets));
        long stalls = grown(subject, stats -> worker(stats, WorkerCounter.STALLS));
        if (id.startsWith("xsk-rx") && stalls > 0) {
            evidence.add("sluice stats: stalls grew by " + stalls
                    + ": workers were held up for more than a millisecond each");
        }
        return Optional.of(new Finding(
                id,
                Severity.WARNING,
                counter,
                counter + " grows: " + advice.meaning(),
                evidence,
                List.of(advice.advice()),
                Optional.empty()));
    }
}

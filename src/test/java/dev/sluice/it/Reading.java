package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.WorkerStats;
import dev.sluice.testing.LabFixture;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * One reading of a lab's director.
 *
 * @param stats what it said
 */
record Reading(DirectorStats stats) {
    /** Several times the interval at which workers set their gauges. */
    private static final int SETTLING_MS = 50;

    private static final int MAX_TRIES = 100;

    /** Asks the director by its admin socket, until two answers running say that no packet is on its way any more. */
    static Reading of(LabFixture lab) {
        AdminClient client = new AdminClient(lab.socket());
        try {
            Reading before = new Reading(client.ask("stats", DirectorStats.class));
            for (int tries = 0; tries < MAX_TRIES; tries++) {
                Thread.sleep(SETTLING_MS);
                Reading now = new Reading(client.ask("stats", DirectorStats.class));
                if (now.steered() == before.steered() && now.stats.outcomes().equals(before.stats.outcomes())) {
                    return now;
                }
                before = now;
            }
            throw new AssertionError("traffic does not end: " + before.stats);
        } catch (AdminException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** A counter over all workers. */
    long count(Counter counter) {
        Long value = stats.outcomes().get(counter.label());
        if (value == null) {
            throw new AssertionError("no counter " + counter.label() + " in " + stats.outcomes());
        }
        return value;
    }

    /** A counter of the worker of a queue. */
    long worker(int queue, String counter) {
        Long value = stats.workers().get(queue).counters().get(counter);
        if (value == null) {
            throw new AssertionError("no counter " + counter + " of a worker");
        }
        return value;
    }

    /** All dropped packets. */
    long drops() {
        return sum(Counter.Kind.DROP);
    }

    /** All packets that the director made itself. */
    long made() {
        return sum(Counter.Kind.MADE);
    }

    private long sum(Counter.Kind kind) {
        long sum = 0;
        for (Counter counter : Counter.values()) {
            if (counter.kind() == kind) {
                sum += count(counter);
            }
        }
        return sum;
    }

    /** One service. */
    ServiceStats service(String vip, int port) {
        return stats.services().stream()
                .filter(service -> service.address().equals(vip) && service.port() == port)
                .findFirst()
                .orElseThrow();
    }

    /** Connections of a service by the name of the real server, those without any left out. */
    Map<String, Integer> connections(String vip, int port) {
        Map<String, Integer> counts = new TreeMap<>();
        for (RealServerStats real : service(vip, port).realServers()) {
            int connections = (int) real.traffic().connections();
            if (connections > 0) {
                counts.put("rs" + real.address().charAt(real.address().length() - 1), connections);
            }
        }
        return counts;
    }

    /** What the steering programs handed to the workers. */
    long steered() {
        return stats.interfaces().stream()
                .flatMap(nic -> nic.steering().entrySet().stream())
                .filter(outcome -> outcome.getKey().startsWith("steered"))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    /** Every packet that was steered came in at a worker, and was forwarded or dropped with a reason; its frame is free again. */
    void assertNothingIsLost() {
        assertEquals(count(Counter.PACKETS_IN), steered(), () -> stats.toString());
        long held = stats.workers().stream()
                .mapToLong(worker -> gauge(worker, "frames_held"))
                .sum();
        assertEquals(
                count(Counter.PACKETS_IN) + made(), count(Counter.FORWARDED) + drops() + held, () -> stats.toString());
        for (WorkerStats worker : stats.workers()) {
            assertEquals(
                    gauge(worker, "frames_total"),
                    gauge(worker, "frames_free") + gauge(worker, "frames_receiving") + gauge(worker, "frames_held"),
                    () -> "frames are neither free nor with the kernel to receive into: " + worker);
            assertEquals(0, gauge(worker, "frames_sending"), worker::toString);
        }
    }

    private static long gauge(WorkerStats worker, String name) {
        return Objects.requireNonNull(worker.counters().get(name), name);
    }
}

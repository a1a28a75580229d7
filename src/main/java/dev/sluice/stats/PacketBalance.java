package dev.sluice.stats;

import dev.sluice.bpf.SteeringOutcome;
import dev.sluice.forward.Counter;

/**
 * Where every packet went that the steering programs have seen since the director took over: two sums, each of which
 * comes out exactly once no packet is on its way any more. While traffic flows a reading is not of one moment, and a few packets
 * stand between two of its numbers.
 *
 * @param seen packets that the steering programs counted
 * @param passed of those, left to the kernel
 * @param refused of those, dropped by the program
 * @param steered of those, handed to an AF_XDP socket
 * @param missed steered, but dropped by the kernel: no room in the RX ring, no frame to receive into, or too long
 * @param received steered, and taken from the RX ring by a worker
 * @param made packets that workers made themselves: pieces of large ones, ICMP errors
 * @param answered forwarded to where they came from, as the director's own answer: echo replies, SYN cookies
 * @param forwarded put into a TX ring, answers included
 * @param dropped by the workers, by any reason
 * @param held kept by the workers at the moment, to wait for the first fragment
 */
public record PacketBalance(
        long seen,
        long passed,
        long refused,
        long steered,
        long missed,
        long received,
        long made,
        long answered,
        long forwarded,
        long dropped,
        long held) {
    /** The sums of a reading. */
    public static PacketBalance of(DirectorStats stats) {
        long missed = 0;
        for (InterfaceStats nic : stats.interfaces()) {
            for (InterfaceStats.QueueStats queue : nic.queues()) {
                // A descriptor that the fill ring lacked is in rx_dropped as well (xp_alloc, __xsk_rcv in net/xdp).
                missed +=
                        queue.xsk().getOrDefault("rx_dropped", 0L) + queue.xsk().getOrDefault("rx_ring_full", 0L);
            }
        }
        long held = 0;
        for (WorkerStats worker : stats.workers()) {
            held += worker.counters().getOrDefault("packets_held", 0L);
        }
        long passed = steering(stats, SteeringOutcome.Verdict.PASS);
        long refused = steering(stats, SteeringOutcome.Verdict.DROP);
        long steered = steering(stats, SteeringOutcome.Verdict.REDIRECT);
        return new PacketBalance(
                passed + refused + steered,
                passed,
                refused,
                steered,
                missed,
                outcomes(stats, Counter.Kind.INPUT),
                outcomes(stats, Counter.Kind.MADE),
                outcome(stats, Counter.ECHO_ANSWERED) + outcome(stats, Counter.SYN_PROXY_ANSWERED),
                outcomes(stats, Counter.Kind.FORWARDED),
                outcomes(stats, Counter.Kind.DROP),
                held);
    }

    /** Packets that were steered and neither received nor missed; below 0 when more were received than steered. */
    public long betweenProgramAndWorkers() {
        return steered - missed - received;
    }

    /** Packets that came in or were made and have no fate; below 0 when there are more fates than packets. */
    public long withinWorkers() {
        return received + made - forwarded - dropped - held;
    }

    /** Whether every packet is accounted for. */
    public boolean isExact() {
        return betweenProgramAndWorkers() == 0 && withinWorkers() == 0;
    }

    private static long steering(DirectorStats stats, SteeringOutcome.Verdict verdict) {
        long sum = 0;
        for (SteeringOutcome outcome : SteeringOutcome.values()) {
            if (outcome.verdict() == verdict) {
                for (InterfaceStats nic : stats.interfaces()) {
                    sum += nic.steering().getOrDefault(outcome.label(), 0L);
                }
            }
        }
        return sum;
    }

    private static long outcomes(DirectorStats stats, Counter.Kind kind) {
        long sum = 0;
        for (Counter counter : Counter.values()) {
            if (counter.kind() == kind) {
                sum += outcome(stats, counter);
            }
        }
        return sum;
    }

    private static long outcome(DirectorStats stats, Counter counter) {
        return stats.outcomes().getOrDefault(counter.label(), 0L);
    }
}

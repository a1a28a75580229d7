package dev.sluice.bpf;

/** What one interface's steering program had counted at one moment, in packets. Immutable. */
public final class SteeringCounters {
    private final long[] packets;

    SteeringCounters(long[] packets) {
        this.packets = packets.clone();
    }

    /** Packets with this outcome. */
    public long count(SteeringOutcome outcome) {
        return packets[outcome.index()];
    }

    /** Packets that the program saw. */
    public long total() {
        long total = 0;
        for (long count : packets) {
            total += count;
        }
        return total;
    }

    /** {@code STEERED 3, PASS_NOT_IP 1}: what is not zero. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (SteeringOutcome outcome : SteeringOutcome.values()) {
            if (count(outcome) != 0) {
                text.append(text.isEmpty() ? "" : ", ")
                        .append(outcome.name())
                        .append(' ')
                        .append(count(outcome));
            }
        }
        return text.isEmpty() ? "no packets" : text.toString();
    }
}

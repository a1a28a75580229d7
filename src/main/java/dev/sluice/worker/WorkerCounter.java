package dev.sluice.worker;

import java.util.Locale;

/** What a worker counts of itself, beside the fate of packets. Gauges are set, the others only grow. */
public enum WorkerCounter {
    /** Duty cycles run. */
    DUTY_CYCLES,
    /** Duty cycles that found packets, completions or timers. */
    BUSY_CYCLES,
    /** Nanoseconds that busy duty cycles lasted; the worker's load is what it grows by in a second. */
    BUSY_NS,
    /** Times the adaptive idle strategy went to sleep. */
    SLEEPS,
    /** Packets taken from RX rings. */
    RX_PACKETS,
    /** Packets put on TX rings. */
    TX_PACKETS,
    /** Transmit kicks that ended in an error other than "nothing taken": interface down, device queue full. */
    TX_KICK_ERRORS,
    /** Duty cycles that lasted longer than {@link StallTracker#STALL_NS}: the worker did not look at its rings so long. */
    STALLS,
    /** Gauge: the longest duty cycle in nanoseconds. */
    LONGEST_CYCLE_NS,
    /** Gauge: fragments that wait for the first of their datagram. */
    PACKETS_HELD,
    /** Gauge: frames of the UMEM. */
    FRAMES_TOTAL,
    /** Gauge: frames of the fragments that wait. */
    FRAMES_HELD,
    /** Gauge: frames in the pool, or at hand to make packets of. */
    FRAMES_FREE,
    /** Gauge: frames given to the kernel to receive into and not received yet. */
    FRAMES_RECEIVING,
    /** Gauge: frames given to the kernel to send and not completed yet. */
    FRAMES_SENDING,
    /** Gauge: connections in the worker's table. */
    CONNECTIONS,
    /** Gauge: those of them whose client has sent no more than a SYN. */
    CONNECTIONS_HALF_OPEN,
    /** Gauge: bytes that the worker's thread has allocated on the Java heap since it entered its loop. */
    ALLOCATED_BYTES;

    private final String label;

    WorkerCounter() {
        label = name().toLowerCase(Locale.ROOT);
    }

    /** Where the counter stands in a worker's array; of no meaning outside the process. */
    @SuppressWarnings("EnumOrdinal") // an index into an array sized by values(), never stored or sent
    int index() {
        return ordinal();
    }

    /** The name in output, {@code duty_cycles}. */
    public String label() {
        return label;
    }
}

package dev.sluice.forward.observe;

import dev.sluice.forward.Counters;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A packet that control has a worker make, once, to see what becomes of it. Made by control; the worker sets the outcome, which any
 * thread may read.
 */
public final class Injection {
    /** How far it has come. */
    public enum Outcome {
        /** The worker has not got to it. */
        PENDING,
        /** Its images are in the ring. */
        DONE,
        /** There is a connection of these addresses and ports, which the packet would have changed: nothing has happened. */
        FLOW_EXISTS,
        /** The worker had no free frame: nothing has happened. */
        NO_FRAME
    }

    final Observer observer;
    private final MemorySegment packet;
    private final int ingressPort;
    private final @Nullable Counters apart;
    private volatile Outcome outcome = Outcome.PENDING;

    /**
     * Of one worker.
     *
     * @param packet the frame
     * @param ingressPort the worker's number of the interface by which it is to have come in
     * @param observer gets its images
     * @param apart counts all of it in place of the worker's counters, and the packet is not sent; null to send it
     */
    public Injection(byte[] packet, int ingressPort, Observer observer, @Nullable Counters apart) {
        this.packet = MemorySegment.ofArray(packet.clone());
        this.ingressPort = ingressPort;
        this.observer = observer;
        this.apart = apart;
    }

    /** How far it has come. */
    public Outcome outcome() {
        return outcome;
    }

    /** The worker's number of the interface by which it is to have come in. */
    public int ingressPort() {
        return ingressPort;
    }

    /** What counts it while it is not sent; null when it is. */
    public @Nullable Counters apart() {
        return apart;
    }

    /** Ends it. Worker only. */
    public void finish(Outcome how) {
        outcome = how;
    }

    MemorySegment packet() {
        return packet;
    }
}

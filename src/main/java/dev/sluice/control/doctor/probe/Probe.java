package dev.sluice.control.doctor.probe;

import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** One thing to send. */
final class Probe {
    private final ProbeKey key;
    private final int ifindex;
    private final byte[] frame;
    private final int number;
    private final @Nullable IntFunction<byte[]> reset;

    /**
     * A probe.
     *
     * @param key what it asks
     * @param ifindex the interface it leaves by
     * @param frame the whole of it
     * @param number by which its answer is known: of an echo request the sequence, of a SYN the source port, otherwise 0
     * @param reset makes, of the number that a SYN-ACK acknowledges, the frame that takes the SYN back; null for what is no SYN
     */
    Probe(ProbeKey key, int ifindex, byte[] frame, int number, @Nullable IntFunction<byte[]> reset) {
        this.key = key;
        this.ifindex = ifindex;
        this.frame = frame;
        this.number = number;
        this.reset = reset;
    }

    ProbeKey key() {
        return key;
    }

    int ifindex() {
        return ifindex;
    }

    int number() {
        return number;
    }

    boolean isTcp() {
        return reset != null;
    }

    void send(ProbeSocket socket) {
        socket.send(ifindex, frame);
    }

    /** Takes a SYN back that was answered; whether it was one. */
    boolean reset(ProbeSocket socket, int acknowledged) {
        if (reset == null) {
            return false;
        }
        socket.send(ifindex, reset.apply(acknowledged));
        return true;
    }
}

package dev.sluice.worker;

import dev.sluice.ffi.LibC;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Spins for a while after the last packet, then sleeps in {@code poll(2)} on the worker's sockets until one of them has
 * received something.
 *
 * <p>The sleep is bounded, so that timers run and a new snapshot is seen within {@link #POLL_TIMEOUT_MS} on a director
 * without traffic.
 */
public final class AdaptiveIdleStrategy implements IdleStrategy {
    /** How long one sleep lasts at the most. */
    public static final int POLL_TIMEOUT_MS = 10;

    /** Empty duty cycles before the first sleep; some 20–50 µs, longer than the gaps inside a burst. */
    static final int SPINS = 200;

    private final MemorySegment pollfds;
    private final int count;
    private int idleCycles;
    private long polls;

    /** Sleeps on these sockets; they must outlive the strategy's use. */
    public AdaptiveIdleStrategy(int[] socketFds) {
        count = socketFds.length;
        pollfds = Arena.ofAuto().allocate(pollfd.layout(), count);
        for (int i = 0; i < count; i++) {
            MemorySegment entry = pollfd.asSlice(pollfds, i);
            pollfd.fd(entry, socketFds[i]);
            pollfd.events(entry, (short) Native.POLLIN());
        }
    }

    @Override
    public void idle(int workCount) {
        if (workCount > 0) {
            idleCycles = 0;
        } else if (idleCycles < SPINS) {
            idleCycles++;
            Thread.onSpinWait();
        } else {
            // Whatever poll answers, the next duty cycle looks at the rings itself.
            LibC.sleepInPoll(pollfds, count, POLL_TIMEOUT_MS);
            polls++;
        }
    }

    /** How many times it has gone to sleep. Owned by: worker. */
    long polls() {
        return polls;
    }
}

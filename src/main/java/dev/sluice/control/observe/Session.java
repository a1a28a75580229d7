package dev.sluice.control.observe;

import dev.sluice.ffi.PageMemory;
import dev.sluice.forward.observe.ObservationRing;
import dev.sluice.forward.observe.ObservedPacket;
import dev.sluice.forward.observe.Observer;
import dev.sluice.worker.Worker;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One who observes, with a ring for each worker that is observed. Any thread but the workers'. */
final class Session {
    private static final long RING_BYTES = 4 << 20;
    private static final int MIN_SLOTS = 64;
    private static final int MAX_SLOTS = 4096;

    private final String id;
    private final PageMemory memory = new PageMemory();
    private final List<@Nullable Observer> observers = new ArrayList<>();
    private final long wallClockLessNanoTime = wallClockNs() - System.nanoTime();

    // Guarded by this.
    private boolean ended;
    private long readNs = System.nanoTime();
    private int next;

    Session(String id, ObservationRequest request, List<Worker> workers) {
        this.id = id;
        int slotBytes = Observer.slotBytes(request.snapBytes());
        int slots = Math.clamp(Long.highestOneBit(RING_BYTES / slotBytes), MIN_SLOTS, MAX_SLOTS);
        for (Worker worker : workers) {
            boolean observed = request.queue() < 0 || request.queue() == worker.queue();
            observers.add(
                    observed
                            ? new Observer(
                                    request.filter(),
                                    request.selection(),
                                    request.before(),
                                    request.after(),
                                    request.snapBytes(),
                                    request.perSecond(),
                                    new ObservationRing(slots, slotBytes, memory))
                            : null);
        }
    }

    String id() {
        return id;
    }

    /** Of the worker in a place of the list; null when that one is not observed. */
    @Nullable
    Observer observerOf(int worker) {
        return observers.get(worker);
    }

    /** Of the first worker, which is observed. */
    Observer observer() {
        Observer observer = observers.getFirst();
        if (observer == null) {
            throw new IllegalStateException("a worker that is not observed");
        }
        return observer;
    }

    /** What has come, up to so many images; none after the end. */
    synchronized List<ObservedPacket> read(int limit) {
        readNs = System.nanoTime();
        List<ObservedPacket> packets = new ArrayList<>();
        int empty = 0;
        while (!ended && packets.size() < limit && empty < observers.size()) {
            // In turn, so that a busy worker does not silence the others.
            Observer observer = observers.get(next);
            ObservedPacket packet = observer == null ? null : ObservedPacket.poll(observer.ring());
            if (packet == null) {
                empty++;
                next = (next + 1) % observers.size();
            } else {
                empty = 0;
                packets.add(packet);
            }
        }
        return packets;
    }

    /** How much there was: captured, lost for want of room, suppressed because there were too many. */
    record Totals(long captured, long lost, long suppressed) {}

    Totals totals() {
        long captured = 0;
        long lost = 0;
        long suppressed = 0;
        for (Observer observer : observers) {
            if (observer != null) {
                captured += observer.captured();
                lost += observer.lost();
                suppressed += observer.suppressed();
            }
        }
        return new Totals(captured, lost, suppressed);
    }

    /** Nanoseconds since 1970 of a worker's time. */
    long wallClockNs(long timeNs) {
        return timeNs + wallClockLessNanoTime;
    }

    synchronized boolean isEnded() {
        return ended;
    }

    synchronized boolean isIdle(long idleNs) {
        return System.nanoTime() - readNs > idleNs;
    }

    /** Nothing is read from now on. */
    synchronized void end() {
        ended = true;
    }

    /** Gives the memory back: after {@link #end}, when no worker writes any more. */
    synchronized void release() {
        memory.close();
    }

    /** Nanoseconds since 1970, now. */
    static long wallClockNs() {
        Instant now = Instant.now();
        return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
    }
}

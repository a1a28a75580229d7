package dev.sluice.forward.observe;

import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.forward.Batch;
import dev.sluice.forward.Counter;
import dev.sluice.forward.Counters;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.observe.ObservedPacket.Image;
import dev.sluice.forward.observe.ObservedPacket.Verdict;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that one worker is to observe at the moment. Made by control, handed over as a snapshot is, then owned by the worker
 * until it has acknowledged another.
 *
 * <p>What becomes of a packet is told by what the worker counts. So a packet that somebody wants to know all about goes through
 * the pipeline as a batch of its own, between those that came before and after it, and what the counters say before and after is
 * said of it. Where only drops are wanted, nearly all packets are not, and stay in their batch: a copy is kept of each, and looked at when
 * a drop was counted. When several reasons were, the next batches are taken apart for a while. However many packets are asked for,
 * no more than {@link #STEPS_PER_SECOND} take a way of their own.
 *
 * <p>A batch with nothing in it that anybody wants goes its way as if nobody looked ({@link #begin}). Of others the worker asks for one part
 * after the other ({@link #next}), has each processed and sent, and says so ({@link #completed}).
 */
public final class Observation {
    /** The most who may observe at a time. */
    public static final int MAX_OBSERVERS = 4;

    /** At some hundred nanoseconds each, one or two hundredths of a processor. */
    static final int STEPS_PER_SECOND = 50_000;

    private static final long CAREFUL_NS = 1_000_000_000;

    private static final Counter[] COUNTERS = Counter.values();

    private final Observer[] observers;
    private final @Nullable Injection injection;
    private final MemorySegment frames;
    private final FlowTable flows;
    private final Counters counters;
    private final ImageWriter images;

    private final Batch received = new Batch(0);
    private final int[] interests = new int[Batch.MAX_RECEIVED];
    private final boolean[] refused = new boolean[Batch.CAPACITY];
    /** By observer: whether packets that may have been misses went with others. */
    private final boolean[] unseenMisses = new boolean[MAX_OBSERVERS];

    private final boolean[] dropReasons = new boolean[COUNTERS.length];
    private final CounterReading reading = new CounterReading();
    private final PacketView view = new PacketView();
    private final PacketView out = new PacketView();
    private final FlowLook look;
    private final Interests who;
    private final Allowance steps = new Allowance(STEPS_PER_SECOND, System.nanoTime());

    private ForwardingSnapshot snapshot = ForwardingSnapshot.empty();
    private int ingress;
    private long nowNs;
    private boolean mixed;
    private long mixedNs;
    private boolean careful;
    private boolean sweep;
    private int from;
    private int to;
    private boolean anyDetailed;
    /** Whether counters have to be read of every batch: there may be drops in it, or be suppressed. */
    private boolean anyByReason;

    /**
     * What a worker is to observe.
     *
     * @param observers at most {@link #MAX_OBSERVERS}
     * @param injection a packet to be made, null for none
     * @param frames the worker's UMEM
     * @param flows the worker's connection table
     * @param hasher under the director's key
     * @param counters the worker's
     * @param queue the worker's
     * @param memory gives zeroed memory that lasts until the worker has acknowledged another observation
     */
    public Observation(
            List<Observer> observers,
            @Nullable Injection injection,
            MemorySegment frames,
            FlowTable flows,
            FlowHasher hasher,
            Counters counters,
            int queue,
            SegmentAllocator memory) {
        if (observers.size() > MAX_OBSERVERS) {
            throw new IllegalArgumentException(observers.size() + " observers");
        }
        this.observers = observers.toArray(Observer[]::new);
        this.injection = injection;
        this.frames = frames;
        this.flows = flows;
        this.counters = counters;
        int snapBytes = 0;
        for (Observer observer : observers) {
            snapBytes = Math.max(snapBytes, observer.snapBytes);
            anyDetailed |= observer.detailed;
            anyByReason |= !observer.every;
        }
        if (injection != null) {
            snapBytes = Math.max(snapBytes, injection.observer.snapBytes);
        }
        images = new ImageWriter(frames, Batch.MAX_RECEIVED, snapBytes, queue, memory);
        who = new Interests(this.observers, frames, flows, hasher);
        look = new FlowLook(frames, flows, hasher, images);
        for (int i = 0; i < COUNTERS.length; i++) {
            // The worker says which packets found no room to be sent.
            dropReasons[i] = COUNTERS[i].kind() == Counter.Kind.DROP && COUNTERS[i] != Counter.TX_RING_FULL;
        }
    }

    /** A packet to be made, or null. */
    public @Nullable Injection injection() {
        return injection;
    }

    /**
     * Looks a received batch over, and takes it over if there is something to observe in it; false, and the batch as it was, if not.
     *
     * @param batch is empty when it has been taken over, but for its spare frames
     * @param waiting whether the pipeline holds fragments, which may go before anything else
     */
    public boolean begin(ForwardingSnapshot now, Batch batch, int ingressPort, boolean waiting, long timeNs) {
        who.begin(now, ingressPort, timeNs);
        if (!who.of(batch, interests) && !anyByReason) {
            return false;
        }
        snapshot = now;
        ingress = ingressPort;
        nowNs = timeNs;
        sweep = waiting;
        from = 0;
        to = 0;
        careful = mixed && timeNs - mixedNs < CAREFUL_NS;
        steps.fill(timeNs);
        received.clear();
        for (int i = 0; i < batch.count(); i++) {
            if (interests[i] != 0) {
                images.keep(i, batch, i);
            }
            received.add(batch.address(i), batch.length(i));
            for (int tail = 0; tail < batch.tails(i); tail++) {
                received.addTail(batch.tailAddress(i, tail), batch.tailLength(i, tail));
            }
        }
        batch.clear();
        return true;
    }

    /** Fills the batch with what is to be processed next; false when all has been. */
    public boolean next(Batch batch) {
        from = to;
        boolean more = sweep || from < received.count();
        batch.clear();
        if (!more) {
            return false;
        }
        if (sweep) {
            sweep = false;
        } else {
            to = end();
            for (int i = from; i < to; i++) {
                batch.add(received.address(i), received.length(i));
                for (int tail = 0; tail < received.tails(i); tail++) {
                    batch.addTail(received.tailAddress(i, tail), received.tailLength(i, tail));
                }
            }
        }
        look.clear();
        if (anyDetailed && to - from == 1 && (interests[from] & Interests.ALL) != 0) {
            look.before(snapshot, batch, nowNs / 1_000_000);
        }
        reading.begin(counters);
        return true;
    }

    /** Says that a packet of the batch found no room to be sent. */
    public void refused(int packet) {
        refused[packet] = true;
    }

    /** The batch has been processed, and sent or dropped; its frames are as they were when that happened. */
    public void completed(Batch batch) {
        reading.end(counters);
        record(batch);
        for (int i = 0; i < observers.length; i++) {
            if (who.isExhausted(i)) {
                observers[i].countSuppressed(reading.sumOf(observers[i].wanted));
            } else if (unseenMisses[i]) {
                observers[i].countSuppressed(reading.sumOf(observers[i].wantedMisses));
            }
            unseenMisses[i] = false;
        }
        for (int i = 0; i < batch.count(); i++) {
            refused[i] = false;
        }
    }

    /**
     * Puts the packet to be made into an empty batch; false, and nothing done, when it would change a connection that there is.
     *
     * @param frame where it may lie, with room before it
     */
    public boolean beginInjection(Injection made, ForwardingSnapshot now, Batch batch, long frame, long timeNs) {
        snapshot = now;
        ingress = made.ingressPort();
        nowNs = timeNs;
        from = 0;
        to = 1;
        MemorySegment packet = made.packet();
        MemorySegment.copy(packet, 0, frames, frame, packet.byteSize());
        batch.add(frame, (int) packet.byteSize());
        look.before(now, batch, timeNs / 1_000_000);
        if (look.slot(timeNs / 1_000_000) != FlowTable.NOT_FOUND) {
            return false;
        }
        images.keep(0, batch, 0);
        reading.begin(countersOf(made));
        return true;
    }

    /**
     * The packet made has been processed, and sent if it was to be. If not, the connection that it may have opened is forgotten, with a
     * persistence template that was made for it.
     */
    public void injected(Injection made, Batch batch) {
        reading.end(countersOf(made));
        images.begin(nowNs, verdict(batch), ingress, Slot.INJECTED | Slot.DETAILED, packetsOut(batch));
        images.counters(reading);
        look.after(nowNs / 1_000_000);
        writeAll(made.observer, batch);
        boolean opened = reading.of(Counter.FLOW_NEW) + reading.of(Counter.FLOW_NEW_SLOPPY) > 0;
        if (made.apart() != null && opened) {
            int slot = look.slot(nowNs / 1_000_000);
            if (slot != FlowTable.NOT_FOUND) {
                flows.undo(slot, reading.of(Counter.TEMPLATE_NEW) > 0);
            }
        }
        for (int i = 0; i < batch.count(); i++) {
            refused[i] = false;
        }
        made.finish(Injection.Outcome.DONE);
    }

    private Counters countersOf(Injection made) {
        Counters apart = made.apart();
        return apart == null ? counters : apart;
    }

    /** Where the part of the batch ends that begins at {@link #from}. */
    private int end() {
        int end = from;
        while (end < received.count()) {
            boolean alone = (interests[end] & Interests.STEPS) != 0 || (careful && interests[end] != 0);
            if (alone && end > from) {
                return end;
            }
            if (alone) {
                if (steps.take()) {
                    return end + 1;
                }
                interests[end] = withoutSteps(interests[end]);
            }
            end++;
        }
        return end;
    }

    private int withoutSteps(int interest) {
        for (int i = 0; i < observers.length; i++) {
            if ((interest >>> Interests.SELECTED & 1 << i) != 0) {
                observers[i].countSuppressed(1);
            }
            unseenMisses[i] |= (interest >>> Interests.MISSES & 1 << i) != 0;
        }
        return interest & ~Interests.STEPS;
    }

    private void record(Batch batch) {
        int own = to - from;
        if (own == 1 && (interests[from] & Interests.STEPS) != 0) {
            recordOne(batch);
        } else if (own > 0 && reading.count() > 0) {
            recordDrops(batch, own);
        }
        for (int i = own; i < batch.count(); i++) {
            if (batch.egress(i) == Batch.DROPPED) {
                recordFormer(batch, i);
            }
        }
    }

    /** Of a packet that went alone everything is known. */
    private void recordOne(Batch batch) {
        Verdict verdict = verdict(batch);
        long made = reading.of(Counter.FRAGMENT_MADE) + reading.of(Counter.SYN_PROXY_ACK_SENT);
        int flags = (batch.count() - 1 > made ? Slot.SHARED : 0) | (look.hasLooked() ? Slot.DETAILED : 0);
        images.begin(nowNs, verdict, ingress, flags, packetsOut(batch));
        images.counters(reading);
        look.after(nowNs / 1_000_000);
        int interest = interests[from];
        for (int i = 0; i < observers.length; i++) {
            if (isWanted(observers[i], interest, i, batch)) {
                writeAll(observers[i], batch);
            }
        }
    }

    private boolean isWanted(Observer observer, int interest, int number, Batch batch) {
        int bit = 1 << number;
        if ((interest >>> Interests.SELECTED & bit) != 0) {
            return true;
        }
        if ((interest >>> Interests.REPLIES & bit) != 0) {
            return isReply(observer, batch) && observer.takes();
        }
        boolean drop = (interest >>> Interests.DROPS & bit) != 0 && isOut(batch) && reading.anyOf(observer.wanted);
        boolean miss = (interest >>> Interests.MISSES & bit) != 0 && reading.anyOf(observer.wanted);
        return (drop || miss) && observer.takes();
    }

    /** Whether the packet in hand did not go on as what it was. */
    private boolean isOut(Batch batch) {
        return batch.egress(0) == Batch.DROPPED || refused[0] || reading.of(Counter.ICMP_ERROR_SENT) > 0;
    }

    private boolean isReply(Observer observer, Batch batch) {
        if (batch.egress(0) < 0) {
            return false;
        }
        int code = PacketParser.parse(frames, batch.address(0), batch.length(0), batch.tailsLength(0), out);
        return observer.filter.matchesReply(out, code);
    }

    private Verdict verdict(Batch batch) {
        int egress = batch.egress(0);
        if (egress == Batch.HELD) {
            return Verdict.HELD;
        }
        if (egress == Batch.DROPPED || refused[0]) {
            return Verdict.DROPPED;
        }
        if (reading.of(Counter.ICMP_ERROR_SENT) > 0 && isIcmpError(batch, 0)) {
            return Verdict.REFUSED;
        }
        return reading.of(Counter.ECHO_ANSWERED) > 0 || reading.of(Counter.SYN_PROXY_ANSWERED) > 0
                ? Verdict.ANSWERED
                : Verdict.FORWARDED;
    }

    private int packetsOut(Batch batch) {
        int out = 0;
        for (int i = 0; i < batch.count(); i++) {
            out += batch.egress(i) >= 0 && !refused[i] ? 1 : 0;
        }
        return out;
    }

    private void writeAll(Observer observer, Batch batch) {
        boolean written = true;
        // Of what did not leave there is no other image.
        if (observer.before || packetsOut(batch) == 0) {
            written = images.writeKept(observer, from);
        }
        if (observer.after) {
            for (int i = 0; i < batch.count(); i++) {
                if (batch.egress(i) >= 0 && !refused[i]) {
                    written &= images.write(observer, Image.AFTER, batch, i);
                }
            }
        }
        count(observer, written);
    }

    private static void count(Observer observer, boolean written) {
        if (written) {
            observer.countCaptured();
        } else {
            observer.countLost();
        }
    }

    /** Of packets that went together, those that were dropped. */
    private void recordDrops(Batch batch, int own) {
        int reason = reason();
        boolean answered = reading.of(Counter.ICMP_ERROR_SENT) > 0;
        if (reason == SEVERAL) {
            mixed = true;
            mixedNs = nowNs;
        }
        for (int i = 0; i < own; i++) {
            if ((interests[from + i] >>> Interests.DROPS & Interests.ALL) == 0) {
                continue;
            }
            if (refused[i]) {
                recordDrop(batch, i, Counter.TX_RING_FULL.index(), Verdict.DROPPED);
            } else if (reason != NO_REASON) {
                if (batch.egress(i) == Batch.DROPPED) {
                    recordDrop(batch, i, reason, Verdict.DROPPED);
                } else if (answered && batch.egress(i) >= 0 && isIcmpError(batch, i) && !images.isIcmp(from + i)) {
                    recordDrop(batch, i, reason, Verdict.REFUSED);
                }
            }
        }
    }

    private static final int NO_REASON = -1;
    private static final int SEVERAL = -2;

    /** The one reason why packets were dropped. */
    private int reason() {
        int reason = NO_REASON;
        for (int i = 0; i < reading.count(); i++) {
            if (dropReasons[reading.changed(i)]) {
                reason = reason == NO_REASON ? reading.changed(i) : SEVERAL;
            }
        }
        return reason;
    }

    private void recordDrop(Batch batch, int packet, int reason, Verdict verdict) {
        images.begin(nowNs, verdict, ingress, reason == SEVERAL ? Slot.SHARED : 0, packetsOut(batch, packet));
        tellReason(reason);
        int interest = interests[from + packet] >>> Interests.DROPS;
        for (int i = 0; i < observers.length; i++) {
            Observer observer = observers[i];
            if ((interest & 1 << i) != 0 && wants(observer, reason) && observer.takes()) {
                boolean left = packetsOut(batch, packet) > 0;
                boolean written = !(observer.before || !left) || images.writeKept(observer, from + packet);
                if (observer.after && left) {
                    written &= images.write(observer, Image.AFTER, batch, packet);
                }
                count(observer, written);
            }
        }
    }

    private int packetsOut(Batch batch, int packet) {
        return batch.egress(packet) >= 0 && !refused[packet] ? 1 : 0;
    }

    private void tellReason(int reason) {
        if (reason == SEVERAL) {
            images.counters(reading);
        } else {
            images.counter(reason);
        }
    }

    private boolean wants(Observer observer, int reason) {
        return reason == SEVERAL ? reading.anyOf(observer.wanted) : observer.wanted[reason];
    }

    /** A fragment that came with an earlier batch and is dropped now; nothing has been written to it. */
    private void recordFormer(Batch batch, int packet) {
        int reason = reason();
        if (reason == NO_REASON) {
            return;
        }
        images.begin(nowNs, Verdict.DROPPED, ingress, reason == SEVERAL ? Slot.SHARED : 0, 0);
        tellReason(reason);
        int code = -1;
        for (int i = 0; i < observers.length; i++) {
            Observer observer = observers[i];
            if (observer.drops
                    && !who.isExhausted(i)
                    && observer.filter.takesFrom(ingress)
                    && wants(observer, reason)) {
                if (code < 0) {
                    code = PacketParser.parse(
                            frames, batch.address(packet), batch.length(packet), batch.tailsLength(packet), view);
                }
                boolean matches = observer.filter.isOfInterfaceAlone() || observer.filter.matchesRequest(view, code);
                if (matches && observer.takes()) {
                    count(observer, images.write(observer, Image.BEFORE, batch, packet));
                }
            }
        }
    }

    private boolean isIcmpError(Batch batch, int packet) {
        int code =
                PacketParser.parse(frames, batch.address(packet), batch.length(packet), batch.tailsLength(packet), out);
        return code == PacketParser.ICMP && Icmp.isError(out.inet6(), Wire.u8(frames, out.l4Offset() + Icmp.TYPE));
    }
}

package dev.sluice.forward.observe;

import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.forward.Batch;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Says of packets, before the pipeline has them, who may want to know of them: a bit for each observer, by kind. Owned by: worker. */
final class Interests {
    /** It is wanted, whatever becomes of it. */
    static final int SELECTED = 0;
    /** It is wanted if it is dropped. */
    static final int DROPS = 8;
    /** It is wanted if it is of no known flow, as it seems to be. */
    static final int MISSES = 16;
    /** It is wanted if it turns out to be a reply to the client. */
    static final int REPLIES = 24;
    /** Every observer's bit. */
    static final int ALL = (1 << Observation.MAX_OBSERVERS) - 1;
    /** Those that only a packet shows which goes alone. */
    static final int STEPS = ALL << SELECTED | ALL << MISSES | ALL << REPLIES;

    private final Observer[] observers;
    private final MemorySegment frames;
    private final FlowTable flows;
    private final FlowHasher hasher;
    private final PacketView view = new PacketView();
    /** By observer: those who want some packets only, and have had so many that none is looked at for them. */
    private final boolean[] exhausted = new boolean[Observation.MAX_OBSERVERS];

    /** By observer: those to whom packets of the batch may be something. */
    private final boolean[] looking = new boolean[Observation.MAX_OBSERVERS];

    private ForwardingSnapshot snapshot = ForwardingSnapshot.empty();
    private boolean repliesToo;
    private long nowNs;

    Interests(Observer[] observers, MemorySegment frames, FlowTable flows, FlowHasher hasher) {
        this.observers = observers;
        this.frames = frames;
        this.flows = flows;
        this.hasher = hasher;
    }

    /** Begins a batch. */
    void begin(ForwardingSnapshot now, int ingressPort, long timeNs) {
        snapshot = now;
        nowNs = timeNs;
        repliesToo = now.hasTranslations();
        for (int i = 0; i < observers.length; i++) {
            observers[i].allowance.fill(timeNs);
            exhausted[i] = !observers[i].every && !observers[i].allowance.hasOne();
            looking[i] = observers[i].filter.takesFrom(ingressPort) && !exhausted[i];
        }
    }

    /** Whether an observer has had too much for any packet of this batch to be looked at. */
    boolean isExhausted(int observer) {
        return exhausted[observer];
    }

    /**
     * Says of each packet of the batch what it is to the observers; whether any is something.
     *
     * @param interests by packet
     */
    boolean of(Batch batch, int[] interests) {
        int count = batch.count();
        Arrays.fill(interests, 0, count, 0);
        boolean any = false;
        for (int i = 0; i < observers.length; i++) {
            Observer observer = observers[i];
            if (!looking[i]) {
                continue;
            }
            boolean samples = observer.anyPacket && observer.every;
            boolean found = samples
                    ? ofSample(observer, (1 << i) << SELECTED, count, interests)
                    : ofFilter(observer, 1 << i, batch, interests);
            any |= found;
        }
        return any;
    }

    /** Whoever wants a sample of all that comes need not look at what is between. */
    private static boolean ofSample(Observer observer, int interest, int count, int[] interests) {
        boolean any = false;
        for (int i = observer.next(0, count); i < count; i = observer.next(i + 1, count)) {
            interests[i] |= interest;
            any = true;
        }
        return any;
    }

    private boolean ofFilter(Observer observer, int bit, Batch batch, int[] interests) {
        boolean wantsReplies = repliesToo && observer.every && !observer.detailed;
        boolean reads = !observer.anyPacket || observer.misses;
        boolean any = false;
        for (int i = 0; i < batch.count(); i++) {
            if (reads && !wantsReplies && observer.sieve.keepsBack(frames, batch.address(i), batch.length(i))) {
                continue;
            }
            int interest = reads ? ofPacket(observer, bit, batch, i, wantsReplies) : ofRequest(observer, -1, bit);
            interests[i] |= interest;
            any |= interest != 0;
        }
        return any;
    }

    private int ofPacket(Observer observer, int bit, Batch batch, int packet, boolean wantsReplies) {
        int code = PacketParser.parse(
                frames, batch.address(packet), batch.length(packet), batch.tailsLength(packet), view);
        if (observer.anyPacket || observer.filter.matchesRequest(view, code)) {
            return ofRequest(observer, code, bit);
        }
        return wantsReplies && mayBeReply(code) ? bit << REPLIES : 0;
    }

    private int ofRequest(Observer observer, int code, int bit) {
        if (observer.every) {
            return observer.takes() ? bit << SELECTED : 0;
        }
        int interest = observer.drops ? bit << DROPS : 0;
        return observer.misses && mayBeMiss(code) ? interest | bit << MISSES : interest;
    }

    /** Whether a packet may be a reply by NAT: only what is made of it shows whose. */
    private boolean mayBeReply(int code) {
        return code == PacketParser.OK && snapshot.findService(view) == ForwardingSnapshot.NONE;
    }

    private boolean mayBeMiss(int code) {
        if (code != PacketParser.OK || snapshot.findService(view) == ForwardingSnapshot.NONE) {
            return false;
        }
        return view.opensConnection() || flows.find(view, hasher.hash(view), nowNs / 1_000_000) == FlowTable.NOT_FOUND;
    }
}

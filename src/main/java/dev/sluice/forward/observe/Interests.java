package dev.sluice.forward.observe;

import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.forward.Batch;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;

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

    private ForwardingSnapshot snapshot = ForwardingSnapshot.empty();
    private int ingress;
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
        ingress = ingressPort;
        nowNs = timeNs;
        for (int i = 0; i < observers.length; i++) {
            observers[i].allowance.fill(timeNs);
            exhausted[i] = !observers[i].every && !observers[i].allowance.hasOne();
        }
    }

    /** Whether an observer has had too much for any packet of this batch to be looked at. */
    boolean isExhausted(int observer) {
        return exhausted[observer];
    }

    /** What a packet of the batch is to the observers. */
    int of(Batch batch, int packet) {
        int interest = 0;
        int code = -1;
        for (int i = 0; i < observers.length; i++) {
            Observer observer = observers[i];
            PacketFilter filter = observer.filter;
            if (!filter.takesFrom(ingress) || exhausted[i]) {
                continue;
            }
            if (code < 0 && !(filter.isOfInterfaceAlone() && !observer.misses)) {
                code = PacketParser.parse(
                        frames, batch.address(packet), batch.length(packet), batch.tailsLength(packet), view);
            }
            if (filter.isOfInterfaceAlone() || filter.matchesRequest(view, code)) {
                interest |= ofRequest(observer, code, 1 << i);
            } else if (observer.every && !observer.detailed && mayBeReply(code)) {
                interest |= 1 << i << REPLIES;
            }
        }
        return interest;
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
        return code == PacketParser.OK
                && snapshot.hasTranslations()
                && snapshot.findService(view) == ForwardingSnapshot.NONE;
    }

    private boolean mayBeMiss(int code) {
        if (code != PacketParser.OK || snapshot.findService(view) == ForwardingSnapshot.NONE) {
            return false;
        }
        return view.opensConnection() || flows.find(view, hasher.hash(view), nowNs / 1_000_000) == FlowTable.NOT_FOUND;
    }
}

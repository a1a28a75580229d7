package dev.sluice.flow;

import dev.sluice.packet.Octets;
import dev.sluice.packet.PacketView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One worker's translated connections, by what their replies show: protocol, RIP, RPORT, LIP and LPORT. Each stands beside an
 * entry of the worker's {@link FlowTable}, which comes and goes with it and has state and time. Owned by: worker; others look
 * replies up through a {@link TranslationReader}, and say by {@link #noteReply} that one came.
 *
 * <p>Off-heap, two cache lines an entry, the first of which a look-up goes by. Entries never move; they hang in lists from
 * buckets by hash. A list only grows at its head, by a store with release; whoever reads while an entry is taken out sees the
 * sequence counter change, as with {@link FlowTableReader}.
 *
 * <p>Entry, in native byte order: 0 RIP high, 8 RIP low, 16 LIP high, 24 LIP low, 32 RPORT·LPORT·protocol·family, 40 hash (low 32
 * bits), 44 next of the list, 48 real server id below generation (16 bits each), 52 slot of the flow, 56 last reply (ms), 60 place in the
 * sequence table;
 * 64 CIP high, 72 CIP low, 80 VIP high, 88 VIP low, 96 CPORT·VPORT·protocol·family, 104 station and port, 112 the director's MAC
 * address there, 120 tags.
 */
public final class TranslationTable {
    /** No entry. */
    public static final int NONE = 0;

    private static final int NO_SLOT = -1;
    /** Two cache lines. */
    static final int ENTRY_BYTES = 128;

    private static final int REAL_HIGH = 0;
    private static final int REAL_LOW = 8;
    private static final int LOCAL_HIGH = 16;
    private static final int LOCAL_LOW = 24;
    private static final int REAL_TUPLE = 32;
    private static final int HASH = 40;
    private static final int NEXT = 44;
    private static final int REAL_SERVER_GENERATION = 48;
    private static final int SLOT = 52;
    private static final int LAST_REPLY = 56;
    private static final int NUMBERS = 60;
    private static final int CLIENT_HIGH = 64;
    private static final int CLIENT_LOW = 72;
    private static final int VIRTUAL_HIGH = 80;
    private static final int VIRTUAL_LOW = 88;
    private static final int TUPLE = 96;
    private static final int STATION = 104;
    private static final int SELF = 112;
    private static final int TAGS = 120;

    /** Ints before and behind. */
    private static final int PADDING = 32;

    private static final VarHandle COUNT =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();
    // By address, and not checked each time: as FlowEntries says.
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final VarHandle PLAIN_INT =
            ValueLayout.JAVA_INT_UNALIGNED.varHandle().withInvokeExactBehavior();
    private static final VarHandle PLAIN_LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.varHandle().withInvokeExactBehavior();

    /** Entries from 1 on; kept, so that memory of an automatic arena lives as long as this. */
    private final MemorySegment entries;

    private final MemorySegment buckets;
    /** By slot of the flow table: the entry beside it. */
    private final MemorySegment bySlot;

    private final long entriesBase;
    private final long bucketsBase;
    private final long bySlotBase;
    private final int mask;
    private final SequenceCounter removals = new SequenceCounter();

    /** The first of the free entries that were used before. */
    private int free;

    /** The lowest entry that was never used. */
    private int fresh = 1;

    /** How many there are, on cache lines of its own: others read it. */
    private final int[] size = new int[PADDING + 1 + PADDING];

    /**
     * An empty table.
     *
     * @param maxFlows of the flow table
     * @param slots of the flow table, a power of two
     * @param memory gives zeroed memory outside the heap; untouched while there are no translated connections
     */
    TranslationTable(int maxFlows, int slots, SegmentAllocator memory) {
        this(memory.allocate((maxFlows + 1L) * ENTRY_BYTES, 64), slots, memory);
    }

    /** As before, with entries in memory of their own, for {@link #entryCount}. */
    TranslationTable(MemorySegment entries, int slots, SegmentAllocator memory) {
        this.entries = entries;
        buckets = memory.allocate((long) slots * Integer.BYTES, 64);
        bySlot = memory.allocate((long) slots * Integer.BYTES, 64);
        entriesBase = entries.address();
        bucketsBase = buckets.address();
        bySlotBase = bySlot.address();
        mask = slots - 1;
    }

    /** One that is read from, entry by entry, and not else. */
    TranslationTable(MemorySegment entries) {
        this(entries, 1, Arena.ofAuto());
    }

    /** How many entries, the unused first included, a table for so many flows has in memory of their own: a power of two. */
    static int entryCount(int maxFlows) {
        return Integer.highestOneBit(maxFlows) << 1;
    }

    /** What other threads look replies up with. */
    TranslationReader reader() {
        return new TranslationReader(this, removals);
    }

    /** How many there are. Any thread. */
    int size() {
        return (int) COUNT.getOpaque(size, PADDING);
    }

    /**
     * Enters the translation of a flow that has none. There is room: a flow table holds no more flows.
     *
     * @param hash of its replies, the low 32 bits
     * @param slot the flow's
     * @return the entry's place
     */
    int add(Translation translation, int hash, int slot) {
        int index = free == NONE ? fresh++ : free;
        long entry = entryOf(index);
        if (index == free) {
            free = (int) PLAIN_INT.get(ALL, entry + NEXT);
        }
        int generation = ((int) PLAIN_INT.get(ALL, entry + REAL_SERVER_GENERATION) >>> 16) + 1;
        PLAIN_LONG.set(ALL, entry + REAL_HIGH, translation.realHigh);
        PLAIN_LONG.set(ALL, entry + REAL_LOW, translation.realLow);
        PLAIN_LONG.set(ALL, entry + LOCAL_HIGH, translation.localHigh);
        PLAIN_LONG.set(ALL, entry + LOCAL_LOW, translation.localLow);
        PLAIN_LONG.set(ALL, entry + REAL_TUPLE, translation.realTuple);
        PLAIN_INT.set(ALL, entry + HASH, hash);
        PLAIN_INT.set(ALL, entry + REAL_SERVER_GENERATION, generation << 16 | translation.realServer);
        PLAIN_INT.set(ALL, entry + SLOT, slot);
        PLAIN_INT.set(ALL, entry + NUMBERS, translation.numbers);
        PLAIN_LONG.set(ALL, entry + CLIENT_HIGH, translation.clientHigh);
        PLAIN_LONG.set(ALL, entry + CLIENT_LOW, translation.clientLow);
        PLAIN_LONG.set(ALL, entry + VIRTUAL_HIGH, translation.virtualHigh);
        PLAIN_LONG.set(ALL, entry + VIRTUAL_LOW, translation.virtualLow);
        PLAIN_LONG.set(ALL, entry + TUPLE, translation.tuple);
        PLAIN_LONG.set(ALL, entry + STATION, translation.station);
        PLAIN_LONG.set(ALL, entry + SELF, translation.self);
        PLAIN_LONG.set(ALL, entry + TAGS, translation.tags);
        long bucket = bucketOf(hash);
        PLAIN_INT.set(ALL, entry + NEXT, (int) PLAIN_INT.get(ALL, bucket));
        INT.setRelease(buckets, bucket - bucketsBase, index);
        setOfSlot(slot, index);
        COUNT.setOpaque(size, PADDING, size[PADDING] + 1);
        return index;
    }

    /** The entry beside a flow that has one. */
    int ofSlot(int slot) {
        return (int) PLAIN_INT.get(ALL, slotAddress(slot));
    }

    /** As {@link #ofSlot}, for other threads, which check what they read. */
    int ofSlotOpaque(int slot) {
        if (slot < 0 || slot > mask) {
            return NONE;
        }
        return (int) INT.getOpaque(bySlot, (long) slot * Integer.BYTES);
    }

    private void setOfSlot(int slot, int index) {
        INT.setOpaque(bySlot, (long) slot * Integer.BYTES, index);
    }

    /** The flow has moved to another slot. */
    void move(int from, int to) {
        int index = ofSlot(from);
        setOfSlot(to, index);
        setOfSlot(from, NONE);
        PLAIN_INT.set(ALL, entryOf(index) + SLOT, to);
    }

    /** The flow in a slot ends. */
    void remove(int slot) {
        int index = ofSlot(slot);
        if (index == NONE) {
            return;
        }
        setOfSlot(slot, NONE);
        long entry = entryOf(index);
        // For those who find the table when its director has died.
        PLAIN_INT.set(ALL, entry + SLOT, NO_SLOT);
        removals.begin();
        long link = bucketOf((int) PLAIN_INT.get(ALL, entry + HASH));
        int at = (int) PLAIN_INT.get(ALL, link);
        while (at != index) {
            link = entryOf(at) + NEXT;
            at = (int) PLAIN_INT.get(ALL, link);
        }
        PLAIN_INT.set(ALL, link, (int) PLAIN_INT.get(ALL, entry + NEXT));
        PLAIN_INT.set(ALL, entry + NEXT, free);
        removals.end();
        free = index;
        COUNT.setOpaque(size, PADDING, size[PADDING] - 1);
    }

    /**
     * The entry of a reply, or {@link #NONE}.
     *
     * @param hash the reply's, as {@link FlowHasher} gives it
     */
    int find(PacketView reply, long hash) {
        return search(
                FlowHasher.tuple(reply),
                reply.sourceHigh(),
                reply.sourceLow(),
                reply.destinationHigh(),
                reply.destinationLow(),
                (int) hash);
    }

    /** As {@link #find}, of a reply's tuple and addresses. */
    int search(long tuple, long realHigh, long realLow, long localHigh, long localLow, int hash) {
        if (size[PADDING] == 0) {
            return NONE;
        }
        int index = (int) PLAIN_INT.get(ALL, bucketOf(hash));
        while (index != NONE) {
            long entry = entryOf(index);
            if ((long) PLAIN_LONG.get(ALL, entry + REAL_TUPLE) == tuple
                    && (long) PLAIN_LONG.get(ALL, entry + REAL_LOW) == realLow
                    && (long) PLAIN_LONG.get(ALL, entry + LOCAL_LOW) == localLow
                    && (long) PLAIN_LONG.get(ALL, entry + REAL_HIGH) == realHigh
                    && (long) PLAIN_LONG.get(ALL, entry + LOCAL_HIGH) == localHigh) {
                return index;
            }
            index = (int) PLAIN_INT.get(ALL, entry + NEXT);
        }
        return NONE;
    }

    /** The place of a flow's entry in the sequence table, as {@link Translation#numbers} has it. */
    int numbersOf(int slot) {
        int index = ofSlot(slot);
        return index == NONE ? 0 : (int) PLAIN_INT.get(ALL, entryOf(index) + NUMBERS);
    }

    /** An entry's connection has no place in the sequence table any more. */
    void clearNumbers(int index) {
        INT.setOpaque(entries, (long) index * ENTRY_BYTES + NUMBERS, 0);
    }

    /** The slot of an entry's flow. */
    int slotOf(int index) {
        return (int) PLAIN_INT.get(ALL, entryOf(index) + SLOT);
    }

    /** What tells an entry from others that had its place before. */
    int generationOf(int index) {
        return (int) PLAIN_INT.get(ALL, entryOf(index) + REAL_SERVER_GENERATION) >>> 16;
    }

    /** Whether an entry is in use and still the one that was meant. */
    boolean isCurrent(int index, int generation) {
        return index > NONE && index < fresh && generationOf(index) == generation && ofSlot(slotOf(index)) == index;
    }

    /** Notes where the client's packets come from now. */
    void setStation(int index, Translation from) {
        long entry = entryOf(index);
        PLAIN_LONG.set(ALL, entry + STATION, from.station);
        PLAIN_LONG.set(ALL, entry + SELF, from.self);
        PLAIN_LONG.set(ALL, entry + TAGS, from.tags);
    }

    /** Notes when a reply came that another worker has forwarded. Any thread. */
    void noteReply(int index, int nowMs) {
        INT.setOpaque(entries, (long) index * ENTRY_BYTES + LAST_REPLY, nowMs);
    }

    /** The first of the list in which replies of a hash stand, for other threads. */
    int head(int hash) {
        return (int) INT.getAcquire(buckets, (long) (hash & mask) * Integer.BYTES);
    }

    /** The next of the list, for other threads. */
    int after(int index) {
        return (int) INT.getAcquire(entries, (long) index * ENTRY_BYTES + NEXT);
    }

    /** Whether an entry is a reply's, for other threads. */
    boolean isOf(int index, long tuple, PacketView reply) {
        long entry = (long) index * ENTRY_BYTES;
        return (long) LONG.getOpaque(entries, entry + REAL_TUPLE) == tuple
                && (long) LONG.getOpaque(entries, entry + REAL_LOW) == reply.sourceLow()
                && (long) LONG.getOpaque(entries, entry + LOCAL_LOW) == reply.destinationLow()
                && (long) LONG.getOpaque(entries, entry + REAL_HIGH) == reply.sourceHigh()
                && (long) LONG.getOpaque(entries, entry + LOCAL_HIGH) == reply.destinationHigh();
    }

    /** Whether an index that was read may be one of an entry at all, for other threads. */
    boolean isIndex(int index) {
        return index > NONE && (long) index * ENTRY_BYTES < entries.byteSize();
    }

    /**
     * Loads the lines on which the search for replies goes on, one stage after the other, so that misses overlap.
     *
     * @param hashes of packets; replaced by the slots of the flows that they may be replies of
     */
    long touch(int[] hashes, int from, int to) {
        for (int i = from; i < to; i++) {
            hashes[i] = (int) PLAIN_INT.get(ALL, bucketOf(hashes[i]));
        }
        long sum = 0;
        for (int i = from; i < to; i++) {
            // Entry 0 is of nobody, but there.
            long entry = entryOf(hashes[i]);
            sum ^= (long) PLAIN_LONG.get(ALL, entry + CLIENT_HIGH);
            hashes[i] = (int) PLAIN_INT.get(ALL, entry + SLOT);
        }
        return sum;
    }

    /** Copies the client's side of an entry. Owner only. */
    void readClientSide(int index, Translation into) {
        long entry = entryOf(index);
        into.clientHigh = (long) PLAIN_LONG.get(ALL, entry + CLIENT_HIGH);
        into.clientLow = (long) PLAIN_LONG.get(ALL, entry + CLIENT_LOW);
        into.virtualHigh = (long) PLAIN_LONG.get(ALL, entry + VIRTUAL_HIGH);
        into.virtualLow = (long) PLAIN_LONG.get(ALL, entry + VIRTUAL_LOW);
        into.tuple = (long) PLAIN_LONG.get(ALL, entry + TUPLE);
    }

    /** Copies LIP and LPORT of an entry. Owner only. */
    void readLocalSide(int index, Translation into) {
        long entry = entryOf(index);
        into.localHigh = (long) PLAIN_LONG.get(ALL, entry + LOCAL_HIGH);
        into.localLow = (long) PLAIN_LONG.get(ALL, entry + LOCAL_LOW);
        into.realTuple = (long) PLAIN_LONG.get(ALL, entry + REAL_TUPLE);
    }

    /** Copies where the client's packets come from. Owner only. */
    void readStation(int index, Translation into) {
        long entry = entryOf(index);
        into.station = (long) PLAIN_LONG.get(ALL, entry + STATION);
        into.self = (long) PLAIN_LONG.get(ALL, entry + SELF);
        into.tags = (long) PLAIN_LONG.get(ALL, entry + TAGS);
    }

    /** Copies an entry. Any thread, if it checks what it read. */
    void read(int index, Translation into) {
        long entry = (long) index * ENTRY_BYTES;
        into.realHigh = (long) LONG.getOpaque(entries, entry + REAL_HIGH);
        into.realLow = (long) LONG.getOpaque(entries, entry + REAL_LOW);
        into.localHigh = (long) LONG.getOpaque(entries, entry + LOCAL_HIGH);
        into.localLow = (long) LONG.getOpaque(entries, entry + LOCAL_LOW);
        into.realTuple = (long) LONG.getOpaque(entries, entry + REAL_TUPLE);
        into.hash = (int) INT.getOpaque(entries, entry + HASH);
        int realServer = (int) INT.getOpaque(entries, entry + REAL_SERVER_GENERATION);
        into.realServer = realServer & 0xffff;
        into.generation = realServer >>> 16;
        into.slot = (int) INT.getOpaque(entries, entry + SLOT);
        into.lastReplyMs = (int) INT.getOpaque(entries, entry + LAST_REPLY);
        into.numbers = (int) INT.getOpaque(entries, entry + NUMBERS);
        into.clientHigh = (long) LONG.getOpaque(entries, entry + CLIENT_HIGH);
        into.clientLow = (long) LONG.getOpaque(entries, entry + CLIENT_LOW);
        into.virtualHigh = (long) LONG.getOpaque(entries, entry + VIRTUAL_HIGH);
        into.virtualLow = (long) LONG.getOpaque(entries, entry + VIRTUAL_LOW);
        into.tuple = (long) LONG.getOpaque(entries, entry + TUPLE);
        into.station = (long) LONG.getOpaque(entries, entry + STATION);
        into.self = (long) LONG.getOpaque(entries, entry + SELF);
        into.tags = (long) LONG.getOpaque(entries, entry + TAGS);
        into.index = index;
    }

    private long entryOf(int index) {
        return entriesBase + (long) index * ENTRY_BYTES & Octets.ADDRESS_BITS;
    }

    private long bucketOf(int hash) {
        return bucketsBase + (long) (hash & mask) * Integer.BYTES & Octets.ADDRESS_BITS;
    }

    private long slotAddress(int slot) {
        return bySlotBase + (long) slot * Integer.BYTES & Octets.ADDRESS_BITS;
    }
}

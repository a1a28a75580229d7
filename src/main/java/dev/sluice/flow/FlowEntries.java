package dev.sluice.flow;

import dev.sluice.packet.Octets;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * The memory of a flow table: where each field of an entry lies, and in which order the owner stores them.
 *
 * <p>Entry, in native byte order: 0 CIP high, 8 CIP low, 16 VIP high, 24 VIP low, 32 CPORT·VPORT·protocol·family (0: free),
 * 40 hash (low 32 bits), 44 real server id, 48 last packet (ms), 52 packets (modulo 2³²), 56 bytes (48 bits) above flags
 * and state (8 bits each).
 *
 * <p>The word at 32 is stored last, with release, when an entry comes, and first when it goes. So whoever finds it set finds
 * the other fields, and memory that outlives its owner at any instruction holds whole entries only; at worst one of them
 * twice, word by word the same.
 */
final class FlowEntries {
    /** One cache line. */
    static final int ENTRY_BYTES = 64;
    /** No slot. */
    static final int NO_SLOT = -1;

    private static final int CLIENT_HIGH = 0;
    private static final int CLIENT_LOW = 8;
    private static final int VIRTUAL_HIGH = 16;
    private static final int VIRTUAL_LOW = 24;
    private static final int TUPLE = 32;
    private static final int HASH = 40;
    private static final int REAL_SERVER = 44;
    private static final int LAST_SEEN = 48;
    private static final int PACKETS = 52;
    private static final int BYTES_FLAGS_STATE = 56;

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();
    // The owner's plain accesses, several a packet, go by address. What there is to check about a segment (its class,
    // bounds, life) the compiler checks anew behind every branch, which was a third of a look-up's instructions. Slots
    // are masked, so that they cannot lie outside; the memory outlives the worker. Aligned, but the compiler need not
    // make sure of it each time.
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final VarHandle PLAIN_INT =
            ValueLayout.JAVA_INT_UNALIGNED.varHandle().withInvokeExactBehavior();
    private static final VarHandle PLAIN_LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.varHandle().withInvokeExactBehavior();

    /** Kept, so that memory of an automatic arena lives as long as this. */
    private final MemorySegment memory;

    private final long base;
    private final int mask;

    /**
     * Entries over some memory.
     *
     * @param memory of a power of two of entries, aligned to them
     */
    FlowEntries(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("flow entries lie outside the heap, where they have an address");
        }
        this.memory = memory;
        this.base = memory.address();
        this.mask = (int) (memory.byteSize() / ENTRY_BYTES) - 1;
    }

    /** Slots less one. */
    int mask() {
        return mask;
    }

    // What the owner reads and writes.

    long tuple(int slot) {
        return (long) PLAIN_LONG.get(ALL, addressOf(slot) + TUPLE);
    }

    boolean isFree(int slot) {
        return tuple(slot) == 0;
    }

    int hash(int slot) {
        return (int) PLAIN_INT.get(ALL, addressOf(slot) + HASH);
    }

    int realServer(int slot) {
        return (int) PLAIN_INT.get(ALL, addressOf(slot) + REAL_SERVER);
    }

    int lastSeenMs(int slot) {
        return (int) PLAIN_INT.get(ALL, addressOf(slot) + LAST_SEEN);
    }

    int packets(int slot) {
        return (int) PLAIN_INT.get(ALL, addressOf(slot) + PACKETS);
    }

    long bytesFlagsState(int slot) {
        return (long) PLAIN_LONG.get(ALL, addressOf(slot) + BYTES_FLAGS_STATE);
    }

    void setLastSeenMs(int slot, int ms) {
        PLAIN_INT.set(ALL, addressOf(slot) + LAST_SEEN, ms);
    }

    void setPackets(int slot, int packets) {
        PLAIN_INT.set(ALL, addressOf(slot) + PACKETS, packets);
    }

    void setBytesFlagsState(int slot, long word) {
        PLAIN_LONG.set(ALL, addressOf(slot) + BYTES_FLAGS_STATE, word);
    }

    /**
     * The slot of the packet's flow, or {@link #NO_SLOT}. Plain loads, and of the packet's addresses only where the tuple is
     * equal: after an opaque one the compiler loads and checks all there is about the memory anew, a third of the time.
     */
    int search(PacketView packet, int hash) {
        long tuple = FlowHasher.tuple(packet);
        int slot = hash & mask;
        while (true) {
            long entry = addressOf(slot);
            long held = (long) PLAIN_LONG.get(ALL, entry + TUPLE);
            if (held == 0) {
                return NO_SLOT;
            }
            if (held == tuple
                    && (long) PLAIN_LONG.get(ALL, entry + CLIENT_LOW) == packet.sourceLow()
                    && (long) PLAIN_LONG.get(ALL, entry + VIRTUAL_LOW) == packet.destinationLow()
                    && (long) PLAIN_LONG.get(ALL, entry + CLIENT_HIGH) == packet.sourceHigh()
                    && (long) PLAIN_LONG.get(ALL, entry + VIRTUAL_HIGH) == packet.destinationHigh()) {
                return slot;
            }
            slot = slot + 1 & mask;
        }
    }

    /** As {@link #search(PacketView, int)}, of an IPv4 flow: its tuple, CIP and VIP. */
    int searchInet(long tuple, long client, long virtual, int hash) {
        int slot = hash & mask;
        while (true) {
            long entry = addressOf(slot);
            long held = (long) PLAIN_LONG.get(ALL, entry + TUPLE);
            if (held == tuple
                    && (long) PLAIN_LONG.get(ALL, entry + CLIENT_LOW) == client
                    && (long) PLAIN_LONG.get(ALL, entry + VIRTUAL_LOW) == virtual) {
                return slot;
            }
            if (held == 0) {
                return NO_SLOT;
            }
            slot = slot + 1 & mask;
        }
    }

    /** As {@link #search(PacketView, int)}, of an IPv6 flow: its tuple, and CIP and VIP in four words from {@code at} on. */
    int searchInet6(long tuple, long[] words, int at, int hash) {
        int slot = hash & mask;
        while (true) {
            long entry = addressOf(slot);
            long held = (long) PLAIN_LONG.get(ALL, entry + TUPLE);
            if (held == tuple
                    && (long) PLAIN_LONG.get(ALL, entry + CLIENT_LOW) == words[at + 1]
                    && (long) PLAIN_LONG.get(ALL, entry + VIRTUAL_LOW) == words[at + 3]
                    && (long) PLAIN_LONG.get(ALL, entry + CLIENT_HIGH) == words[at]
                    && (long) PLAIN_LONG.get(ALL, entry + VIRTUAL_HIGH) == words[at + 2]) {
                return slot;
            }
            if (held == 0) {
                return NO_SLOT;
            }
            slot = slot + 1 & mask;
        }
    }

    /** The slot of a flow with the copy's key, or {@link #NO_SLOT}. */
    int search(FlowCopy flow, int hash) {
        int slot = hash & mask;
        while (!isFree(slot)) {
            long entry = at(slot);
            if (tuple(slot) == flow.tuple
                    && (long) PLAIN_LONG.get(memory, entry + CLIENT_LOW) == flow.clientLow
                    && (long) PLAIN_LONG.get(memory, entry + VIRTUAL_LOW) == flow.virtualLow
                    && (long) PLAIN_LONG.get(memory, entry + CLIENT_HIGH) == flow.clientHigh
                    && (long) PLAIN_LONG.get(memory, entry + VIRTUAL_HIGH) == flow.virtualHigh) {
                return slot;
            }
            slot = slot + 1 & mask;
        }
        return NO_SLOT;
    }

    /** Writes a new entry into a free slot; the last store makes it seen. */
    void put(int slot, FlowCopy flow, int hash) {
        long entry = at(slot);
        PLAIN_LONG.set(memory, entry + CLIENT_HIGH, flow.clientHigh);
        PLAIN_LONG.set(memory, entry + CLIENT_LOW, flow.clientLow);
        PLAIN_LONG.set(memory, entry + VIRTUAL_HIGH, flow.virtualHigh);
        PLAIN_LONG.set(memory, entry + VIRTUAL_LOW, flow.virtualLow);
        PLAIN_INT.set(memory, entry + HASH, hash);
        PLAIN_INT.set(memory, entry + REAL_SERVER, flow.realServer);
        PLAIN_INT.set(memory, entry + LAST_SEEN, flow.lastSeenMs);
        PLAIN_INT.set(memory, entry + PACKETS, flow.packets);
        PLAIN_LONG.set(memory, entry + BYTES_FLAGS_STATE, flow.bytesFlagsState);
        LONG.setRelease(memory, entry + TUPLE, flow.tuple);
    }

    /** Writes an entry to a free slot as well; the old one stays. */
    void copy(int from, int to) {
        long source = at(from);
        long target = at(to);
        for (int word = 0; word < ENTRY_BYTES; word += Long.BYTES) {
            if (word != TUPLE) {
                PLAIN_LONG.set(memory, target + word, (long) PLAIN_LONG.get(memory, source + word));
            }
        }
        LONG.setRelease(memory, target + TUPLE, (long) PLAIN_LONG.get(memory, source + TUPLE));
    }

    /** Frees a slot. */
    void free(int slot) {
        // Release: what was stored into the entry before must not turn up in the slot's next one.
        LONG.setRelease(memory, at(slot) + TUPLE, 0L);
    }

    // What other threads read. Every load is atomic; what they mean together is FlowTableReader's to judge.

    /** Whether a slot holds the packet's flow; {@code tuple} is what {@link #tupleAcquire} gave for the slot. */
    boolean isOf(int slot, long tuple, PacketView packet) {
        long entry = at(slot);
        return tuple == FlowHasher.tuple(packet)
                && (long) LONG.getOpaque(memory, entry + CLIENT_LOW) == packet.sourceLow()
                && (long) LONG.getOpaque(memory, entry + VIRTUAL_LOW) == packet.destinationLow()
                && (long) LONG.getOpaque(memory, entry + CLIENT_HIGH) == packet.sourceHigh()
                && (long) LONG.getOpaque(memory, entry + VIRTUAL_HIGH) == packet.destinationHigh();
    }

    /** The word that says whether there is an entry, after which the rest of it may be read. */
    long tupleAcquire(int slot) {
        return (long) LONG.getAcquire(memory, at(slot) + TUPLE);
    }

    /** Reads an entry whose tuple has been read. */
    void read(int slot, long tuple, FlowCopy into) {
        long entry = at(slot);
        into.clientHigh = (long) LONG.getOpaque(memory, entry + CLIENT_HIGH);
        into.clientLow = (long) LONG.getOpaque(memory, entry + CLIENT_LOW);
        into.virtualHigh = (long) LONG.getOpaque(memory, entry + VIRTUAL_HIGH);
        into.virtualLow = (long) LONG.getOpaque(memory, entry + VIRTUAL_LOW);
        into.tuple = tuple;
        into.hash = (int) INT.getOpaque(memory, entry + HASH);
        into.realServer = (int) INT.getOpaque(memory, entry + REAL_SERVER);
        into.lastSeenMs = (int) INT.getOpaque(memory, entry + LAST_SEEN);
        into.packets = (int) INT.getOpaque(memory, entry + PACKETS);
        into.bytesFlagsState = (long) LONG.getOpaque(memory, entry + BYTES_FLAGS_STATE);
    }

    private static long at(int slot) {
        return (long) slot * ENTRY_BYTES;
    }

    /** Never negative: the compiler sees that, and checks no bounds of what is added. */
    private long addressOf(int slot) {
        return base + at(slot) & Octets.ADDRESS_BITS;
    }
}

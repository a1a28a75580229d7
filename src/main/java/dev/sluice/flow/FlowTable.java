package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * One worker's connection table: fixed capacity, off-heap, one cache line an entry, keyed by protocol, CIP, CPORT, VIP and
 * VPORT. Owned by: worker; {@link #size}, {@link #expired} and what is said of real servers may be read by any thread.
 *
 * <p>Open addressing with linear probing; removal moves later entries of the run back, so there are no tombstones and a
 * probe is never longer than the flows present make it. Slots are therefore valid only until the next removal.
 *
 * <p>A flow that has been silent for its state's timeout is gone: {@link #find} does not see it, and {@link #sweep} reclaims
 * it, some slots a duty cycle. Time is milliseconds in 32 bits; a sweep must pass the whole table at least every ten days.
 *
 * <p>Entry, in native byte order: 0 CIP high, 8 CIP low, 16 VIP high, 24 VIP low, 32 CPORT·VPORT·protocol·family (0: free),
 * 40 hash (low 32 bits), 44 real server id, 48 last packet (ms), 52 packets (modulo 2³²), 56 bytes (48 bits) above flags
 * and state (8 bits each).
 */
public final class FlowTable {
    /** One cache line. */
    public static final int ENTRY_BYTES = 64;
    /** No such flow. */
    public static final int NOT_FOUND = -1;
    /** Flag: the flow's first packet seen here came from the middle of a connection. */
    public static final int FLAG_SLOPPY = 1;

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
    private static final int FLAGS_SHIFT = 8;
    private static final int BYTES_SHIFT = 16;

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();
    private static final VarHandle COUNT =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();
    private static final VarHandle WORD =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    /** Ints before and behind the counts, so that they share no line with what other threads write. */
    private static final int PADDING = 32;

    private static final int SIZE = 0;
    private static final int EXPIRED = 1;

    private final MemorySegment entries;
    private final int mask;
    private final int maxFlows;
    private final int[] timeoutMs;
    /** By real server: its flows, and in the upper half those of them that are active, so that one load gives both. */
    private final long[] flowsOf;

    /** By state code: what a flow in it adds to its real server's word. */
    private final long[] share;

    /** Size and expiries. */
    private final int[] counts = new int[PADDING + 2 + PADDING];

    private int sweepSlot;

    /**
     * A table with default timeouts.
     *
     * @param maxFlows how many flows it holds; the memory is the next power of two above 4/3 of it, 64 bytes each
     * @param realServers ids lie below this
     * @param arena owns the memory and outlives the worker
     */
    public FlowTable(int maxFlows, int realServers, Arena arena) {
        if (maxFlows < 1 || maxFlows > 1 << 28) {
            throw new IllegalArgumentException("a flow table holds 1 to " + (1 << 28) + " flows, not " + maxFlows);
        }
        int slots = Math.max(4, Integer.highestOneBit((int) (maxFlows * 4L / 3)) << 1);
        this.entries = arena.allocate((long) slots * ENTRY_BYTES, ENTRY_BYTES);
        this.mask = slots - 1;
        this.maxFlows = maxFlows;
        this.flowsOf = new long[realServers];
        this.share = Arrays.stream(FlowState.values())
                .mapToLong(state -> state.isActive() ? 1L << 32 | 1 : 1)
                .toArray();
        this.timeoutMs = Arrays.stream(FlowState.values())
                .mapToInt(FlowState::defaultTimeoutMs)
                .toArray();
    }

    /** Sets how long flows in a state may be silent. Before the worker runs. */
    public void setTimeout(FlowState state, int timeoutMs) {
        this.timeoutMs[state.code()] = timeoutMs;
    }

    /** How many flows fit. */
    public int capacity() {
        return maxFlows;
    }

    /** How many slots there are: what a whole sweep passes. */
    public int slots() {
        return mask + 1;
    }

    /** Flows held now, expired ones that no sweep has met included. Any thread. */
    public int size() {
        return (int) COUNT.getOpaque(counts, PADDING + SIZE);
    }

    /** Whether {@link #insert} would find no room. */
    public boolean isFull() {
        return counts[PADDING + SIZE] >= maxFlows;
    }

    /** Flows forgotten for silence, modulo 2³². Any thread. */
    public int expired() {
        return (int) COUNT.getOpaque(counts, PADDING + EXPIRED);
    }

    /** Flows held for a real server: its id may be given to another once this is 0 in every worker. Any thread. */
    public int flowsOf(int realServer) {
        return (int) (long) WORD.getOpaque(flowsOf, realServer);
    }

    /** A real server's active connections, by their state as in IPVS. Any thread. */
    public int activeOf(int realServer) {
        return (int) ((long) WORD.getOpaque(flowsOf, realServer) >>> 32);
    }

    /** A real server's inactive connections: all that are not active, UDP's included. Any thread. */
    public int inactiveOf(int realServer) {
        long word = (long) WORD.getOpaque(flowsOf, realServer);
        return (int) word - (int) (word >>> 32);
    }

    /**
     * Loads the line on which the search for a hash begins, so that the misses of a batch overlap.
     *
     * @return something that depends on the load, for the caller to fold into a sink
     */
    public long touchHome(long hash) {
        return getLong((long) ((int) hash & mask) * ENTRY_BYTES + TUPLE);
    }

    /**
     * The slot of the packet's flow, or {@link #NOT_FOUND}.
     *
     * @param hash the flow's, as {@link FlowHasher} gives it
     */
    public int find(PacketView packet, long hash, long nowMs) {
        long tuple = FlowHasher.tuple(packet);
        int slot = (int) hash & mask;
        while (true) {
            long entry = (long) slot * ENTRY_BYTES;
            long held = getLong(entry + TUPLE);
            if (held == 0) {
                return NOT_FOUND;
            }
            if (held == tuple
                    && getLong(entry + CLIENT_LOW) == packet.sourceLow()
                    && getLong(entry + VIRTUAL_LOW) == packet.destinationLow()
                    && getLong(entry + CLIENT_HIGH) == packet.sourceHigh()
                    && getLong(entry + VIRTUAL_HIGH) == packet.destinationHigh()) {
                if (isExpired(entry, (int) nowMs)) {
                    expire(slot);
                    return NOT_FOUND;
                }
                return slot;
            }
            slot = slot + 1 & mask;
        }
    }

    /**
     * Enters a flow that {@link #find} has just missed, with nothing counted yet.
     *
     * @param flags 0 or {@link #FLAG_SLOPPY}
     * @return its slot
     * @throws IllegalStateException when the table {@link #isFull}
     */
    public int insert(PacketView packet, long hash, int realServer, int flags, long nowMs) {
        if (isFull()) {
            throw new IllegalStateException("the flow table is full");
        }
        int slot = (int) hash & mask;
        while (getLong((long) slot * ENTRY_BYTES + TUPLE) != 0) {
            slot = slot + 1 & mask;
        }
        long entry = (long) slot * ENTRY_BYTES;
        putLong(entry + CLIENT_HIGH, packet.sourceHigh());
        putLong(entry + CLIENT_LOW, packet.sourceLow());
        putLong(entry + VIRTUAL_HIGH, packet.destinationHigh());
        putLong(entry + VIRTUAL_LOW, packet.destinationLow());
        putLong(entry + TUPLE, FlowHasher.tuple(packet));
        putInt(entry + HASH, (int) hash);
        putInt(entry + REAL_SERVER, realServer);
        putInt(entry + LAST_SEEN, (int) nowMs);
        putInt(entry + PACKETS, 0);
        int state = packet.protocol() == Transport.TCP ? FlowState.NONE.code() : FlowState.UDP.code();
        putLong(entry + BYTES_FLAGS_STATE, (long) flags << FLAGS_SHIFT | state);
        add(counts, PADDING + SIZE, 1);
        addFlows(realServer, share[state]);
        return slot;
    }

    /** Accounts a packet of the flow: its state moves on, its timer starts again. */
    public void touch(int slot, PacketView packet, long nowMs) {
        long entry = (long) slot * ENTRY_BYTES;
        long word = getLong(entry + BYTES_FLAGS_STATE) + ((long) packet.ipLengthBytes() << BYTES_SHIFT);
        if (packet.protocol() == Transport.TCP) {
            int before = (int) word & 0xff;
            int after = FlowState.afterTcp(before, packet.tcpFlags());
            if (after != before) {
                word = (word & ~0xffL) | after;
                if (share[after] != share[before]) {
                    addFlows(getInt(entry + REAL_SERVER), share[after] - share[before]);
                }
            }
        }
        putLong(entry + BYTES_FLAGS_STATE, word);
        putInt(entry + PACKETS, getInt(entry + PACKETS) + 1);
        putInt(entry + LAST_SEEN, (int) nowMs);
    }

    /** Forgets a flow. Every slot found before is void afterwards. */
    public void remove(int slot) {
        addFlows(getInt((long) slot * ENTRY_BYTES + REAL_SERVER), -share[stateCode(slot)]);
        add(counts, PADDING + SIZE, -1);
        int gap = slot;
        int at = slot;
        while (true) {
            at = at + 1 & mask;
            long entry = (long) at * ENTRY_BYTES;
            if (getLong(entry + TUPLE) == 0) {
                break;
            }
            // An entry may fill the gap unless its home lies after the gap, up to where it stands (Knuth 6.4, algorithm
            // R).
            int home = getInt(entry + HASH) & mask;
            if ((at - home & mask) >= (at - gap & mask)) {
                MemorySegment.copy(entries, entry, entries, (long) gap * ENTRY_BYTES, ENTRY_BYTES);
                gap = at;
            }
        }
        putLong((long) gap * ENTRY_BYTES + TUPLE, 0);
    }

    /**
     * Reclaims expired flows in the next slots, going on where the last call stopped. Not during a batch.
     *
     * @param slots how many to pass
     * @return how many flows were reclaimed
     */
    public int sweep(int slots, long nowMs) {
        int reclaimed = 0;
        int slot = sweepSlot;
        for (int passed = 0; passed < slots; passed++) {
            long entry = (long) slot * ENTRY_BYTES;
            // Removal may move another entry here: look again before going on.
            while (getLong(entry + TUPLE) != 0 && isExpired(entry, (int) nowMs)) {
                expire(slot);
                reclaimed++;
            }
            slot = slot + 1 & mask;
        }
        sweepSlot = slot;
        return reclaimed;
    }

    /** The flow's real server. */
    public int realServer(int slot) {
        return getInt((long) slot * ENTRY_BYTES + REAL_SERVER);
    }

    /** The code of the flow's state. */
    public int stateCode(int slot) {
        return (int) getLong((long) slot * ENTRY_BYTES + BYTES_FLAGS_STATE) & 0xff;
    }

    /** The flow's flags. */
    public int flags(int slot) {
        return (int) getLong((long) slot * ENTRY_BYTES + BYTES_FLAGS_STATE) >>> FLAGS_SHIFT & 0xff;
    }

    /** Packets accounted, modulo 2³². */
    public long packets(int slot) {
        return Integer.toUnsignedLong(getInt((long) slot * ENTRY_BYTES + PACKETS));
    }

    /** IP bytes accounted, modulo 2⁴⁸. */
    public long bytes(int slot) {
        return getLong((long) slot * ENTRY_BYTES + BYTES_FLAGS_STATE) >>> BYTES_SHIFT;
    }

    private boolean isExpired(long entry, int nowMs) {
        int state = (int) getLong(entry + BYTES_FLAGS_STATE) & 0xff;
        return nowMs - getInt(entry + LAST_SEEN) - timeoutMs[state] >= 0;
    }

    private void expire(int slot) {
        remove(slot);
        add(counts, PADDING + EXPIRED, 1);
    }

    private static void add(int[] counts, int index, int delta) {
        COUNT.setOpaque(counts, index, counts[index] + delta);
    }

    private void addFlows(int realServer, long delta) {
        WORD.setOpaque(flowsOf, realServer, flowsOf[realServer] + delta);
    }

    private long getLong(long offset) {
        return (long) LONG.get(entries, offset);
    }

    private void putLong(long offset, long value) {
        LONG.set(entries, offset, value);
    }

    private int getInt(long offset) {
        return (int) INT.get(entries, offset);
    }

    private void putInt(long offset, int value) {
        INT.set(entries, offset, value);
    }
}

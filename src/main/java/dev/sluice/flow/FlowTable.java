package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One worker's connection table: fixed capacity, off-heap, one cache line an entry, keyed by protocol, CIP, CPORT, VIP and
 * VPORT. Owned by: worker; sizes, counts and what is said of real servers may be read by any thread.
 *
 * <p>Open addressing with linear probing; removal moves later entries of the run back, so there are no tombstones and a
 * probe is never longer than the flows present make it. Slots are therefore valid only until the next removal.
 *
 * <p>A flow that has been silent for its state's timeout is gone: {@link #find} does not see it, and {@link #expire} reclaims
 * it. A {@link TimerWheel} says which entries to look at; a packet only stores when it came, and an entry that has lived on
 * is entered into the wheel again when its old time comes. Only a state with a shorter timeout moves it at once.
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
    /** Flag: the flow stands under a persistence template. */
    private static final int FLAG_TEMPLATE = 2;

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
    private static final int HALF_OPEN = 2;

    private static final int NONE = FlowState.NONE.code();
    /** A bit for each code of a half-open state. */
    private static final int HALF_OPEN_STATES = Arrays.stream(FlowState.values())
            .filter(FlowState::isHalfOpen)
            .mapToInt(state -> 1 << state.code())
            .sum();

    private final MemorySegment entries;
    private final int mask;
    private final int maxFlows;
    private final int[] timeoutMs;
    /** By real server: its flows, and in the upper half those of them that are active, so that one load gives both. */
    private final long[] flowsOf;

    /** By state code: what a flow in it adds to its real server's word. */
    private final long[] share;

    private final TimerWheel wheel;
    /** Size, expiries and half-open flows. */
    private final int[] counts = new int[PADDING + 3 + PADDING];

    private int maxHalfOpen;
    /** Told of every flow that is forgotten. */
    private @Nullable FlowCounts counted;
    /** Told of every flow under a template that is forgotten. */
    private @Nullable PersistenceTable templates;
    /** By slot: the reference of the template that the flow stands under, if its flag says that it does. */
    private MemorySegment templateOf = MemorySegment.NULL;
    /** When {@link #expire} was called last. */
    private long clockMs;

    /**
     * A table with default timeouts.
     *
     * @param maxFlows how many flows it holds, all of them half-open ones if need be
     * @param realServers ids lie below this
     * @param memory gives {@link #memoryBytes}, zeroed, that outlive the worker
     */
    public FlowTable(int maxFlows, int realServers, SegmentAllocator memory) {
        if (maxFlows < 1 || maxFlows > 1 << 28) {
            throw new IllegalArgumentException("a flow table holds 1 to " + (1 << 28) + " flows, not " + maxFlows);
        }
        int slots = slotsFor(maxFlows);
        this.entries = memory.allocate((long) slots * ENTRY_BYTES, ENTRY_BYTES);
        this.wheel = new TimerWheel(slots, memory);
        this.mask = slots - 1;
        this.maxFlows = maxFlows;
        this.maxHalfOpen = maxFlows;
        this.flowsOf = new long[realServers];
        this.share = Arrays.stream(FlowState.values())
                .mapToLong(state -> state.isActive() ? 1L << 32 | 1 : 1)
                .toArray();
        this.timeoutMs = Arrays.stream(FlowState.values())
                .mapToInt(FlowState::defaultTimeoutMs)
                .toArray();
    }

    private static int slotsFor(int maxFlows) {
        return Math.max(4, Integer.highestOneBit((int) (maxFlows * 4L / 3)) << 1);
    }

    /** The memory of a table's entries and wheel: 72 bytes for each of the next power of two above 4/3 of the flows. */
    public static long memoryBytes(int maxFlows) {
        return (long) slotsFor(maxFlows) * (ENTRY_BYTES + TimerWheel.LINK_BYTES);
    }

    /** Sets who is told of every flow that is forgotten. Before the worker runs. */
    void reportTo(FlowCounts counts) {
        counted = counts;
    }

    /**
     * Lets flows stand under templates. Before the worker runs.
     *
     * @param memory gives {@link #templateBytes}, zeroed; untouched while no service is persistent
     */
    public void keepTemplates(PersistenceTable persistence, SegmentAllocator memory) {
        templates = persistence;
        templateOf = memory.allocate((long) slots() * Long.BYTES, Long.BYTES);
    }

    /** The memory that {@link #keepTemplates} takes. */
    public static long templateBytes(int maxFlows) {
        return (long) slotsFor(maxFlows) * Long.BYTES;
    }

    /** Sets how long flows in a state may be silent, less than 24 days. Before the worker runs. */
    public void setTimeout(FlowState state, int timeoutMs) {
        this.timeoutMs[state.code()] = timeoutMs;
    }

    /** How long flows in a state may be silent. */
    public int timeoutMs(FlowState state) {
        return timeoutMs[state.code()];
    }

    /** Sets from how many half-open flows on {@link #isHalfOpenFull} says so. Before the worker runs. */
    public void setMaxHalfOpen(int flows) {
        maxHalfOpen = flows;
    }

    /** How many flows fit. */
    public int capacity() {
        return maxFlows;
    }

    /** How many slots there are. */
    public int slots() {
        return mask + 1;
    }

    /** Flows held now, expired ones that nobody has met included. Any thread. */
    public int size() {
        return (int) COUNT.getOpaque(counts, PADDING + SIZE);
    }

    /** Whether {@link #insert} would find no room. */
    public boolean isFull() {
        return counts[PADDING + SIZE] >= maxFlows;
    }

    /** Whether half-open flows, by their state ({@link FlowState#isHalfOpen}), have used up their share. */
    public boolean isHalfOpenFull() {
        return counts[PADDING + HALF_OPEN] >= maxHalfOpen;
    }

    /** Flows in a half-open state. Any thread. */
    public int halfOpen() {
        return (int) COUNT.getOpaque(counts, PADDING + HALF_OPEN);
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
                int remaining = remainingMs(slot, nowMs);
                if (remaining <= 0) {
                    reclaim(slot, nowMs + remaining);
                    return NOT_FOUND;
                }
                return slot;
            }
            slot = slot + 1 & mask;
        }
    }

    /**
     * Enters a flow that {@link #find} has just missed, with nothing counted yet: {@link #touch} follows.
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
        int stateAfterTouch = FlowState.after(NONE, FlowEvent.of(packet));
        putLong(entry + BYTES_FLAGS_STATE, (long) flags << FLAGS_SHIFT | NONE);
        if (counts[PADDING + SIZE] == 0) {
            wheel.restart(nowMs);
        }
        wheel.add(slot, nowMs + timeoutMs[stateAfterTouch]);
        add(counts, PADDING + SIZE, 1);
        addFlows(realServer, share[NONE]);
        return slot;
    }

    /** Accounts a packet of the flow: its state moves on, its timer starts again. */
    public void touch(int slot, PacketView packet, long nowMs) {
        long entry = (long) slot * ENTRY_BYTES;
        long word = getLong(entry + BYTES_FLAGS_STATE) + ((long) packet.ipLengthBytes() << BYTES_SHIFT);
        int before = (int) word & 0xff;
        int after = FlowState.after(before, FlowEvent.of(packet));
        if (after != before) {
            word = (word & ~0xffL) | after;
            changeState(slot, before, after, nowMs);
        }
        putLong(entry + BYTES_FLAGS_STATE, word);
        putInt(entry + PACKETS, getInt(entry + PACKETS) + 1);
        putInt(entry + LAST_SEEN, (int) nowMs);
    }

    private void changeState(int slot, int before, int after, long nowMs) {
        if (share[after] != share[before]) {
            addFlows(realServer(slot), share[after] - share[before]);
        }
        countHalfOpen(before, -1);
        countHalfOpen(after, 1);
        if (timeoutMs[after] < timeoutMs[before]) {
            wheel.remove(slot);
            wheel.add(slot, nowMs + timeoutMs[after]);
        }
    }

    private void countHalfOpen(int state, int delta) {
        if ((HALF_OPEN_STATES >>> state & 1) != 0) {
            add(counts, PADDING + HALF_OPEN, delta);
        }
    }

    /** Forgets a flow. Every slot found before is void afterwards. */
    public void remove(int slot) {
        remove(slot, clockMs);
    }

    /**
     * @param endedMs when the flow ended, which may be a while ago: what it stood under counts from then
     */
    private void remove(int slot, long endedMs) {
        int state = stateCode(slot);
        int realServer = realServer(slot);
        addFlows(realServer, -share[state]);
        if (counted != null) {
            counted.closed(realServer);
        }
        if (templates != null && hasTemplate(slot)) {
            templates.leave(getTemplate(slot), endedMs);
        }
        countHalfOpen(state, -1);
        add(counts, PADDING + SIZE, -1);
        wheel.remove(slot);
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
                if (hasTemplate(at)) {
                    LONG.set(templateOf, (long) gap * Long.BYTES, getTemplate(at));
                }
                wheel.move(at, gap);
                gap = at;
            }
        }
        putLong((long) gap * ENTRY_BYTES + TUPLE, 0);
    }

    /**
     * Reclaims expired flows, going on where the last call stopped. Between batches, once a duty cycle.
     *
     * @param budget the most steps to take: looks at an entry, or empty ticks passed
     * @return how many entries were looked at
     */
    public int expire(int budget, long nowMs) {
        clockMs = nowMs;
        if (counts[PADDING + SIZE] == 0) {
            wheel.restart(nowMs);
            return 0;
        }
        int looked = 0;
        for (int step = 0; step < budget && wheel.isBehind(nowMs); step++) {
            int slot = wheel.first();
            if (slot == TimerWheel.NONE) {
                wheel.advance();
                continue;
            }
            looked++;
            int remaining = remainingMs(slot, nowMs);
            if (remaining <= 0) {
                reclaim(slot, nowMs + remaining);
            } else {
                wheel.remove(slot);
                wheel.add(slot, nowMs + remaining);
            }
        }
        return looked;
    }

    /** How long the flow lives on if nothing comes, in milliseconds; not positive when it has expired. */
    public int remainingMs(int slot, long nowMs) {
        return timeoutMs[stateCode(slot)] - ((int) nowMs - getInt((long) slot * ENTRY_BYTES + LAST_SEEN));
    }

    /** Whether a slot holds no flow: for passes over the whole table. */
    public boolean isFree(int slot) {
        return getLong((long) slot * ENTRY_BYTES + TUPLE) == 0;
    }

    /** The flow's real server. */
    public int realServer(int slot) {
        return getInt((long) slot * ENTRY_BYTES + REAL_SERVER);
    }

    /** The code of the flow's state. */
    public int stateCode(int slot) {
        return (int) getLong((long) slot * ENTRY_BYTES + BYTES_FLAGS_STATE) & 0xff;
    }

    /** Puts a flow that was just entered under the template that it has joined. */
    public void setTemplate(int slot, long reference) {
        LONG.set(templateOf, (long) slot * Long.BYTES, reference);
        long at = (long) slot * ENTRY_BYTES + BYTES_FLAGS_STATE;
        putLong(at, getLong(at) | (long) FLAG_TEMPLATE << FLAGS_SHIFT);
    }

    /** Whether the flow stands under a persistence template. */
    public boolean hasTemplate(int slot) {
        return (flags(slot) & FLAG_TEMPLATE) != 0;
    }

    private long getTemplate(int slot) {
        return (long) LONG.get(templateOf, (long) slot * Long.BYTES);
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

    private void reclaim(int slot, long endedMs) {
        remove(slot, endedMs);
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

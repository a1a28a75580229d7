package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One worker's connection table: fixed capacity, off-heap, one cache line an entry, keyed by protocol, CIP, CPORT, VIP and
 * VPORT. Owned by: worker; sizes, counts and what is said of real servers may be read by any thread, and single flows through
 * a {@link #reader}.
 *
 * <p>Open addressing with linear probing; removal moves later entries of the run back, so there are no tombstones and a
 * probe is never longer than the flows present make it. Slots are therefore valid only until the next removal.
 *
 * <p>A flow that has been silent for its state's timeout is gone: {@link #find} does not see it, and {@link #expire} reclaims
 * it. A {@link TimerWheel} says which entries to look at; a packet only stores when it came, and an entry that has lived on
 * is entered into the wheel again when its old time comes. Only a state with a shorter timeout moves it at once.
 */
public final class FlowTable {
    /** One cache line. */
    public static final int ENTRY_BYTES = FlowEntries.ENTRY_BYTES;
    /** 24 days: times of packets are kept modulo 2³² ms. */
    public static final int MAX_TIMEOUT_MS = 24 * 24 * 60 * 60 * 1000;
    /** No such flow. */
    public static final int NOT_FOUND = -1;
    /** Flag: the flow's first packet seen here came from the middle of a connection. */
    public static final int FLAG_SLOPPY = 1;
    /** Flag: taken over from another worker's table. */
    public static final int FLAG_ADOPTED = 2;
    /** Flag: the flow stands under a persistence template. */
    static final int FLAG_TEMPLATE = 4;
    /** Flag: its packets are translated, and its replies come here. */
    public static final int FLAG_TRANSLATED = 8;
    /** Flag: it is translated, and its segments may be changed beyond that. */
    public static final int FLAG_NUMBERED = 16;
    /** Flag: it is translated to a port of its own, as another flow has announced. */
    public static final int FLAG_RELATED = 32;

    /** Flag: it is translated, and nobody knows yet where its client's packets come from. */
    public static final int FLAG_STATIONLESS = 64;

    /** Flag: it is translated, and its real server sees a local address in place of its client's. */
    public static final int FLAG_LOCAL = 128;

    private static final int NONE = FlowState.NONE.code();
    /** Of how many flows lines are loaded before {@link #expire} looks at the first. */
    private static final int AHEAD = 8;

    private static final VarHandle TIMEOUT =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();

    private final FlowEntries entries;
    /** Odd while entries are removed, for which others move. */
    private final SequenceCounter removals = new SequenceCounter();

    private final int mask;
    private final int maxFlows;
    private final int[] timeoutMs;
    private final FlowTally tally;
    private final TimerWheel wheel;

    /** What is about to be inserted. */
    private final FlowCopy fresh = new FlowCopy();

    private int longestTimeoutMs;
    private int maxHalfOpen;
    /** Told of every flow that is forgotten. */
    private @Nullable FlowCounts counted;
    /** The persistence templates that flows stand under, by slot. */
    private @Nullable FlowTemplates templates;
    /** The real servers' side of flows that are translated. */
    private @Nullable TranslationTable translations;
    /** The numbers of connections whose segments change; there when translations are. */
    private @Nullable SequenceTable numbers;
    /** Keeps loads alive; of no other meaning. */
    long touched;

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
        this(maxFlows, realServers, memory.allocate((long) slotsFor(maxFlows) * ENTRY_BYTES, ENTRY_BYTES), memory);
    }

    /**
     * A table with default timeouts, whose entries lie in memory of their own.
     *
     * @param maxFlows how many flows it holds, all of them half-open ones if need be
     * @param realServers ids lie below this
     * @param entryMemory {@link #entryBytes}, zeroed, that outlive the worker
     * @param memory gives the rest of {@link #memoryBytes}
     */
    public FlowTable(int maxFlows, int realServers, MemorySegment entryMemory, SegmentAllocator memory) {
        int slots = slotsFor(maxFlows);
        if (entryMemory.byteSize() != (long) slots * ENTRY_BYTES) {
            throw new IllegalArgumentException(entryMemory.byteSize() + " bytes for " + slots + " slots");
        }
        this.entries = new FlowEntries(entryMemory);
        this.wheel = new TimerWheel(slots, memory);
        this.mask = slots - 1;
        this.maxFlows = maxFlows;
        this.maxHalfOpen = maxFlows;
        this.tally = new FlowTally(realServers);
        this.timeoutMs = Arrays.stream(FlowState.values())
                .mapToInt(FlowState::defaultTimeoutMs)
                .toArray();
        this.longestTimeoutMs = Arrays.stream(timeoutMs).max().orElseThrow();
    }

    private static int slotsFor(int maxFlows) {
        if (maxFlows < 1 || maxFlows > 1 << 28) {
            throw new IllegalArgumentException("a flow table holds 1 to " + (1 << 28) + " flows, not " + maxFlows);
        }
        return Math.max(4, Integer.highestOneBit((int) (maxFlows * 4L / 3)) << 1);
    }

    /** The memory of a table's entries and wheel: 72 bytes for each of the next power of two above 4/3 of the flows. */
    public static long memoryBytes(int maxFlows) {
        return (long) slotsFor(maxFlows) * (ENTRY_BYTES + TimerWheel.LINK_BYTES);
    }

    /** The part of {@link #memoryBytes} in which the entries lie. */
    public static long entryBytes(int maxFlows) {
        return (long) slotsFor(maxFlows) * ENTRY_BYTES;
    }

    /** Sets who is told of every flow that is forgotten. Before the worker runs. */
    void reportTo(FlowCounts counts) {
        counted = counts;
    }

    /**
     * Lets flows stand under templates. Before the worker runs.
     *
     * @param memory gives 8 bytes a slot, zeroed; untouched while no service is persistent
     */
    public void keepTemplates(PersistenceTable persistence, SegmentAllocator memory) {
        templates = new FlowTemplates(persistence, slots(), memory);
    }

    /** The template that a flow stands under, or {@link PersistenceTable#NONE}. Any thread, if it checks what it read. */
    long template(int slot, int flags) {
        return templates == null || (flags & FLAG_TEMPLATE) == 0 ? PersistenceTable.NONE : templates.get(slot);
    }

    /**
     * Lets flows be translated. Before the worker runs.
     *
     * @param memory gives 128 bytes and {@link SequenceTable#ENTRY_BYTES} a flow and 8 a slot, zeroed, outside the heap; untouched while
     *     nothing is translated, or no segments are changed
     */
    public void keepTranslations(SegmentAllocator memory) {
        numbers = new SequenceTable(maxFlows, memory);
        translations = new TranslationTable(maxFlows, slots(), memory);
    }

    /**
     * As before, with translations in memory of their own.
     *
     * @param entryMemory as {@link TranslationTableImage#format} gives it, for as many flows
     */
    public void keepTranslations(MemorySegment entryMemory, SegmentAllocator memory) {
        numbers = new SequenceTable(maxFlows, memory);
        translations = new TranslationTable(entryMemory, slots(), memory);
    }

    /** The translations of flows; null where none is translated. */
    @Nullable
    TranslationTable translations() {
        return translations;
    }

    /** Whether flows can be translated here. */
    public boolean keepsTranslations() {
        return translations != null;
    }

    /** Copies the translation of a flow, for other threads, which check what they read. */
    void readTranslation(int slot, FlowCopy into) {
        into.lacksNumbers = false;
        if (translations != null && into.isTranslated()) {
            int index = translations.ofSlotOpaque(slot);
            if (translations.isIndex(index)) {
                translations.read(index, into.translation);
                into.lacksNumbers = into.translation.hasNumbers() && !numbers(into.translation, into.numbers);
                return;
            }
        }
        into.translation.index = TranslationTable.NONE;
    }

    /** What other threads look flows up with. */
    public FlowTableReader reader() {
        return new FlowTableReader(this, entries, removals);
    }

    /**
     * Sets how long flows in a state may be silent, {@link #MAX_TIMEOUT_MS} at most; those that have been silent for longer are
     * gone at once. Before the worker runs; later by one thread at a time, and the worker goes by it from the next snapshot
     * on that is published.
     */
    public void setTimeout(FlowState state, int timeoutMs) {
        TIMEOUT.setOpaque(this.timeoutMs, state.code(), timeoutMs);
        longestTimeoutMs = Arrays.stream(this.timeoutMs).max().orElseThrow();
    }

    /** The longest that a flow may be silent in any state. */
    public int longestTimeoutMs() {
        return longestTimeoutMs;
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
        return tally.size();
    }

    /** Whether {@link #insert} would find no room. */
    public boolean isFull() {
        return tally.size() >= maxFlows;
    }

    /** Whether flows in half-open states have used up their share. */
    public boolean isHalfOpenFull() {
        return tally.halfOpen() >= maxHalfOpen;
    }

    /** Flows in half-open states. Any thread. */
    public int halfOpen() {
        return tally.halfOpen();
    }

    /** Flows forgotten for silence, modulo 2³². Any thread. */
    public int expired() {
        return tally.expired();
    }

    /** Flows held for a real server: its id may be given to another once this is 0 in every worker. Any thread. */
    public int flowsOf(int realServer) {
        return tally.flowsOf(realServer);
    }

    /** A real server's active connections, by their state as in IPVS. Any thread. */
    public int activeOf(int realServer) {
        return tally.activeOf(realServer);
    }

    /** A real server's inactive connections: all that are not active, UDP's included. Any thread. */
    public int inactiveOf(int realServer) {
        return tally.inactiveOf(realServer);
    }

    /**
     * Loads the lines on which the search for some hashes begins, so that their misses overlap. A loop of its own, for a load
     * that misses holds up all that comes behind it in the processor's window: with more than the loads in between, two or three
     * are under way at a time; with nothing, as many as the processor has buffers for. Then, of the slots that hold another flow
     * the next one's line, where the search goes on, and of free ones the timer's links, which a new flow will have.
     *
     * @return something that depends on the loads, for the caller to fold into a sink
     */
    public long touchHomes(long[] hashes, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum ^= entries.hash((int) hashes[i] & mask);
        }
        for (int i = from; i < to; i++) {
            int hash = (int) hashes[i];
            int home = hash & mask;
            if (entries.hash(home) != hash) {
                sum ^= entries.isFree(home) ? wheel.touch(home) : entries.hash(hash + 1 & mask);
            }
        }
        return sum;
    }

    /**
     * As {@link #touchHomes}, where packets may be replies: of those that are at home in no slot also the lines on which the search
     * for replies goes on, the bucket, then the translation, then the flow's. Which packet is which nobody can foresee, so nothing
     * branches on it.
     *
     * @param scratch as long as {@code hashes}
     * @return something that depends on the loads, for the caller to fold into a sink
     */
    public long touchBothWays(long[] hashes, int[] scratch, int from, int to) {
        if (translations == null || translations.size() == 0) {
            return touchHomes(hashes, from, to);
        }
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum ^= entries.hash((int) hashes[i] & mask);
        }
        int others = from;
        for (int i = from; i < to; i++) {
            int hash = (int) hashes[i];
            scratch[others] = hash;
            others += entries.hash(hash & mask) == hash ? 0 : 1;
        }
        for (int i = from; i < others; i++) {
            sum ^= entries.hash(scratch[i] + 1 & mask);
        }
        return sum ^ translations.touch(scratch, from, others) ^ touchSlots(scratch, from, others);
    }

    /** Loads the lines of flows in slots. */
    private long touchSlots(int[] slots, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum ^= entries.hash(slots[i] & mask);
        }
        return sum;
    }

    /**
     * The slot of the packet's flow, or {@link #NOT_FOUND}.
     *
     * @param hash the flow's, as {@link FlowHasher} gives it
     */
    public int find(PacketView packet, long hash, long nowMs) {
        int slot = entries.search(packet, (int) hash);
        if (slot < 0) {
            return NOT_FOUND;
        }
        int remaining = remainingMs(slot, nowMs);
        if (remaining <= 0) {
            reclaim(slot, nowMs + remaining);
            return NOT_FOUND;
        }
        return slot;
    }

    /**
     * The slot of an IPv4 flow, expired or not, or a negative number.
     *
     * @param tuple as {@link FlowHasher#tuple(int, int, int)} gives it
     * @param client CIP
     * @param virtual VIP
     * @param hash the flow's
     */
    public int searchInet(long tuple, long client, long virtual, long hash) {
        return entries.searchInet(tuple, client, virtual, (int) hash);
    }

    /**
     * As {@link #searchInet}, of an IPv6 flow.
     *
     * @param words CIP and VIP, of which these four begin at {@code at}
     */
    public int searchInet6(long tuple, long[] words, int at, long hash) {
        return entries.searchInet6(tuple, words, at, (int) hash);
    }

    /**
     * Whether the flow is alive and a packet of it changes nothing but times and counts: then {@link #touchSame} accounts it.
     *
     * @param states that the packet does not change, as {@link FlowEvent#statesAlike} gives them
     */
    public boolean staysAlike(int slot, int states, long nowMs) {
        int state = stateCode(slot);
        return (states >>> state & 1) != 0 && timeoutMs[state] - ((int) nowMs - entries.lastSeenMs(slot)) > 0;
    }

    /** Accounts a packet of a flow that {@link #staysAlike}. */
    public void touchSame(int slot, int ipBytes, long nowMs) {
        entries.setBytesFlagsState(slot, entries.bytesFlagsState(slot) + ((long) ipBytes << FlowCopy.BYTES_SHIFT));
        entries.setPackets(slot, entries.packets(slot) + 1);
        entries.setLastSeenMs(slot, (int) nowMs);
    }

    /**
     * Enters a flow that {@link #find} has just missed, with nothing counted yet: {@link #touch} follows.
     *
     * @param flags {@link #FLAG_SLOPPY}, and {@link #FLAG_TRANSLATED} if {@link #translate} follows
     * @return its slot
     * @throws IllegalStateException when the table {@link #isFull}
     */
    public int insert(PacketView packet, long hash, int realServer, int flags, long nowMs) {
        int stateAfterTouch = FlowTransitions.after(sender(flags), NONE, FlowEvent.of(packet));
        fresh.open(packet, realServer, (long) flags << FlowCopy.FLAGS_SHIFT | NONE, nowMs);
        return enter(fresh, (int) hash, nowMs + timeoutMs[stateAfterTouch], nowMs);
    }

    /** Whose packets decide about the state of a flow with these flags. */
    private static int sender(int flags) {
        return (flags & FLAG_TRANSLATED) == 0 ? FlowTransitions.CLIENT_ALONE : FlowTransitions.CLIENT;
    }

    /**
     * Enters the translation of a flow that was just inserted with {@link #FLAG_TRANSLATED}.
     *
     * @param replyHash of its replies
     * @param changes whether its segments may get other numbers; the {@link SequenceTable} may have no room for it, and they do not
     *     change then
     */
    public void translate(int slot, Translation translation, long replyHash, boolean changes) {
        if (translations != null) {
            translation.hash = (int) replyHash;
            translation.numbers = changes && numbers != null ? numbers.take(translation.numbersTag()) + 1 : 0;
            translation.index = translations.add(translation, (int) replyHash, slot);
        }
    }

    /**
     * Copies the numbers of a connection of this table's. Any thread.
     *
     * @return false when the entry is busy, or gone
     */
    boolean numbers(Translation translation, SequenceCopy into) {
        SequenceTable table = numbers;
        int slot = translation.numbers - 1;
        return table != null && slot >= 0 && table.read(slot, translation.numbersTag(), into);
    }

    /** How many connections there are whose segments may be changed. Owner only. */
    public int sequencesInUse() {
        return numbers == null ? 0 : numbers.size();
    }

    /** The numbers of this table's connections whose segments change; null where no flow is translated. */
    @Nullable
    SequenceTable sequences() {
        return numbers;
    }

    /** Nothing is left to be changed in the segments of a flow, whose translation {@link #translation} or {@link #findReply} gave. */
    public void releaseNumbers(Translation translation) {
        if (translations != null
                && numbers != null
                && translation.hasNumbers()
                && translations.isCurrent(translation.index, translation.generation)) {
            int slot = translation.slot;
            // Others that look now find no numbers, or an entry that is not the connection's any more, and drop a
            // segment.
            translations.clearNumbers(translation.index);
            numbers.free(translation.numbersSlot());
            translation.numbers = 0;
            entries.setBytesFlagsState(
                    slot, entries.bytesFlagsState(slot) & ~((long) FLAG_NUMBERED << FlowCopy.FLAGS_SHIFT));
        }
    }

    /** Makes a flow that was just inserted one that waits for its first packet. */
    public void listen(int slot, long nowMs) {
        int state = FlowState.LISTEN.code();
        changeState(slot, stateCode(slot), state, nowMs);
        entries.setBytesFlagsState(slot, (entries.bytesFlagsState(slot) & ~0xffL) | state);
    }

    /** Whether a flow is translated. */
    public boolean isTranslated(int slot) {
        return (flags(slot) & FLAG_TRANSLATED) != 0;
    }

    /** Copies the translation of a flow that {@link #isTranslated}; false when it has none. */
    public boolean translation(int slot, Translation into) {
        int index = translations == null ? TranslationTable.NONE : translations.ofSlot(slot);
        if (translations == null || index == TranslationTable.NONE) {
            return false;
        }
        translations.read(index, into);
        return true;
    }

    /** Notes where the packets of a translated flow's client come from now. */
    public void setStation(int slot, Translation from) {
        if (translations != null) {
            translations.setStation(translations.ofSlot(slot), from);
            entries.setBytesFlagsState(
                    slot, entries.bytesFlagsState(slot) & ~((long) FLAG_STATIONLESS << FlowCopy.FLAGS_SHIFT));
        }
    }

    /**
     * The slot of the flow that a packet is a reply of, or {@link #NOT_FOUND}; one that has expired is reclaimed.
     *
     * @param hash the reply's
     * @param into its translation
     */
    public int findReply(PacketView reply, long hash, long nowMs, Translation into) {
        int index = translations == null ? TranslationTable.NONE : translations.find(reply, hash);
        if (translations == null || index == TranslationTable.NONE) {
            return NOT_FOUND;
        }
        int slot = translations.slotOf(index);
        int remaining = remainingMs(slot, nowMs);
        if (remaining <= 0) {
            reclaim(slot, nowMs + remaining);
            return NOT_FOUND;
        }
        translations.read(index, into);
        return slot;
    }

    /**
     * The translation that a packet is a reply of, its flow expired or not, or {@link #NOT_FOUND}.
     *
     * @param tuple as {@link FlowHasher#tuple(int, int, int)} gives it
     * @param realHigh RIP, and RIP's lower half, LIP's halves
     * @param hash the reply's
     */
    public int searchReply(long tuple, long realHigh, long realLow, long localHigh, long localLow, long hash) {
        int index = translations == null
                ? TranslationTable.NONE
                : translations.search(tuple, realHigh, realLow, localHigh, localLow, (int) hash);
        return index == TranslationTable.NONE ? NOT_FOUND : index;
    }

    /** The translation of a flow with {@link #FLAG_TRANSLATED}, for {@link #localSide}. */
    public int translationOf(int slot) {
        return translations == null ? TranslationTable.NONE : translations.ofSlot(slot);
    }

    /** Copies LIP and LPORT of a translation that {@link #translationOf} gave. */
    public void localSide(int translation, Translation into) {
        if (translations != null) {
            translations.readLocalSide(translation, into);
        }
    }

    /** The slot of the flow of a translation that {@link #searchReply} gave. */
    public int slotOfReply(int translation) {
        return translations == null ? NOT_FOUND : translations.slotOf(translation);
    }

    /** Copies the client's side of a translation that {@link #searchReply} gave. */
    public void clientSideOfReply(int translation, Translation into) {
        if (translations != null) {
            translations.readClientSide(translation, into);
        }
    }

    /** Copies where the client's packets come from, of a translation that {@link #searchReply} gave. */
    public void stationOfReply(int translation, Translation into) {
        if (translations != null) {
            translations.readStation(translation, into);
        }
    }

    /** Accounts a reply of a flow that {@link #staysAlike}. */
    public void touchSameByReply(int slot, int ipBytes, long nowMs) {
        entries.setBytesFlagsState(slot, entries.bytesFlagsState(slot) + ((long) ipBytes << FlowCopy.BYTES_SHIFT));
        entries.setLastSeenMs(slot, (int) nowMs);
    }

    /** Accounts a reply of a translated flow. It is no packet of the client's: those alone say who has the flow. */
    public void touchReply(int slot, PacketView reply, long nowMs) {
        touch(slot, reply, FlowTransitions.SERVER, nowMs);
    }

    /**
     * Accounts a reply that another worker has forwarded.
     *
     * @param index of the translation, and its generation: nothing happens when it is another's by now
     */
    void replied(int index, int generation, int event, long nowMs) {
        if (translations != null && translations.isCurrent(index, generation)) {
            int slot = translations.slotOf(index);
            long word = entries.bytesFlagsState(slot);
            int before = (int) word & 0xff;
            int after = FlowTransitions.after(FlowTransitions.SERVER, before, event);
            if (after != before) {
                changeState(slot, before, after, nowMs);
                entries.setBytesFlagsState(slot, (word & ~0xffL) | after);
            }
            entries.setLastSeenMs(slot, (int) nowMs);
        }
    }

    /**
     * Enters a flow as it was in another table, with its state, time and counters.
     *
     * @param hash the flow's in this table
     * @param flags to set beside those it has
     * @return its slot, or {@link #NOT_FOUND} when the flow is here already
     * @throws IllegalStateException when the table {@link #isFull}
     */
    public int adopt(FlowCopy flow, long hash, int flags, long nowMs) {
        if (search(flow, (int) hash) >= 0) {
            return NOT_FOUND;
        }
        fresh.set(flow);
        fresh.flag(flags);
        boolean translated = flow.isTranslated() && flow.translation.index != TranslationTable.NONE;
        if (!translated) {
            fresh.clear(FLAG_TRANSLATED);
        }
        boolean joined = templates != null && templates.rejoin(flow.template);
        if (!joined) {
            fresh.clear(FLAG_TEMPLATE);
        }
        int slot = enter(fresh, (int) hash, nowMs + Math.max(0, remainingMs(flow, nowMs)), nowMs);
        tally.countHalfOpen(flow.stateCode(), 1);
        if (templates != null && joined) {
            templates.set(slot, flow.template);
        }
        if (translations != null && numbers != null && translated) {
            Translation translation = flow.translation;
            translation.numbers =
                    translation.hasNumbers() ? numbers.take(translation.numbersTag(), flow.numbers) + 1 : 0;
            translations.add(flow.translation, flow.translation.hash, slot);
        }
        return slot;
    }

    /** The one place where an entry comes. */
    private int enter(FlowCopy flow, int hash, long deadlineMs, long nowMs) {
        if (isFull()) {
            throw new IllegalStateException("the flow table is full");
        }
        int slot = hash & mask;
        while (!entries.isFree(slot)) {
            slot = slot + 1 & mask;
        }
        if (tally.size() == 0) {
            wheel.restart(nowMs);
        }
        wheel.add(slot, deadlineMs);
        tally.entered(flow.realServer, flow.stateCode());
        entries.put(slot, flow, hash);
        return slot;
    }

    /** Accounts a packet of the flow: its state moves on, its timer starts again. */
    public void touch(int slot, PacketView packet, long nowMs) {
        touch(slot, packet, sender(flags(slot)), nowMs);
    }

    private void touch(int slot, PacketView packet, int sender, long nowMs) {
        long word = entries.bytesFlagsState(slot) + ((long) packet.ipLengthBytes() << FlowCopy.BYTES_SHIFT);
        int before = (int) word & 0xff;
        int after = FlowTransitions.after(sender, before, FlowEvent.of(packet));
        if (after != before) {
            word = (word & ~0xffL) | after;
            changeState(slot, before, after, nowMs);
        }
        entries.setBytesFlagsState(slot, word);
        if (sender != FlowTransitions.SERVER) {
            entries.setPackets(slot, entries.packets(slot) + 1);
        }
        entries.setLastSeenMs(slot, (int) nowMs);
    }

    private void changeState(int slot, int before, int after, long nowMs) {
        tally.moved(realServer(slot), before, after);
        if (timeoutMs[after] < timeoutMs[before]) {
            wheel.remove(slot);
            wheel.add(slot, nowMs + timeoutMs[after]);
        }
    }

    /** Forgets a flow. Every slot found before is void afterwards. */
    public void remove(int slot) {
        remove(slot, clockMs);
    }

    /**
     * Forgets a flow that should not have been: of a packet that {@code sluice trace} has made.
     *
     * @param withTemplate whether the template that it stands under was made for it
     */
    public void undo(int slot, boolean withTemplate) {
        if (withTemplate && templates != null && hasTemplate(slot)) {
            templates.invalidate(slot);
        }
        remove(slot);
    }

    /**
     * @param endedMs when the flow ended, which may be a while ago: what it stood under counts from then
     */
    private void remove(int slot, long endedMs) {
        int state = stateCode(slot);
        int realServer = realServer(slot);
        tally.removed(realServer, state);
        if (counted != null) {
            counted.closed(realServer);
        }
        if (templates != null && hasTemplate(slot)) {
            templates.leave(slot, endedMs);
        }
        if (translations != null && isTranslated(slot)) {
            int numbered = translations.numbersOf(slot) - 1;
            if (numbers != null && numbered >= 0) {
                numbers.free(numbered);
            }
            translations.remove(slot);
        }
        wheel.remove(slot);
        removals.begin();
        entries.free(slot);
        int gap = slot;
        int at = slot;
        while (true) {
            at = at + 1 & mask;
            if (entries.isFree(at)) {
                break;
            }
            // An entry may fill the gap unless its home lies after the gap, up to where it stands (Knuth 6.4, algorithm
            // R).
            int home = entries.hash(at) & mask;
            if ((at - home & mask) >= (at - gap & mask)) {
                move(at, gap);
                gap = at;
            }
        }
        removals.end();
    }

    /** The one place where an entry moves. */
    private void move(int from, int to) {
        entries.copy(from, to);
        if (templates != null && hasTemplate(from)) {
            templates.move(from, to);
        }
        if (translations != null && isTranslated(from)) {
            translations.move(from, to);
        }
        wheel.move(from, to);
        entries.free(from);
    }

    /**
     * Forgets a flow that another worker has taken over, unless a packet of it has come since.
     *
     * @param flow the entry as the other worker found it
     * @return whether there was such an entry
     */
    boolean forget(FlowCopy flow) {
        int slot = search(flow, flow.hash);
        if (slot < 0
                || entries.packets(slot) != flow.packets
                || (entries.lastSeenMs(slot) != flow.lastSeenMs && !isTranslated(slot))
                || realServer(slot) != flow.realServer) {
            return false;
        }
        // Seen before the removal is; and whoever sees it sees the new owner's entry.
        tally.countHandedOver();
        remove(slot);
        return true;
    }

    /** Flows that {@link #forget} removed, or is about to remove, modulo 2³². Any thread. */
    int handedOver() {
        return tally.handedOver();
    }

    /** The slot of a flow, expired or not, or a negative number. */
    int search(FlowCopy flow, int hash) {
        return entries.search(flow, hash);
    }

    /**
     * Reclaims expired flows, going on where the last call stopped. Between batches, once a duty cycle.
     *
     * @param budget the most steps to take: looks at an entry, or empty ticks passed
     * @return how many entries were looked at
     */
    public int expire(int budget, long nowMs) {
        clockMs = nowMs;
        if (tally.size() == 0) {
            wheel.restart(nowMs);
            return 0;
        }
        int looked = 0;
        int ahead = 0;
        for (int step = 0; step < budget && wheel.isBehind(nowMs); step++) {
            int slot = wheel.first();
            if (slot == TimerWheel.NONE) {
                wheel.advance();
                ahead = 0;
                continue;
            }
            if (ahead-- == 0) {
                touched ^= touchAhead(slot);
                ahead = AHEAD - 1;
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

    /** Loads the lines of the next flows of a bucket, and those behind them, which their removal looks at: misses overlap. */
    private long touchAhead(int first) {
        long sum = 0;
        int slot = first;
        for (int i = 0; i < AHEAD && slot != TimerWheel.NONE; i++) {
            sum ^= entries.hash(slot) ^ entries.hash(slot + 1 & mask);
            slot = wheel.after(slot);
        }
        return sum;
    }

    /** How long the flow lives on if nothing comes, in milliseconds; not positive when it has expired. */
    public int remainingMs(int slot, long nowMs) {
        return timeoutMs[stateCode(slot)] - ((int) nowMs - entries.lastSeenMs(slot));
    }

    /** As {@link #remainingMs(int, long)}, of a flow that stands in some table with the same timeouts. Any thread. */
    int remainingMs(FlowCopy flow, long nowMs) {
        return timeoutMs[flow.stateCode()] - ((int) nowMs - flow.lastSeenMs);
    }

    /** When the flow's last packet came, modulo 2³² ms. */
    int lastSeenMs(int slot) {
        return entries.lastSeenMs(slot);
    }

    /** Whether a slot holds no flow: for passes over the whole table. */
    public boolean isFree(int slot) {
        return entries.isFree(slot);
    }

    /** The flow's real server. */
    public int realServer(int slot) {
        return entries.realServer(slot);
    }

    /** The code of the flow's state. */
    public int stateCode(int slot) {
        return (int) entries.bytesFlagsState(slot) & 0xff;
    }

    /** Puts a flow that was just entered under the template that it has joined. */
    public void setTemplate(int slot, long reference) {
        if (templates != null) {
            templates.set(slot, reference);
            entries.setBytesFlagsState(
                    slot, entries.bytesFlagsState(slot) | (long) FLAG_TEMPLATE << FlowCopy.FLAGS_SHIFT);
        }
    }

    /** Whether the flow stands under a persistence template. */
    public boolean hasTemplate(int slot) {
        return (flags(slot) & FLAG_TEMPLATE) != 0;
    }

    /** The flow's flags. */
    public int flags(int slot) {
        return (int) entries.bytesFlagsState(slot) >>> FlowCopy.FLAGS_SHIFT & 0xff;
    }

    /** Packets of the client's accounted, modulo 2³². */
    public long packets(int slot) {
        return Integer.toUnsignedLong(entries.packets(slot));
    }

    /** IP bytes accounted, modulo 2⁴⁸. */
    public long bytes(int slot) {
        return entries.bytesFlagsState(slot) >>> FlowCopy.BYTES_SHIFT;
    }

    private void reclaim(int slot, long endedMs) {
        remove(slot, endedMs);
        tally.countExpired();
    }
}

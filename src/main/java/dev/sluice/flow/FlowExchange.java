package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * What all workers need of each other's flow tables: who has a flow, and a mailbox for every ordered pair of workers in which
 * one says which flows it has taken over from the other. Put together by control; then each worker uses its own number only,
 * and no method allocates, locks or waits for another worker.
 *
 * <p><b>Why no flow is lost</b>, whichever way its packets are sprayed over the queues. A worker that takes a flow over enters
 * it first, with the packet count it found, accounts its packet, and only then says so. The old owner removes its entry only
 * when its time, count and real server are still what the new owner copied (only count and real server of a flow whose replies come
 * here as well: they are not counted, but do set the time). So an entry of count <i>k</i> is removed when
 * another worker has, or had, one of count above <i>k</i>; that one was removed in turn only if a third had one of a higher
 * count still; and so on to an entry that is there. An entry that has seen a packet since stays, two workers then know the
 * flow, both the same real server, and neither looks elsewhere again.
 */
public final class FlowExchange {
    /** {@link #find}: a table changed too fast to tell. */
    public static final int UNKNOWN = -2;

    /** How often to look again when flows were handed over meanwhile. */
    private static final int ATTEMPTS = 4;

    private static final VarHandle CELL =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    /** Longs before and behind. */
    private static final int PADDING = 16;
    /** Entries of all mailboxes together, as long as each has its least: 8 MiB. */
    private static final int ALL_ENTRIES = 131_072;

    private static final int MIN_RING = 8;
    private static final int MAX_RING = 4096;
    /** How stale {@link #lastAdoption} may be, so that it is not stored for every flow. */
    private static final long ADOPTION_STEP_MS = 1000;

    /** How often an owner hears of a connection whose replies say nothing new. */
    private static final int REPLY_STEP_MS = 1000;

    // A letter about a reply: the translation's index below.
    private static final int GENERATION_SHIFT = 32;
    private static final int EVENT_SHIFT = 48;

    private static final long NEVER = Long.MIN_VALUE / 2;

    private final FlowTable[] tables;
    private final FlowTableReader[] readers;
    /** By receiver, then sender. */
    private final HandoverRing[][] rings;
    /** Replies of flows that others have; by receiver, then sender. */
    private final LetterRing[][] replies;

    private final @Nullable TranslationReader[] translations;
    private final Expectations expectations = new Expectations();
    /** When any worker took a flow over last, in ms. */
    private final long[] lastAdoption = new long[PADDING + 1 + PADDING];

    private int joined;

    /** An exchange among so many workers, none of which has joined. */
    public FlowExchange(int workers) {
        tables = new FlowTable[workers];
        readers = new FlowTableReader[workers];
        rings = new HandoverRing[workers][workers];
        replies = new LetterRing[workers][workers];
        translations = new @Nullable TranslationReader[workers];
        int capacity = Math.clamp(Integer.highestOneBit(ALL_ENTRIES / workers / workers), MIN_RING, MAX_RING);
        for (int receiver = 0; receiver < workers; receiver++) {
            for (int sender = 0; sender < workers; sender++) {
                if (sender != receiver) {
                    rings[receiver][sender] = new HandoverRing(capacity);
                    replies[receiver][sender] = new LetterRing(capacity);
                }
            }
        }
        lastAdoption[PADDING] = NEVER;
    }

    /** Takes in the next worker's table; its number, from 0. Before any worker runs. */
    public int join(FlowTable table) {
        tables[joined] = table;
        readers[joined] = table.reader();
        TranslationTable translated = table.translations();
        translations[joined] = translated == null ? null : translated.reader();
        return joined++;
    }

    /** How many workers there are. */
    public int workers() {
        return tables.length;
    }

    /**
     * Looks into all other workers' tables; if several know the flow, the one that saw it last counts.
     *
     * @param worker who looks
     * @param into the entry that was found
     * @param spare lends memory
     * @return the worker that has the flow, {@link FlowTable#NOT_FOUND}, or {@link #UNKNOWN}
     */
    public int find(int worker, PacketView packet, long hash, long nowMs, FlowCopy into, FlowCopy spare) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            int before = handedOver();
            int holder = scan(worker, packet, hash, nowMs, into, spare);
            if (holder >= 0) {
                return holder;
            }
            // A flow that moved from a table not seen yet into one seen before would be missed.
            VarHandle.acquireFence();
            if (holder == FlowTable.NOT_FOUND && handedOver() == before) {
                return FlowTable.NOT_FOUND;
            }
        }
        return UNKNOWN;
    }

    private int scan(int worker, PacketView packet, long hash, long nowMs, FlowCopy into, FlowCopy spare) {
        int holder = FlowTable.NOT_FOUND;
        boolean busy = false;
        for (int other = 0; other < readers.length; other++) {
            if (other == worker) {
                continue;
            }
            int outcome = readers[other].read(packet, hash, nowMs, spare);
            busy |= outcome == FlowTableReader.BUSY;
            if (outcome == FlowTableReader.FOUND && (holder < 0 || spare.lastSeenMs - into.lastSeenMs > 0)) {
                into.set(spare);
                into.translation.owner = other;
                holder = other;
            }
        }
        return holder < 0 && busy ? UNKNOWN : holder;
    }

    /** Whether there is any translated connection of any worker. */
    public boolean hasTranslations() {
        for (FlowTable table : tables) {
            TranslationTable translated = table.translations();
            if (translated != null && translated.size() > 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * Looks for the connection that a packet is a reply of in all other workers' tables.
     *
     * @param worker who looks
     * @param into the translation, and who owns it
     * @return {@link FlowTable#NOT_FOUND}, {@link #UNKNOWN}, or the owner
     */
    public int findReply(int worker, PacketView reply, long hash, Translation into) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            int before = handedOver();
            boolean busy = false;
            for (int other = 0; other < translations.length; other++) {
                TranslationReader reader = translations[other];
                if (other == worker || reader == null) {
                    continue;
                }
                int outcome = reader.read(reply, hash, into);
                if (outcome == TranslationReader.FOUND) {
                    into.owner = other;
                    return other;
                }
                busy |= outcome == TranslationReader.BUSY;
            }
            VarHandle.acquireFence();
            if (!busy && handedOver() == before) {
                return FlowTable.NOT_FOUND;
            }
        }
        return UNKNOWN;
    }

    /** What a {@link FragmentTable} may remember of the connection that a first fragment is a reply of. */
    public long wayOfReply(Translation translation) {
        return FragmentTable.reply(translation.realServer, translation.owner, translation.index);
    }

    /** The same of the connection that a client's first fragment belongs to. */
    public long wayOfRequest(Translation translation) {
        return FragmentTable.request(translation.realServer, translation.owner, translation.index);
    }

    /**
     * Reads the translation of the connection that a later fragment belongs to.
     *
     * @param way that the fragment table remembers
     * @return false when the connection has gone meanwhile
     */
    public boolean readTranslation(long way, PacketView fragment, Translation into) {
        int owner = FragmentTable.owner(way);
        TranslationReader reader = owner < translations.length ? translations[owner] : null;
        into.owner = owner;
        return reader != null
                && reader.readAt(FragmentTable.index(way), into)
                && (FragmentTable.isReply(way) ? into.isFromReal(fragment) : into.isFromClient(fragment));
    }

    /**
     * Tells the owner of a connection of a reply that was forwarded here: of each that may change its state, and else about
     * once a second, so that it knows that the connection lives.
     *
     * @param worker who tells
     * @param translation that {@link #findReply} gave
     * @param always whether it changes the state although it looks like any other
     * @return false when the mailbox is full; the next reply tells as much, unless it was the last
     */
    public boolean tellReply(int worker, Translation translation, PacketView reply, boolean always, long nowMs) {
        int event = FlowEvent.of(reply);
        if (!always && !FlowEvent.isTelling(event) && (int) nowMs - translation.lastReplyMs < REPLY_STEP_MS) {
            return true;
        }
        long letter = (long) event << EVENT_SHIFT
                | (long) translation.generation << GENERATION_SHIFT
                | Integer.toUnsignedLong(translation.index);
        TranslationReader reader = translations[translation.owner];
        if (reader == null || !replies[translation.owner][worker].offer(letter)) {
            return false;
        }
        reader.noteReply(translation.index, (int) nowMs);
        return true;
    }

    /**
     * Accounts replies that others have forwarded.
     *
     * @param worker whose mailboxes are emptied
     * @param budget the most letters to read from each
     * @return how many there were
     */
    public int collectReplies(int worker, int budget, long nowMs) {
        int collected = 0;
        for (int sender = 0; sender < tables.length; sender++) {
            if (sender == worker) {
                continue;
            }
            LetterRing ring = replies[worker][sender];
            for (int i = 0; i < budget; i++) {
                long letter = ring.poll();
                if (letter == LetterRing.EMPTY) {
                    break;
                }
                collected++;
                tables[worker].replied(
                        (int) letter,
                        (int) (letter >>> GENERATION_SHIFT) & 0xffff,
                        (int) (letter >>> EVENT_SHIFT),
                        nowMs);
            }
        }
        return collected;
    }

    /** Connections that others have announced. */
    public Expectations expectations() {
        return expectations;
    }

    /** Whether a connection to a real server is expected. Any thread. */
    public boolean expects(int realServer, long nowMs) {
        return expectations.holds(realServer, nowMs);
    }

    /** The table that has the numbers of a connection's segments, by its owner; null where no flow is translated. */
    public @Nullable SequenceTable sequencesOf(Translation translation) {
        return tables[translation.owner].sequences();
    }

    private int handedOver() {
        int sum = 0;
        for (FlowTable table : tables) {
            sum += table.handedOver();
        }
        return sum;
    }

    /**
     * Asks a worker to forget a flow, unless that sees another packet of it first.
     *
     * @param worker who asks, and knows better
     * @return false when the mailbox is full: the entry will run out by itself
     */
    public boolean handOver(int worker, int holder, FlowCopy flow) {
        return rings[holder][worker].offer(flow);
    }

    /**
     * Asks whoever else knows a flow to forget it.
     *
     * @param worker who asks
     * @param spare lends memory
     * @return how many could not be asked because a mailbox was full
     */
    public int forgetElsewhere(int worker, PacketView packet, long hash, long nowMs, FlowCopy spare) {
        int unasked = 0;
        for (int other = 0; other < readers.length; other++) {
            if (other != worker
                    && readers[other].read(packet, hash, nowMs, spare) == FlowTableReader.FOUND
                    && !handOver(worker, other, spare)) {
                unasked++;
            }
        }
        return unasked;
    }

    /**
     * Forgets flows that others have taken over from a worker.
     *
     * @param worker whose mailboxes are emptied
     * @param budget the most letters to read from each
     * @param spare lends memory
     * @return how many flows were forgotten
     */
    public int collect(int worker, int budget, FlowCopy spare) {
        int forgotten = 0;
        for (int sender = 0; sender < tables.length; sender++) {
            if (sender == worker) {
                continue;
            }
            HandoverRing ring = rings[worker][sender];
            for (int i = 0; i < budget && ring.poll(spare); i++) {
                forgotten += tables[worker].forget(spare) ? 1 : 0;
            }
        }
        return forgotten;
    }

    /** Notes that a flow was taken over. */
    public void noteAdoption(long nowMs) {
        if (nowMs - (long) CELL.getOpaque(lastAdoption, PADDING) >= ADOPTION_STEP_MS) {
            CELL.setOpaque(lastAdoption, PADDING, nowMs);
        }
    }

    /** Whether any worker took a flow over within a time. */
    public boolean adoptedWithin(long milliseconds, long nowMs) {
        return nowMs - (long) CELL.getOpaque(lastAdoption, PADDING) < milliseconds + ADOPTION_STEP_MS;
    }
}

package dev.sluice.flow;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * One worker's translated TCP connections whose segments do not keep their numbers: a payload has changed its length, or the
 * client was given another initial sequence number than the server's. For each direction what struct ip_vs_seq has (include/net/ip_vs.h):
 * the number at which the last change was made, the difference behind it, and the difference before. Off-heap, of a fixed capacity,
 * one cache line an entry; slots stay where they are.
 *
 * <p>Owned by: worker, which alone takes slots and gives them back. Any worker may read an entry, and change one whose payload it
 * changes: each entry has a version, odd while one thread writes it, so that all its numbers are of one moment. Nobody waits for
 * another: who finds an entry busy is told so, drops the packet, and TCP sends it again.
 *
 * <p>An entry has a tag, which whoever knows the slot knows as well: a slot that has been given to another connection meanwhile is
 * told apart by it.
 *
 * <p>Entry, in native byte order: 0 version, 8 tag (0: free), 12 next free slot, 16 flags, 20 window shifts, 24 towards the server: number, 28
 * difference, 32 difference before; 36, 40, 44 the same towards the client; 48 difference of timestamps, 52 the server's first octet,
 * 56 cookie, 60 the client's window (16 bits) and above it what the client can do.
 */
public final class SequenceTable {
    /** One cache line. */
    public static final int ENTRY_BYTES = 64;
    /** No slot. */
    public static final int NONE = -1;

    /** Flag: numbers towards the server change. */
    static final int TO_SERVER = 1;
    /** Flag: numbers towards the client change. */
    static final int TO_CLIENT = 2;
    /** Flag: octets are put in front of the client's first. */
    static final int PREFIX = 4;
    /** Flag: the server's first octet is known. */
    static final int SERVER_FIRST = 8;
    /** Flag: the client was answered by a SYN cookie, the server has not answered. */
    static final int AWAITS_SERVER = 16;
    /** Flag: segments of the client's carry its address. */
    static final int ADDRESS = 32;

    private static final int VERSION = 0;
    private static final int TAG = 8;
    private static final int NEXT_FREE = 12;
    private static final int FLAGS = 16;
    private static final int WINDOW_SHIFTS = 20;
    private static final int TO_SERVER_INIT = 24;
    private static final int TO_CLIENT_INIT = 36;
    private static final int DELTA = 4;
    private static final int PREVIOUS = 8;
    private static final int TIMESTAMP_DELTA = 48;
    private static final int SERVER_FIRST_OCTET = 52;
    private static final int COOKIE = 56;
    private static final int CLIENT = 60;

    /** A write takes some nanoseconds; beyond that its thread has lost its processor. */
    private static final int ATTEMPTS = 256;
    /** In place of a version. */
    private static final long BUSY = -1;

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    private final MemorySegment memory;
    private final int capacity;
    private int firstFree;
    /** Slots from here on have never been taken, and are in no list: memory is touched when it is needed. */
    private int firstFresh;

    private int size;

    /**
     * An empty table.
     *
     * @param capacity how many connections it has room for
     * @param allocator gives zeroed memory that outlives all workers
     */
    public SequenceTable(int capacity, SegmentAllocator allocator) {
        this.memory = allocator.allocate((long) capacity * ENTRY_BYTES, ENTRY_BYTES);
        this.capacity = capacity;
        this.firstFree = NONE;
    }

    /** How many slots are taken. Owner only. */
    public int size() {
        return size;
    }

    /**
     * Takes a slot for a connection whose numbers are all as they are. Owner only.
     *
     * @param tag not 0; tells the connection from the slot's former ones
     * @return the slot, or {@link #NONE} when all are taken
     */
    public int take(int tag) {
        int slot = firstFree;
        if (slot != NONE) {
            firstFree = (int) INT.get(memory, at(slot) + NEXT_FREE);
        } else if (firstFresh < capacity) {
            slot = firstFresh++;
        } else {
            return NONE;
        }
        long entry = at(slot);
        long version = begin(entry, 0);
        if (version == BUSY) {
            // A thread that has lost its processor is about to find that the entry is not the one it meant.
            give(slot);
            return NONE;
        }
        for (int field = FLAGS; field < ENTRY_BYTES; field += Integer.BYTES) {
            set(entry, field, 0);
        }
        set(entry, TAG, tag);
        end(entry, version);
        size++;
        return slot;
    }

    /** As {@link #take(int)}, for a connection that had a slot in another worker's table. */
    int take(int tag, SequenceCopy numbers) {
        int slot = take(tag);
        if (slot != NONE) {
            long entry = at(slot);
            long version = begin(entry, tag);
            if (version == BUSY) {
                free(slot);
                return NONE;
            }
            set(entry, FLAGS, numbers.flags);
            set(entry, WINDOW_SHIFTS, numbers.windowShifts);
            set(entry, TO_SERVER_INIT, numbers.toServerInit);
            set(entry, TO_SERVER_INIT + DELTA, numbers.toServerDelta);
            set(entry, TO_SERVER_INIT + PREVIOUS, numbers.toServerPrevious);
            set(entry, TO_CLIENT_INIT, numbers.toClientInit);
            set(entry, TO_CLIENT_INIT + DELTA, numbers.toClientDelta);
            set(entry, TO_CLIENT_INIT + PREVIOUS, numbers.toClientPrevious);
            set(entry, TIMESTAMP_DELTA, numbers.timestampDelta);
            set(entry, SERVER_FIRST_OCTET, numbers.serverFirst);
            set(entry, COOKIE, numbers.cookie);
            set(entry, CLIENT, numbers.client);
            end(entry, version);
        }
        return slot;
    }

    /** Gives a slot back. Owner only. */
    public void free(int slot) {
        INT.setOpaque(memory, at(slot) + TAG, 0);
        give(slot);
        size--;
    }

    private void give(int slot) {
        INT.set(memory, at(slot) + NEXT_FREE, firstFree);
        firstFree = slot;
    }

    /**
     * Copies an entry. Any thread.
     *
     * @param into of no meaning when this is false
     * @return false when the slot is not that connection's any more, or busy
     */
    public boolean read(int slot, int tag, SequenceCopy into) {
        long entry = at(slot);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            long before = (long) LONG.getAcquire(memory, entry + VERSION);
            if (SequenceCounter.isEven(before)) {
                into.tag = get(entry, TAG);
                into.flags = get(entry, FLAGS);
                into.windowShifts = get(entry, WINDOW_SHIFTS);
                into.toServerInit = get(entry, TO_SERVER_INIT);
                into.toServerDelta = get(entry, TO_SERVER_INIT + DELTA);
                into.toServerPrevious = get(entry, TO_SERVER_INIT + PREVIOUS);
                into.toClientInit = get(entry, TO_CLIENT_INIT);
                into.toClientDelta = get(entry, TO_CLIENT_INIT + DELTA);
                into.toClientPrevious = get(entry, TO_CLIENT_INIT + PREVIOUS);
                into.timestampDelta = get(entry, TIMESTAMP_DELTA);
                into.serverFirst = get(entry, SERVER_FIRST_OCTET);
                into.cookie = get(entry, COOKIE);
                into.client = get(entry, CLIENT);
                // The loads above come before the second look at the version.
                VarHandle.acquireFence();
                if ((long) LONG.getOpaque(memory, entry + VERSION) == before) {
                    return into.tag == tag;
                }
            }
            Thread.onSpinWait();
        }
        return false;
    }

    /**
     * Says that the payload of a segment of the client's has changed its length (vs_seq_update in ip_vs_app.c); nothing for a
     * segment that comes again. Any thread.
     *
     * @param sequence the segment's, as its sender has it
     * @param grownBytes negative when it is shorter now
     * @return false, and nothing done, when the slot is not that connection's any more, or busy
     */
    public boolean resizedToServer(int slot, int tag, int sequence, int grownBytes) {
        return resized(slot, tag, TO_SERVER, TO_SERVER_INIT, sequence, grownBytes);
    }

    /** As {@link #resizedToServer}, of a segment of the server's. */
    public boolean resizedToClient(int slot, int tag, int sequence, int grownBytes) {
        return resized(slot, tag, TO_CLIENT, TO_CLIENT_INIT, sequence, grownBytes);
    }

    private boolean resized(int slot, int tag, int flag, int init, int sequence, int grownBytes) {
        long entry = at(slot);
        long version = begin(entry, tag);
        if (version == BUSY) {
            return false;
        }
        int flags = get(entry, FLAGS);
        if ((flags & flag) == 0 || sequence - get(entry, init) > 0) {
            int delta = get(entry, init + DELTA);
            set(entry, init + PREVIOUS, delta);
            set(entry, init + DELTA, delta + grownBytes);
            set(entry, init, sequence);
            set(entry, FLAGS, flags | flag);
        }
        end(entry, version);
        return true;
    }

    /**
     * Says that octets will be put in front of the client's first one. Any thread.
     *
     * @param clientInitial the sequence number of the client's SYN
     * @param lengthBytes how many
     * @return as {@link #resizedToServer}
     */
    public boolean prefix(int slot, int tag, int clientInitial, int lengthBytes) {
        long entry = at(slot);
        long version = begin(entry, tag);
        if (version == BUSY) {
            return false;
        }
        set(entry, TO_SERVER_INIT, clientInitial + 1);
        set(entry, TO_SERVER_INIT + DELTA, lengthBytes);
        set(entry, TO_SERVER_INIT + PREVIOUS, 0);
        set(entry, FLAGS, get(entry, FLAGS) | PREFIX | TO_SERVER);
        end(entry, version);
        return true;
    }

    /**
     * Says that the server has what was put in front of the client's first octet: from here on the client's first segment is
     * like any other. Any thread; as {@link #resizedToServer}.
     */
    public boolean settle(int slot, int tag) {
        long entry = at(slot);
        long version = begin(entry, tag);
        if (version == BUSY) {
            return false;
        }
        if ((get(entry, FLAGS) & PREFIX) != 0) {
            set(entry, FLAGS, get(entry, FLAGS) & ~PREFIX);
            set(entry, TO_SERVER_INIT + PREVIOUS, get(entry, TO_SERVER_INIT + DELTA));
        }
        end(entry, version);
        return true;
    }

    /**
     * Keeps the number of the server's first octet as the client will acknowledge it. Any thread; as {@link #resizedToServer}.
     *
     * @param serverFirst the sequence number of the SYN-ACK that the client gets, plus one
     */
    public boolean setServerFirst(int slot, int tag, int serverFirst) {
        long entry = at(slot);
        long version = begin(entry, tag);
        if (version == BUSY) {
            return false;
        }
        set(entry, SERVER_FIRST_OCTET, serverFirst);
        set(entry, FLAGS, get(entry, FLAGS) | SERVER_FIRST);
        end(entry, version);
        return true;
    }

    /**
     * Says that the client's segments carry its address from now on, until {@link #addressKnown}. Any thread; as {@link
     * #resizedToServer}.
     *
     * @param clientInitial the sequence number of the client's SYN
     */
    public boolean announceAddress(int slot, int tag, int clientInitial) {
        long entry = at(slot);
        long version = begin(entry, tag);
        if (version == BUSY) {
            return false;
        }
        set(entry, TO_SERVER_INIT, clientInitial + 1);
        set(entry, FLAGS, get(entry, FLAGS) | ADDRESS);
        end(entry, version);
        return true;
    }

    /** Says that the server has the client's address. Any thread; as {@link #resizedToServer}. */
    public boolean addressKnown(int slot, int tag) {
        long entry = at(slot);
        long version = begin(entry, tag);
        if (version == BUSY) {
            return false;
        }
        set(entry, FLAGS, get(entry, FLAGS) & ~ADDRESS);
        end(entry, version);
        return true;
    }

    /**
     * Says that the client was given a SYN cookie for a sequence number, and the server is being asked. Any thread; as {@link
     * #resizedToServer}.
     *
     * @param clientInitial the sequence number of the client's SYN
     * @param cookie that of the SYN-ACK that the client got
     * @param window as the client's last segment tells it
     * @param options 16 bits for the caller to keep: what the client can do
     */
    public boolean awaitServer(int slot, int tag, int clientInitial, int cookie, int window, int options) {
        long entry = at(slot);
        long version = begin(entry, tag);
        if (version == BUSY) {
            return false;
        }
        set(entry, TO_SERVER_INIT, clientInitial + 1);
        set(entry, COOKIE, cookie);
        set(entry, CLIENT, options << 16 | window);
        set(entry, SERVER_FIRST_OCTET, cookie + 1);
        set(entry, FLAGS, get(entry, FLAGS) | AWAITS_SERVER | SERVER_FIRST);
        end(entry, version);
        return true;
    }

    /**
     * Says how the server has answered a connection for which the client got a SYN cookie. Any thread; as {@link
     * #resizedToServer}.
     *
     * @param serverInitial the sequence number of the server's SYN-ACK
     * @param timestampDelta what is added to the server's timestamps, 0 if it sends none
     * @param windowShiftToClient by how many bits the server's windows are shifted to the left, negative: to the right
     * @param windowShiftToServer the same of the client's
     */
    public boolean serverAnswered(
            int slot,
            int tag,
            int serverInitial,
            int timestampDelta,
            int windowShiftToClient,
            int windowShiftToServer) {
        long entry = at(slot);
        long version = begin(entry, tag);
        if (version == BUSY) {
            return false;
        }
        int delta = get(entry, COOKIE) - serverInitial;
        set(entry, TO_CLIENT_INIT, serverInitial);
        set(entry, TO_CLIENT_INIT + DELTA, delta);
        set(entry, TO_CLIENT_INIT + PREVIOUS, delta);
        set(entry, TIMESTAMP_DELTA, timestampDelta);
        set(entry, WINDOW_SHIFTS, (windowShiftToServer & 0xff) << 8 | (windowShiftToClient & 0xff));
        set(entry, FLAGS, (get(entry, FLAGS) & ~AWAITS_SERVER) | TO_CLIENT);
        end(entry, version);
        return true;
    }

    /** Makes the entry this thread's to write. {@link #BUSY} when it is another's, or has another tag. */
    private long begin(long entry, int tag) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            long version = (long) LONG.getOpaque(memory, entry + VERSION);
            if (SequenceCounter.isEven(version) && LONG.compareAndSet(memory, entry + VERSION, version, version + 1)) {
                VarHandle.storeStoreFence();
                if (get(entry, TAG) == tag) {
                    return version;
                }
                LONG.setRelease(memory, entry + VERSION, version);
                return BUSY;
            }
            Thread.onSpinWait();
        }
        return BUSY;
    }

    private void end(long entry, long version) {
        LONG.setRelease(memory, entry + VERSION, version + 2);
    }

    private int get(long entry, int field) {
        return (int) INT.getOpaque(memory, entry + field);
    }

    private void set(long entry, int field, int value) {
        INT.setOpaque(memory, entry + field, value);
    }

    private static long at(int slot) {
        return (long) slot * ENTRY_BYTES;
    }
}

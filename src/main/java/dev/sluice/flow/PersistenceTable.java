package dev.sluice.flow;

import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.SipHash;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.IntPredicate;

/**
 * The templates of persistent services: which real server a client's connections to a service go to. One table for all
 * workers, for a client's connections land on many queues. Off-heap, fixed capacity, one cache line a template.
 *
 * <p>Timers are those of ip_vs_sched_persist() and ip_vs_conn_expire(): every connection of the client starts the template's
 * anew; a template whose time is up while connections under it are left lives on a minute at a time, and from then on a
 * new connection gives it a minute only.
 *
 * <p>Threads. A template is joined without waiting for anybody: its control word is a version above a count of connections;
 * versions are odd while the template is written, and a compare-and-set of the word proves that what was read before
 * belonged to it. Templates are made and removed under a try-lock on their set of {@value #WAYS}, held for some hundred
 * nanoseconds; who does not get it soon goes on without a template. Only what happens once a connection is here, nothing
 * that happens once a packet.
 *
 * <p>A reference names a template of one version: index in the low 32 bits, version above. It may outlive the template.
 *
 * <p>Entry, in native byte order: 0 client high, 8 client low, 16 service (plus 1; 0: free) and, above, real server, 24
 * control word, 32 time of expiry (ms), 40 timeout (ms).
 */
public final class PersistenceTable {
    /** No such template. */
    public static final long NONE = -1;
    /** Instead of a reference: the set has no room. */
    public static final long FULL = -2;
    /** Instead of a reference: other workers kept the set busy. */
    public static final long BUSY = -3;

    static final int ENTRY_BYTES = 64;
    static final int WAYS = 16;

    private static final int CLIENT_HIGH = 0;
    private static final int CLIENT_LOW = 8;
    private static final int SERVICE_SERVER = 16;
    private static final int CONTROL = 24;
    private static final int EXPIRES = 32;
    private static final int TIMEOUT = 40;

    private static final long COUNT_MASK = 0xffff_ffffL;
    private static final long ONE_VERSION = 1L << 32;
    /** What a template lives on when connections under it are left, and between looks at it then. */
    private static final int LINGER_MS = 60_000;

    private static final int LOCK_SPINS = 2000;
    private static final int JOIN_TRIES = 16;
    /** How long a pass of all sweepers over the table takes at least. */
    private static final int PASS_MS = 10_000;

    private static final int MAX_SETS_A_CALL = 64;

    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();
    private static final VarHandle CELL =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();

    private final MemorySegment entries;
    private final HashKey key;
    private final int setMask;
    /** By set: 1 while somebody makes or removes a template in it. */
    private final int[] locks;
    /** By set: how many templates it holds; written under its lock. */
    private final int[] held;
    /** By real server: its templates. */
    private final int[] templatesOf;

    /**
     * An empty table.
     *
     * @param capacity how many templates fit, if they are as evenly spread as a hash spreads them
     * @param realServers ids lie below this
     * @param key so that no client can aim at a set
     * @param memory gives {@link #memoryBytes}, zeroed, that outlive the workers
     */
    public PersistenceTable(int capacity, int realServers, HashKey key, SegmentAllocator memory) {
        this(realServers, key, memory.allocate(memoryBytes(capacity), ENTRY_BYTES));
    }

    /**
     * An empty table in memory that is there.
     *
     * @param realServers ids lie below this
     * @param key so that no client can aim at a set
     * @param entries {@link #memoryBytes}, zeroed, that outlive the workers
     */
    public PersistenceTable(int realServers, HashKey key, MemorySegment entries) {
        int sets = (int) (entries.byteSize() / ENTRY_BYTES / WAYS);
        this.entries = entries;
        this.key = key;
        this.setMask = sets - 1;
        this.locks = new int[sets];
        this.held = new int[sets];
        this.templatesOf = new int[realServers];
    }

    /** Twice as many places as templates, so that a set overflows about once in 250 times when the table is full. */
    private static int setsFor(int capacity) {
        int wanted = (int) Math.ceilDiv(2L * capacity, WAYS);
        return wanted == 1 ? 1 : Integer.highestOneBit(wanted - 1) << 1;
    }

    /** The memory of a table's entries. */
    public static long memoryBytes(int capacity) {
        return (long) setsFor(capacity) * WAYS * ENTRY_BYTES;
    }

    /** The keyed hash under which a client of a service is found. */
    public long hash(int service, long clientHigh, long clientLow) {
        return SipHash.hash13(key, 2, clientHigh, clientLow, 0, 0, 20L << 56 | service);
    }

    /** A keyed hash of the client alone, the same in every director that shares the key. */
    public long clientHash(long clientHigh, long clientLow) {
        return SipHash.hash13(key, 2, clientHigh, clientLow, 0, 0, 16L << 56);
    }

    /**
     * Finds a client's template and counts a new connection under it, which starts its timer anew. Any worker.
     *
     * @param hash as {@link #hash} gives it
     * @param clientHigh the client's address under the service's netmask
     * @return a reference that {@link #leave} takes back when the connection ends, or {@link #NONE}
     */
    public long join(long hash, int service, long clientHigh, long clientLow, long nowMs) {
        int set = (int) hash & setMask;
        if ((int) CELL.getAcquire(held, set) == 0) {
            return NONE;
        }
        int first = set * WAYS;
        for (int index = first; index < first + WAYS; index++) {
            for (int tries = 0; tries < JOIN_TRIES; tries++) {
                long entry = (long) index * ENTRY_BYTES;
                long control = (long) LONG.getAcquire(entries, entry + CONTROL);
                if (isAway(control) || !isOf(entry, service, clientHigh, clientLow)) {
                    break;
                }
                long expiresMs = (long) LONG.getOpaque(entries, entry + EXPIRES);
                boolean isUp = nowMs >= expiresMs;
                if (isUp && (control & COUNT_MASK) == 0) {
                    break;
                }
                if (LONG.compareAndSet(entries, entry + CONTROL, control, control + 1)) {
                    if (isUp) {
                        LONG.setOpaque(entries, entry + TIMEOUT, (long) LINGER_MS);
                    }
                    restart(entry, nowMs);
                    return reference(index, control);
                }
            }
        }
        return NONE;
    }

    private boolean isOf(long entry, int service, long clientHigh, long clientLow) {
        return (int) (long) LONG.getOpaque(entries, entry + SERVICE_SERVER) == service + 1
                && (long) LONG.getOpaque(entries, entry + CLIENT_LOW) == clientLow
                && (long) LONG.getOpaque(entries, entry + CLIENT_HIGH) == clientHigh;
    }

    private void restart(long entry, long nowMs) {
        LONG.setOpaque(entries, entry + EXPIRES, nowMs + (long) LONG.getOpaque(entries, entry + TIMEOUT));
    }

    /**
     * Makes a client's template with one connection under it, or joins the one that another worker made meanwhile. Any
     * worker.
     *
     * @param timeoutMs how long it lives without a new connection
     * @return a reference as {@link #join} gives; or {@link #FULL} or {@link #BUSY}, and there is no template
     */
    public long create(
            long hash, int service, long clientHigh, long clientLow, int realServer, long timeoutMs, long nowMs) {
        int set = (int) hash & setMask;
        if (!lock(set)) {
            return BUSY;
        }
        long reference = FULL;
        int first = set * WAYS;
        int free = -1;
        for (int index = first; index < first + WAYS; index++) {
            long entry = (long) index * ENTRY_BYTES;
            if ((long) LONG.getOpaque(entries, entry + SERVICE_SERVER) == 0
                    || (isExpired(entry, nowMs) && removeUnused(set, entry))) {
                free = free < 0 ? index : free;
            } else if (isOf(entry, service, clientHigh, clientLow)) {
                // Nobody can remove it while the set is locked.
                long control = (long) LONG.getAndAdd(entries, entry + CONTROL, 1L);
                if (isExpired(entry, nowMs)) {
                    LONG.setOpaque(entries, entry + TIMEOUT, (long) LINGER_MS);
                }
                restart(entry, nowMs);
                reference = reference(index, control);
                break;
            }
        }
        if (reference == FULL && free >= 0) {
            reference = write(set, free, service, clientHigh, clientLow, realServer, timeoutMs, nowMs);
        }
        CELL.setRelease(locks, set, 0);
        return reference;
    }

    private long write(
            int set,
            int index,
            int service,
            long clientHigh,
            long clientLow,
            int realServer,
            long timeoutMs,
            long nowMs) {
        long entry = (long) index * ENTRY_BYTES;
        long control = (long) LONG.getOpaque(entries, entry + CONTROL);
        if (!isAway(control)) {
            control += ONE_VERSION;
            LONG.setOpaque(entries, entry + CONTROL, control);
            VarHandle.storeStoreFence();
        }
        LONG.setOpaque(entries, entry + CLIENT_HIGH, clientHigh);
        LONG.setOpaque(entries, entry + CLIENT_LOW, clientLow);
        LONG.setOpaque(entries, entry + SERVICE_SERVER, (long) realServer << 32 | (service + 1));
        LONG.setOpaque(entries, entry + TIMEOUT, timeoutMs);
        LONG.setOpaque(entries, entry + EXPIRES, nowMs + timeoutMs);
        control = (control & ~COUNT_MASK) + ONE_VERSION + 1;
        LONG.setRelease(entries, entry + CONTROL, control);
        CELL.setRelease(held, set, held[set] + 1);
        count(realServer, 1);
        return reference(index, control);
    }

    /**
     * Counts a connection under a template once more, because it is known in two places; its timer runs on. Any worker.
     *
     * @return false when the template is gone
     */
    boolean rejoin(long reference) {
        long at = entry(reference) + CONTROL;
        while (true) {
            long control = (long) LONG.getAcquire(entries, at);
            if (!isVersion(control, reference)) {
                return false;
            }
            if (LONG.compareAndSet(entries, at, control, control + 1)) {
                return true;
            }
        }
    }

    /** Enters what another table's memory holds and is still of use; how many templates. Before any worker runs. */
    int enterAll(MemorySegment others, IntPredicate service, IntPredicate realServer, long nowMs) {
        int entered = 0;
        for (long at = 0; at < others.byteSize(); at += ENTRY_BYTES) {
            long control = (long) LONG.getAcquire(others, at + CONTROL);
            long serviceServer = (long) LONG.getOpaque(others, at + SERVICE_SERVER);
            int ofService = (int) serviceServer - 1;
            int server = (int) (serviceServer >>> 32);
            long timeoutMs = (long) LONG.getOpaque(others, at + TIMEOUT);
            long expiresMs = (long) LONG.getOpaque(others, at + EXPIRES);
            if ((control & COUNT_MASK) != 0) {
                expiresMs = Math.max(expiresMs, nowMs + LINGER_MS);
            }
            boolean isSound = !isAway(control) && timeoutMs > 0 && expiresMs - nowMs <= Math.max(timeoutMs, LINGER_MS);
            if (isSound && expiresMs > nowMs && service.test(ofService) && realServer.test(server)) {
                long high = (long) LONG.getOpaque(others, at + CLIENT_HIGH);
                long low = (long) LONG.getOpaque(others, at + CLIENT_LOW);
                long made = create(hash(ofService, high, low), ofService, high, low, server, timeoutMs, nowMs);
                if (made >= 0) {
                    LONG.setOpaque(entries, entry(made) + EXPIRES, expiresMs);
                    leave(made, nowMs);
                    entered++;
                }
            }
        }
        return entered;
    }

    /** A connection under a template has ended. Any worker. */
    public void leave(long reference, long nowMs) {
        long entry = entry(reference);
        while (true) {
            long control = (long) LONG.getAcquire(entries, entry + CONTROL);
            if (!isVersion(control, reference)) {
                return;
            }
            long expiresMs = (long) LONG.getOpaque(entries, entry + EXPIRES);
            if (nowMs >= expiresMs) {
                // Its timer found connections left, and came again every minute.
                LONG.setOpaque(entries, entry + TIMEOUT, (long) LINGER_MS);
                long missed = (nowMs - expiresMs) / LINGER_MS + 1;
                LONG.compareAndSet(entries, entry + EXPIRES, expiresMs, expiresMs + missed * LINGER_MS);
            }
            if (LONG.compareAndSet(entries, entry + CONTROL, control, control - 1)) {
                return;
            }
        }
    }

    /** The real server that a template just joined or made leads to, or -1 when another worker has invalidated it since. */
    public int realServer(long reference) {
        long entry = entry(reference);
        int realServer = (int) ((long) LONG.getOpaque(entries, entry + SERVICE_SERVER) >>> 32);
        VarHandle.loadLoadFence();
        return isVersion((long) LONG.getOpaque(entries, entry + CONTROL), reference) ? realServer : -1;
    }

    /**
     * Forgets a template whatever is under it: ip_vs_check_template() of one whose real server is not available. Any worker.
     *
     * @return false when other workers kept its set busy; it is still there then
     */
    public boolean invalidate(long reference) {
        int set = (int) reference / WAYS;
        if (!lock(set)) {
            return false;
        }
        long entry = entry(reference);
        while (true) {
            long control = (long) LONG.getOpaque(entries, entry + CONTROL);
            if (!isVersion(control, reference) || remove(set, entry, control)) {
                break;
            }
        }
        CELL.setRelease(locks, set, 0);
        return true;
    }

    /** A client's template without any effect on it, or {@link #NONE}; expired ones that nobody has met are found. Any thread. */
    public long find(long hash, int service, long clientHigh, long clientLow) {
        int first = ((int) hash & setMask) * WAYS;
        for (int index = first; index < first + WAYS; index++) {
            long entry = (long) index * ENTRY_BYTES;
            long control = (long) LONG.getAcquire(entries, entry + CONTROL);
            boolean found = !isAway(control) && isOf(entry, service, clientHigh, clientLow);
            VarHandle.loadLoadFence();
            if (found && isVersion((long) LONG.getOpaque(entries, entry + CONTROL), control)) {
                return reference(index, control);
            }
        }
        return NONE;
    }

    /** How long a template lives on without a new connection, in milliseconds; connections under it may keep it longer. */
    public long remainingMs(long reference, long nowMs) {
        return (long) LONG.getOpaque(entries, entry(reference) + EXPIRES) - nowMs;
    }

    /** How many places for templates there are: {@link #read} takes 0 up to this. */
    public int places() {
        return (setMask + 1) * WAYS;
    }

    /**
     * Copies the template in a place: for whoever goes through the whole table. Any thread.
     *
     * @param into filled when true, of no meaning otherwise
     * @return false when none is there, it has expired with no connection left under it, or it changes just now
     */
    public boolean read(int place, long nowMs, TemplateCopy into) {
        long entry = (long) place * ENTRY_BYTES;
        long control = (long) LONG.getAcquire(entries, entry + CONTROL);
        long serviceServer = (long) LONG.getOpaque(entries, entry + SERVICE_SERVER);
        if (isAway(control) || serviceServer == 0) {
            return false;
        }
        long remainingMs = (long) LONG.getOpaque(entries, entry + EXPIRES) - nowMs;
        if (remainingMs <= 0) {
            if ((control & COUNT_MASK) == 0) {
                return false;
            }
            // Its timer comes again every minute as long as connections are left.
            remainingMs += (-remainingMs / LINGER_MS + 1) * LINGER_MS;
        }
        into.set(
                (int) serviceServer - 1,
                (int) (serviceServer >>> 32),
                (long) LONG.getOpaque(entries, entry + CLIENT_HIGH),
                (long) LONG.getOpaque(entries, entry + CLIENT_LOW),
                remainingMs);
        VarHandle.loadLoadFence();
        return isVersion((long) LONG.getOpaque(entries, entry + CONTROL), control);
    }

    /** How many templates lead to a real server. Any thread. */
    public int templatesOf(int realServer) {
        return (int) CELL.getOpaque(templatesOf, realServer);
    }

    /** How many templates there are, expired ones that nobody has met included. Any thread; walks over all sets. */
    public int size() {
        int size = 0;
        for (int set = 0; set < held.length; set++) {
            size += (int) CELL.getOpaque(held, set);
        }
        return size;
    }

    private boolean isExpired(long entry, long nowMs) {
        return nowMs >= (long) LONG.getOpaque(entries, entry + EXPIRES);
    }

    /** Under the set's lock. */
    private boolean removeUnused(int set, long entry) {
        long control = (long) LONG.getOpaque(entries, entry + CONTROL);
        return (control & COUNT_MASK) == 0 && remove(set, entry, control);
    }

    /** Under the set's lock; fails when somebody joined or left since the control word was read. */
    private boolean remove(int set, long entry, long control) {
        if (!LONG.compareAndSet(entries, entry + CONTROL, control, (control & ~COUNT_MASK) + ONE_VERSION)) {
            return false;
        }
        long serviceServer = (long) LONG.getOpaque(entries, entry + SERVICE_SERVER);
        VarHandle.storeStoreFence();
        LONG.setOpaque(entries, entry + SERVICE_SERVER, 0L);
        CELL.setRelease(held, set, held[set] - 1);
        count((int) (serviceServer >>> 32), -1);
        return true;
    }

    private void count(int realServer, int delta) {
        int before;
        do {
            before = (int) CELL.getOpaque(templatesOf, realServer);
        } while (!CELL.compareAndSet(templatesOf, realServer, before, before + delta));
    }

    private boolean lock(int set) {
        for (int spin = 0; spin < LOCK_SPINS; spin++) {
            if ((int) CELL.getOpaque(locks, set) == 0 && CELL.compareAndSet(locks, set, 0, 1)) {
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }

    /** Whether a control word's version is odd: no template is there, or it is being written. */
    private static boolean isAway(long control) {
        return (control & ONE_VERSION) != 0;
    }

    private static boolean isVersion(long control, long reference) {
        return (control ^ reference) >>> 32 == 0;
    }

    private static long reference(int index, long control) {
        return (control & ~COUNT_MASK) | index;
    }

    private static long entry(long reference) {
        return (reference & COUNT_MASK) * ENTRY_BYTES;
    }

    /**
     * One worker's part in removing expired templates: some sets a millisecond, so that a pass takes ten seconds or, in a
     * large table, as long as it needs. Owned by: worker.
     */
    public static final class Sweeper {
        private final PersistenceTable table;
        private final int step;
        private final int setsACall;
        private int set;
        private long lastMs;

        /**
         * The part of one of several workers.
         *
         * @param worker from 0
         * @param workers how many share the table
         */
        public Sweeper(PersistenceTable table, int worker, int workers) {
            this.table = table;
            this.step = workers;
            this.set = worker;
            int own = Math.ceilDiv(table.locks.length, workers);
            this.setsACall = Math.clamp(Math.ceilDiv(own, PASS_MS), 1, MAX_SETS_A_CALL);
        }

        /** The table. */
        public PersistenceTable table() {
            return table;
        }

        /**
         * Goes on where the last call stopped. Between batches, once a duty cycle.
         *
         * @return how many templates were removed
         */
        public int run(long nowMs) {
            if (nowMs == lastMs) {
                return 0;
            }
            lastMs = nowMs;
            int removed = 0;
            for (int i = 0; i < setsACall; i++) {
                if (set >= table.locks.length) {
                    set %= step;
                }
                if ((int) CELL.getOpaque(table.held, set) != 0) {
                    removed += table.removeExpired(set, nowMs);
                }
                set += step;
            }
            return removed;
        }
    }

    private int removeExpired(int set, long nowMs) {
        if (!CELL.compareAndSet(locks, set, 0, 1)) {
            return 0;
        }
        int removed = 0;
        for (int index = set * WAYS; index < (set + 1) * WAYS; index++) {
            long entry = (long) index * ENTRY_BYTES;
            if ((long) LONG.getOpaque(entries, entry + SERVICE_SERVER) != 0
                    && isExpired(entry, nowMs)
                    && removeUnused(set, entry)) {
                removed++;
            }
        }
        CELL.setRelease(locks, set, 0);
        return removed;
    }
}

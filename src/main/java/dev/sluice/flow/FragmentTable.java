package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.SipHash;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Which real server a fragmented datagram goes to, as its first fragment said: the others have no ports. Shared by all workers,
 * for receive-side scaling may spread the fragments of a datagram over queues.
 *
 * <p>Sets of a few places each, chosen by a keyed hash. When a set is full, the entry that is to expire first makes room, so that
 * a flood of fragments shortens lives but never keeps anybody out. Entries are versioned: readers take no lock, writers lock
 * their set for some dozen nanoseconds.
 */
public final class FragmentTable {
    /** {@link #find}: nobody has seen the first fragment lately. */
    public static final int NONE = -1;

    /**
     * How long a datagram is known. Its fragments come within milliseconds of each other; a sender may use the identification
     * again after a few seconds (RFC 4963).
     */
    static final int LIFETIME_MS = 5_000;

    private static final int INDEX_SHIFT = 16;
    private static final int OWNER_SHIFT = 48;
    private static final long REPLY = 1L << 62;
    private static final long REQUEST = 1L << 61;

    private static final int WAYS = 8;
    private static final int WORDS = 8;
    private static final int LOCK_SPINS = 1024;
    private static final int READ_TRIES = 64;

    // Words of an entry.
    private static final int VERSION = 0;
    private static final int SOURCE_HIGH = 1;
    private static final int SOURCE_LOW = 2;
    private static final int DESTINATION_HIGH = 3;
    private static final int DESTINATION_LOW = 4;
    /** Identification in the upper half, protocol and family below. */
    private static final int DATAGRAM = 5;

    /** The real server in the lowest 16 bits; of what is translated the translation above, and its owner above that. */
    private static final int WAY = 6;

    private static final int EXPIRES = 7;

    private static final VarHandle LONG =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    private static final VarHandle INT =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();

    private final HashKey key;
    private final int lifetimeMs;
    private final int setMask;
    private final long[] words;
    /** By set: 1 while somebody writes in it. */
    private final int[] locks;

    /**
     * An empty table.
     *
     * @param capacity how many datagrams it holds at the least
     * @param key so that nobody can aim at a set
     */
    public FragmentTable(int capacity, HashKey key) {
        this(capacity, key, LIFETIME_MS);
    }

    /** As before, of what lives for another time. */
    FragmentTable(int capacity, HashKey key, int lifetimeMs) {
        int wanted = Math.max(1, Math.ceilDiv(capacity, WAYS));
        int sets = wanted == 1 ? 1 : Integer.highestOneBit(wanted - 1) << 1;
        this.key = key;
        this.lifetimeMs = lifetimeMs;
        this.setMask = sets - 1;
        this.words = new long[sets * WAYS * WORDS];
        this.locks = new int[sets];
    }

    /** The keyed hash of the datagram that a fragment belongs to. */
    public long hash(PacketView fragment) {
        long datagram = datagram(fragment);
        return SipHash.hash13(
                key,
                4,
                fragment.sourceHigh(),
                fragment.sourceLow(),
                fragment.destinationHigh(),
                fragment.destinationLow(),
                38L << 56 | (datagram >>> 32 << 16) | (datagram & 0xffff));
    }

    /**
     * Remembers where a datagram goes. Any worker.
     *
     * @param first its first fragment
     * @param hash as {@link #hash} gives it
     * @param way its real server's id, or what {@link FlowExchange#wayOfReply} or {@link FlowExchange#wayOfRequest} says
     * @return false when others kept the set busy; nothing is remembered then
     */
    public boolean put(PacketView first, long hash, long way, long nowMs) {
        int set = (int) hash & setMask;
        if (!lock(set)) {
            return false;
        }
        int begin = set * WAYS * WORDS;
        int victim = begin;
        for (int entry = begin; entry < begin + WAYS * WORDS; entry += WORDS) {
            if (isOf(entry, first)) {
                victim = entry;
                break;
            }
            if (words[entry + EXPIRES] - words[victim + EXPIRES] < 0) {
                victim = entry;
            }
        }
        long version = words[victim + VERSION];
        LONG.setOpaque(words, victim + VERSION, version + 1);
        VarHandle.storeStoreFence();
        set(victim + SOURCE_HIGH, first.sourceHigh());
        set(victim + SOURCE_LOW, first.sourceLow());
        set(victim + DESTINATION_HIGH, first.destinationHigh());
        set(victim + DESTINATION_LOW, first.destinationLow());
        set(victim + DATAGRAM, datagram(first));
        set(victim + WAY, way);
        set(victim + EXPIRES, nowMs + lifetimeMs);
        LONG.setRelease(words, victim + VERSION, version + 2);
        INT.setRelease(locks, set, 0);
        return true;
    }

    /**
     * What {@link #put} was told of a fragment's datagram, or {@link #NONE}. Any worker.
     *
     * @param hash as {@link #hash} gives it
     */
    public long find(PacketView fragment, long hash, long nowMs) {
        int begin = ((int) hash & setMask) * WAYS * WORDS;
        for (int entry = begin; entry < begin + WAYS * WORDS; entry += WORDS) {
            for (int tries = 0; tries < READ_TRIES; tries++) {
                long version = (long) LONG.getAcquire(words, entry + VERSION);
                boolean found = isOf(entry, fragment);
                long way = get(entry + WAY);
                long expiresMs = get(entry + EXPIRES);
                VarHandle.loadLoadFence();
                if ((version & 1) == 0 && version == get(entry + VERSION)) {
                    if (found && expiresMs - nowMs > 0) {
                        return way;
                    }
                    break;
                }
                Thread.onSpinWait();
            }
        }
        return NONE;
    }

    /**
     * The way of a datagram that is a real server's reply.
     *
     * @param owner the worker that has the connection
     * @param index of its translation there
     */
    static long reply(int realServer, int owner, int index) {
        return REPLY | (long) owner << OWNER_SHIFT | (long) index << INDEX_SHIFT | realServer;
    }

    /** As {@link #reply}, of a datagram of the client's. */
    static long request(int realServer, int owner, int index) {
        return REQUEST | (long) owner << OWNER_SHIFT | (long) index << INDEX_SHIFT | realServer;
    }

    /** Whether a way is that of a datagram to be translated. */
    public static boolean isTranslated(long way) {
        return (way & (REPLY | REQUEST)) != 0;
    }

    /** Whether a way is a reply's. */
    public static boolean isReply(long way) {
        return (way & REPLY) != 0;
    }

    /** The real server of a way. */
    public static int realServer(long way) {
        return (int) way & 0xffff;
    }

    /** The worker that has a translated datagram's connection. */
    static int owner(long way) {
        return (int) (way >>> OWNER_SHIFT) & 0x1fff;
    }

    /** The translation there. */
    static int index(long way) {
        return (int) (way >>> INDEX_SHIFT);
    }

    /** Whether a datagram of a real server is known. Any thread; walks over the whole table. */
    public boolean holds(int realServer, long nowMs) {
        for (int entry = 0; entry < words.length; entry += WORDS) {
            if (realServer(get(entry + WAY)) == realServer && get(entry + EXPIRES) - nowMs > 0) {
                return true;
            }
        }
        return false;
    }

    private boolean isOf(int entry, PacketView fragment) {
        return get(entry + DATAGRAM) == datagram(fragment)
                && get(entry + SOURCE_LOW) == fragment.sourceLow()
                && get(entry + DESTINATION_LOW) == fragment.destinationLow()
                && get(entry + SOURCE_HIGH) == fragment.sourceHigh()
                && get(entry + DESTINATION_HIGH) == fragment.destinationHigh();
    }

    /** Never 0, which is what an entry holds that was never written. */
    private static long datagram(PacketView fragment) {
        return (long) fragment.fragmentId() << 32 | fragment.protocol() << 8 | (fragment.inet6() ? 6 : 4);
    }

    private long get(int word) {
        return (long) LONG.getOpaque(words, word);
    }

    private void set(int word, long value) {
        LONG.setOpaque(words, word, value);
    }

    private boolean lock(int set) {
        for (int spin = 0; spin < LOCK_SPINS; spin++) {
            if ((int) INT.getOpaque(locks, set) == 0 && INT.compareAndSet(locks, set, 0, 1)) {
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }
}

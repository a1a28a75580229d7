package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one neighbour that watched real servers are reached through, and whether the kernel has to be asked
 * for it: its state, its MAC address, the asking so far.
 *
 * <p>An entry that vanishes from the kernel's table (flushed, or collected because the kernel sees no traffic of its
 * own to it) takes its MAC address with it although the machine is still there. The address is then kept in use for a
 * grace period, in which the kernel resolves it afresh.
 *
 * <p>Owned by: control thread.
 */
final class Neighbour {
    /** Long enough for the kernel's three requests, one a second, to be answered or to fail. */
    static final long GRACE_MS = 3_500;

    private static final long RETRY_MS = 1_000;
    /** A stale entry becomes DELAY at once and PROBE five seconds later ({@code delay_first_probe_time}). */
    private static final long STALE_RETRY_MS = 6_000;

    private static final int USABLE = Native.NUD_REACHABLE()
            | Native.NUD_STALE()
            | Native.NUD_DELAY()
            | Native.NUD_PROBE()
            | Native.NUD_PERMANENT()
            | Native.NUD_NOARP();

    private final NeighbourEntry.Key key;
    private final Set<WatchedAddress> users = new LinkedHashSet<>();

    private int state = Native.NUD_NONE();
    private long mac;
    private boolean unreachable;
    private boolean learnedElsewhere;
    private boolean managedByOthers;
    private boolean asked;
    private int error;
    private long notBeforeMs = Long.MIN_VALUE;

    private long graceMac;
    private boolean grace;
    private long graceEndMs;
    private int failedInRound = -1;

    Neighbour(NeighbourEntry.Key key, @Nullable NeighbourEntry entry) {
        this.key = key;
        if (entry != null) {
            take(entry);
            unreachable = state == Native.NUD_FAILED();
            managedByOthers = entry.managed();
        }
    }

    NeighbourEntry.Key key() {
        return key;
    }

    /** The watched addresses whose way goes through here. */
    Set<WatchedAddress> users() {
        return users;
    }

    /** Whether packets can be sent to {@link #mac}. */
    boolean usable() {
        return grace || (state & USABLE) != 0;
    }

    /** The MAC address, 0 for none. */
    long mac() {
        return grace ? graceMac : mac;
    }

    /** Whether it was asked in vain, and has not been heard of since. */
    boolean unreachable() {
        return unreachable;
    }

    /** The {@code -errno} with which the kernel refused to ask, 0 when it did not. */
    int error() {
        return error;
    }

    boolean learnedElsewhere() {
        return learnedElsewhere;
    }

    /** Whether the kernel keeps the entry because of us, and is to be told when that ends. */
    boolean toBeReleased() {
        return asked && !managedByOthers && (state & (Native.NUD_PERMANENT() | Native.NUD_NOARP())) == 0;
    }

    /** The kernel changed or confirmed the entry. {@code round} counts the callers' rounds of notifications. */
    void update(NeighbourEntry entry, int round) {
        boolean wasUsable = (state & USABLE) != 0;
        long before = mac;
        take(entry);
        if ((state & USABLE) != 0) {
            unreachable = false;
            grace = false;
        } else if (state == Native.NUD_FAILED()) {
            if (wasUsable) {
                // The kernel deletes an entry in two steps, the first of which looks like this.
                graceMac = before;
                failedInRound = round;
            }
            grace = false;
            unreachable = true;
        }
    }

    /** The kernel dropped the entry. */
    void deleted(int round, long nowMs) {
        boolean wasUsable = (state & USABLE) != 0;
        if (wasUsable || failedInRound == round) {
            graceMac = wasUsable ? mac : graceMac;
            grace = graceMac != 0;
            graceEndMs = nowMs + GRACE_MS;
            unreachable = false;
        }
        failedInRound = -1;
        state = Native.NUD_NONE();
        mac = 0;
        asked = false;
        managedByOthers = false;
        learnedElsewhere = false;
    }

    /** Ends a grace period whose time has come; whether it did. */
    boolean endGrace(long nowMs) {
        if (!grace || nowMs < graceEndMs) {
            return false;
        }
        grace = false;
        return true;
    }

    /** Whether the kernel is to be asked to resolve, refresh or keep it. */
    boolean needsProbe() {
        if ((state & (Native.NUD_PERMANENT() | Native.NUD_NOARP())) != 0) {
            return false;
        }
        return !asked || (state & USABLE) == 0 || state == Native.NUD_STALE();
    }

    /** The earliest time of the next request. */
    long nextProbeMs() {
        return notBeforeMs;
    }

    /** The kernel was asked at this time, and answered with 0 or {@code -errno}. */
    void probed(long nowMs, int result) {
        error = result;
        asked = result == 0;
        notBeforeMs = nowMs + (state == Native.NUD_STALE() ? STALE_RETRY_MS : RETRY_MS);
    }

    private void take(NeighbourEntry entry) {
        state = entry.state();
        mac = entry.mac();
        learnedElsewhere = entry.learnedElsewhere();
    }
}

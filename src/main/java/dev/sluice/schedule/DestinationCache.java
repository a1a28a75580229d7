package dev.sluice.schedule;

import dev.sluice.packet.PacketView;
import java.util.Arrays;

/**
 * Which real servers serve which VIP: what {@code lblc} and {@code lblcr} remember for one service. Owned by: worker.
 *
 * <p>All memory is taken at once: {@value #ENTRIES} VIPs, in sets of {@value #WAYS} in which the one used longest ago makes
 * room, and {@value #MEMBERS} real servers over all of them. A VIP unused for a day is forgotten, as with
 * {@code lblc_expiration} and {@code lblcr_expiration}.
 */
final class DestinationCache {
    static final int NONE = -1;
    static final int ENTRIES = 1024;
    static final int MEMBERS = 8192;
    /** The default of both sysctls. */
    static final long EXPIRATION_MS = 24 * 60 * 60 * 1000L;

    private static final int WAYS = 8;
    private static final int SETS = ENTRIES / WAYS;

    private final boolean[] used = new boolean[ENTRIES];
    private final long[] high = new long[ENTRIES];
    private final long[] low = new long[ENTRIES];
    private final long[] lastUseMs = new long[ENTRIES];
    /** When a real server was last added or taken away. */
    private final long[] changedMs = new long[ENTRIES];

    private final int[] size = new int[ENTRIES];
    /** The real server added last. */
    private final int[] firstMember = new int[ENTRIES];

    private final int[] memberId = new int[MEMBERS];
    /** The next member of the same entry, or of the free ones. */
    private final int[] nextMember = new int[MEMBERS];

    private int freeMember;

    DestinationCache() {
        Arrays.setAll(nextMember, member -> member + 1 == MEMBERS ? NONE : member + 1);
    }

    /** The entry of the packet's VIP, used now, or {@link #NONE}. */
    int find(PacketView packet, long nowMs) {
        int first = firstOfSet(packet);
        for (int entry = first; entry < first + WAYS; entry++) {
            if (used[entry] && low[entry] == packet.destinationLow() && high[entry] == packet.destinationHigh()) {
                if (nowMs - lastUseMs[entry] > EXPIRATION_MS) {
                    release(entry);
                    return NONE;
                }
                lastUseMs[entry] = nowMs;
                return entry;
            }
        }
        return NONE;
    }

    /** A new entry, without real servers yet, of a VIP that {@link #find} has just missed. */
    int enter(PacketView packet, long nowMs) {
        int first = firstOfSet(packet);
        int oldest = first;
        for (int entry = first; entry < first + WAYS && used[oldest]; entry++) {
            if (!used[entry] || lastUseMs[entry] - lastUseMs[oldest] < 0) {
                oldest = entry;
            }
        }
        if (used[oldest]) {
            release(oldest);
        }
        used[oldest] = true;
        high[oldest] = packet.destinationHigh();
        low[oldest] = packet.destinationLow();
        lastUseMs[oldest] = nowMs;
        firstMember[oldest] = NONE;
        size[oldest] = 0;
        return oldest;
    }

    private static int firstOfSet(PacketView packet) {
        long mixed = (packet.destinationHigh() * 31 + packet.destinationLow()) * 0x9e3779b97f4a7c15L;
        mixed ^= mixed >>> 32;
        return (int) ((mixed * 0xff51afd7ed558ccdL) >>> 40) % SETS * WAYS;
    }

    private void release(int entry) {
        clear(entry);
        used[entry] = false;
    }

    /** Takes all real servers away. */
    void clear(int entry) {
        int member = firstMember[entry];
        while (member != NONE) {
            int next = nextMember[member];
            free(member);
            member = next;
        }
        firstMember[entry] = NONE;
        size[entry] = 0;
    }

    /** Adds a real server in front, unless it is there or no room is left at all. */
    void add(int entry, int id, long nowMs) {
        for (int member = firstMember[entry]; member != NONE; member = nextMember[member]) {
            if (memberId[member] == id) {
                return;
            }
        }
        int member = freeMember;
        if (member == NONE) {
            return;
        }
        freeMember = nextMember[member];
        memberId[member] = id;
        nextMember[member] = firstMember[entry];
        firstMember[entry] = member;
        size[entry]++;
        changedMs[entry] = nowMs;
    }

    /** Takes a real server away, if it is there. */
    void remove(int entry, int id, long nowMs) {
        int before = NONE;
        for (int member = firstMember[entry]; member != NONE; member = nextMember[member]) {
            if (memberId[member] == id) {
                if (before == NONE) {
                    firstMember[entry] = nextMember[member];
                } else {
                    nextMember[before] = nextMember[member];
                }
                free(member);
                size[entry]--;
                changedMs[entry] = nowMs;
                return;
            }
            before = member;
        }
    }

    private void free(int member) {
        nextMember[member] = freeMember;
        freeMember = member;
    }

    /** How many real servers the entry has. */
    int size(int entry) {
        return size[entry];
    }

    /** When the entry's real servers last changed. */
    long changedMs(int entry) {
        return changedMs[entry];
    }

    /** The entry's newest member, {@link #NONE} if it has none. */
    int firstMember(int entry) {
        return firstMember[entry];
    }

    /** The next older member, {@link #NONE} after the oldest. */
    int nextMember(int member) {
        return nextMember[member];
    }

    /** The id of a member's real server. */
    int idOf(int member) {
        return memberId[member];
    }
}

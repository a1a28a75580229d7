package dev.sluice.schedule;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel's schedulers choose, written down from ip_vs_*.c as plainly as can be, for one service: a list of
 * destinations, newest first, with their counts. What a worker remembers is in {@link Worker}.
 */
final class KernelOracle {
    static final long DAY_MS = 24 * 60 * 60 * 1000L;

    /** struct ip_vs_dest. */
    static final class Destination {
        final int id;
        final long foldedAddress;
        int weight;
        int lastWeight;
        int active;
        int inactive;
        boolean available;
        /** IP_VS_DEST_F_OVERLOAD. */
        boolean overload;

        Destination(int id, long foldedAddress) {
            this.id = id;
            this.foldedAddress = foldedAddress;
        }

        long overhead() {
            return active * 256L + inactive;
        }
    }

    /** struct ip_vs_lblc_entry and ip_vs_lblcr_entry. */
    private static final class Entry {
        final List<Destination> set = new ArrayList<>();
        long lastUseMs;
        long changedMs;
    }

    /** A worker's cache of destinations. */
    static final class Worker {
        private final Map<Long, Entry> cache = new HashMap<>();
    }

    final List<Destination> destinations = new ArrayList<>();

    @Nullable
    Destination lc() {
        Destination least = null;
        for (Destination dest : destinations) {
            if (dest.overload) {
                continue;
            }
            if (dest.weight > 0 && (least == null || dest.overhead() < least.overhead())) {
                least = dest;
            }
        }
        return least;
    }

    @Nullable
    Destination wlc() {
        return leastByWeight(destinations, true);
    }

    @Nullable
    Destination sed() {
        return leastByWeight(destinations, false);
    }

    private static @Nullable Destination leastByWeight(List<Destination> list, boolean overhead) {
        Destination least = null;
        for (Destination dest : list) {
            if (dest.overload || dest.weight == 0 || !dest.available) {
                continue;
            }
            if (least == null) {
                least = dest;
                continue;
            }
            long leastLoad = overhead ? least.overhead() : least.active + 1L;
            long load = overhead ? dest.overhead() : dest.active + 1L;
            if (leastLoad * dest.weight > load * least.weight) {
                least = dest;
            }
        }
        return least;
    }

    @Nullable
    Destination nq() {
        for (Destination dest : destinations) {
            if (!dest.overload && dest.weight > 0 && dest.active == 0) {
                return dest;
            }
        }
        return sed();
    }

    @Nullable
    Destination fo() {
        Destination highest = null;
        for (Destination dest : destinations) {
            if (!dest.overload && dest.weight > (highest == null ? 0 : highest.weight)) {
                highest = dest;
            }
        }
        return highest;
    }

    @Nullable
    Destination ovf() {
        Destination highest = null;
        for (Destination dest : destinations) {
            if (dest.overload || dest.weight == 0 || dest.active > dest.weight) {
                continue;
            }
            if (highest == null || dest.weight > highest.weight) {
                highest = dest;
            }
        }
        return highest;
    }

    @Nullable
    Destination lblc(Worker worker, long vip, long nowMs) {
        Entry entry = entry(worker, vip, nowMs);
        if (entry != null) {
            entry.lastUseMs = nowMs;
            Destination dest = entry.set.getFirst();
            if (dest.available && dest.weight > 0 && !overloaded(dest)) {
                return dest;
            }
        }
        Destination dest = wlc();
        if (dest != null) {
            Entry fresh = new Entry();
            fresh.lastUseMs = nowMs;
            fresh.set.add(dest);
            worker.cache.put(vip, fresh);
        }
        return dest;
    }

    @Nullable
    Destination lblcr(Worker worker, long vip, long nowMs) {
        Entry entry = entry(worker, vip, nowMs);
        if (entry != null) {
            entry.lastUseMs = nowMs;
            Destination dest = leastByWeight(entry.set, true);
            if (entry.set.size() > 1 && nowMs > entry.changedMs + DAY_MS) {
                Destination most = most(entry.set);
                if (most != null) {
                    entry.set.remove(most);
                    entry.changedMs = nowMs;
                }
            }
            if (dest != null && !overloaded(dest)) {
                return dest;
            }
            dest = wlc();
            if (dest != null && !entry.set.contains(dest)) {
                entry.set.addFirst(dest);
                entry.changedMs = nowMs;
            }
            return dest;
        }
        Destination dest = wlc();
        if (dest != null) {
            Entry fresh = new Entry();
            fresh.lastUseMs = nowMs;
            fresh.changedMs = nowMs;
            fresh.set.add(dest);
            worker.cache.put(vip, fresh);
        }
        return dest;
    }

    private static @Nullable Entry entry(Worker worker, long vip, long nowMs) {
        Entry entry = worker.cache.get(vip);
        if (entry != null && nowMs > entry.lastUseMs + DAY_MS) {
            worker.cache.remove(vip);
            return null;
        }
        return entry;
    }

    private static @Nullable Destination most(List<Destination> set) {
        Destination most = null;
        for (Destination dest : set) {
            if (dest.weight == 0 || !dest.available) {
                continue;
            }
            if (most == null || most.overhead() * dest.weight < dest.overhead() * most.weight) {
                most = dest;
            }
        }
        return most;
    }

    private boolean overloaded(Destination dest) {
        return dest.active > dest.weight && destinations.stream().anyMatch(other -> other.active * 2 < other.weight);
    }

    /** {@code sh} and {@code dh}: 256 slots, dealt by weight in {@code sh} only. */
    @Nullable
    Destination slots(boolean byWeight, boolean fallback, long key) {
        if (destinations.isEmpty()) {
            return null;
        }
        List<Destination> slots = new ArrayList<>();
        while (slots.size() < 256) {
            for (Destination dest : destinations) {
                for (int i = 0; i < (byWeight ? Math.clamp(dest.weight, 1, 256) : 1); i++) {
                    slots.add(dest);
                }
            }
        }
        int hash = (int) ((key * 0x61C88647L & 0xffff_ffffL) >> 24);
        if (takes(slots.get(hash))) {
            return slots.get(hash);
        }
        for (int offset = 0; fallback && offset < 256; offset++) {
            // ip_vs_sh_hashkey() adds the hash to an offset that contains it already.
            Destination dest = slots.get((hash + (hash + offset) % 256) % 256);
            if (takes(dest)) {
                return dest;
            }
        }
        return null;
    }

    /** {@code mh}'s lookup table; of nulls when nobody has or had a weight. */
    @Nullable
    Destination[] mhTable(int size, int tableBits) {
        Destination[] table = new Destination[size];
        int divisor = 0;
        int highest = 0;
        for (Destination dest : destinations) {
            highest = Math.max(highest, dest.lastWeight);
            divisor = java.math.BigInteger.valueOf(divisor)
                    .gcd(java.math.BigInteger.valueOf(dest.lastWeight))
                    .intValue();
        }
        if (divisor == 0) {
            return table;
        }
        int shift = 0;
        while (Integer.toBinaryString(highest / divisor).length() - shift > tableBits / 2) {
            shift++;
        }
        Map<Destination, Long> place = new HashMap<>();
        destinations.forEach(dest -> place.put(dest, hsiphash(2654435761L, dest.foldedAddress) % size));
        int filled = 0;
        while (true) {
            for (Destination dest : destinations) {
                int turns = (dest.lastWeight / divisor) >> shift;
                turns = turns == 0 && dest.lastWeight != 0 ? 1 : turns;
                for (int turn = 0; turn < turns; turn++) {
                    long at = place.getOrDefault(dest, 0L);
                    while (table[(int) at] != null) {
                        at = (at + hsiphash(2654446892L, dest.foldedAddress) % (size - 1) + 1) % size;
                    }
                    place.put(dest, at);
                    table[(int) at] = dest;
                    if (++filled == size) {
                        return table;
                    }
                }
            }
        }
    }

    @Nullable
    Destination mh(@Nullable Destination[] table, boolean fallback, long key) {
        int hash = (int) (hsiphash(2654435761L, key) % table.length);
        Destination dest = table[hash];
        if (dest == null || takes(dest)) {
            return dest;
        }
        for (int offset = 0; fallback && offset < table.length; offset++) {
            long shifted = key + (offset + hash) % table.length;
            dest = table[(int) (hsiphash(2654435761L, shifted) % table.length)];
            if (dest != null && takes(dest)) {
                return dest;
            }
        }
        return null;
    }

    /** What ip_vs_sh.c and ip_vs_mh.c call the opposite of unavailable. */
    private static boolean takes(Destination dest) {
        return dest.weight > 0 && !dest.overload;
    }

    /** struct ip_vs_wrr_mark: where wrr stands; the list's head is position -1. */
    static final class Mark {
        int at = -1;
        int weight;
    }

    @Nullable
    Destination wrr(Mark mark) {
        int step = 0;
        int top = 0;
        for (Destination dest : destinations) {
            step = java.math.BigInteger.valueOf(step)
                    .gcd(java.math.BigInteger.valueOf(dest.weight))
                    .intValue();
            top = Math.max(top, dest.weight);
        }
        step = Math.max(1, step);
        top -= step - 1;
        if (top == 0) {
            return null;
        }
        int last = mark.at;
        int stop = -1;
        boolean lastPass = false;
        boolean restarted = false;
        int at = mark.at;
        while (true) {
            for (at++; at < destinations.size(); at++) {
                Destination dest = destinations.get(at);
                if (!dest.overload && dest.weight >= mark.weight) {
                    mark.at = at;
                    return dest;
                }
                if (at == stop) {
                    mark.at = at;
                    return null;
                }
            }
            at = -1;
            mark.weight -= step;
            if (mark.weight <= 0) {
                mark.weight = top;
                if (lastPass || last == -1) {
                    mark.at = -1;
                    return null;
                }
                restarted = true;
            }
            lastPass = mark.weight <= step;
            if (lastPass && restarted && last != -1) {
                stop = last;
            }
        }
    }

    private static long hsiphash(long key, long value) {
        return SipHash.hash13(new HashKey(key, key), 0, 0, 0, 0, 0, 4L << 56 | (value & 0xffff_ffffL)) & 0xffff_ffffL;
    }
}

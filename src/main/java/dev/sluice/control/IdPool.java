package dev.sluice.control;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiPredicate;

/**
 * Gives out small numbers as ids. The id of what was removed is kept for it, as IPVS keeps removed real servers in its trash,
 * until nobody holds the id any more; then it may become another's.
 *
 * <p>Owned by: control thread.
 *
 * @param <K> what ids are for; compared by equality
 */
final class IdPool<K> {
    /** No id is free. */
    static final int NONE = -1;

    private final int limit;
    private final BitSet taken;
    private final Map<K, Integer> removed;

    /**
     * A pool whose ids are unused, but for some that are kept for what had them earlier.
     *
     * @param limit ids lie below it
     * @param kept ids as if their owners had been removed
     */
    IdPool(int limit, Map<K, Integer> kept) {
        this.limit = limit;
        taken = new BitSet();
        kept.values().forEach(taken::set);
        removed = new HashMap<>(kept);
    }

    /** A copy that goes its own way. */
    IdPool(IdPool<K> other) {
        limit = other.limit;
        taken = (BitSet) other.taken.clone();
        removed = new HashMap<>(other.removed);
    }

    /** The id that the same key had before it was removed, or {@link #NONE}; it is in use again. */
    int takeBack(K key) {
        Integer id = removed.remove(key);
        return id == null ? NONE : id;
    }

    /** An id that nobody has or holds, or {@link #NONE}. */
    int takeNew() {
        int id = taken.nextClearBit(0);
        if (id >= limit) {
            return NONE;
        }
        taken.set(id);
        return id;
    }

    /** Its owner is gone, though others may hold the id. */
    void remove(K key, int id) {
        removed.put(key, id);
    }

    /**
     * Frees ids of removed owners.
     *
     * @param free whether nobody refers to the id that a removed owner had
     */
    void reclaim(BiPredicate<K, Integer> free) {
        removed.entrySet().removeIf(entry -> {
            boolean reclaimed = free.test(entry.getKey(), entry.getValue());
            if (reclaimed) {
                taken.clear(entry.getValue());
            }
            return reclaimed;
        });
    }

    /** What was removed and has its id kept. */
    Map<K, Integer> removed() {
        return Map.copyOf(removed);
    }
}

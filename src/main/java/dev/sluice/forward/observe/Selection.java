package dev.sluice.forward.observe;

import dev.sluice.forward.Counter;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which of the packets that a {@link PacketFilter} lets through are kept. Immutable; any thread.
 *
 * @param every all of them, whatever becomes of them; else only those that {@code reasons} name
 * @param reasons drops by reason, and events such as {@link Counter#FLOW_NEW}
 * @param oneIn of those, one in so many on average
 * @param detailed whether the worker's flow entry is looked up before and after, for {@code sluice trace}
 */
public record Selection(boolean every, Set<Counter> reasons, int oneIn, boolean detailed) {
    /** What tells that a packet was given to a scheduler, or would have been had there been room to remember it. */
    public static final Set<Counter> MISSES = Set.of(
            Counter.FLOW_NEW,
            Counter.FLOW_NEW_SLOPPY,
            Counter.FLOW_REUSED,
            Counter.FLOW_NODEST_EXPIRED,
            Counter.FLOW_ADOPTED,
            Counter.FLOW_TABLE_FULL,
            Counter.FLOW_HALF_OPEN_FULL,
            Counter.FLOW_RATE_LIMITED,
            Counter.ONE_PACKET);

    /** Drops that leave nothing to look at: the frames were given back before there was a packet. */
    public static final Set<Counter> UNSEEN = Set.of(Counter.TOO_MANY_FRAMES);

    /** Copies the reasons; throws {@link IllegalArgumentException} for those that cannot be told of a single packet. */
    public Selection {
        reasons = Set.copyOf(reasons);
        if (oneIn < 1) {
            throw new IllegalArgumentException("one packet in " + oneIn);
        }
        if (reasons.isEmpty() != every) {
            throw new IllegalArgumentException("either every packet or some by reason");
        }
        for (Counter reason : reasons) {
            if (UNSEEN.contains(reason) || !(reason.kind() == Counter.Kind.DROP || MISSES.contains(reason))) {
                throw new IllegalArgumentException(reason.label() + " cannot be told of a single packet");
            }
        }
    }

    /** All drops that a packet can be seen of. */
    public static Set<Counter> drops() {
        EnumSet<Counter> drops = EnumSet.noneOf(Counter.class);
        for (Counter counter : Counter.values()) {
            if (counter.kind() == Counter.Kind.DROP && !UNSEEN.contains(counter)) {
                drops.add(counter);
            }
        }
        return drops;
    }

    boolean hasDrops() {
        return reasons.stream().anyMatch(reason -> reason.kind() == Counter.Kind.DROP);
    }

    boolean hasMisses() {
        return reasons.stream().anyMatch(MISSES::contains);
    }

    /** By {@link Counter#index}. */
    boolean[] byIndex() {
        return byIndex(reasons);
    }

    /** As {@link #byIndex}, without drops. */
    boolean[] missesByIndex() {
        return byIndex(reasons.stream().filter(MISSES::contains).collect(Collectors.toSet()));
    }

    private static boolean[] byIndex(Set<Counter> counters) {
        boolean[] wanted = new boolean[Counter.values().length];
        counters.forEach(counter -> wanted[counter.index()] = true);
        return wanted;
    }
}

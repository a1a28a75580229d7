package dev.sluice.cli.log;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * How many log records of a kind may be written: a number at once, then so many a second. What is held back is counted, and told of
 * now and then. Owned by: whoever guards it with a lock.
 */
final class RateLimit {
    /** Kinds that are told apart; beyond that all share one allowance. Messages are the program's own, so there are far fewer. */
    private static final int MAX_KINDS = 1024;

    private static final double NS = 1e9;

    private final int burst;
    private final double perSecond;
    private final long periodNs;
    private final Map<String, Kind> kinds = new HashMap<>();

    private static final class Kind {
        double allowed;
        long atNs;
        long heldBack;
        long sinceNs;
        String last = "";
    }

    /**
     * What was held back.
     *
     * @param kind of which kind
     * @param count how many
     * @param seconds in how many seconds
     * @param last the latest of them
     */
    record HeldBack(String kind, long count, long seconds, String last) {}

    /**
     * @param burst how many of a kind at once
     * @param perSecond how many more become allowed in a second
     * @param periodNs how often what was held back is told of
     */
    RateLimit(int burst, double perSecond, long periodNs) {
        this.burst = burst;
        this.perSecond = perSecond;
        this.periodNs = periodNs;
    }

    /**
     * Whether a record may be written; else it is counted.
     *
     * @param kind what all of its kind have in common
     * @param nowNs by {@link System#nanoTime}
     */
    boolean admit(String kind, long nowNs) {
        Kind found = kinds.get(kind);
        if (found == null) {
            found = kinds.computeIfAbsent(kinds.size() < MAX_KINDS ? kind : "", _ -> {
                Kind fresh = new Kind();
                fresh.allowed = burst;
                fresh.atNs = nowNs;
                return fresh;
            });
        }
        found.allowed = Math.min(burst, found.allowed + (nowNs - found.atNs) / NS * perSecond);
        found.atNs = nowNs;
        // None while others wait to be told of: what is told comes in the order in which it happened.
        if (found.allowed >= 1 && found.heldBack == 0) {
            found.allowed--;
            return true;
        }
        return false;
    }

    /** Counts a record that was not admitted. */
    void holdBack(String kind, String text, long nowNs) {
        Kind found = kinds.getOrDefault(kind, kinds.get(""));
        if (found != null) {
            if (found.heldBack++ == 0) {
                found.sinceNs = nowNs;
            }
            found.last = text;
        }
    }

    /** Whether anything is held back. */
    boolean isHolding() {
        return kinds.values().stream().anyMatch(kind -> kind.heldBack > 0);
    }

    /**
     * What there is to tell of.
     *
     * @param all whether of everything; else of what has been held back for the whole period
     */
    List<HeldBack> due(long nowNs, boolean all) {
        List<HeldBack> due = new ArrayList<>();
        Iterator<Map.Entry<String, Kind>> entries = kinds.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry<String, Kind> entry = entries.next();
            Kind kind = entry.getValue();
            if (kind.heldBack > 0 && (all || nowNs - kind.sinceNs >= periodNs)) {
                due.add(new HeldBack(
                        entry.getKey(),
                        kind.heldBack,
                        Math.max(1, Math.round((nowNs - kind.sinceNs) / NS)),
                        kind.last));
                kind.heldBack = 0;
            } else if (kind.heldBack == 0 && (nowNs - kind.atNs) / NS * perSecond > burst) {
                entries.remove();
            }
        }
        return due;
    }
}

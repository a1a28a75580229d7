package dev.sluice.control;

import dev.sluice.health.HealthListener;
import dev.sluice.health.Target;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Gathers what checks find out, the latest for each real server, until the control thread has time for it: many that fail at
 * once are one change. Any thread.
 */
final class HealthEvents implements HealthListener {
    private Map<Target, Event> events = new LinkedHashMap<>();

    /** A real server is up or down now. */
    record Event(boolean up, String reason) {}

    @Override
    public synchronized void changed(Target target, boolean up, String reason) {
        events.put(target, new Event(up, reason));
    }

    /** As {@link #changed}, for a state that was looked up and is older than one that was reported. */
    synchronized void lookedUp(Target target, boolean up, String reason) {
        events.putIfAbsent(target, new Event(up, reason));
    }

    /** Forgets what was said of all other targets. */
    synchronized void retain(Set<Target> targets) {
        events.keySet().retainAll(targets);
    }

    /** What has come since the last call, in the order in which it came. */
    synchronized Map<Target, Event> take() {
        if (events.isEmpty()) {
            return Map.of();
        }
        Map<Target, Event> taken = events;
        events = new LinkedHashMap<>();
        return taken;
    }
}

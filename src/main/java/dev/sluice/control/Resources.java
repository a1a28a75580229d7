package dev.sluice.control;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What the director has acquired, released in reverse order: also after a start that failed half-way, and also when
 * releasing one of them fails.
 *
 * <p>Owned by: control thread.
 */
final class Resources implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Resources.class.getName());

    private final Deque<Entry> entries = new ArrayDeque<>();

    private record Entry(String what, AutoCloseable resource) {}

    /** Takes a resource over and hands it back. */
    <T extends AutoCloseable> T add(String what, T resource) {
        entries.push(new Entry(what, resource));
        return resource;
    }

    /** Takes over something to be done at the end. */
    void onClose(String what, AutoCloseable action) {
        entries.push(new Entry(what, action));
    }

    @Override
    public void close() {
        while (!entries.isEmpty()) {
            Entry entry = entries.pop();
            try {
                entry.resource.close();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (Exception e) {
                LOG.log(Level.WARNING, "could not release {0}: {1}", entry.what, e.getMessage());
            }
        }
    }
}

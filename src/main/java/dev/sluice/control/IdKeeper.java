package dev.sluice.control;

import java.io.IOException;

/** Keeps ids for the next director where connections outlive this one. Owned by: control thread. */
@FunctionalInterface
interface IdKeeper {
    /**
     * Keeps them before any worker learns a new one.
     *
     * @throws IOException when they could not be kept; those kept before still are
     */
    void save(KnownIds ids) throws IOException;

    /** For connections that end with the director. */
    static void none(KnownIds ids) {}
}

package dev.sluice.control.http;

import dev.sluice.control.admin.AdminException;

/** Where readings come from. Any thread. */
public interface Source {
    /**
     * All there is.
     *
     * @throws AdminException {@code not_ready} when the director is about to stop
     */
    Reading read() throws AdminException;

    /**
     * What services and real servers have got so far. By one thread at a time.
     *
     * @throws AdminException as {@link #read}
     */
    Sample sample() throws AdminException;
}

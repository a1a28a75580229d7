package dev.sluice.control.admin;

import dev.sluice.ffi.PeerProcess;
import java.lang.reflect.Method;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * The process id of whoever opened a connection. The JDK asks the kernel for it together with user and group and keeps it to itself;
 * so the channel's descriptor is asked for, which the jar's manifest opens ({@code Add-Exports}). Where that does not work the id is
 * not known, and all else goes on. Any thread.
 */
final class PeerId {
    /** Not known. */
    static final int UNKNOWN = 0;

    private static final @Nullable Method DESCRIPTOR = descriptor();

    private PeerId() {}

    private static @Nullable Method descriptor() {
        try {
            return Class.forName("sun.nio.ch.SelChImpl").getMethod("getFDVal");
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    /** The id, or {@link #UNKNOWN}. */
    static int of(SocketChannel connection) {
        if (DESCRIPTOR == null) {
            return UNKNOWN;
        }
        try {
            return PeerProcess.id((int) DESCRIPTOR.invoke(connection));
        } catch (ReflectiveOperationException e) {
            return UNKNOWN;
        }
    }
}

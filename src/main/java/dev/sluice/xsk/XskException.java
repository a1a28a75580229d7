package dev.sluice.xsk;

import dev.sluice.ffi.NativeException;

/**
 * A UMEM or an AF_XDP socket cannot be had as asked for. The message is one line for the user: which interface and
 * queue, what is wrong, what would help. The cause is the native call that failed.
 */
public class XskException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int errno;

    XskException(String message, NativeException cause) {
        super(message, cause);
        errno = cause.errno();
    }

    /** The positive error number of the call that failed. */
    public final int errno() {
        return errno;
    }
}

package dev.sluice.ffi;

import java.util.Objects;

/**
 * A native call failed. The message names the call, its arguments and the error:
 * {@code bind(fd=7, sockaddr_nl): Operation not permitted (EPERM)}.
 */
public final class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String call;
    private final int errno;

    /**
     * @param call the call as a reader of C would write it, with the arguments that matter
     * @param errno the positive error number
     */
    public NativeException(String call, int errno) {
        super(Objects.requireNonNull(call) + ": " + Errno.describe(errno));
        this.call = call;
        this.errno = errno;
    }

    /** The failed call with its arguments. */
    public String call() {
        return call;
    }

    /** The positive error number. */
    public int errno() {
        return errno;
    }

    /**
     * Passes a result that is not negative on, and throws for one that is an error number with its sign turned, which
     * is how the kernel, libbpf and {@link LibC} report failure.
     */
    public static int check(int result, String call) {
        if (result < 0) {
            throw new NativeException(call, -result);
        }
        return result;
    }

    /** As {@link #check(int, String)}, for calls that return a {@code long}. */
    public static long check(long result, String call) {
        if (result < 0) {
            throw new NativeException(call, (int) -result);
        }
        return result;
    }
}

package dev.sluice.xsk;

import dev.sluice.ffi.NativeException;

/** The limit on locked memory is too small for a UMEM, whose frames the kernel pins. */
public final class MemlockException extends XskException {
    private static final long serialVersionUID = 1;

    private final long neededBytes;
    private final long limitBytes;

    MemlockException(long neededBytes, long limitBytes, NativeException cause) {
        super(
                "memlock limit too small: a UMEM needs " + neededBytes + " bytes of locked memory and the limit is "
                        + (limitBytes < 0 ? "unlimited" : limitBytes + " bytes for all UMEMs of the user")
                        + "; raise `ulimit -l` (systemd: LimitMEMLOCK=) or grant CAP_IPC_LOCK",
                cause);
        this.neededBytes = neededBytes;
        this.limitBytes = limitBytes;
    }

    /** What this UMEM needs. Other UMEMs of the same user count against the same limit. */
    public long neededBytes() {
        return neededBytes;
    }

    /** The soft {@code RLIMIT_MEMLOCK}; negative for none. */
    public long limitBytes() {
        return limitBytes;
    }
}

package dev.sluice.control.preflight;

/** The capabilities that matter here, by their bit in linux/capability.h; see capabilities(7). */
enum Capability {
    CAP_NET_ADMIN(12),
    CAP_NET_RAW(13),
    CAP_IPC_LOCK(14),
    CAP_SYS_ADMIN(21),
    CAP_PERFMON(38),
    CAP_BPF(39);

    private final int bit;

    Capability(int bit) {
        this.bit = bit;
    }

    /** Whether a set, as {@code CapEff} of /proc/self/status gives it, holds this one. */
    boolean in(long set) {
        return (set >>> bit & 1) != 0;
    }
}

package dev.sluice.bpf;

/** How an XDP program is attached to an interface. */
public enum AttachMode {
    /** Native where the driver has it, generic otherwise. */
    AUTO,
    /** In the driver, before the kernel has made an skb. */
    NATIVE,
    /** In the kernel's receive path after the skb is made: every interface has it, at a price. */
    GENERIC
}

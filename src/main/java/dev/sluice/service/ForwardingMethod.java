package dev.sluice.service;

/** How packets reach a real server; LVS calls it the packet-forwarding method. */
public enum ForwardingMethod {
    /** Direct routing (gatewaying, {@code ipvsadm -g}): only the MAC addresses change. */
    DR("dr"),
    /** Tunneling ({@code ipvsadm -i}): the packet is encapsulated, and may cross routers. */
    TUN("tun"),
    /** Network address translation (masquerading, {@code ipvsadm -m}): addresses and port are rewritten, both ways. */
    NAT("nat"),
    /** Translation of both addresses ({@code ipvsadm -b}, as DPVS has it): real servers see a local address of the director's. */
    FULLNAT("fullnat");

    private final String keyword;

    ForwardingMethod(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }

    /** Whether a real server's port may be another than the service's. */
    public boolean translatesPort() {
        return isTranslation();
    }

    /** Whether addresses are rewritten, and replies come back through the director. */
    public boolean isTranslation() {
        return this == NAT || this == FULLNAT;
    }

    /** Whether a real server's address may be of another family than the service's. */
    public boolean crossesFamilies() {
        return this == TUN || this == FULLNAT;
    }
}

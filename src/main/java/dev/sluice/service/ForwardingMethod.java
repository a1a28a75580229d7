package dev.sluice.service;

/** How packets reach a real server; LVS calls it the packet-forwarding method. */
public enum ForwardingMethod {
    /** Direct routing (gatewaying, {@code ipvsadm -g}): only the MAC addresses change. */
    DR("dr"),
    /** Tunneling ({@code ipvsadm -i}): the packet is encapsulated, and may cross routers. */
    TUN("tun"),
    /** Network address translation (masquerading, {@code ipvsadm -m}): addresses and port are rewritten, both ways. */
    NAT("nat");

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
        return this == NAT;
    }
}

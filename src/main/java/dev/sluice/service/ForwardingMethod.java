package dev.sluice.service;

import java.util.EnumSet;
import java.util.Set;

/** How packets reach a real server; LVS calls it the packet-forwarding method. */
public enum ForwardingMethod {
    /** Direct routing (gatewaying, {@code ipvsadm -g}): only the MAC addresses change. */
    DR("dr"),
    /** Tunneling ({@code ipvsadm -i}): the packet is encapsulated, and may cross routers. */
    TUN("tun"),
    /** Network address translation (masquerading, {@code ipvsadm -m}): addresses and port are rewritten, both ways. */
    NAT("nat");

    /** Those by which the datapath forwards; a director refuses the others. */
    public static final Set<ForwardingMethod> AVAILABLE = Set.copyOf(EnumSet.of(DR, TUN, NAT));

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

    /** What to say of a method that is not {@link #AVAILABLE}. */
    public String notAvailable() {
        return "method " + keyword + " is not available yet; there are dr, tun and nat";
    }
}

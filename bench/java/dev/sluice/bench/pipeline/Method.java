package dev.sluice.bench.pipeline;

import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import org.jspecify.annotations.Nullable;

/** How packets are forwarded. */
public enum Method {
    /** Direct routing. */
    DR,
    /** IP in IP. */
    TUN,
    /** Generic routing encapsulation, without checksums. */
    GRE,
    /** Generic UDP encapsulation, without checksums. */
    GUE,
    /** Generic UDP encapsulation with the checksum of UDP. */
    GUE_CSUM,
    /** Address translation, with port mapping. */
    NAT;

    private static final int GUE_PORT = 6080;

    /** As real servers have it. */
    ForwardingMethod forwarding() {
        return switch (this) {
            case DR -> ForwardingMethod.DR;
            case TUN, GRE, GUE, GUE_CSUM -> ForwardingMethod.TUN;
            case NAT -> ForwardingMethod.NAT;
        };
    }

    /** How packets are encapsulated; null when they are not. */
    @Nullable
    Tunnel tunnel() {
        return switch (this) {
            case DR, NAT -> null;
            case TUN -> Tunnel.IPIP;
            case GRE -> new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.NONE);
            case GUE -> new Tunnel(TunnelType.GUE, GUE_PORT, Tunnel.Checksum.NONE);
            case GUE_CSUM -> new Tunnel(TunnelType.GUE, GUE_PORT, Tunnel.Checksum.CSUM);
        };
    }

    /** Whether the C baseline has it. */
    boolean hasBaseline() {
        return this == DR || this == TUN || this == NAT;
    }
}

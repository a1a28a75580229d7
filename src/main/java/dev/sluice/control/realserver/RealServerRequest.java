package dev.sluice.control.realserver;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.TunnelType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a real server is to be set up for.
 *
 * @param interfaceName where the director's packets arrive
 * @param vips in their natural order, each once
 * @param method how the director forwards to it
 * @param tunnelType with {@link ForwardingMethod#TUN} what the director wraps packets in, else null
 * @param tunnelPort the UDP port of GUE, else 0
 * @param decapsulation who takes the outer headers off; without meaning for {@link ForwardingMethod#DR}
 */
public record RealServerRequest(
        String interfaceName,
        List<IpAddress> vips,
        ForwardingMethod method,
        @Nullable TunnelType tunnelType,
        int tunnelPort,
        Decapsulation decapsulation) {
    /** The port that ipvsadm's examples and IANA have for GUE. */
    public static final int DEFAULT_GUE_PORT = 6080;

    /** Who ends the tunnels. */
    public enum Decapsulation {
        /** The kernel's devices where it has them, the XDP program otherwise. */
        AUTO,
        /** The kernel's devices. */
        DEVICE,
        /** The XDP program. */
        XDP
    }

    /** Sorts the VIPs and drops repeated ones. */
    public RealServerRequest {
        vips = List.copyOf(new TreeSet<>(vips));
    }

    /** What is wrong with the request by itself, whatever the host: a line each, fit for users. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        for (IpAddress vip : vips) {
            if (vip.isMulticast() || vip.isLoopback() || vip.isUnspecified() || isLinkLocal(vip)) {
                problems.add("--vip " + vip + ": a VIP is a unicast address that clients reach, such as 10.0.0.100");
            }
        }
        if (interfaceName.equals("lo")) {
            problems.add("--interface lo: name the interface at which the director's packets arrive, such as eth1");
        }
        return problems;
    }

    private static boolean isLinkLocal(IpAddress address) {
        return switch (address.family()) {
            case INET -> address.low() >>> 16 == 0xa9fe;
            case INET6 -> address.high() >>> 54 == 0xfe80 >>> 6;
        };
    }

    /** {@code tun ipip for 10.0.0.100, 2001:db8::100}. */
    @Override
    public String toString() {
        StringBuilder words = new StringBuilder(method.name().toLowerCase(Locale.ROOT));
        if (tunnelType != null) {
            words.append(' ').append(tunnelType.name().toLowerCase(Locale.ROOT));
        }
        if (tunnelPort != 0) {
            words.append(" port ").append(tunnelPort);
        }
        if (decapsulation != Decapsulation.AUTO) {
            words.append(" by ").append(decapsulation.name().toLowerCase(Locale.ROOT));
        }
        List<String> addresses = vips.stream().map(IpAddress::toString).toList();
        return words.append(" for ").append(String.join(", ", addresses)).toString();
    }
}

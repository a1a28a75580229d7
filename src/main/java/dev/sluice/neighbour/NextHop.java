package dev.sluice.neighbour;

import dev.sluice.packet.IpAddress;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Where packets for a real server go next, as far as it is known at the moment. Immutable; any thread. */
public sealed interface NextHop {
    /** The real server's address. */
    IpAddress rip();

    /** The router on the way, the first of several; null when the real server is on-link or the way is not known. */
    @Nullable
    IpAddress gateway();

    /** One sentence for logs and error messages. */
    String describe();

    /**
     * This next hop for a forwarding method that must reach the real server itself: DR changes nothing but the MAC
     * addresses, so a router in between would route the packet by its VIP, back to the director. A way through
     * gateways alone becomes {@link Reason#NOT_ON_LINK}; paths without one stay.
     */
    NextHop onLinkOnly();

    /**
     * How packets leave the director on one of the paths to a real server.
     *
     * @param ifindex the egress interface, of the director's; below a VLAN device when the route leads out of one
     * @param interfaceName its name
     * @param sourceMac the MAC address that frames leave with, first octet most significant
     * @param destinationMac the MAC address of the real server or of the gateway, first octet most significant
     * @param mtuBytes the largest layer-3 packet that fits
     * @param vlan the VLAN device's identifier, {@link #NO_VLAN} without one
     * @param gateway the router, null when the real server is on-link
     * @param weight its share among paths of equal cost, at least 1
     */
    record Path(
            int ifindex,
            String interfaceName,
            long sourceMac,
            long destinationMac,
            int mtuBytes,
            int vlan,
            @Nullable IpAddress gateway,
            int weight) {
        /** Where packets leave without a tag of the path's own. */
        public static final int NO_VLAN = 0;

        /** Throws {@link IllegalArgumentException} for a weight or MTU below 1. */
        public Path {
            if (weight < 1 || mtuBytes < 1) {
                throw new IllegalArgumentException("a path of weight " + weight + " and MTU " + mtuBytes);
            }
        }

        /** The same with another share. */
        Path withWeight(int share) {
            return new Path(ifindex, interfaceName, sourceMac, destinationMac, mtuBytes, vlan, gateway, share);
        }

        private String describe() {
            return macText(destinationMac) + " on " + interfaceName
                    + (vlan == NO_VLAN ? "" : " in VLAN " + vlan)
                    + (gateway == null ? "" : " through gateway " + gateway)
                    + (weight == 1 ? "" : " with weight " + weight);
        }
    }

    /**
     * A next hop that packets can be sent to.
     *
     * @param rip the real server's address
     * @param paths those that are usable now, at least one; several where routes have equal cost
     * @param preferredSource the address this host sends from on that way, null when the kernel names none
     */
    record Resolved(
            IpAddress rip, List<Path> paths, @Nullable IpAddress preferredSource) implements NextHop {
        /** Throws {@link IllegalArgumentException} without a path. */
        public Resolved {
            paths = List.copyOf(paths);
            if (paths.isEmpty()) {
                throw new IllegalArgumentException("no path to " + rip);
            }
        }

        @Override
        public @Nullable IpAddress gateway() {
            return paths.getFirst().gateway();
        }

        @Override
        public NextHop onLinkOnly() {
            List<Path> onLink =
                    paths.stream().filter(path -> path.gateway() == null).toList();
            if (onLink.size() == paths.size()) {
                return this;
            }
            return onLink.isEmpty()
                    ? notOnLink(rip, paths.getFirst().gateway())
                    : new Resolved(rip, onLink, preferredSource);
        }

        @Override
        public String describe() {
            return rip + " is at " + paths.stream().map(Path::describe).collect(Collectors.joining(", and at "));
        }
    }

    /**
     * No next hop: packets for this real server have to be dropped for now.
     *
     * @param rip the real server's address
     * @param reason why, for decisions
     * @param explanation why, in one sentence, for people
     * @param gateway the router on the way, null without one
     */
    record Unresolved(
            IpAddress rip,
            Reason reason,
            String explanation,
            @Nullable IpAddress gateway) implements NextHop {
        @Override
        public NextHop onLinkOnly() {
            return gateway == null ? this : notOnLink(rip, gateway);
        }

        @Override
        public String describe() {
            return explanation;
        }
    }

    private static NextHop notOnLink(IpAddress rip, @Nullable IpAddress gateway) {
        return new Unresolved(
                rip,
                Reason.NOT_ON_LINK,
                "the route to " + rip + " goes through gateway " + gateway
                        + ", but direct routing needs a real server on a network that the director is on",
                gateway);
    }

    /** Why there is no next hop. The first three pass by themselves, the others when somebody changes something. */
    enum Reason {
        /** The neighbour was asked for its MAC address and has not answered yet. */
        RESOLVING,
        /** The neighbour does not answer; it is asked again and again. */
        UNREACHABLE,
        /** The egress interface is down or has no carrier. */
        INTERFACE_DOWN,
        /** No route leads there. */
        NO_ROUTE,
        /** The route is of a kind that discards: blackhole, prohibit, unreachable. */
        BLACKHOLE,
        /** The route leads out of an interface that the director was not given. */
        INTERFACE_NOT_OURS,
        /** The address is one of this host's own. */
        LOCAL_ADDRESS,
        /** A broadcast, multicast or anycast address. */
        NOT_UNICAST,
        /** The way goes through a gateway where the forwarding method allows none; see {@link #onLinkOnly}. */
        NOT_ON_LINK,
        /** The director has no address of the real server's family to encapsulate from. */
        NO_SOURCE,
        /** The neighbour or the egress interface has no Ethernet address. */
        NOT_ETHERNET,
        /** The kernel failed to answer; it is asked again. */
        LOOKUP_FAILED
    }

    /** {@code 02:00:00:00:00:01} for 0x020000000001. */
    static String macText(long mac) {
        StringBuilder text = new StringBuilder(17);
        for (int shift = 40; shift >= 0; shift -= 8) {
            text.append("%02x".formatted(mac >>> shift & 0xff)).append(shift > 0 ? ":" : "");
        }
        return text.toString();
    }
}

package dev.sluice.neighbour;

import dev.sluice.packet.IpAddress;
import org.jspecify.annotations.Nullable;

/** Where packets for a real server go next, as far as it is known at the moment. Immutable; any thread. */
public sealed interface NextHop {
    /** The real server's address. */
    IpAddress rip();

    /** The router on the way, null when the real server is on-link or the way is not known. */
    @Nullable
    IpAddress gateway();

    /** One sentence for logs and error messages. */
    String describe();

    /**
     * This next hop for a forwarding method that must reach the real server itself: DR changes nothing but the MAC
     * addresses, so a router in between would route the packet by its VIP, back to the director. A way through a
     * gateway becomes {@link Reason#NOT_ON_LINK}; everything else stays.
     */
    default NextHop onLinkOnly() {
        IpAddress gateway = gateway();
        return gateway == null
                ? this
                : new Unresolved(
                        rip(),
                        Reason.NOT_ON_LINK,
                        "the route to " + rip() + " goes through gateway " + gateway
                                + ", but direct routing needs a real server on a network that the director is on",
                        gateway);
    }

    /**
     * A next hop that packets can be sent to.
     *
     * @param rip the real server's address
     * @param ifindex the egress interface
     * @param interfaceName its name
     * @param sourceMac the MAC address of the egress interface, first octet most significant
     * @param destinationMac the MAC address of the real server or of the gateway, first octet most significant
     * @param mtuBytes the largest layer-3 packet that fits: the smaller of interface's and route's
     * @param preferredSource the address this host sends from on that way, null when the kernel names none
     * @param gateway the router, null when the real server is on-link
     */
    record Resolved(
            IpAddress rip,
            int ifindex,
            String interfaceName,
            long sourceMac,
            long destinationMac,
            int mtuBytes,
            @Nullable IpAddress preferredSource,
            @Nullable IpAddress gateway)
            implements NextHop {
        /** Whether the real server is on a network of the egress interface. */
        public boolean onLink() {
            return gateway == null;
        }

        @Override
        public String describe() {
            return rip + " is at " + macText(destinationMac) + " on " + interfaceName
                    + (gateway == null ? "" : " through gateway " + gateway);
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
        public String describe() {
            return explanation;
        }
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

package dev.sluice.control;

import dev.sluice.neighbour.NextHop;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;

/** A RIP and how packets are to get there: what next hops depend on, whatever the service. */
record Way(IpAddress rip, ForwardingMethod method) {
    /** The way to a real server. */
    static Way of(RealServer real) {
        return new Way(real.address(), real.method());
    }

    /** What the method can use of the next hops to the RIP. */
    NextHop through(NextHop hop) {
        return switch (method) {
            case DR -> hop.onLinkOnly();
            case TUN, NAT, FULLNAT -> hop;
        };
    }

    /** Whether the real server's answers pass the director, which then sends them to the client by its routes. */
    boolean answersPassDirector() {
        return switch (method) {
            case DR, TUN -> false;
            case NAT, FULLNAT -> true;
        };
    }
}

package dev.sluice.forward;

import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.Tunnel;
import dev.sluice.service.VirtualService;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of a golden case: TCP 80 and UDP 53 of a VIP of each family, each with one real server, whose id is the
 * service's, all alike.
 *
 * @param tunnel of all real servers, or null for direct routing
 * @param outer6 whether the real servers' addresses are IPv6
 * @param mtuBytes of the way to them
 * @param vlan in which frames leave
 * @param source of outer headers: an address or a prefix
 */
record GoldenSetup(
        @Nullable Tunnel tunnel, boolean outer6, int mtuBytes, int vlan, IpPrefix source, PacketPolicy policy) {
    static final IpAddress VIP4 = IpAddress.parse("10.0.0.100");
    static final IpAddress VIP6 = IpAddress.parse("2001:db8::100");
    static final IpAddress CLIENT4 = IpAddress.parse("198.51.100.7");
    static final IpAddress CLIENT6 = IpAddress.parse("2001:db8:c::7");
    static final IpAddress RIP4 = IpAddress.parse("192.0.2.10");
    static final IpAddress RIP6 = IpAddress.parse("2001:db8:5::10");
    static final IpAddress DIP4 = IpAddress.parse("192.0.2.1");
    static final IpAddress DIP6 = IpAddress.parse("2001:db8:5::1");

    static final int TCP4 = 0;
    static final int UDP4 = 1;
    static final int TCP6 = 2;
    static final int UDP6 = 3;

    /** As IPVS by default. */
    static final GoldenSetup DR = new GoldenSetup(
            null, false, 1500, RealServer.VLAN_KEEP, IpPrefix.parse("192.0.2.1/32"), PacketPolicy.DEFAULT);

    static GoldenSetup tunnel(Tunnel tunnel, boolean outer6) {
        IpPrefix source = IpPrefix.parse(outer6 ? DIP6 + "/128" : DIP4 + "/32");
        return new GoldenSetup(tunnel, outer6, 1500, RealServer.VLAN_KEEP, source, PacketPolicy.DEFAULT);
    }

    static GoldenSetup ipip(boolean outer6) {
        return tunnel(Tunnel.IPIP, outer6);
    }

    GoldenSetup mtu(int bytes) {
        return new GoldenSetup(tunnel, outer6, bytes, vlan, source, policy);
    }

    GoldenSetup inVlan(int id) {
        return new GoldenSetup(tunnel, outer6, mtuBytes, id, source, policy);
    }

    GoldenSetup from(String prefix) {
        return new GoldenSetup(tunnel, outer6, mtuBytes, vlan, IpPrefix.parse(prefix), policy);
    }

    private GoldenSetup policy(boolean keepTtl, boolean echo, int errors, int outerTtl, boolean pmtu, boolean inner) {
        PacketPolicy other = new PacketPolicy(keepTtl, echo, errors, outerTtl, pmtu, inner);
        return new GoldenSetup(tunnel, outer6, mtuBytes, vlan, source, other);
    }

    GoldenSetup keepTtl() {
        return policy(true, policy.answerEcho(), 1000, policy.tunnelTtl(), policy.pmtuDisc(), policy.fragmentInner());
    }

    GoldenSetup answerEcho() {
        return policy(policy.keepTtl(), true, 1000, policy.tunnelTtl(), policy.pmtuDisc(), policy.fragmentInner());
    }

    GoldenSetup icmpErrors(int perSecond) {
        return policy(false, false, perSecond, policy.tunnelTtl(), policy.pmtuDisc(), policy.fragmentInner());
    }

    GoldenSetup outerTtl(int ttl) {
        return policy(policy.keepTtl(), false, 1000, ttl, policy.pmtuDisc(), policy.fragmentInner());
    }

    GoldenSetup withoutPmtuDisc() {
        return policy(policy.keepTtl(), false, 1000, policy.tunnelTtl(), false, policy.fragmentInner());
    }

    GoldenSetup fragmentInner() {
        return policy(policy.keepTtl(), false, 1000, policy.tunnelTtl(), policy.pmtuDisc(), true);
    }

    IpAddress rip() {
        return outer6 ? RIP6 : RIP4;
    }

    ForwardingSnapshot snapshot() {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        for (int id = 0; id < 4; id++) {
            Protocol protocol = id % 2 == 0 ? Protocol.TCP : Protocol.UDP;
            AddressKey key = new AddressKey(protocol, id < UDP4 + 1 ? VIP4 : VIP6, id % 2 == 0 ? 80 : 53);
            ForwardingMethod method = tunnel == null ? ForwardingMethod.DR : ForwardingMethod.TUN;
            RealServer real = new RealServer(id, rip(), key.port(), method, 1, 0, 0, tunnel, vlan);
            builder.add(new VirtualService(id, key, SchedulerKind.RR, List.of(real)), null, Harness.PARAMETERS);
            NextHop hop =
                    new NextHop(GoldenCase.REAL_PORT, Harness.macOf(id), Harness.DIRECTOR_MAC, mtuBytes, vlan, source);
            builder.nextHops(id, List.of(hop));
        }
        return builder.build();
    }
}

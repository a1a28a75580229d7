package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.config.FragmentMode;
import dev.sluice.control.config.TunnelConfig;
import dev.sluice.forward.NextHop;
import dev.sluice.neighbour.NextHop.Path;
import dev.sluice.neighbour.NextHop.Reason;
import dev.sluice.neighbour.NextHop.Resolved;
import dev.sluice.neighbour.NextHop.Unresolved;
import dev.sluice.neighbour.PathShares;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What workers are told of the ways to a real server. */
class HopChoiceTest {
    private static final IpAddress RIP = IpAddress.parse("10.0.0.11");
    private static final IpAddress RIP6 = IpAddress.parse("2001:db8::11");
    private static final IpAddress DIP = IpAddress.parse("10.0.0.1");
    private static final IpAddress ROUTER = IpAddress.parse("10.0.0.254");
    private static final HopChoice CHOICE = new HopChoice(List.of("eth1", "eth2"), TunnelConfig.DEFAULT);

    private static Path path(String nic, long mac, int vlan, @Nullable IpAddress gateway, int weight) {
        return new Path(3, nic, 1, mac, 1500, vlan, gateway, weight);
    }

    private static RealServer real(ForwardingMethod method, int vlan) {
        return new RealServer(0, RIP, 80, method, 1, 0, 0, method == ForwardingMethod.TUN ? Tunnel.IPIP : null, vlan);
    }

    private static List<NextHop> hops(HopChoice choice, RealServer real, dev.sluice.neighbour.NextHop hop) {
        return choice.hops(real, choice.usable(Way.of(real), hop));
    }

    @Test
    void directRoutingLeavesRoutersOutAndTunnelsTakeThem() {
        Resolved both = new Resolved(RIP, List.of(path("eth1", 7, 0, ROUTER, 1), path("eth2", 8, 0, null, 1)), DIP);
        assertEquals(
                List.of(new NextHop(1, 8, 1, 1500)),
                hops(CHOICE, real(ForwardingMethod.DR, RealServer.VLAN_KEEP), both));
        IpPrefix dip = IpPrefix.parse("10.0.0.1");
        assertEquals(
                List.of(
                        new NextHop(0, 7, 1, 1500, RealServer.VLAN_KEEP, dip),
                        new NextHop(1, 8, 1, 1500, RealServer.VLAN_KEEP, dip)),
                hops(CHOICE, real(ForwardingMethod.TUN, RealServer.VLAN_KEEP), both));
        Resolved routed = new Resolved(RIP, List.of(path("eth1", 7, 0, ROUTER, 1)), DIP);
        assertEquals(List.of(), hops(CHOICE, real(ForwardingMethod.DR, RealServer.VLAN_KEEP), routed));
        assertEquals(
                1,
                hops(CHOICE, real(ForwardingMethod.TUN, RealServer.VLAN_KEEP), routed)
                        .size());
    }

    @Test
    void aRealServersVlanGoesBeforeTheRoutes() {
        Resolved plain = new Resolved(RIP, List.of(path("eth1", 7, 0, null, 1)), DIP);
        Resolved tagged = new Resolved(RIP, List.of(path("eth1", 7, 5, null, 1)), DIP);
        assertEquals(RealServer.VLAN_KEEP, vlan(RealServer.VLAN_KEEP, plain));
        assertEquals(RealServer.VLAN_NONE, vlan(RealServer.VLAN_NONE, plain));
        assertEquals(9, vlan(9, plain));
        assertEquals(5, vlan(RealServer.VLAN_KEEP, tagged));
        assertEquals(RealServer.VLAN_NONE, vlan(RealServer.VLAN_NONE, tagged));
        assertEquals(9, vlan(9, tagged));
    }

    private static int vlan(int configured, Resolved hop) {
        return hops(CHOICE, real(ForwardingMethod.DR, configured), hop)
                .getFirst()
                .vlan();
    }

    @Test
    void theOuterSourceIsTheConfiguredOneOrTheRoutes() {
        HopChoice configured = new HopChoice(
                List.of("eth1"),
                new TunnelConfig(
                        64,
                        Optional.of(IpPrefix.parse("10.9.0.0/16")),
                        Optional.of(IpPrefix.parse("2001:db8:9::/64")),
                        true,
                        FragmentMode.OUTER));
        Way tun = new Way(RIP, ForwardingMethod.TUN);
        Way tun6 = new Way(RIP6, ForwardingMethod.TUN);
        Resolved without = new Resolved(RIP, List.of(path("eth1", 7, 0, null, 1)), null);
        Resolved without6 = new Resolved(RIP6, List.of(path("eth1", 7, 0, null, 1)), null);
        RealServer real = real(ForwardingMethod.TUN, RealServer.VLAN_KEEP);
        assertEquals(
                IpPrefix.parse("10.9.0.0/16"),
                hops(configured, real, without).getFirst().tunnelSource());
        assertEquals(
                IpPrefix.parse("2001:db8:9::/64"),
                configured
                        .hops(real, configured.usable(tun6, without6))
                        .getFirst()
                        .tunnelSource());
        Unresolved nowhere = assertInstanceOf(Unresolved.class, CHOICE.usable(tun, without));
        assertEquals(Reason.NO_SOURCE, nowhere.reason());
        assertEquals(
                "the director has no IPv4 address to encapsulate from towards 10.0.0.11: give eth1 one, or set"
                        + " director.tunnel.source_ipv4",
                nowhere.describe());
        assertTrue(CHOICE.usable(tun6, without6).describe().endsWith("set director.tunnel.source_ipv6"));
        assertSame(without, CHOICE.usable(new Way(RIP, ForwardingMethod.DR), without));
        // A route of IPv4 through a router of IPv6 may prefer an address that is none of IPv4.
        Resolved mixed = new Resolved(RIP, List.of(path("eth1", 7, 0, RIP6, 1)), RIP6);
        assertInstanceOf(Unresolved.class, CHOICE.usable(tun, mixed));
    }

    @Test
    void weightsOfPathsAreRepetitions() {
        assertArrayEquals(new int[] {1}, PathShares.repetitions(new int[] {256}));
        assertArrayEquals(new int[] {1, 1, 1}, PathShares.repetitions(new int[] {7, 7, 7}));
        assertArrayEquals(new int[] {1, 3}, PathShares.repetitions(new int[] {2, 6}));
        assertArrayEquals(new int[] {1, 32}, PathShares.repetitions(new int[] {1, 256}));
        Random random = new Random(4);
        for (int round = 0; round < 1_000; round++) {
            int[] weights = IntStream.generate(() -> 1 + random.nextInt(256))
                    .limit(1 + random.nextInt(8))
                    .toArray();
            int[] times = PathShares.repetitions(weights);
            double sum = IntStream.of(weights).sum();
            for (int i = 0; i < weights.length; i++) {
                assertTrue(times[i] >= 1);
                double share = times[i] / (double) IntStream.of(times).sum();
                assertEquals(weights[i] / sum, share, 0.1);
            }
            assertTrue(IntStream.of(times).sum() <= PathShares.MAX_ENTRIES + weights.length);
        }
        List<Path> paths = List.of(path("eth1", 7, 0, ROUTER, 3), path("eth2", 8, 0, ROUTER, 1));
        assertEquals(
                List.of(7L, 7L, 7L, 8L),
                hops(CHOICE, real(ForwardingMethod.TUN, RealServer.VLAN_KEEP), new Resolved(RIP, paths, DIP)).stream()
                        .map(NextHop::destinationMac)
                        .toList());
    }
}

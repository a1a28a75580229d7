package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetnsFixture;
import dev.sluice.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The resolver among real routers: a director with {@code r1} behind {@code eth1} and {@code r2} behind {@code eth2}, and behind both
 * another router, {@code r3}, that the real server is a neighbour of.
 */
class RoutersIT {
    private static final IpAddress RIP = IpAddress.parse("10.78.9.11");
    private static final IpAddress RIP6 = IpAddress.parse("fd78:9::11");
    private static final IpAddress R1 = IpAddress.parse("10.78.1.2");
    private static final IpAddress R2 = IpAddress.parse("10.78.2.2");
    private static final long R1_MAC = 0x0200_0000_0111L;
    private static final long R2_MAC = 0x0200_0000_0112L;

    private final NetnsFixture net = new NetnsFixture();
    private NetworkNamespace director;
    private NetworkNamespace r1;
    private NetworkNamespace r2;
    private NetworkNamespace r3;
    private NextHopResolver resolver;

    @BeforeEach
    void setUp() throws Exception {
        director = net.add("dir");
        r1 = net.add("r1");
        r2 = net.add("r2");
        r3 = net.add("r3");
        NetworkNamespace real = net.add("real");
        for (NetworkNamespace router : List.of(r1, r2, r3)) {
            router.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
            router.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0");
        }
        link(director, "eth1", r1, "south", 1);
        link(director, "eth2", r2, "south", 2);
        link(r1, "north", r3, "eth1", 3);
        link(r2, "north", r3, "eth2", 4);
        link(r3, "eth0", real, "eth0", 9);
        ip(real, "addr add 10.78.9.11/24 dev eth0");
        ip(real, "addr add fd78:9::11/64 dev eth0 nodad");
        ip(real, "route add default via 10.78.9.1");
        ip(real, "route add default via fd78:9::1");
        ip(r1, "link set south address 02:00:00:00:01:11");
        ip(r2, "link set south address 02:00:00:00:01:12");
        // Addresses of a device go, and are found again by duplicate address detection, when its address changes.
        for (NetworkNamespace router : List.of(r1, r2)) {
            ip(router, "addr add fe80::1/64 dev south nodad");
        }
        int network = 3;
        for (NetworkNamespace router : List.of(r1, r2)) {
            ip(router, "route add 10.78.9.0/24 via 10.78." + network + ".2");
            ip(router, "route add fd78:9::/64 via fd78:" + network + "::2");
            ip(r3, "route add 10.78." + (network - 2) + ".0/24 via 10.78." + network + ".1");
            ip(r3, "route add fd78:" + (network - 2) + "::/64 via fd78:" + network + "::1");
            network++;
        }
        for (String device : List.of("eth1", "eth2")) {
            for (String family : List.of("ipv4", "ipv6")) {
                String prefix = "net." + family + ".neigh." + device + ".";
                director.run("sysctl", "-qw", prefix + "base_reachable_time_ms=1000");
                director.run("sysctl", "-qw", prefix + "delay_first_probe_time=1");
                director.run("sysctl", "-qw", prefix + "retrans_time_ms=200");
            }
        }
        resolver = director.in(() -> NextHopResolver.open(List.of("eth1", "eth2")));
    }

    /** A network of two: the first has address 1, the second 2, in both families. */
    private void link(NetworkNamespace left, String leftEnd, NetworkNamespace right, String rightEnd, int network) {
        net.veth(left, leftEnd, right, rightEnd);
        ip(left, "addr add 10.78." + network + ".1/24 dev " + leftEnd);
        ip(left, "addr add fd78:" + network + "::1/64 dev " + leftEnd + " nodad");
        if (network != 9) {
            ip(right, "addr add 10.78." + network + ".2/24 dev " + rightEnd);
            ip(right, "addr add fd78:" + network + "::2/64 dev " + rightEnd + " nodad");
        }
    }

    @AfterEach
    void tearDown() {
        try {
            if (resolver != null) {
                resolver.close();
            }
        } finally {
            net.close();
        }
    }

    private static String ip(NetworkNamespace namespace, String arguments) {
        return namespace.run(("ip " + arguments).split(" "));
    }

    private static long nowMs() {
        return System.nanoTime() / 1_000_000;
    }

    private void await(String what, BooleanSupplier condition) {
        long endMs = nowMs() + 15_000;
        do {
            resolver.process(nowMs());
            if (condition.getAsBoolean()) {
                return;
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        } while (nowMs() < endMs);
        throw new AssertionError(
                "not within 15 s: " + what + "; " + resolver.nextHop(RIP).describe());
    }

    private List<NextHop.Path> paths(IpAddress rip) {
        return resolver.nextHop(rip) instanceof NextHop.Resolved resolved ? resolved.paths() : List.of();
    }

    private Set<Long> macs(IpAddress rip) {
        return paths(rip).stream().map(NextHop.Path::destinationMac).collect(Collectors.toSet());
    }

    private void awaitMacs(IpAddress rip, Set<Long> macs) {
        await(rip + " by " + macs, () -> macs(rip).equals(macs));
    }

    @Test
    void aRealServerTwoRoutersAwayIsReachedByTheFirstAndRouteChangesAreFollowed() {
        ip(director, "route add 10.78.9.0/24 via 10.78.1.2");
        ip(director, "route add fd78:9::/64 via fd78:1::2");
        director.run("ping", "-c1", "-W5", RIP.toString());
        director.run("ping", "-c1", "-W5", RIP6.toString());
        resolver.watch(RIP);
        resolver.watch(RIP6);
        awaitMacs(RIP, Set.of(R1_MAC));
        awaitMacs(RIP6, Set.of(R1_MAC));
        NextHop.Resolved next = assertInstanceOf(NextHop.Resolved.class, resolver.nextHop(RIP));
        assertEquals(R1, next.gateway());
        assertEquals(IpAddress.parse("10.78.1.1"), next.preferredSource());
        NextHop.Unresolved direct = assertInstanceOf(NextHop.Unresolved.class, next.onLinkOnly());
        assertEquals(NextHop.Reason.NOT_ON_LINK, direct.reason());
        ip(director, "route change 10.78.9.0/24 via 10.78.2.2 mtu 1400");
        ip(director, "route add fd78:9::/64 via fd78:2::2 metric 1 mtu 1350");
        awaitMacs(RIP, Set.of(R2_MAC));
        awaitMacs(RIP6, Set.of(R2_MAC));
        assertEquals("eth2", paths(RIP).getFirst().interfaceName());
        assertEquals(1400, paths(RIP).getFirst().mtuBytes());
        assertEquals(1350, paths(RIP6).getFirst().mtuBytes());
        assertEquals(
                IpAddress.parse("10.78.2.1"),
                assertInstanceOf(NextHop.Resolved.class, resolver.nextHop(RIP)).preferredSource());
    }

    @Test
    void ofSeveralRoutersADeadOneIsLeftOutUntilItIsBack() {
        ip(director, "route add 10.78.9.0/24 nexthop via 10.78.1.2 weight 3 nexthop via 10.78.2.2");
        ip(director, "route add fd78:9::/64 nexthop via fd78:1::2 nexthop via fd78:2::2 weight 2");
        resolver.watch(RIP);
        resolver.watch(RIP6);
        awaitMacs(RIP, Set.of(R1_MAC, R2_MAC));
        awaitMacs(RIP6, Set.of(R1_MAC, R2_MAC));
        assertEquals(
                List.of("eth1 " + R1 + " 3", "eth2 " + R2 + " 1"),
                paths(RIP).stream()
                        .map(path -> path.interfaceName() + " " + path.gateway() + " " + path.weight())
                        .toList());
        assertEquals(
                List.of(1, 2), paths(RIP6).stream().map(NextHop.Path::weight).toList());
        // Its link stays up: nothing but ARP and neighbour discovery tell.
        ip(r2, "addr flush dev south");
        awaitMacs(RIP, Set.of(R1_MAC));
        awaitMacs(RIP6, Set.of(R1_MAC));
        ip(r2, "addr add 10.78.2.2/24 dev south");
        ip(r2, "addr add fd78:2::2/64 dev south nodad");
        ip(r2, "addr add fe80::1/64 dev south nodad");
        awaitMacs(RIP, Set.of(R1_MAC, R2_MAC));
        awaitMacs(RIP6, Set.of(R1_MAC, R2_MAC));
        // Now the link tells.
        ip(r1, "link set south down");
        awaitMacs(RIP, Set.of(R2_MAC));
        awaitMacs(RIP6, Set.of(R2_MAC));
        ip(director, "route change 10.78.9.0/24 via 10.78.2.2");
        await(
                "one router",
                () -> paths(RIP).size() == 1 && paths(RIP).getFirst().weight() == 1);
    }

    @Test
    void routersOfNexthopObjectsAreThose() {
        ip(director, "nexthop add id 1 via 10.78.1.2 dev eth1");
        ip(director, "nexthop add id 2 via 10.78.2.2 dev eth2");
        ip(director, "nexthop add id 10 group 1,2/2,1");
        ip(director, "route add 10.78.9.0/24 nhid 10");
        resolver.watch(RIP);
        awaitMacs(RIP, Set.of(R1_MAC, R2_MAC));
        assertEquals(
                List.of(2, 1), paths(RIP).stream().map(NextHop.Path::weight).toList());
        ip(director, "nexthop replace id 10 group 2");
        awaitMacs(RIP, Set.of(R2_MAC));
    }

    @Test
    void linkLocalRoutersOfBothFamilies() {
        ip(director, "route add fd78:9::/64 nexthop via fe80::1 dev eth1 nexthop via fe80::1 dev eth2");
        ip(director, "route add 10.78.9.0/24 via inet6 fe80::1 dev eth2");
        resolver.watch(RIP);
        resolver.watch(RIP6);
        awaitMacs(RIP6, Set.of(R1_MAC, R2_MAC));
        awaitMacs(RIP, Set.of(R2_MAC));
        assertEquals(IpAddress.parse("fe80::1"), paths(RIP).getFirst().gateway());
    }

    @Test
    void routersTellOfPacketsTooLargeAndTheMtuComesDownForTenMinutes() throws Exception {
        ip(director, "route add 10.78.9.0/24 via 10.78.1.2");
        ip(director, "route add fd78:9::/64 via fd78:1::2");
        ip(r3, "link set eth0 mtu 1300");
        resolver.watch(RIP);
        resolver.watch(RIP6);
        awaitMacs(RIP, Set.of(R1_MAC));
        awaitMacs(RIP6, Set.of(R1_MAC));
        List<TooBig> heard = new ArrayList<>();
        try (IcmpErrors errors = director.in(IcmpErrors::open)) {
            assertTrue(errors.fd(AddressFamily.INET) > 2 && errors.fd(AddressFamily.INET6) > 2);
            for (IpAddress rip : List.of(RIP, RIP6)) {
                // The shell's datagrams have DF, as all that Linux sends until it has learned otherwise.
                String datagram = "dd if=/dev/zero bs=1400 count=1 status=none > /dev/udp/" + rip + "/6080";
                director.run("bash", "-c", datagram);
            }
            await("both routers' messages", () -> {
                errors.drain(heard::add);
                return heard.size() == 2;
            });
            director.run("ping", "-c1", "-W5", RIP.toString());
            errors.drain(heard::add);
        }
        assertEquals(
                Set.of(
                        new TooBig(IpAddress.parse("10.78.1.1"), RIP, 17, 6080, 1300),
                        new TooBig(IpAddress.parse("fd78:1::1"), RIP6, 17, 6080, 1300)),
                Set.copyOf(heard));

        long nowMs = nowMs();
        resolver.process(nowMs);
        IpAddress other = IpAddress.parse("10.78.9.12");
        IpAddress other6 = IpAddress.parse("fd78:9::12");
        for (IpAddress rip : List.of(other, other6)) {
            resolver.watch(rip);
            resolver.process(nowMs);
            assertEquals(1500, paths(rip).getFirst().mtuBytes());
            assertFalse(resolver.lowerPathMtu(rip, 1500, nowMs), "nothing lower than before");
            assertTrue(resolver.lowerPathMtu(rip, 1400, nowMs));
            assertTrue(resolver.process(nowMs));
            assertEquals(1400, paths(rip).getFirst().mtuBytes());
            assertFalse(resolver.lowerPathMtu(rip, 1450, nowMs), "never up again by a router's word");
        }
        assertFalse(resolver.lowerPathMtu(other6, 1279, nowMs), "no link of IPv6 is so narrow");
        assertTrue(resolver.lowerPathMtu(other, 100, nowMs));
        resolver.process(nowMs);
        assertEquals(576, paths(other).getFirst().mtuBytes());
        resolver.process(nowMs + NextHopResolver.PATH_MTU_MS - 1);
        assertEquals(576, paths(other).getFirst().mtuBytes());
        assertEquals(1, resolver.pollTimeoutMs(nowMs + NextHopResolver.PATH_MTU_MS - 1));
        assertTrue(resolver.process(nowMs + NextHopResolver.PATH_MTU_MS));
        assertEquals(1500, paths(other).getFirst().mtuBytes());
        assertEquals(1500, paths(other6).getFirst().mtuBytes());
        assertFalse(resolver.lowerPathMtu(IpAddress.parse("10.78.9.99"), 1000, nowMs), "nobody asked for it");
    }
}

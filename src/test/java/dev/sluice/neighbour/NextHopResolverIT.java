package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetnsFixture;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The resolver against the kernel: a director with {@code eth1} on a switch that the first real server is on, and
 * {@code eth2} straight to the second. Neighbour timers are short, so that ageing happens within a test.
 */
class NextHopResolverIT {
    private static final IpAddress RS1 = IpAddress.parse("10.77.1.11");
    private static final IpAddress RS1_INET6 = IpAddress.parse("fd77:1::11");
    private static final IpAddress RS2 = IpAddress.parse("10.77.2.12");
    /** An address that both real servers answer for, each on its network. */
    private static final IpAddress SHARED = IpAddress.parse("10.77.1.50");

    private static final long DIRECTOR_MAC = 0x0200_0000_0101L;
    private static final long DIRECTOR_MAC_2 = 0x0200_0000_0102L;
    private static final long RS1_MAC = 0x0200_0000_0011L;
    private static final long RS2_MAC = 0x0200_0000_0012L;

    private final NetnsFixture net = new NetnsFixture();
    private NetworkNamespace director;
    private NetworkNamespace rs1;
    private NetworkNamespace rs2;
    private NextHopResolver resolver;

    @BeforeEach
    void setUp() throws Exception {
        director = net.add("dir");
        NetworkNamespace fabric = net.add("switch");
        rs1 = net.add("rs1");
        rs2 = net.add("rs2");
        net.veth(director, "eth1", fabric, "p1");
        net.veth(rs1, "eth0", fabric, "p2");
        net.veth(director, "eth2", rs2, "eth0");
        ip(fabric, "link add name bridge0 type bridge forward_delay 0");
        ip(fabric, "link set bridge0 up");
        ip(fabric, "link set p1 master bridge0");
        ip(fabric, "link set p2 master bridge0");
        ip(director, "link set eth1 address 02:00:00:00:01:01");
        ip(director, "link set eth2 address 02:00:00:00:01:02");
        ip(rs1, "link set eth0 address 02:00:00:00:00:11");
        ip(rs2, "link set eth0 address 02:00:00:00:00:12");
        for (String device : List.of("eth1", "eth2")) {
            for (String family : List.of("ipv4", "ipv6")) {
                String prefix = "net." + family + ".neigh." + device + ".";
                director.run("sysctl", "-qw", prefix + "base_reachable_time_ms=1000");
                director.run("sysctl", "-qw", prefix + "delay_first_probe_time=1");
                director.run("sysctl", "-qw", prefix + "retrans_time_ms=200");
            }
        }
        ip(director, "addr add 10.77.1.1/24 dev eth1");
        ip(director, "addr add fd77:1::1/64 dev eth1 nodad");
        ip(director, "addr add 10.77.2.1/24 dev eth2");
        ip(rs1, "addr add 10.77.1.11/24 dev eth0");
        ip(rs1, "addr add 10.77.1.50/24 dev eth0");
        ip(rs1, "addr add fd77:1::11/64 dev eth0 nodad");
        ip(rs2, "addr add 10.77.2.12/24 dev eth0");
        ip(rs2, "addr add 10.77.1.50/32 dev lo");
        resolver = director.in(() -> NextHopResolver.open(List.of("eth1", "eth2")));
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

    private boolean process() {
        return resolver.process(System.nanoTime() / 1_000_000);
    }

    private void await(String what, BooleanSupplier condition) {
        long endNs = System.nanoTime() + 15_000_000_000L;
        do {
            process();
            if (condition.getAsBoolean()) {
                return;
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        } while (System.nanoTime() < endNs);
        throw new AssertionError("not within 15 s: " + what);
    }

    private NextHop.Resolved resolved(IpAddress rip) {
        NextHop nextHop = resolver.nextHop(rip);
        return assertInstanceOf(NextHop.Resolved.class, nextHop, nextHop.describe());
    }

    private NextHop.Path path(IpAddress rip) {
        return resolved(rip).paths().getFirst();
    }

    private void awaitMac(IpAddress rip, long mac) {
        await(
                rip + " at " + NextHop.macText(mac),
                () -> resolver.nextHop(rip) instanceof NextHop.Resolved next
                        && next.paths().getFirst().destinationMac() == mac);
    }

    private void awaitReason(IpAddress rip, NextHop.Reason reason) {
        await(rip + " " + reason, () -> reason(rip) == reason);
    }

    private NextHop.@Nullable Reason reason(IpAddress rip) {
        return resolver.nextHop(rip) instanceof NextHop.Unresolved next ? next.reason() : null;
    }

    @Test
    void resolvesOnLinkFromNothing() {
        resolver.watch(RS1);
        resolver.watch(RS1_INET6);
        assertEquals(NextHop.Reason.RESOLVING, reason(RS1));
        awaitMac(RS1, RS1_MAC);
        awaitMac(RS1_INET6, RS1_MAC);
        NextHop.Resolved next = resolved(RS1);
        NextHop.Path path = path(RS1);
        assertEquals(
                new NextHop.Path(path.ifindex(), "eth1", DIRECTOR_MAC, RS1_MAC, 1500, NextHop.Path.NO_VLAN, null, 1),
                path);
        assertEquals(IpAddress.parse("10.77.1.1"), next.preferredSource());
        assertEquals(next, next.onLinkOnly());
        assertEquals(IpAddress.parse("fd77:1::1"), resolved(RS1_INET6).preferredSource());
        Link link = resolver.link("eth1").orElseThrow();
        assertEquals(new Link(path.ifindex(), "eth1", DIRECTOR_MAC, 1500, true, true, 1, null), link);
        assertTrue(resolver.link("eth7").isEmpty());
    }

    @Test
    void saysTrueExactlyWhenSomethingChanged() throws Exception {
        assertFalse(process());
        resolver.watch(RS1);
        long endNs = System.nanoTime() + 10_000_000_000L;
        while (reason(RS1) != null && System.nanoTime() < endNs) {
            NextHop before = resolver.nextHop(RS1);
            assertEquals(process(), !resolver.nextHop(RS1).equals(before));
            Thread.sleep(1);
        }
        assertEquals(RS1_MAC, path(RS1).destinationMac());
        assertFalse(process());
        ip(director, "link set eth2 mtu 1450");
        assertTrue(process());
        assertFalse(process());
    }

    @Test
    void theKernelKeepsWatchedNeighboursFreshAndForgetsUnwatched() throws Exception {
        resolver.watch(RS1);
        awaitMac(RS1, RS1_MAC);
        assertTrue(ip(director, "neigh show 10.77.1.11").contains("managed"));
        // Several times the reachable time: without refreshing it would be long stale.
        long endNs = System.nanoTime() + 6_000_000_000L;
        int reachable = 0;
        boolean stale = false;
        while (System.nanoTime() < endNs) {
            process();
            assertEquals(RS1_MAC, path(RS1).destinationMac());
            String entry = ip(director, "neigh show 10.77.1.11");
            stale |= entry.contains("STALE") || entry.contains("DELAY");
            reachable += stale && entry.contains("REACHABLE") ? 1 : 0;
            Thread.sleep(100);
        }
        assertTrue(reachable > 0, "refreshed after it went stale");
        resolver.unwatch(RS1);
        assertFalse(ip(director, "neigh show 10.77.1.11").contains("managed"));
        assertThrows(IllegalArgumentException.class, () -> resolver.nextHop(RS1));
    }

    @Test
    void followsAPeerThatAnnouncesAnotherMac() {
        resolver.watch(RS1);
        awaitMac(RS1, RS1_MAC);
        rs1.run("sysctl", "-qw", "net.ipv4.conf.eth0.arp_notify=1");
        ip(rs1, "link set eth0 address 02:00:00:00:00:21");
        awaitMac(RS1, 0x0200_0000_0021L);
    }

    @Test
    void followsAPeerThatChangesItsMacInSilence() {
        resolver.watch(RS1);
        resolver.watch(RS1_INET6);
        awaitMac(RS1, RS1_MAC);
        awaitMac(RS1_INET6, RS1_MAC);
        rs1.run("sysctl", "-qw", "net.ipv6.conf.eth0.ndisc_notify=0");
        ip(rs1, "link set eth0 address 02:00:00:00:00:22");
        awaitMac(RS1, 0x0200_0000_0022L);
        awaitMac(RS1_INET6, 0x0200_0000_0022L);
    }

    @Test
    void aRealServerThatIsGoneIsUnreachableUntilItIsBack() {
        resolver.watch(RS1);
        awaitMac(RS1, RS1_MAC);
        ip(rs1, "link set eth0 down");
        awaitReason(RS1, NextHop.Reason.UNREACHABLE);
        assertEquals(
                "10.77.1.11 does not answer on eth1 (ARP failed)",
                resolver.nextHop(RS1).describe());
        // It is asked again all the time, which must not make it look better than it is.
        for (int i = 0; i < 200; i++) {
            process();
            assertEquals(NextHop.Reason.UNREACHABLE, reason(RS1));
            sleep(10);
        }
        ip(rs1, "link set eth0 up");
        awaitMac(RS1, RS1_MAC);
    }

    private static void sleep(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void recognisesAGateway() {
        IpAddress behind = IpAddress.parse("198.51.100.7");
        ip(director, "route add 198.51.100.0/24 via 10.77.1.11 mtu 1300");
        resolver.watch(behind);
        awaitMac(behind, RS1_MAC);
        NextHop.Resolved next = resolved(behind);
        assertEquals(RS1, next.gateway());
        assertEquals(1300, path(behind).mtuBytes());
        NextHop.Unresolved refused = assertInstanceOf(NextHop.Unresolved.class, next.onLinkOnly());
        assertEquals(NextHop.Reason.NOT_ON_LINK, refused.reason());
        assertEquals(
                "the route to 198.51.100.7 goes through gateway 10.77.1.11, but direct routing needs a real server on a"
                        + " network that the director is on",
                refused.describe());
        ip(director, "route change 198.51.100.0/24 via inet6 fd77:1::11");
        await("gateway of IPv6", () -> RS1_INET6.equals(resolver.nextHop(behind).gateway()));
        awaitMac(behind, RS1_MAC);
    }

    @Test
    void saysWhyThereIsNoWay() throws Exception {
        IpAddress nowhere = IpAddress.parse("192.0.2.1");
        resolver.watch(nowhere);
        assertEquals(NextHop.Reason.NO_ROUTE, reason(nowhere));
        IpAddress nowhereInet6 = IpAddress.parse("2001:db8::1");
        resolver.watch(nowhereInet6);
        assertEquals(NextHop.Reason.NO_ROUTE, reason(nowhereInet6));
        IpAddress own = IpAddress.parse("10.77.1.1");
        resolver.watch(own);
        assertEquals(NextHop.Reason.LOCAL_ADDRESS, reason(own));
        IpAddress broadcast = IpAddress.parse("10.77.1.255");
        resolver.watch(broadcast);
        assertEquals(NextHop.Reason.NOT_UNICAST, reason(broadcast));
        for (String kind : List.of("blackhole", "prohibit", "unreachable")) {
            ip(director, "route replace " + kind + " 192.0.2.0/24");
            awaitReason(nowhere, NextHop.Reason.BLACKHOLE);
            await(kind, () -> resolver.nextHop(nowhere).describe().contains(kind));
            ip(director, "route replace " + kind + " 2001:db8::/32");
            awaitReason(nowhereInet6, NextHop.Reason.BLACKHOLE);
            await(kind, () -> resolver.nextHop(nowhereInet6).describe().contains(kind));
            ip(director, "route del " + kind + " 2001:db8::/32");
        }
        try (NextHopResolver one = director.in(() -> NextHopResolver.open(List.of("eth1")))) {
            one.watch(RS2);
            assertEquals(
                    "the route to 10.77.2.12 leads out of eth2, which is not among the director's interfaces (eth1)",
                    one.nextHop(RS2).describe());
            assertEquals(
                    NextHop.Reason.INTERFACE_NOT_OURS,
                    assertInstanceOf(NextHop.Unresolved.class, one.nextHop(RS2)).reason());
        }
    }

    @Test
    void followsRoutesAndRules() {
        resolver.watch(SHARED);
        awaitMac(SHARED, RS1_MAC);
        ip(director, "route add 10.77.1.50/32 dev eth2");
        awaitMac(SHARED, RS2_MAC);
        assertEquals("eth2", path(SHARED).interfaceName());
        assertEquals(DIRECTOR_MAC_2, path(SHARED).sourceMac());
        ip(director, "route del 10.77.1.50/32 dev eth2");
        awaitMac(SHARED, RS1_MAC);
        ip(director, "route add 10.77.1.50/32 dev eth2 table 77");
        process();
        ip(director, "rule add to 10.77.1.50 table 77");
        awaitMac(SHARED, RS2_MAC);
        ip(director, "rule del to 10.77.1.50 table 77");
        awaitMac(SHARED, RS1_MAC);
        ip(director, "addr del 10.77.1.1/24 dev eth1");
        awaitReason(SHARED, NextHop.Reason.NO_ROUTE);
        ip(director, "addr add 10.77.1.1/24 dev eth1");
        awaitMac(SHARED, RS1_MAC);
    }

    @Test
    void followsItsOwnInterfaces() {
        resolver.watch(RS1);
        resolver.watch(RS2);
        awaitMac(RS1, RS1_MAC);
        awaitMac(RS2, RS2_MAC);
        ip(director, "link set eth2 down");
        awaitReason(RS2, NextHop.Reason.INTERFACE_DOWN);
        assertEquals(
                "the way to 10.77.2.12 is through eth2, which is down",
                resolver.nextHop(RS2).describe());
        assertFalse(resolver.link("eth2").orElseThrow().up());
        assertEquals(RS1_MAC, path(RS1).destinationMac());
        ip(director, "link set eth2 up");
        awaitMac(RS2, RS2_MAC);
        ip(rs2, "link set eth0 down");
        awaitReason(RS2, NextHop.Reason.INTERFACE_DOWN);
        assertEquals(
                "the way to 10.77.2.12 is through eth2, which is without carrier",
                resolver.nextHop(RS2).describe());
        ip(rs2, "link set eth0 up");
        awaitMac(RS2, RS2_MAC);
        ip(director, "link set eth2 address 02:00:00:00:01:33");
        await(
                "own MAC",
                () -> resolver.nextHop(RS2) instanceof NextHop.Resolved next
                        && next.paths().getFirst().sourceMac() == 0x0200_0000_0133L);
        ip(director, "link set eth2 mtu 1400");
        await(
                "MTU",
                () -> resolver.nextHop(RS2) instanceof NextHop.Resolved next
                        && next.paths().getFirst().mtuBytes() == 1400);
        ip(director, "link del eth2");
        await("gone", () -> resolver.link("eth2").isEmpty() && reason(RS2) == NextHop.Reason.NO_ROUTE);
        net.veth(director, "eth2", rs2, "eth0");
        ip(rs2, "link set eth0 address 02:00:00:00:00:12");
        ip(rs2, "addr add 10.77.2.12/24 dev eth0");
        ip(director, "addr add 10.77.2.1/24 dev eth2");
        awaitMac(RS2, RS2_MAC);
    }

    @Test
    void aFlushedNeighbourComesBackAndIsUsedMeanwhile() {
        resolver.watch(RS1);
        awaitMac(RS1, RS1_MAC);
        process();
        ip(director, "neigh flush dev eth1");
        assertFalse(ip(director, "neigh show 10.77.1.11").contains("lladdr"));
        process();
        assertEquals(RS1_MAC, path(RS1).destinationMac());
        await("back in the kernel", () -> ip(director, "neigh show 10.77.1.11").contains("lladdr"));
        assertTrue(ip(director, "neigh show 10.77.1.11").contains("managed"));
        // Flushed while the machine is gone: what was known counts for a while only.
        ip(rs1, "link set eth0 down");
        ip(director, "neigh flush dev eth1");
        awaitReason(RS1, NextHop.Reason.UNREACHABLE);
    }

    @Test
    void aPermanentNeighbourStaysPermanent() {
        ip(director, "neigh add 10.77.1.99 lladdr 02:00:00:00:00:99 dev eth1 nud permanent");
        IpAddress address = IpAddress.parse("10.77.1.99");
        resolver.watch(address);
        assertEquals(0x0200_0000_0099L, path(address).destinationMac());
        for (int i = 0; i < 20; i++) {
            process();
            sleep(10);
        }
        resolver.unwatch(address);
        assertTrue(ip(director, "neigh show 10.77.1.99").contains("PERMANENT"));
    }

    @Test
    void readsEverythingAgainAfterNotificationsWereLost(@TempDir Path directory) throws Exception {
        try (NextHopResolver small = director.in(() -> NextHopResolver.open(List.of("eth1", "eth2"), 4096))) {
            small.watch(RS1);
            small.watch(SHARED);
            long nowMs = System.nanoTime() / 1_000_000;
            small.process(nowMs);
            Path batch = directory.resolve("batch");
            StringBuilder commands = new StringBuilder();
            for (int i = 0; i < 300; i++) {
                commands.append("neigh replace 10.77.3.%d lladdr 02:00:00:00:03:01 dev eth1 nud permanent\n"
                        .formatted(i % 250));
            }
            commands.append("neigh replace 10.77.1.11 lladdr 02:00:00:00:00:77 dev eth1 nud permanent\n");
            commands.append("route add 10.77.1.50/32 dev eth2\n");
            commands.append("link set eth1 mtu 1444\n");
            commands.append("neigh replace 10.77.1.50 lladdr 02:00:00:00:00:78 dev eth2 nud permanent\n");
            Files.writeString(batch, commands);
            ip(director, "-batch " + batch);
            small.process(nowMs + 200);
            assertEquals(1, small.resyncs());
            NextHop.Path first = assertInstanceOf(NextHop.Resolved.class, small.nextHop(RS1))
                    .paths()
                    .getFirst();
            assertEquals(0x0200_0000_0077L, first.destinationMac());
            assertEquals(1444, first.mtuBytes());
            NextHop.Path second = assertInstanceOf(NextHop.Resolved.class, small.nextHop(SHARED))
                    .paths()
                    .getFirst();
            assertEquals("eth2", second.interfaceName());
            assertEquals(0x0200_0000_0078L, second.destinationMac());
        }
    }

    @Test
    void thousandsOfRealServersAreLookedUpInOneCall() throws IOException {
        ip(director, "route add 198.18.0.0/16 via 10.77.1.11");
        List<IpAddress> rips = IntStream.range(0, 4_000)
                .mapToObj(i -> IpAddress.ofInet(198 << 24 | 18 << 16 | i + 1))
                .toList();
        rips.forEach(resolver::watch);
        rips.forEach(rip -> awaitMac(rip, RS1_MAC));
        ip(director, "route change 198.18.0.0/16 via 10.77.2.12");
        sleep(150);
        long startNs = System.nanoTime();
        process();
        long tookMs = (System.nanoTime() - startNs) / 1_000_000;
        rips.forEach(rip -> assertEquals(RS2, resolver.nextHop(rip).gateway()));
        awaitMac(rips.getLast(), RS2_MAC);
        assertEquals(RS2_MAC, path(rips.getFirst()).destinationMac());
        // Some microseconds each; a quadratic walk would take seconds.
        assertTrue(tookMs < 1_000, "took " + tookMs + " ms");
    }

    @Test
    void namesTheTimeoutForTheOwnersPoll() {
        assertEquals(0, resolver.pollTimeoutMs(0));
        resolver.process(1_000);
        assertEquals(30_000, resolver.pollTimeoutMs(1_000));
        assertEquals(100, resolver.pollTimeoutMs(30_900));
        ip(director, "route add 192.0.2.0/24 via 10.77.1.11");
        resolver.process(1_040);
        assertEquals(60, resolver.pollTimeoutMs(1_040));
        assertTrue(resolver.fd() > 2);
    }
}

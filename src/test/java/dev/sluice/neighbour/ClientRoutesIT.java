package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.generated.Native;
import dev.sluice.forward.NextHop;
import dev.sluice.forward.RouteTable;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.testing.NetnsFixture;
import dev.sluice.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Routes to clients as the kernel has them: a director with {@code r1} behind {@code eth1}, {@code r2} behind {@code eth2}. */
class ClientRoutesIT {
    private static final long R1_MAC = 0x0200_0000_0111L;
    private static final long R2_MAC = 0x0200_0000_0112L;
    private static final int ETH1 = 0;
    private static final int ETH2 = 1;

    private final NetnsFixture net = new NetnsFixture();
    private NetworkNamespace director;
    private NetworkNamespace r1;
    private NetworkNamespace r2;
    private NextHopResolver resolver;
    private ClientRoutes routes;
    private RouteTable table = RouteTable.EMPTY;

    @TempDir
    private Path directory;

    @BeforeEach
    void setUp() throws Exception {
        director = net.add("dir");
        r1 = net.add("r1");
        r2 = net.add("r2");
        link("eth1", r1, 1, "02:00:00:00:01:11");
        link("eth2", r2, 2, "02:00:00:00:01:12");
        // One that is not the director's.
        net.veth(director, "eth9", r1, "other");
        ip("addr add 10.78.9.1/24 dev eth9");
        for (String device : List.of("eth1", "eth2")) {
            director.run("sysctl", "-qw", "net.ipv4.neigh." + device + ".base_reachable_time_ms=1000");
            director.run("sysctl", "-qw", "net.ipv4.neigh." + device + ".delay_first_probe_time=1");
        }
        resolver = director.in(() -> NextHopResolver.open(List.of("eth1", "eth2")));
        routes = new ClientRoutes(resolver);
    }

    private void link(String device, NetworkNamespace router, int network, String mac) {
        net.veth(director, device, router, "south");
        router.run("ip", "link", "set", "south", "address", mac);
        ip("addr add 10.78." + network + ".1/24 dev " + device);
        ip("addr add fd78:" + network + "::1/64 dev " + device + " nodad");
        router.run("ip", "addr", "add", "10.78." + network + ".2/24", "dev", "south");
        router.run("ip", "addr", "add", "fd78:" + network + "::2/64", "dev", "south", "nodad");
        router.run("ip", "addr", "add", "fe80::1/64", "dev", "south", "nodad");
    }

    @AfterEach
    void tearDown() {
        try {
            if (resolver != null) {
                routes.close();
                resolver.close();
            }
        } finally {
            net.close();
        }
    }

    private void ip(String arguments) {
        director.run(("ip " + arguments).split(" "));
    }

    private void batch(List<String> commands) throws IOException {
        Path file = directory.resolve("batch");
        Files.write(file, commands);
        director.run("ip", "-batch", file.toString());
    }

    private static long nowMs() {
        return System.nanoTime() / 1_000_000;
    }

    private void follow() throws Exception {
        director.in(() -> {
            routes.follow();
            return routes;
        });
    }

    private boolean poll() {
        boolean changed = routes.process(nowMs());
        changed |= resolver.process(nowMs());
        if (changed) {
            table = routes.table();
        }
        return changed;
    }

    private void await(String what, BooleanSupplier condition) {
        await(what, condition, () -> "");
    }

    private void await(String what, BooleanSupplier condition, Supplier<String> instead) {
        long endMs = nowMs() + 15_000;
        do {
            poll();
            if (condition.getAsBoolean()) {
                return;
            }
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        } while (nowMs() < endMs);
        throw new AssertionError("not within 15 s: " + what + "; " + instead.get());
    }

    private int route(String address) {
        return route(IpAddress.parse(address));
    }

    private int route(IpAddress address) {
        return table.find(address.family() == AddressFamily.INET6, address.high(), address.low());
    }

    /** What becomes of a packet, in words. */
    private String way(String address) {
        int route = route(address);
        if (route == RouteTable.NONE) {
            return "none";
        }
        if (table.isOnLink(route)) {
            return "on-link " + table.onLinkPort(route) + " mtu " + table.onLinkMtuBytes(route);
        }
        Map<String, Integer> hops = new TreeMap<>();
        for (int i = 0; i < 3000; i++) {
            NextHop hop = table.nextHop(route, i * 0x9e37_79b9_7f4a_7c15L);
            if (hop == null) {
                return "unresolved";
            }
            String router = hop.destinationMac() == R1_MAC ? "r1" : hop.destinationMac() == R2_MAC ? "r2" : "?";
            hops.merge(router + " " + hop.egressPort() + " mtu " + hop.mtuBytes(), 1, Integer::sum);
        }
        StringBuilder text = new StringBuilder();
        hops.forEach((hop, times) -> text.append(text.isEmpty() ? "" : ", ")
                .append(hop)
                .append(hops.size() == 1 ? "" : " x" + Math.round(times / 1000.0)));
        return text.toString();
    }

    private void awaitWay(String address, String way) {
        await(address + " goes " + way, () -> way(address).equals(way), () -> way(address));
    }

    @Test
    void routesAreFollowedAsTheyComeAndGo() throws Exception {
        assertEquals(-1, routes.fd());
        assertFalse(routes.isResolving());
        poll();
        assertSame(RouteTable.EMPTY, routes.table());

        ip("route add default via 10.78.1.2");
        ip("route add default via fe80::1 dev eth1");
        follow();
        assertTrue(routes.isResolving());
        awaitWay("192.0.2.77", "r1 0 mtu 1500");
        awaitWay("2001:db8::77", "r1 0 mtu 1500");
        await("all gateways", () -> !routes.isResolving());
        assertEquals("on-link 1 mtu 1500", way("10.78.2.200"));
        assertEquals("on-link 0 mtu 1500", way("fd78:1::200"));
        assertEquals("unresolved", way("10.78.9.7"), "the interface is not the director's");
        assertEquals("none", way("10.78.1.1"), "an address of the director's own");
        assertEquals("none", way("10.78.1.255"), "broadcast");
        assertEquals("none", way("224.0.0.5").replace("r1 0 mtu 1500", "none"));

        ip("route add 192.0.2.0/24 via 10.78.2.2 mtu 1300");
        ip("route add unreachable 192.0.2.128/25");
        ip("route add blackhole 2001:db8:1::/48");
        ip("route add 2001:db8:2::/48 via fd78:2::2 mtu 1280");
        awaitWay("192.0.2.77", "r2 1 mtu 1300");
        awaitWay("2001:db8:2::1", "r2 1 mtu 1280");
        assertEquals("none", way("192.0.2.200"));
        assertEquals("none", way("2001:db8:1::1"));
        assertEquals("r1 0 mtu 1500", way("192.0.3.1"));

        ip("route del unreachable 192.0.2.128/25");
        awaitWay("192.0.2.200", "r2 1 mtu 1300");
        ip("route replace 192.0.2.0/24 dev eth1");
        awaitWay("192.0.2.200", "on-link 0 mtu 1500");
        ip("route del 192.0.2.0/24");
        awaitWay("192.0.2.200", "r1 0 mtu 1500");
        ip("link set eth1 mtu 1400");
        awaitWay("192.0.2.200", "r1 0 mtu 1400");
        awaitWay("10.78.1.9", "on-link 0 mtu 1400");

        // The kernel takes IPv4 routes of an interface away without telling of each.
        ip("route add default via 10.78.2.2 metric 100");
        ip("link set eth1 down");
        awaitWay("192.0.2.200", "r2 1 mtu 1500");
        awaitWay("10.78.1.9", "r2 1 mtu 1500");

        int gateways = routes.gateways().size();
        assertTrue(gateways > 0);
        routes.close();
        assertSame(RouteTable.EMPTY, routes.table());
        assertEquals(0, routes.gateways().size());
        assertEquals(-1, routes.fd());
    }

    @Test
    void aGatewaysMacAddressIsFollowed() throws Exception {
        ip("route add default via 10.78.1.2");
        follow();
        awaitWay("192.0.2.1", "r1 0 mtu 1500");
        r1.run("ip", "link", "set", "south", "address", "02:00:00:00:07:77");
        await("the new address", () -> {
            NextHop hop = table.nextHop(route("192.0.2.1"), 0);
            return hop != null && hop.destinationMac() == 0x0200_0000_0777L;
        });
        r1.run("ip", "addr", "flush", "dev", "south");
        awaitWay("192.0.2.1", "unresolved");
        r1.run("ip", "link", "set", "south", "address", "02:00:00:00:01:11");
        r1.run("ip", "addr", "add", "10.78.1.2/24", "dev", "south");
        awaitWay("192.0.2.1", "r1 0 mtu 1500");
    }

    @Test
    void severalGatewaysShareTheFlowsByTheirWeights() throws Exception {
        ip("route add 192.0.2.0/24 nexthop via 10.78.1.2 weight 2 nexthop via 10.78.2.2");
        ip("route add 2001:db8::/64 nexthop via fd78:1::2 nexthop via fd78:2::2 weight 2");
        ip("nexthop add id 1 via 10.78.1.2 dev eth1");
        ip("nexthop add id 2 via 10.78.2.2 dev eth2");
        ip("nexthop add id 10 group 1,2/2");
        ip("route add 198.51.100.0/24 nhid 10");
        ip("route add 198.51.101.0/24 nhid 2");
        follow();
        awaitWay("192.0.2.1", "r1 0 mtu 1500 x2, r2 1 mtu 1500 x1");
        awaitWay("2001:db8::9", "r1 0 mtu 1500 x1, r2 1 mtu 1500 x2");
        awaitWay("198.51.100.1", "r1 0 mtu 1500 x2, r2 1 mtu 1500 x1");
        assertEquals("r2 1 mtu 1500", way("198.51.101.1"));
        ip("nexthop replace id 10 group 1");
        awaitWay("198.51.100.1", "r1 0 mtu 1500");
        // Now routes name nothing but their objects.
        director.run("sysctl", "-qw", "net.ipv4.nexthop_compat_mode=0");
        ip("nexthop replace id 10 group 1/2,2");
        awaitWay("198.51.100.1", "r1 0 mtu 1500 x1, r2 1 mtu 1500 x2");
        assertEquals("r2 1 mtu 1500", way("198.51.101.1"));
        r2.run("ip", "addr", "flush", "dev", "south");
        awaitWay("192.0.2.1", "r1 0 mtu 1500");
    }

    @Test
    void policyRulesAreFollowedUnlessTheyAskForMore() throws Exception {
        ip("route add default via 10.78.1.2");
        ip("route add default via 10.78.2.2 table 100");
        ip("route add throw 192.0.2.128/25 table 100");
        ip("rule add to 192.0.2.0/24 lookup 100 pref 1000");
        ip("rule add fwmark 7 lookup 100 pref 1001");
        ip("rule add from 10.0.0.0/8 lookup 100 pref 1002");
        ip("rule add iif eth1 lookup 100 pref 1003");
        follow();
        awaitWay("192.0.2.1", "r2 1 mtu 1500");
        assertEquals("r1 0 mtu 1500", way("192.0.2.129"));
        assertEquals("r1 0 mtu 1500", way("198.51.100.1"));
        // As WireGuard's wg-quick sets them.
        ip("rule add not fwmark 51820 lookup 100 pref 2000");
        awaitWay("198.51.100.1", "r2 1 mtu 1500");
        ip("route add 198.51.100.0/24 via 10.78.1.2");
        ip("rule add lookup main suppress_prefixlength 0 pref 1999");
        awaitWay("198.51.100.1", "r1 0 mtu 1500");
        assertEquals("r2 1 mtu 1500", way("198.51.101.1"));
        ip("rule add prohibit to 198.51.101.0/24 pref 900");
        awaitWay("198.51.101.1", "none");
        ip("rule add pref 800 goto 32766");
        awaitWay("198.51.101.1", "r1 0 mtu 1500");
    }

    @Test
    void findsWhatTheKernelFinds() throws Exception {
        Random random = new Random(42);
        List<String> commands = new ArrayList<>();
        List<IpAddress> inside = new ArrayList<>();
        Map<IpPrefix, String> added = new HashMap<>();
        for (int i = 0; i < 400; i++) {
            boolean inet6 = random.nextBoolean();
            int length = inet6 ? 16 + random.nextInt(113) : 8 + random.nextInt(25);
            IpAddress address = inet6
                    ? IpAddress.ofInet6(
                            0x2001_0db8_0000_0000L | (random.nextLong() & 0xc000_0003L),
                            random.nextLong() & 0x8000_0000_c000_0007L)
                    : IpAddress.ofInet(0xb000_0000 | (random.nextInt() & 0x0300_c007));
            IpPrefix prefix = new IpPrefix(address.and(IpAddress.netmask(address.family(), length)), length);
            String network = inet6 ? "fd78:" : "10.78.";
            String to = switch (random.nextInt(6)) {
                case 0 -> "via " + network + "1" + (inet6 ? "::2" : ".2");
                case 1 -> "via " + network + "2" + (inet6 ? "::2" : ".2");
                case 2 -> "dev eth1";
                case 3 -> "dev eth2";
                case 4 -> "via " + network + "1" + (inet6 ? "::2" : ".2") + " metric 7";
                default -> random.nextBoolean() ? "blackhole" : "throw";
            };
            if (added.putIfAbsent(prefix, to) == null) {
                boolean type = !to.contains(" ");
                String tableName = random.nextInt(4) == 0 ? " table 77" : "";
                commands.add("route add " + (type ? to + " " : "") + prefix + (type ? "" : " " + to) + tableName);
                inside.add(address);
            }
        }
        commands.add("rule add lookup 77 pref 500");
        commands.add("route add default via 10.78.1.2");
        batch(commands);
        ip("-6 rule add lookup 77 pref 500");
        follow();
        awaitWay("9.9.9.9", "r1 0 mtu 1500");
        await("all gateways", () -> !routes.isResolving());
        poll();
        int compared = 0;
        try (KernelTables kernel = director.in(KernelTables::new)) {
            for (int i = 0; i < 4000; i++) {
                IpAddress base = inside.get(random.nextInt(inside.size()));
                long flip =
                        random.nextBoolean() ? 0 : 1L << random.nextInt(base.family() == AddressFamily.INET ? 24 : 63);
                IpAddress address = base.family() == AddressFamily.INET
                        ? IpAddress.ofInet((int) (base.low() ^ flip))
                        : IpAddress.ofInet6(base.high(), base.low() ^ flip);
                assertEquals(expected(kernel.route(address)), way(address.toString()), address.toString());
                compared++;
            }
        }
        assertEquals(4000, compared);
    }

    private String expected(Route route) {
        if (route.error() != 0 || route.type() != Native.RTN_UNICAST()) {
            return "none";
        }
        Route.Leg leg = route.legs().getFirst();
        IpAddress gateway = leg.gateway();
        if (gateway == null) {
            int eth1 = resolver.link("eth1").orElseThrow().ifindex();
            return "on-link " + (leg.ifindex() == eth1 ? ETH1 : ETH2) + " mtu 1500";
        }
        String text = gateway.toString();
        boolean first = text.equals("10.78.1.2") || text.equals("fd78:1::2");
        return first ? "r1 " + ETH1 + " mtu 1500" : "r2 " + ETH2 + " mtu 1500";
    }

    @Test
    void aLargeTableIsReadInPieces() throws Exception {
        List<String> commands = new ArrayList<>();
        int count = 100_000;
        for (int i = 0; i < count; i++) {
            commands.add(
                    "route add " + IpAddress.ofInet(0x1400_0000 + (i << 8)) + "/24 via 10.78." + (1 + i % 2) + ".2");
        }
        batch(commands);
        follow();
        assertFalse(poll(), "not at once");
        assertEquals(0, routes.pollTimeoutMs(nowMs()));
        awaitWay("20.0.0.9", "r1 0 mtu 1500");
        awaitWay("20.0.1.9", "r2 1 mtu 1500");
        assertTrue(table.ranges() > count, "ranges: " + table.ranges());
        assertTrue(table.routes() < 20, "ways: " + table.routes());
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            int network = random.nextInt(count);
            IpAddress inside = IpAddress.ofInet(0x1400_0000 + (network << 8) + random.nextInt(256));
            NextHop hop = table.nextHop(route(inside), 0);
            assertTrue(hop != null && hop.egressPort() == network % 2, inside.toString());
        }
        ip("route del 20.0.1.0/24");
        awaitWay("20.0.1.9", "none");
    }
}

package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.generated.Native;
import dev.sluice.forward.RangeList;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Dumps of routes, rules and nexthop objects: what a kernel sent, made by hand, cut short and damaged. */
class RouteReaderTest {
    private static final int HEADER_BYTES = 16;
    private static final int INET = Native.AF_INET();
    private static final int INET6 = Native.AF_INET6();

    private final RouteReader reader = new RouteReader();

    @BeforeAll
    static void littleEndian() {
        Assumptions.assumeTrue(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN, "messages are little-endian");
    }

    private static byte[] recorded(String name) throws IOException {
        try (InputStream in = RouteReaderTest.class.getResourceAsStream("recorded.txt")) {
            assertNotNull(in);
            String line = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(one -> one.startsWith(name + " "))
                    .findFirst()
                    .orElseThrow();
            return HexFormat.of().parseHex(line.substring(name.length() + 1));
        }
    }

    /** A message of a type with a fixed part and attributes. */
    private static byte[] message(int type, byte[] fixed, Attributes attributes) {
        byte[] tail = attributes.bytes();
        ByteBuffer message =
                ByteBuffer.allocate(HEADER_BYTES + fixed.length + tail.length).order(ByteOrder.LITTLE_ENDIAN);
        message.putInt(message.capacity())
                .putShort((short) type)
                .position(HEADER_BYTES)
                .put(fixed)
                .put(tail);
        return message.array();
    }

    private static byte[] route(int family, int length, int type, int flags, Attributes attributes) {
        byte[] fixed = {(byte) family, (byte) length, 0, 0, (byte) 254, 0, 0, (byte) type, (byte) flags, 0, 0, 0};
        return message(Native.RTM_NEWROUTE(), fixed, attributes);
    }

    private static Attributes address(Attributes attributes, int type, String address) {
        return attributes.bytes(type, IpAddress.parse(address).toBytes());
    }

    private boolean read(byte[] message) {
        return reader.read(MemorySegment.ofArray(message), HEADER_BYTES, message.length);
    }

    private static Route.Leg leg(int ifindex, @Nullable String gateway, int weight) {
        return new Route.Leg(ifindex, gateway == null ? null : IpAddress.parse(gateway), weight);
    }

    @Test
    void readsWhatAKernelSent() throws IOException {
        assertTrue(read(recorded("route-multipath")));
        assertFalse(reader.inet6());
        assertEquals(IpAddress.parse("10.9.0.0").low(), reader.low());
        assertEquals(16, reader.length());
        assertEquals(Native.RT_TABLE_MAIN(), reader.table());
        assertEquals(1300, reader.mtuBytes());
        RouteWays ways = new RouteWays(Map.of());
        assertEquals(0, ways.number(reader));
        List<Route.Leg> legs = List.of(leg(3, "10.1.1.2", 2), leg(5, "10.1.2.2", 1));
        assertEquals(List.of(new RouteWay(legs, 1300)), ways.ways());
        assertTrue(read(recorded("route-multipath-dead")));
        assertEquals(1, ways.number(reader));
        assertEquals(legs.subList(0, 1), ways.ways().get(1).legs());
        // Answers to look-ups are marked as clones; dumps of tables may hold such only by mistake.
        assertFalse(read(recorded("route-gateway")));
    }

    @Test
    void readsGatewaysOfBothFamiliesAndNumbersWaysOnce() {
        RouteWays ways = new RouteWays(Map.of());
        Attributes far = address(new Attributes(), Native.RTA_DST(), "2001:db8:7::")
                .put(Native.RTA_PRIORITY(), 1024)
                .put(Native.RTA_TABLE(), 70000)
                .put(Native.RTA_OIF(), 4);
        assertTrue(read(route(INET6, 48, Native.RTN_UNICAST(), 0, address(far, Native.RTA_GATEWAY(), "fe80::1"))));
        assertTrue(reader.inet6());
        assertEquals(0x2001_0db8_0007_0000L, reader.high());
        assertEquals(0, reader.low());
        assertEquals(1024, reader.metric());
        assertEquals(70000, reader.table());
        assertEquals(0, ways.number(reader));
        assertEquals(0, ways.number(reader));
        byte[] via = ByteBuffer.allocate(18)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) INET6)
                .put(IpAddress.parse("fe80::1").toBytes())
                .array();
        Attributes inet = new Attributes().put(Native.RTA_OIF(), 4).bytes(Native.RTA_VIA(), via);
        assertTrue(read(route(INET, 0, Native.RTN_UNICAST(), 0, inet)));
        assertEquals(0, reader.low());
        assertEquals(0, ways.number(reader), "the same gateway, whatever the destination's family");
        assertTrue(read(route(INET, 0, Native.RTN_UNICAST(), 0, new Attributes().put(Native.RTA_OIF(), 4))));
        assertEquals(0, reader.gatewayBytes(), "nothing is left of the route before");
        assertEquals(1, ways.number(reader));
        assertEquals(
                List.of(new RouteWay(List.of(leg(4, "fe80::1", 1)), 0), new RouteWay(List.of(leg(4, null, 1)), 0)),
                ways.ways());
    }

    @Test
    void routesThatSayNoAndRoutesThatSayNothing() {
        RouteWays ways = new RouteWays(Map.of());
        for (int type : new int[] {
            Native.RTN_BLACKHOLE(),
            Native.RTN_UNREACHABLE(),
            Native.RTN_PROHIBIT(),
            Native.RTN_LOCAL(),
            Native.RTN_BROADCAST()
        }) {
            assertTrue(read(route(INET, 8, type, 0, new Attributes().put(Native.RTA_OIF(), 1))));
            assertEquals(RangeList.DISCARD, ways.number(reader));
        }
        assertTrue(read(route(INET, 8, Native.RTN_THROW(), 0, new Attributes())));
        assertEquals(RangeList.THROUGH, ways.number(reader));
        Attributes tunnel = new Attributes().put(Native.RTA_OIF(), 4).put(Native.RTA_ENCAP(), 1);
        assertTrue(read(route(INET, 8, Native.RTN_UNICAST(), 0, tunnel)));
        assertEquals(RangeList.DISCARD, ways.number(reader));
        assertFalse(read(route(INET, 8, Native.RTN_UNICAST(), 1, new Attributes())), "dead");
        assertFalse(read(route(INET, 33, Native.RTN_UNICAST(), 0, new Attributes())));
        assertFalse(read(route(17, 8, Native.RTN_UNICAST(), 0, new Attributes())), "of another family");
    }

    @Test
    void nexthopObjectsAndGroups() {
        byte[] fixed = {(byte) INET, 0, 0, 0, 0, 0, 0, 0};
        Attributes one = address(new Attributes().put(1, 7).put(5, 3), 6, "10.1.1.2");
        byte[] members = ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(7)
                .putInt(2)
                .putInt(9)
                .putInt(0)
                .array();
        NexthopObject seven = object(message(104, fixed, one));
        NexthopObject group =
                object(message(104, fixed, new Attributes().put(1, 8).bytes(2, members)));
        NexthopObject nine =
                object(message(104, fixed, new Attributes().put(1, 9).bytes(4, new byte[0])));
        assertEquals(leg(3, "10.1.1.2", 1), seven.leg());
        assertNull(nine.leg(), "a blackhole");
        Map<Integer, NexthopObject> objects = Map.of(7, seven, 8, group, 9, nine);
        assertEquals(List.of(leg(3, "10.1.1.2", 3)), group.legs(objects));
        RouteWays ways = new RouteWays(objects);
        assertTrue(read(route(INET, 8, Native.RTN_UNICAST(), 0, new Attributes().put(Native.RTA_NH_ID(), 8))));
        assertEquals(0, ways.number(reader));
        assertTrue(read(route(INET, 8, Native.RTN_UNICAST(), 0, new Attributes().put(Native.RTA_NH_ID(), 55))));
        assertEquals(RangeList.DISCARD, ways.number(reader));
    }

    private static NexthopObject object(byte[] message) {
        NexthopObject object = NexthopObject.parse(
                NetlinkMessage.split(MemorySegment.ofArray(message)).getFirst());
        assertNotNull(object);
        return object;
    }

    private static @Nullable RoutingRule rule(int length, int sourceLength, int action, int flags, Attributes more) {
        byte[] fixed = {
            (byte) INET, (byte) length, (byte) sourceLength, 0, (byte) 254, 0, 0, (byte) action, (byte) flags, 0, 0, 0
        };
        byte[] message = message(32, fixed, more);
        return RoutingRule.parse(
                NetlinkMessage.split(MemorySegment.ofArray(message)).getFirst(), false);
    }

    @Test
    void rulesThatAskForMoreThanTheDestinationArePassedOver() {
        IpAddress any = IpAddress.parse("0.0.0.0");
        assertEquals(
                new RoutingRule(7, RoutingRule.TO_TABLE, 300, 0, 0, any, 0),
                rule(0, 0, 1, 0, new Attributes().put(6, 7).put(15, 300).put(14, 0)));
        assertEquals(
                new RoutingRule(0, RoutingRule.TO_TABLE, 254, 0, -1, IpAddress.parse("10.2.0.0"), 16),
                rule(16, 0, 1, 0, address(new Attributes(), 1, "10.2.0.0")));
        assertNull(rule(0, 8, 1, 0, address(new Attributes(), 2, "10.0.0.0")), "from");
        assertNull(rule(0, 0, 1, 0, new Attributes().put(10, 5)), "fwmark");
        assertNull(rule(0, 0, 1, 0, new Attributes().text(3, "eth1")), "iif");
        assertNull(rule(0, 0, 1, 0, new Attributes().put(19, 1)), "l3mdev");
        assertNull(rule(0, 0, 1, 2, new Attributes()), "not everything");
        assertNotNull(rule(0, 0, 1, 2, new Attributes().put(10, 5)), "not fwmark");
        assertNotNull(rule(0, 0, 1, 0, new Attributes().put(10, 5).put(16, 2)), "a mark that its mask takes away");
    }

    @Test
    void whoGoesToARulePassesOverThoseBetween() {
        List<RoutingRule> rules = List.of(
                plain(0, RoutingRule.TO_TABLE, 255, 0),
                plain(10, RoutingRule.GOTO, 0, 30),
                plain(20, RoutingRule.TO_TABLE, 1, 0),
                plain(30, RoutingRule.NOP, 0, 0),
                plain(40, RoutingRule.TO_TABLE, 254, 0));
        assertEquals(List.of(rules.getFirst(), rules.getLast()), RoutingRule.effective(rules));
    }

    private static RoutingRule plain(long priority, int action, int table, long target) {
        return new RoutingRule(priority, action, table, target, -1, IpAddress.parse("0.0.0.0"), 0);
    }

    @Test
    void nothingThatIsCutShortOrDamagedLeadsOutside() throws IOException {
        byte[] whole = recorded("route-multipath");
        RouteWays ways = new RouteWays(Map.of());
        for (int length = HEADER_BYTES; length < whole.length; length++) {
            if (reader.read(MemorySegment.ofArray(whole).asSlice(0, length), HEADER_BYTES, length)) {
                assertTrue(ways.number(reader) >= RangeList.DISCARD);
            }
        }
        Random random = new Random(3);
        for (int i = 0; i < 20_000; i++) {
            byte[] damaged = whole.clone();
            for (int hits = 0; hits < 3; hits++) {
                damaged[HEADER_BYTES + random.nextInt(damaged.length - HEADER_BYTES)] = (byte) random.nextInt();
            }
            if (read(damaged)) {
                assertTrue(ways.number(reader) >= RangeList.DISCARD);
            }
        }
    }
}

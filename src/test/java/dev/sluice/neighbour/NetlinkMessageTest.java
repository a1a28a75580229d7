package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ndmsg;
import dev.sluice.ffi.generated.rtmsg;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The message codec against datagrams recorded from a kernel, whole, cut short and damaged. */
class NetlinkMessageTest {
    private static final Map<String, byte[]> RECORDED = new HashMap<>();

    @BeforeAll
    static void load() throws IOException {
        Assumptions.assumeTrue(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN, "recorded on little-endian");
        try (InputStream in = NetlinkMessageTest.class.getResourceAsStream("recorded.txt")) {
            assertNotNull(in);
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(" ", -1))
                    .forEach(line -> RECORDED.put(line[0], HexFormat.of().parseHex(line[1])));
        }
    }

    private static byte[] bytes(String name) {
        byte[] bytes = RECORDED.get(name);
        assertNotNull(bytes, name);
        return bytes;
    }

    private static List<NetlinkMessage> messages(String name) {
        return NetlinkMessage.split(MemorySegment.ofArray(bytes(name)));
    }

    @Test
    void readsALink() {
        List<NetlinkMessage> messages = messages("link");
        assertEquals(1, messages.size());
        assertEquals(Native.RTM_NEWLINK(), messages.getFirst().type());
        assertEquals(7, messages.getFirst().sequence());
        assertEquals(
                new Link(3, "eth1", 0x0200_0000_0101L, 1400, true, true, 4, null),
                Link.parse(messages.getFirst(), null));
    }

    @Test
    void readsADumpOfNeighbours() {
        List<NetlinkMessage> messages = messages("neighbours-inet");
        assertEquals(Native.NLMSG_DONE(), messages.getLast().type());
        assertEquals(0, messages.getLast().error());
        assertEquals(
                Set.of(
                        new NeighbourEntry(key("10.77.1.11"), Native.NUD_STALE(), 0x0200_0000_000bL, false, false),
                        new NeighbourEntry(key("10.77.1.13"), Native.NUD_INCOMPLETE(), 0, true, false)),
                messages.subList(0, messages.size() - 1).stream()
                        .map(NeighbourEntry::parse)
                        .collect(Collectors.toSet()));
    }

    @Test
    void readsAnInet6Neighbour() {
        assertEquals(
                new NeighbourEntry(key("fd77:1::11"), Native.NUD_PERMANENT(), 0x0200_0000_000bL, false, false),
                NeighbourEntry.parse(messages("neighbour-inet6").getFirst()));
    }

    private static NeighbourEntry.Key key(String address) {
        return new NeighbourEntry.Key(3, IpAddress.parse(address));
    }

    @Test
    void readsRoutes() {
        IpAddress source = IpAddress.parse("10.77.1.1");
        int unicast = Native.RTN_UNICAST();
        assertEquals(new Route(0, unicast, leg(null), source, 0), route("route-on-link"));
        assertEquals(new Route(0, unicast, leg("10.77.1.11"), source, 1300), route("route-gateway"));
        IpAddress preferred = route("route-via-inet6").preferredSource();
        assertEquals(new Route(0, unicast, leg("fd77:1::11"), preferred, 0), route("route-via-inet6"));
    }

    private static List<Route.Leg> leg(@Nullable String gateway) {
        return List.of(new Route.Leg(3, gateway == null ? null : IpAddress.parse(gateway), 1));
    }

    @Test
    void readsTheWaysOfAMultipathRoute() {
        NetlinkMessage entry = messages("route-multipath").getFirst();
        Route one = new Route(0, Native.RTN_UNICAST(), legs(MULTIPATH.get(1)), IpAddress.parse("10.1.2.1"), 1300);
        assertEquals(
                new Route(0, Native.RTN_UNICAST(), MULTIPATH, IpAddress.parse("10.1.2.1"), 1300),
                one.withLegsOf(entry));
        // An ICMP redirect, say, that the kernel follows: its own way goes before the table's.
        Route other = new Route(0, Native.RTN_UNICAST(), leg("10.77.1.11"), null, 0);
        assertEquals(other, other.withLegsOf(entry));
        assertEquals(one, one.withLegsOf(messages("route-on-link").getFirst()));
        Route dead = one.withLegsOf(messages("route-multipath-dead").getFirst());
        assertEquals(legs(MULTIPATH.getFirst()), dead.legs());
    }

    private static final List<Route.Leg> MULTIPATH =
            List.of(new Route.Leg(3, IpAddress.parse("10.1.1.2"), 2), new Route.Leg(5, IpAddress.parse("10.1.2.2"), 1));

    private static List<Route.Leg> legs(Route.Leg leg) {
        return List.of(leg);
    }

    private static Route route(String name) {
        return Route.parse(messages(name).getFirst());
    }

    @Test
    void readsAnError() {
        NetlinkMessage message = messages("route-none").getFirst();
        assertEquals(Native.NLMSG_ERROR(), message.type());
        assertEquals(-Native.ENETUNREACH(), message.error());
        assertEquals(-Native.EPROTO(), Route.parse(message).error());
    }

    /** Made by hand after linux/if_link.h and vlan_fill_info: the kernel that the others were recorded on has no VLAN devices. */
    @Test
    void readsAVlanDevice() {
        Link vlan = link(attributes -> attributes
                .put(Native.IFLA_LINK(), 3)
                .nest(
                        Native.IFLA_LINKINFO(),
                        info -> info.text(1, "vlan")
                                .nest(2, data -> data.u16Be(5, 0x88a8).u16(1, 100))));
        assertEquals(new Link.Vlan(3, 100, Link.Vlan.SERVICE), vlan.vlan());
        Link without = link(attributes -> attributes
                .put(Native.IFLA_LINK(), 3)
                .nest(Native.IFLA_LINKINFO(), info -> info.text(1, "vlan").nest(2, data -> data.u16(1, 7))));
        assertEquals(new Link.Vlan(3, 7, Link.Vlan.CUSTOMER), without.vlan());
        Link elsewhere = link(attributes -> attributes
                .put(Native.IFLA_LINK(), 3)
                .put(37, 0)
                .nest(Native.IFLA_LINKINFO(), info -> info.text(1, "vlan").nest(2, data -> data.u16(1, 7))));
        assertEquals(new Link.Vlan(0, 7, Link.Vlan.CUSTOMER), elsewhere.vlan());
        Link veth = link(attributes ->
                attributes.put(Native.IFLA_LINK(), 3).nest(Native.IFLA_LINKINFO(), info -> info.text(1, "veth")));
        assertNull(veth.vlan());
    }

    private static Link link(UnaryOperator<Attributes> attributes) {
        byte[] tail = attributes
                .apply(new Attributes().text(Native.IFLA_IFNAME(), "eth1.100"))
                .bytes();
        byte[] message = Arrays.copyOf(bytes("link"), 16 + 16 + tail.length);
        System.arraycopy(tail, 0, message, 32, tail.length);
        MemorySegment.ofArray(message).set(ValueLayout.JAVA_INT_UNALIGNED, 0, message.length);
        Link link =
                Link.parse(NetlinkMessage.split(MemorySegment.ofArray(message)).getFirst(), null);
        assertNotNull(link);
        return link;
    }

    @Test
    void anAttributeThatIsAbsentInAnUpdateKeepsItsValue() {
        Link before = new Link(3, "eth1", 0x0200_0000_0101L, 1400, false, false, 4, null);
        byte[] message = bytes("link").clone();
        // The first attribute is the name; cutting after it leaves header, fixed part and name.
        message[0] = 16 + 16 + 12;
        message[1] = 0;
        assertEquals(
                new Link(3, "eth1", 0x0200_0000_0101L, 1400, true, true, 4, null),
                Link.parse(NetlinkMessage.split(MemorySegment.ofArray(message)).getFirst(), before));
    }

    @Test
    void ignoresWhatBridgesSayOfTheirPorts() {
        byte[] link = bytes("link").clone();
        link[16] = 7;
        NetlinkMessage message =
                NetlinkMessage.split(MemorySegment.ofArray(link)).getFirst();
        assertNull(Link.parse(message, null));
        assertEquals(0, Link.ifindex(message));
        byte[] neighbour = bytes("neighbour-inet6").clone();
        neighbour[16] = 7;
        assertNull(NeighbourEntry.parse(
                NetlinkMessage.split(MemorySegment.ofArray(neighbour)).getFirst()));
    }

    @Test
    void everyTruncationIsReadWithoutHarm() {
        for (byte[] datagram : RECORDED.values()) {
            for (int length = 0; length < datagram.length; length++) {
                MemorySegment cut = MemorySegment.ofArray(datagram).asSlice(0, length);
                List<NetlinkMessage> messages = NetlinkMessage.split(cut);
                messages.forEach(NetlinkMessageTest::readAll);
                long first =
                        Integer.toUnsignedLong(MemorySegment.ofArray(datagram).get(ValueLayout.JAVA_INT_UNALIGNED, 0));
                assertEquals(length >= first, !messages.isEmpty(), "a message cut at " + length + " is none");
                // The same cut inside one message: its header says that it is as short as it is.
                if (length >= 16 && length <= first) {
                    byte[] shorter = Arrays.copyOf(datagram, length);
                    MemorySegment.ofArray(shorter).set(ValueLayout.JAVA_INT_UNALIGNED, 0, length);
                    List<NetlinkMessage> one = NetlinkMessage.split(MemorySegment.ofArray(shorter));
                    assertEquals(1, one.size());
                    readAll(one.getFirst());
                }
            }
        }
    }

    @Test
    void damageIsReadWithoutHarm() {
        Random random = new Random(20261121);
        for (byte[] datagram : RECORDED.values()) {
            for (int round = 0; round < 2_000; round++) {
                byte[] damaged = datagram.clone();
                for (int i = random.nextInt(8); i >= 0; i--) {
                    damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
                }
                NetlinkMessage.split(MemorySegment.ofArray(damaged)).forEach(NetlinkMessageTest::readAll);
            }
        }
    }

    @Test
    void lengthsThatLeadNowhereEndTheReading() {
        byte[] zeroLength = new byte[64];
        assertTrue(NetlinkMessage.split(MemorySegment.ofArray(zeroLength)).isEmpty());
        byte[] huge = new byte[64];
        Arrays.fill(huge, 0, 4, (byte) 0xff);
        assertTrue(NetlinkMessage.split(MemorySegment.ofArray(huge)).isEmpty());
        NetlinkAttributes attributes = NetlinkAttributes.parse(MemorySegment.ofArray(new byte[] {3, 0, 1, 0, 9, 9}));
        assertFalse(attributes.has(1));
    }

    private static void readAll(NetlinkMessage message) {
        Link.parse(message, null);
        NeighbourEntry.parse(message);
        Route route = Route.parse(message);
        route.withLegsOf(message);
        int ignored = message.error() + message.flags() + Link.ifindex(message);
    }

    @Test
    void buildsWhatItReads() {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request =
                    new NetlinkRequest(arena, Native.RTM_NEWNEIGH(), Native.NLM_F_ACK(), ndmsg.sizeof());
            ndmsg.ndm_family(request.fixed(), (byte) Native.AF_INET6());
            ndmsg.ndm_ifindex(request.fixed(), 3);
            ndmsg.ndm_flags(request.fixed(), (byte) Native.NTF_EXT_LEARNED());
            request.put(Native.NDA_DST(), IpAddress.parse("fd77:1::11"))
                    .put(Native.NDA_FLAGS_EXT(), Native.NTF_EXT_MANAGED());
            List<NetlinkMessage> messages = NetlinkMessage.split(request.numbered(42));
            assertEquals(1, messages.size());
            NetlinkMessage message = messages.getFirst();
            assertEquals(42, message.sequence());
            assertEquals(Native.NLM_F_REQUEST() | Native.NLM_F_ACK(), message.flags());
            assertEquals(
                    new NeighbourEntry(key("fd77:1::11"), Native.NUD_NONE(), 0, true, true),
                    NeighbourEntry.parse(message));
        }
    }

    @Test
    void buildsTheRequestThatARecordedErrorQuotes() {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request = new NetlinkRequest(arena, Native.RTM_GETROUTE(), 0, rtmsg.sizeof());
            rtmsg.rtm_family(request.fixed(), (byte) Native.AF_INET());
            rtmsg.rtm_dst_len(request.fixed(), (byte) 32);
            request.put(Native.RTA_DST(), IpAddress.parse("192.0.2.1"));
            byte[] error = bytes("route-none");
            byte[] quoted = Arrays.copyOfRange(error, 20, error.length);
            assertEquals(
                    HexFormat.of().formatHex(quoted),
                    HexFormat.of().formatHex(request.numbered(7).toArray(ValueLayout.JAVA_BYTE)));
        }
    }
}

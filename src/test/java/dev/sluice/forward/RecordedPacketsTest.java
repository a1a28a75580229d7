package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import dev.sluice.service.VirtualService;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What real IPVS was fed by direct routing and tunneling goes through the pipeline: the same comes out, or a difference of those
 * that docs/ipvs-differences.md names.
 */
class RecordedPacketsTest {
    private static final int CLIENT_PORT = 0;
    private static final int REAL_PORT = 1;
    /** The director's addresses where IPVS was recorded. */
    private static final IpPrefix DIP4 = IpPrefix.parse("10.254.2.1/32");

    private static final IpPrefix DIP6 = IpPrefix.parse("fd00:2::1/128");

    /** Why a recorded packet is another one here, or none. */
    private enum Difference {
        /** The steering program leaves it to the kernel, which answers or not. */
        KERNEL,
        /** RFC 6040's normal mode copies CE; IPVS makes it ECT(0). */
        CONGESTION_COPIED,
        /** ICMPv6 errors come from the VIP, not from an address of the director. */
        VIP_ANSWERS,
        /** Options are forwarded as they are; a host that routes fills them in. */
        OPTIONS_LEFT,
        /** Fragments are forwarded as they came, and not put together first. */
        NOT_REASSEMBLED,
        /** An ICMP error's quoted packet gets its own checksum back (RFC 5508), which IPVS leaves as it is. */
        QUOTED_CHECKSUM,
        NONE
    }

    @TestFactory
    List<DynamicTest> asIpvs() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode row : Golden.lines("ipvs/packets.jsonl")) {
            if (!row.get("method").asText().equals("nat")) {
                String name =
                        row.get("id").asText() + " " + row.get("description").asText();
                tests.add(DynamicTest.dynamicTest(name, () -> replay(row)));
            }
        }
        return tests;
    }

    /** Each connection goes on from case to case. */
    @TestFactory
    List<DynamicTest> natAsIpvs() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        Map<String, Harness> harnesses = new TreeMap<>();
        for (JsonNode row : Golden.lines("ipvs/packets.jsonl")) {
            if (row.get("method").asText().equals("nat")) {
                String name =
                        row.get("id").asText() + " " + row.get("description").asText();
                Harness harness = harnesses.computeIfAbsent(row.get("setup").toString(), ignored -> new Harness(64));
                tests.add(DynamicTest.dynamicTest(name, () -> replayNat(row, harness)));
            }
        }
        assertTrue(tests.size() >= 20, "the recordings have NAT");
        return tests;
    }

    private static void replayNat(JsonNode row, Harness harness) {
        ForwardingSnapshot snapshot = snapshot(row);
        List<byte[]> toClient = new ArrayList<>();
        List<byte[]> toReal = new ArrayList<>();
        for (JsonNode in : row.get("in")) {
            feed(
                    harness,
                    snapshot,
                    in.get("hex").asText(),
                    0,
                    in.get("side").asText().equals("client") ? 0 : 1);
            collect(harness, toClient, toReal);
        }
        boolean quoted = row.get("description").asText().contains("router to the VIP")
                || row.get("description").asText().contains("unreachable");
        Difference difference = quoted ? Difference.QUOTED_CHECKSUM : Difference.NONE;
        compare(row, difference, row.get("out_client"), toClient, "client");
        compare(row, difference, row.get("out_real"), toReal, "real server");
    }

    private static Difference difference(JsonNode row) {
        String description = row.get("description").asText();
        String id = row.get("id").asText();
        if (description.contains("echo") || description.contains("unserved port")) {
            return Difference.KERNEL;
        }
        boolean tunnel = !id.startsWith("dr-");
        if (tunnel && description.matches("DS field and ECN 0x(03|bb)")) {
            return Difference.CONGESTION_COPIED;
        }
        if (description.contains("record route")) {
            return Difference.OPTIONS_LEFT;
        }
        if (description.contains("fragments") && tunnel) {
            return Difference.NOT_REASSEMBLED;
        }
        boolean answered6 =
                row.get("family").asInt() == 6 && !row.get("out_client").isEmpty();
        return answered6 ? Difference.VIP_ANSWERS : Difference.NONE;
    }

    private static void replay(JsonNode row) {
        Difference difference = difference(row);
        String description = row.get("description").asText();
        if (difference == Difference.KERNEL) {
            return;
        }
        // IPVS's default for packets from the middle of unknown connections, which the kernel answers with a reset.
        ConnectionPolicy policy = new ConnectionPolicy(Sloppy.OFF, Sloppy.OFF, 1, false, false, 0);
        Harness harness = new Harness(64, policy, PacketPolicy.DEFAULT);
        ForwardingSnapshot snapshot = snapshot(row);
        int slot = 0;
        for (JsonNode prior : row.get("prior")) {
            feed(harness, snapshot, prior.asText(), slot++);
        }
        List<byte[]> toClient = new ArrayList<>();
        List<byte[]> toReal = new ArrayList<>();
        for (JsonNode in : row.get("in")) {
            feed(harness, snapshot, in.get("hex").asText(), slot++);
            collect(harness, toClient, toReal);
        }
        if (description.equals("ACK of an unknown connection")) {
            assertEquals(1, harness.counters.get(Counter.TCP_WITHOUT_FLOW));
            assertTrue(toReal.isEmpty() && toClient.isEmpty());
            return;
        }
        if (difference == Difference.NOT_REASSEMBLED) {
            // Each fragment in an outer packet of its own, and cut where that does not fit.
            assertTrue(toReal.size() >= row.get("in").size(), "fragments went on");
            assertTrue(toClient.isEmpty());
            return;
        }
        if (description.contains("fragments")) {
            // As they came, once the first one was there, where IPVS sends them in order.
            toReal.sort(Comparator.comparingInt(frame -> ((frame[20] & 0x1f) << 8) | (frame[21] & 0xff)));
        }
        compare(row, difference, row.get("out_client"), toClient, "client");
        compare(row, difference, row.get("out_real"), toReal, "real server");
    }

    private static void compare(
            JsonNode row, Difference difference, JsonNode expected, List<byte[]> actual, String where) {
        List<String> seen = actual.stream().map(HexFormat.of()::formatHex).toList();
        assertEquals(expected.size(), actual.size(), () -> "to the " + where + ": " + expected + " and here " + seen);
        for (int i = 0; i < expected.size(); i++) {
            byte[] frame = HexFormat.of().parseHex(expected.get(i).get("hex").asText());
            byte[] own = actual.get(i).clone();
            Set<Integer> varying = new HashSet<>();
            expected.get(i).get("varying").forEach(offset -> varying.add(offset.asInt()));
            allow(row, difference, frame, varying);
            // Two recordings may agree by chance in one octet of a number that is a random one, or of the sum over it.
            for (int first : List.of(18, 24, 34)) {
                if (varying.contains(first) || varying.contains(first + 1)) {
                    varying.addAll(List.of(first, first + 1));
                }
            }
            for (int offset : varying) {
                if (offset < frame.length && offset < own.length) {
                    own[offset] = frame[offset];
                }
            }
            String text = HexFormat.of().formatHex(own);
            assertArrayEquals(
                    frame,
                    own,
                    () -> "to the " + where + ":\n" + HexFormat.of().formatHex(frame) + " and here\n" + text);
        }
    }

    /** Adds the offsets at which a difference shows. */
    private static void allow(JsonNode row, Difference difference, byte[] frame, Set<Integer> varying) {
        boolean outer6 = (frame[12] & 0xff) == 0x86;
        switch (difference) {
            case CONGESTION_COPIED -> varying.addAll(outer6 ? List.of(14, 15) : List.of(15, 24, 25));
            case VIP_ANSWERS -> {
                // Source address, the checksum over it, and the flow label, which is of no meaning (RFC 6437).
                varying.addAll(List.of(15, 16, 17, 56, 57));
                for (int offset = 22; offset < 38; offset++) {
                    varying.add(offset);
                }
            }
            case OPTIONS_LEFT -> {
                int inner = row.get("method").asText().equals("dr") ? 14 : -1;
                for (int at = 14; inner < 0 && at < frame.length - 1; at++) {
                    inner = (frame[at] & 0xff) == 0x47 ? at : -1;
                }
                varying.addAll(List.of(inner + 10, inner + 11));
                for (int offset = inner + 20; offset < inner + 28; offset++) {
                    varying.add(offset);
                }
            }
            case QUOTED_CHECKSUM -> {
                // ICMP's own checksum, and the quoted TCP's or UDP's as far as it is quoted.
                int icmp = outer6 ? 54 : 34;
                int transport = icmp + (outer6 ? 48 : 28);
                boolean tcp = row.get("description").asText().startsWith("tcp");
                int checksum = transport + (tcp ? 16 : 6);
                if (checksum < frame.length) {
                    varying.addAll(List.of(icmp + 2, icmp + 3, checksum, checksum + 1));
                }
            }
            default -> {}
        }
    }

    /** Each frame in a slot of its own: a fragment may be held. */
    private static void feed(Harness harness, ForwardingSnapshot snapshot, String hex, int slot) {
        feed(harness, snapshot, hex, slot, CLIENT_PORT);
    }

    private static void feed(Harness harness, ForwardingSnapshot snapshot, String hex, int slot, int port) {
        byte[] frame = HexFormat.of().parseHex(hex);
        harness.put(slot, frame);
        harness.addresses[0] = harness.addresses[slot];
        harness.lengths[0] = frame.length;
        harness.process(snapshot, 1, port, 0);
    }

    private static void collect(Harness harness, List<byte[]> toClient, List<byte[]> toReal) {
        for (int i = 0; i < harness.batch.count(); i++) {
            int egress = harness.egress[i];
            if (egress == CLIENT_PORT) {
                toClient.add(harness.get(i));
            } else if (egress == REAL_PORT) {
                toReal.add(harness.get(i));
            }
        }
    }

    private static ForwardingSnapshot snapshot(JsonNode row) {
        List<String> service = List.of(row.get("setup").get(0).asText().split(" ", -1));
        List<String> real =
                Arrays.asList(row.get("setup").get(1).asText().trim().split(" +"));
        AddressKey key = key(service.get(2).equals("-t") ? Protocol.TCP : Protocol.UDP, service.get(3));
        Map<String, String> options = new TreeMap<>();
        for (int i = 4; i < real.size(); i++) {
            options.put(real.get(i), i + 1 < real.size() ? real.get(i + 1) : "");
        }
        AddressKey target = key(key.protocol(), options.getOrDefault("-r", ""));
        IpAddress rip = target.address();
        Tunnel tunnel = options.containsKey("-i") ? tunnel(options) : null;
        boolean nat = options.containsKey("-m");
        RealServer server = new RealServer(
                0,
                rip,
                nat ? target.port() : key.port(),
                nat ? ForwardingMethod.NAT : tunnel == null ? ForwardingMethod.DR : ForwardingMethod.TUN,
                1,
                0,
                0,
                tunnel,
                RealServer.VLAN_KEEP);
        SchedulerKind kind = SchedulerKind.valueOf(service.get(5).toUpperCase(Locale.ROOT));
        IpPrefix source = rip.toString().indexOf(':') < 0 ? DIP4 : DIP6;
        return new ForwardingSnapshot.Builder(1)
                .add(new VirtualService(0, key, kind, List.of(server)), null, Harness.PARAMETERS)
                .nextHops(
                        0,
                        List.of(new NextHop(
                                REAL_PORT, Harness.macOf(0), Harness.DIRECTOR_MAC, 1500, RealServer.VLAN_KEEP, source)))
                .routes(Harness.defaultRoutes(
                        new NextHop(CLIENT_PORT, 0x02_00_00_00_0c_00L, 0x02_00_00_00_0c_01L, 9000)))
                .build();
    }

    private static Tunnel tunnel(Map<String, String> options) {
        TunnelType type =
                TunnelType.valueOf(options.getOrDefault("--tun-type", "ipip").toUpperCase(Locale.ROOT));
        int port = Integer.parseInt(options.getOrDefault("--tun-port", "0"));
        Tunnel.Checksum checksum = options.containsKey("--tun-csum") ? Tunnel.Checksum.CSUM : Tunnel.Checksum.NONE;
        return new Tunnel(type, port, checksum);
    }

    private static AddressKey key(Protocol protocol, String text) {
        int colon = text.lastIndexOf(':');
        IpAddress address = IpAddress.parse(text.substring(0, colon).replaceAll("[\\[\\]]", ""));
        return new AddressKey(protocol, address, Integer.parseInt(text.substring(colon + 1)));
    }
}

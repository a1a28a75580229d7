package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.ProgramRun;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetnsFixture;
import dev.sluice.testing.NetworkNamespace;
import dev.sluice.testing.PacketSocket;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The decapsulation program in the kernel, packet by packet, and on the wire. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DecapIT {
    private static final int NOT_ECT = 0;
    private static final int ECT_1 = 1;
    private static final int ECT_0 = 2;
    private static final int CE = 3;
    private static final int DROP = -1;

    private final DecapLab lab = new DecapLab();

    @AfterAll
    void close() {
        lab.close();
    }

    private interface Combination {
        void check(String name, AddressFamily outer, AddressFamily inner, byte[] innerFrame);
    }

    private static void everyCombination(Combination combination) {
        for (AddressFamily outer : AddressFamily.values()) {
            for (AddressFamily inner : AddressFamily.values()) {
                combination.check(
                        inner + " in " + outer,
                        outer,
                        inner,
                        DecapLab.inner(inner).build());
            }
        }
    }

    @Test
    void ipInIp() {
        everyCombination((name, outer, inner, frame) -> lab.expectInner(
                name,
                DecapLab.outer(outer, DecapLab.protocolOf(inner), DecapLab.datagram(frame))
                        .build(),
                frame));
    }

    @Test
    void ipInIpBehindOptionsAndExtensionHeaders() {
        byte[] frame = DecapLab.inner(AddressFamily.INET).build();
        byte[] datagram = DecapLab.datagram(frame);
        lab.expectInner(
                "router alert",
                DecapLab.outer(AddressFamily.INET, DecapLab.IPIP, datagram)
                        .ipOptions((byte) 0x94, (byte) 4, (byte) 0, (byte) 0)
                        .build(),
                frame);
        PacketBuilder limited = DecapLab.outer(AddressFamily.INET6, DecapLab.IPIP, datagram)
                .extension(PacketBuilder.DESTINATION_OPTIONS, 8);
        lab.expectInner("tunnel encapsulation limit", limited.build(), frame);
        lab.expectInner(
                "atomic fragment",
                DecapLab.outer(AddressFamily.INET6, DecapLab.IPIP, datagram)
                        .fragmentHeader(0, false, 7)
                        .build(),
                frame);
        lab.expectUntouched(
                "routing header",
                DecapLab.outer(AddressFamily.INET6, DecapLab.IPIP, datagram)
                        .extension(PacketBuilder.ROUTING, 8)
                        .build(),
                DecapOutcome.PASS_NO_TUNNEL);
    }

    @Test
    void gueOfBothVariantsWithAndWithoutChecksum() {
        everyCombination((name, outer, inner, frame) -> {
            byte[] datagram = DecapLab.datagram(frame);
            byte[] header = {0, (byte) DecapLab.protocolOf(inner), 0, 0};
            byte[] options = {2, (byte) DecapLab.protocolOf(inner), 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
            byte[] privateFlags = {1, (byte) DecapLab.protocolOf(inner), 0, 1, 0, 0, 0, 0};
            PacketBuilder variant0 = DecapLab.gue(outer, header, datagram);
            lab.expectInner(name + ", variant 0", variant0.build(), frame);
            lab.expectInner(
                    name + ", variant 0 without checksum",
                    variant0.transportChecksum(0).build(),
                    frame);
            lab.expectInner(name + ", variant 1", DecapLab.gue(outer, datagram).build(), frame);
            lab.expectInner(
                    name + ", options", DecapLab.gue(outer, options, datagram).build(), frame);
            lab.expectInner(
                    name + ", private flags",
                    DecapLab.gue(outer, privateFlags, datagram).build(),
                    frame);
        });
    }

    @Test
    void gueThatIsNotUnderstood() {
        byte[] datagram = DecapLab.datagram(DecapLab.inner(AddressFamily.INET).build());
        AddressFamily outer = AddressFamily.INET;
        expectPayload("control message", new byte[] {0x20, 4, 0, 0}, datagram);
        expectPayload("unknown flag", new byte[] {1, 4, 0x40, 0, 0, 0, 0, 0}, datagram);
        expectPayload("unknown private flag", new byte[] {1, 4, 0, 1, 0x40, 0, 0, 0}, datagram);
        expectPayload("another protocol", new byte[] {0, 17, 0, 0}, datagram);
        expectPayload("variant 2", new byte[] {(byte) 0x80, 4, 0, 0}, datagram);
        expectPayload("variant 1, IP version 5", new byte[] {0x50, 4, 0, 0}, datagram);
        byte[] tooLong =
                DecapLab.gue(outer, new byte[] {0x1f, 4, 0, 0}, new byte[40]).build();
        lab.expectUntouched("options beyond the end", tooLong, DecapOutcome.PASS_MALFORMED);
        byte[] noOptions =
                DecapLab.gue(outer, new byte[] {0, 4, 0, 1}, datagram).build();
        lab.expectUntouched("private flag without options", noOptions, DecapOutcome.PASS_MALFORMED);
        byte[] otherPort = DecapLab.base(outer).udp(1, 6081).payload(datagram).build();
        lab.expectUntouched("another port", otherPort, DecapOutcome.PASS_NO_TUNNEL);
    }

    private void expectPayload(String name, byte[] header, byte[] datagram) {
        lab.expectUntouched(
                name, DecapLab.gue(AddressFamily.INET, header, datagram).build(), DecapOutcome.PASS_PAYLOAD);
    }

    @Test
    void gueRemoteChecksumIsCompleted() {
        for (AddressFamily inner : AddressFamily.values()) {
            for (int length : new int[] {0, 1, 55, 56, 57, 200, 1401}) {
                byte[] frame =
                        DecapLab.inner(inner).payload(DecapLab.payload(length)).build();
                byte[] datagram = DecapLab.datagram(frame);
                int start = inner == AddressFamily.INET ? 20 : 40;
                int addresses = inner == AddressFamily.INET ? 12 : 8;
                byte[] pseudo = DecapLab.join(
                        Arrays.copyOfRange(datagram, addresses, start),
                        new byte[] {0, 17},
                        Arrays.copyOfRange(datagram, start + 4, start + 6));
                int partial = DecapLab.sum(pseudo);
                datagram[start + 6] = (byte) (partial >>> 8);
                datagram[start + 7] = (byte) partial;
                byte[] header = {
                    2,
                    (byte) DecapLab.protocolOf(inner),
                    0,
                    1,
                    (byte) 0x80,
                    0,
                    0,
                    0,
                    0,
                    (byte) start,
                    0,
                    (byte) (start + 6)
                };
                byte[] packet = DecapLab.gue(AddressFamily.INET, header, datagram)
                        .transportChecksum(0)
                        .build();
                lab.expectInner(inner + " with " + length + " bytes", packet, frame);
            }
        }
    }

    @Test
    void gre() {
        everyCombination((name, outer, inner, frame) -> {
            byte[] datagram = DecapLab.datagram(frame);
            byte[] plain = DecapLab.join(DecapLab.greHeader(0, inner, 0), datagram);
            lab.expectInner(name, DecapLab.outer(outer, DecapLab.GRE, plain).build(), frame);
            byte[] summed = DecapLab.join(DecapLab.greHeader(0x8000, inner, 4), datagram);
            int checksum = ~DecapLab.sum(summed);
            summed[4] = (byte) (checksum >>> 8);
            summed[5] = (byte) checksum;
            lab.expectInner(
                    name + " with checksum",
                    DecapLab.outer(outer, DecapLab.GRE, summed).build(),
                    frame);
            summed[summed.length - 1] ^= 0x10;
            lab.run(
                    name + " with a wrong checksum",
                    DecapLab.outer(outer, DecapLab.GRE, summed).build(),
                    DecapOutcome.DROP_CHECKSUM);
            byte[] sequence = DecapLab.join(DecapLab.greHeader(0x1000, inner, 4), datagram);
            lab.expectInner(
                    name + " with sequence number",
                    DecapLab.outer(outer, DecapLab.GRE, sequence).build(),
                    frame);
            byte[] key = DecapLab.join(DecapLab.greHeader(0x2000, inner, 4), datagram);
            lab.expectUntouched(
                    name + " with key", DecapLab.outer(outer, DecapLab.GRE, key).build(), DecapOutcome.PASS_PAYLOAD);
        });
    }

    @Test
    void aWrongUdpChecksumDrops() {
        byte[] datagram = DecapLab.datagram(DecapLab.inner(AddressFamily.INET).build());
        for (AddressFamily outer : AddressFamily.values()) {
            byte[] packet = DecapLab.gue(outer, datagram).build();
            packet[packet.length - 1] ^= 1;
            lab.run(outer + " UDP", packet, DecapOutcome.DROP_CHECKSUM);
        }
    }

    /** RFC 6040 section 4.2, figure 4: rows are the inner field, columns the outer one. */
    @Test
    void ecn() {
        int[] columns = {NOT_ECT, ECT_0, ECT_1, CE};
        int[][] rows = {
            {NOT_ECT, NOT_ECT, NOT_ECT, NOT_ECT, DROP},
            {ECT_0, ECT_0, ECT_0, ECT_1, CE},
            {ECT_1, ECT_1, ECT_1, ECT_1, CE},
            {CE, CE, CE, CE, CE},
        };
        everyCombination((name, outerFamily, innerFamily, _) -> {
            for (int[] row : rows) {
                for (int column = 0; column < columns.length; column++) {
                    int expected = row[column + 1];
                    // Whatever the DS field outside is, the one inside stays.
                    byte[] inner = DecapLab.inner(innerFamily)
                            .trafficClass(0xb8 | row[0])
                            .build();
                    byte[] packet = DecapLab.outer(
                                    outerFamily, DecapLab.protocolOf(innerFamily), DecapLab.datagram(inner))
                            .trafficClass(0x28 | columns[column])
                            .build();
                    String words = name + ", inner ECN " + row[0] + ", outer ECN " + columns[column];
                    if (expected == DROP) {
                        lab.run(words, packet, DecapOutcome.DROP_ECN);
                    } else {
                        byte[] wanted = DecapLab.inner(innerFamily)
                                .trafficClass(0xb8 | expected)
                                .build();
                        lab.expectInner(words, packet, wanted);
                    }
                }
            }
        });
    }

    @Test
    void tagsStay() {
        everyCombination((name, outer, inner, frame) -> {
            PacketBuilder packet = DecapLab.outer(outer, DecapLab.protocolOf(inner), DecapLab.datagram(frame));
            PacketBuilder wanted = DecapLab.inner(inner);
            packet.tag(PacketBuilder.ETHERTYPE_8021AD, 0x2064);
            wanted.tag(PacketBuilder.ETHERTYPE_8021AD, 0x2064);
            lab.expectInner(name + ", a tag", packet.build(), wanted.build());
            packet.tag(PacketBuilder.ETHERTYPE_8021Q, 0x00c8);
            wanted.tag(PacketBuilder.ETHERTYPE_8021Q, 0x00c8);
            lab.expectInner(name + ", two tags", packet.build(), wanted.build());
            packet.tag(PacketBuilder.ETHERTYPE_8021Q, 0x0001);
            lab.expectUntouched(name + ", three tags", packet.build(), DecapOutcome.PASS_NOT_IP);
        });
    }

    @Test
    void whatIsNotForHerePasses() {
        byte[] datagram = DecapLab.datagram(DecapLab.inner(AddressFamily.INET).build());
        byte[] otherVip = PacketBuilder.udp(DecapLab.CLIENT4, 1, IpAddress.parse("10.0.0.101"), 53)
                .build();
        lab.expectUntouched(
                "inner destination is no VIP",
                DecapLab.outer(AddressFamily.INET, DecapLab.IPIP, DecapLab.datagram(otherVip))
                        .build(),
                DecapOutcome.PASS_NO_VIP);
        lab.expectUntouched(
                "outer destination is another host's",
                PacketBuilder.ethernet()
                        .ip(DecapLab.DIRECTOR4, IpAddress.parse("10.0.0.12"))
                        .raw(DecapLab.IPIP)
                        .payload(datagram)
                        .build(),
                DecapOutcome.PASS_OTHER_ADDRESS);
        lab.expectUntouched(
                "a request without tunnel",
                PacketBuilder.tcp(DecapLab.CLIENT4, 1, DecapLab.VIP4, 80).build(),
                DecapOutcome.PASS_NO_TUNNEL);
        lab.expectUntouched(
                "TCP to the real server",
                PacketBuilder.tcp(DecapLab.DIRECTOR4, 1, DecapLab.REAL4, 22).build(),
                DecapOutcome.PASS_NO_TUNNEL);
        lab.expectUntouched(
                "arp",
                PacketBuilder.ethernet()
                        .etherType(PacketBuilder.ETHERTYPE_ARP)
                        .payload(new byte[28])
                        .build(),
                DecapOutcome.PASS_NOT_IP);
    }

    @Test
    void outerFragmentsPass() {
        everyCombination((name, outer, inner, frame) -> {
            int protocol = DecapLab.protocolOf(inner);
            byte[] large = DecapLab.datagram(
                    DecapLab.inner(inner).payload(DecapLab.payload(900)).build());
            List<byte[]> fragments = DecapLab.outer(outer, protocol, large).buildFragments(304, 0x77);
            assertTrue(fragments.size() >= 3, name);
            for (byte[] fragment : fragments) {
                lab.expectUntouched(name, fragment, DecapOutcome.PASS_FRAGMENT);
            }
        });
    }

    @Test
    void truncatedPacketsPass() {
        everyCombination((name, outer, inner, frame) -> {
            byte[] datagram = DecapLab.datagram(frame);
            byte[] whole =
                    DecapLab.outer(outer, DecapLab.protocolOf(inner), datagram).build();
            for (int length = 22; length < whole.length; length++) {
                lab.expectUntouched(
                        name + " cut to " + length, Arrays.copyOf(whole, length), DecapOutcome.PASS_MALFORMED);
            }
            // The outer header agrees with the frame, the inner one does not.
            byte[] shorter = Arrays.copyOf(datagram, datagram.length - 1);
            lab.expectUntouched(
                    name + ", inner longer than outer",
                    DecapLab.outer(outer, DecapLab.protocolOf(inner), shorter).build(),
                    DecapOutcome.PASS_MALFORMED);
            byte[] gre = DecapLab.join(DecapLab.greHeader(0xb000, inner, 0), new byte[3]);
            lab.expectUntouched(
                    name + ", GRE options beyond the end",
                    DecapLab.outer(outer, DecapLab.GRE, Arrays.copyOf(gre, 3)).build(),
                    DecapOutcome.PASS_MALFORMED);
        });
    }

    @Test
    void damagedPacketsMoveOneCounterEach() {
        Random random = new Random(20261121);
        byte[][] packets = {
            DecapLab.gue(
                            AddressFamily.INET6,
                            new byte[] {2, 4, 0, 1, (byte) 0x80, 0, 0, 0, 0, 20, 0, 26},
                            DecapLab.datagram(DecapLab.inner(AddressFamily.INET).build()))
                    .transportChecksum(0)
                    .build(),
            DecapLab.outer(
                            AddressFamily.INET,
                            DecapLab.GRE,
                            DecapLab.join(
                                    DecapLab.greHeader(0x1000, AddressFamily.INET6, 4),
                                    DecapLab.datagram(
                                            DecapLab.inner(AddressFamily.INET6).build())))
                    .build(),
        };
        int decapsulated = 0;
        for (int i = 0; i < 4000; i++) {
            byte[] packet = packets[i % packets.length].clone();
            for (int damage = random.nextInt(1, 4); damage > 0; damage--) {
                packet[random.nextInt(packet.length)] = (byte) random.nextInt();
            }
            int length = random.nextInt(4) == 0 ? random.nextInt(14, packet.length) : packet.length;
            ProgramRun.Result result = ProgramRun.run(lab.program.fd(), Arrays.copyOf(packet, length));
            boolean shorter = result.frame().length < length;
            assertTrue(result.verdict() == Native.XDP_PASS() || result.verdict() == Native.XDP_DROP());
            decapsulated += shorter ? 1 : 0;
        }
        assertTrue(decapsulated > 200, "too few survive: " + decapsulated);
    }

    /** What Linux IPVS sends to its real servers. */
    @Test
    void recordedPacketsOfIpvs() throws Exception {
        int seen = 0;
        for (JsonNode row : Golden.lines("ipvs/packets.jsonl")) {
            String method = row.path("method").asText();
            if (method.startsWith("tun") || method.startsWith("gue") || method.startsWith("gre")) {
                for (JsonNode out : row.path("out_real")) {
                    seen += recorded(
                            row.path("id").asText(),
                            HexFormat.of().parseHex(out.path("hex").asText()));
                }
            }
        }
        assertTrue(seen > 60, "only " + seen + " could be run");
    }

    private int recorded(String id, byte[] frame) {
        boolean inet = PacketSocket.etherTypeOf(frame) == PacketBuilder.ETHERTYPE_IPV4;
        boolean fragment = inet && ((frame[20] & 0x3f) != 0 || frame[21] != 0);
        boolean fragment6 = !inet && frame[20] == PacketBuilder.FRAGMENT;
        if (fragment || fragment6) {
            return 0;
        }
        IpAddress outer = IpAddress.ofBytes(Arrays.copyOfRange(frame, inet ? 30 : 38, inet ? 34 : 54));
        for (int at = inet ? 34 : 54; at < frame.length - 20; at += 4) {
            boolean inner4 = frame[at] >>> 4 == 4;
            int to = at + (inner4 ? 16 : 24);
            int bytes = inner4
                    ? (frame[at + 2] & 0xff) << 8 | (frame[at + 3] & 0xff)
                    : 40 + ((frame[at + 4] & 0xff) << 8 | (frame[at + 5] & 0xff));
            if ((!inner4 && frame[at] >>> 4 != 6) || bytes != frame.length - at) {
                continue;
            }
            IpAddress vip = IpAddress.ofBytes(Arrays.copyOfRange(frame, to, to + (inner4 ? 4 : 16)));
            DecapProgram.Tunnels tunnels = new DecapProgram.Tunnels(true, true, DecapLab.GUE_PORT);
            try (DecapProgram program = DecapProgram.load(List.of(vip), List.of(outer), tunnels)) {
                byte[] after = ProgramRun.run(program.fd(), frame).frame();
                assertEquals(bytes + 14, after.length, id);
                byte[] wanted = DecapLab.join(
                        Arrays.copyOf(frame, 12),
                        inner4 ? new byte[] {8, 0} : new byte[] {(byte) 0x86, (byte) 0xdd},
                        Arrays.copyOfRange(frame, at, frame.length));
                assertArrayEquals(wanted, after, id);
            }
            return 1;
        }
        throw new AssertionError(id + ": no inner packet in " + HexFormat.of().formatHex(frame));
    }

    @Test
    void onTheWireWithJumboFrames() {
        try (NetnsFixture fixture = new NetnsFixture()) {
            NetworkNamespace director = fixture.add("decap-d");
            NetworkNamespace real = fixture.add("decap-r");
            for (NetworkNamespace each : List.of(director, real)) {
                each.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
            }
            fixture.veth(director, "eth1", real, "eth1");
            director.run("ip", "link", "set", "eth1", "mtu", "9000");
            real.run("ip", "link", "set", "eth1", "mtu", "9000");
            try (var _ = real.enter()) {
                assertEquals(AttachMode.NATIVE, lab.program.attach("eth1"));
                assertEquals(
                        List.of("\"sluice_decap\" (id " + lab.program.id() + ")"), DecapProgram.programsOn("eth1"));
                assertThrows(SteeringException.class, () -> lab.program.attach("eth1"));
            }
            onTheWire(director, real);
            try (var _ = real.enter()) {
                DecapProgram.detach("eth1", lab.program.id());
                assertEquals(List.of(), DecapProgram.programsOn("eth1"));
            }
        }
    }

    private static void onTheWire(NetworkNamespace director, NetworkNamespace real) {
        try (PacketSocket from = open(director, "eth1");
                PacketSocket to = open(real, "eth1")) {
            everyCombination((name, outer, inner, _) -> {
                for (int length : new int[] {10, 1400, 8800}) {
                    byte[] frame = DecapLab.inner(inner)
                            .payload(DecapLab.payload(length))
                            .build();
                    byte[] packet = DecapLab.outer(outer, DecapLab.protocolOf(inner), DecapLab.datagram(frame))
                            .build();
                    from.send(packet);
                    byte[] received = to.receive(DecapLab.etherTypeOf(inner), 3000);
                    assertNotNull(received, name + ", " + length + " bytes: nothing received");
                    assertArrayEquals(frame, received, name + ", " + length + " bytes");
                }
            });
        }
    }

    private static PacketSocket open(NetworkNamespace netns, String interfaceName) {
        try (var _ = netns.enter()) {
            return new PacketSocket(interfaceName);
        }
    }

    @Test
    void loadsWithoutPerfmon() {
        Path object = Path.of("target/classes/bpf/decap.bpf.o").toAbsolutePath();
        Path pin = Path.of("/sys/fs/bpf", "sluice-it-" + ProcessHandle.current().pid());
        try (NetworkNamespace netns = NetworkNamespace.create("sluice-perfmon")) {
            netns.run(
                    "setpriv",
                    "--bounding-set",
                    "-all,+net_admin,+bpf,+dac_override",
                    "bpftool",
                    "prog",
                    "load",
                    object.toString(),
                    pin.toString());
            netns.run("rm", pin.toString());
        }
    }
}

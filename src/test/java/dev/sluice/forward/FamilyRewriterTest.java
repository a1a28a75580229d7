package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Headers of one family in the place of the other's, and ICMP errors with what they quote. */
class FamilyRewriterTest {
    private static final int[] PROTOCOLS = {PacketBuilder.TCP, PacketBuilder.UDP, PacketBuilder.SCTP};

    private final FamilyHarness harness = new FamilyHarness();

    private byte[] translated(byte[] frame, boolean toInet6) {
        harness.put(frame);
        byte[] out = harness.translate(FamilyHarness.side(toInet6));
        assertNotNull(out);
        return out;
    }

    private static String hex(byte[] frame, int from, int to) {
        return HexFormat.of().formatHex(frame, from, to);
    }

    @Test
    void octetByOctetToInet6() {
        byte[] out = translated(
                FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.INET)
                        .trafficClass(0xb9)
                        .ttl(33)
                        .dontFragment()
                        .identification(0x4711)
                        .payload((byte) 1, (byte) 2)
                        .build(),
                true);
        assertEquals(
                "86dd" + "6b900000" + "000a1121" + "fd000003000000000000000000000001"
                        + "20010db8000200000000000000000011" + "13881f90" + "000a",
                hex(out, 12, 14 + 40 + 6));
        assertEquals("0102", hex(out, out.length - 2, out.length));
    }

    @Test
    void octetByOctetToInet() {
        byte[] out = translated(
                FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.INET6)
                        .trafficClass(0xb9)
                        .flowLabel(0x12345)
                        .ttl(33)
                        .payload((byte) 1, (byte) 2)
                        .build(),
                false);
        assertEquals("0800" + "45b9001e", hex(out, 12, 18));
        assertEquals("0000" + "2111", hex(out, 20, 24));
        assertEquals("c0000207" + "c6336401" + "9c400050" + "000a", hex(out, 26, 40));
        assertEquals(0, Checksum.of(MemorySegment.ofArray(out), 14, 20));
    }

    @Test
    void octetByOctetOfFragments() {
        byte[] piece = FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.INET)
                .payloadLength(100)
                .buildFragments(48, 0xbeef)
                .get(1);
        byte[] out = translated(piece, true);
        assertEquals("6000000000382c40", hex(out, 14, 22));
        assertEquals("110000310000beef" + hex(piece, 34, 34 + 48), hex(out, 54, out.length));
        byte[] back = translated(out, false);
        back[10] = piece[10];
        assertArrayEquals(piece, back);
    }

    /** RFC 7915 section 5.1: routers may fragment what an IPv6 sender believes always goes through. */
    @ParameterizedTest
    @CsvSource({"1232, 0", "1233, 0x4000"})
    void dontFragmentAbove1260(int payload, String flags) {
        byte[] out = translated(
                FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.INET6)
                        .payloadLength(payload)
                        .build(),
                false);
        int field = Wire.u16(MemorySegment.ofArray(out), 14 + 6);
        assertEquals(Integer.decode(flags), field);
        assertEquals(field != 0, harness.packet.dontFragment());
    }

    @Test
    void twoTagsStayInFront() {
        PacketBuilder tagged = FamilyHarness.packet(PacketBuilder.TCP, FamilyHarness.INET)
                .tag(PacketBuilder.ETHERTYPE_8021AD, 7)
                .tag(PacketBuilder.ETHERTYPE_8021Q, 0x6009);
        byte[] out = translated(tagged.build(), true);
        assertEquals(hex(tagged.build(), 0, 20) + "86dd", hex(out, 0, 22));
    }

    @Test
    void thereAndBack() {
        Random random = new Random(21);
        for (int round = 0; round < 3000; round++) {
            boolean inet6 = random.nextBoolean();
            byte[] payload = new byte[random.nextInt(1400)];
            random.nextBytes(payload);
            PacketBuilder packet = FamilyHarness.packet(PROTOCOLS[random.nextInt(3)], FamilyHarness.side(inet6))
                    .trafficClass(random.nextInt(256))
                    .ttl(1 + random.nextInt(255))
                    .payload(payload);
            if (random.nextInt(4) == 0 && !inet6) {
                packet.identification(random.nextInt(65536)).fragment(8 * random.nextInt(4), random.nextBoolean());
            }
            byte[] frame = packet.build();
            int code = harness.put(frame);
            boolean fragment = harness.packet.isFragment();
            byte[] over = harness.translate(FamilyHarness.side(!inet6));
            if (over == null) {
                // A piece of SCTP.
                assertTrue(fragment);
                continue;
            }
            PacketView read = new PacketView();
            assertEquals(code, PacketParser.parse(MemorySegment.ofArray(over), 0, over.length, read));
            assertEquals(read.ipLengthBytes(), harness.packet.ipLengthBytes());
            assertEquals(read.l4Offset(), harness.packet.l4Offset() - harness.batch.address(0));
            assertEquals(read.dontFragment(), harness.packet.dontFragment());
            harness.put(over);
            byte[] back = harness.translate(FamilyHarness.side(inet6));
            assertNotNull(back);
            assertEquals(frame.length, back.length);
            if (!inet6) {
                // What a whole packet's identification and DF were is lost.
                System.arraycopy(frame, 14 + 4, back, 14 + 4, fragment ? 0 : 4);
                System.arraycopy(frame, 14 + 10, back, 14 + 10, 2);
            }
            assertArrayEquals(frame, back, () -> HexFormat.of().formatHex(frame));
        }
    }

    private static byte[] error(boolean inet6, int type, int code, int rest, byte[] quoted) {
        FamilyHarness.Side back = FamilyHarness.side(inet6).reversed();
        return PacketBuilder.ethernet()
                .ip(back.source(), back.destination())
                .icmp(type, code, rest)
                .payload(quoted)
                .build();
    }

    private byte[] translatedError(boolean inet6) {
        FamilyHarness.Side other = FamilyHarness.side(!inet6);
        byte[] out = harness.translateError(other);
        assertNotNull(out);
        return out;
    }

    @Test
    void aDamagedErrorStaysDamaged() {
        for (boolean inet6 : new boolean[] {false, true}) {
            byte[] quoted = FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.side(inet6))
                    .payloadLength(30)
                    .buildPacket();
            byte[] frame = error(inet6, inet6 ? 1 : 3, 4 - (inet6 ? 0 : 1), 0, quoted);
            for (int wrong : new int[] {0, 1, 0x80}) {
                byte[] damaged = frame.clone();
                damaged[damaged.length - 3] ^= (byte) wrong;
                harness.put(damaged);
                byte[] out = translatedError(inet6);
                MemorySegment segment = MemorySegment.ofArray(out);
                int ip = inet6 ? 20 : 40;
                int checksum = inet6
                        ? Checksum.of(segment, 14 + ip, out.length - 14 - ip)
                        : Checksum.transport(segment, 14, true, PacketBuilder.ICMPV6, 14 + ip, out.length - 14 - ip);
                assertEquals(wrong == 0, checksum == 0);
            }
        }
    }

    /** Extensions of RFC 4884 behind 128 octets, which get shorter, or longer by what is no multiple of eight. */
    @ParameterizedTest
    @ValueSource(ints = {128, 136, 256})
    void extensionsStayReadable(int quotedBytes) {
        byte[] extension = HexFormat.of().parseHex("20000000" + "000801010001f101");
        for (boolean inet6 : new boolean[] {false, true}) {
            byte[] quoted = FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.side(inet6))
                    .payloadLength(400)
                    .buildPacket();
            byte[] message = Arrays.copyOf(quoted, quotedBytes + extension.length);
            System.arraycopy(extension, 0, message, quotedBytes, extension.length);
            int length = quotedBytes / (inet6 ? 8 : 4);
            harness.put(error(inet6, inet6 ? 3 : 11, 0, length << (inet6 ? 24 : 16), message));
            byte[] out = translatedError(inet6);
            int icmp = 14 + (inet6 ? 20 : 40);
            int told = inet6 ? (out[icmp + 5] & 255) * 4 : (out[icmp + 4] & 255) * 8;
            assertTrue(told >= 128, () -> told + " octets quoted");
            assertEquals(HexFormat.of().formatHex(extension), hex(out, icmp + 8 + told, out.length));
            // As much of the datagram as there was, or as much of it as fills the units.
            int kept = Math.min(quotedBytes + (inet6 ? -20 : 20), told) & (inet6 ? -4 : -8);
            byte[] whole = FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.side(!inet6))
                    .payloadLength(400)
                    .buildPacket();
            assertEquals(hex(whole, inet6 ? 20 : 40, kept), hex(out, icmp + 8 + (inet6 ? 20 : 40), icmp + 8 + kept));
            assertEquals("00".repeat(told - kept), hex(out, icmp + 8 + kept, icmp + 8 + told));
        }
    }

    @Test
    void anExtensionThatTheOtherHasNoPlaceForIsCutOff() {
        byte[] quoted = FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.INET)
                .payloadLength(400)
                .buildPacket();
        // "Fragmentation needed" has a length, "packet too big" has none.
        harness.put(error(false, 3, 4, 32 << 16 | 1400, Arrays.copyOf(quoted, 140)));
        assertEquals(14 + 40 + 8 + 128 + 20, translatedError(false).length);
    }

    @Test
    void errorsAreCutToWhatTheirFamilyTakes() {
        byte[] quoted = FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.INET6)
                .payloadLength(1400)
                .buildPacket();
        harness.put(error(true, 2, 0, 1400, Arrays.copyOf(quoted, 1232)));
        assertEquals(14 + 576, translatedError(true).length);
        quoted = FamilyHarness.packet(PacketBuilder.UDP, FamilyHarness.INET)
                .payloadLength(1400)
                .buildPacket();
        harness.put(error(false, 3, 3, 0, quoted));
        assertEquals(14 + 1280, translatedError(false).length);
    }

    /** Of whatever is quoted, however little, nothing outside is read or written. */
    @Test
    void anyQuoteIsSafe() {
        Random random = new Random(5);
        int translated = 0;
        for (int round = 0; round < 20_000; round++) {
            boolean inet6 = random.nextBoolean();
            byte[] payload = new byte[random.nextInt(300)];
            random.nextBytes(payload);
            PacketBuilder builder = FamilyHarness.packet(PROTOCOLS[random.nextInt(3)], FamilyHarness.side(inet6))
                    .payload(payload);
            if (inet6) {
                for (int i = random.nextInt(3); i > 0; i--) {
                    builder.extension(
                            random.nextBoolean() ? PacketBuilder.HOP_BY_HOP : PacketBuilder.DESTINATION_OPTIONS,
                            8 + 8 * random.nextInt(8));
                }
                if (random.nextInt(3) == 0) {
                    builder.fragmentHeader(0, random.nextBoolean(), random.nextInt());
                }
            } else {
                byte[] options = new byte[random.nextInt(41)];
                random.nextBytes(options);
                builder.ipOptions(options);
            }
            byte[] quoted = builder.buildPacket();
            quoted = Arrays.copyOf(quoted, random.nextInt(quoted.length + 1));
            for (int i = random.nextInt(4); i > 0 && quoted.length > 0; i--) {
                quoted[random.nextInt(Math.min(quoted.length, 64))] ^= (byte) (1 << random.nextInt(8));
            }
            int type = inet6 ? 1 + random.nextInt(4) : random.nextBoolean() ? 3 : 11 + random.nextInt(2);
            harness.put(error(inet6, type, random.nextInt(4), random.nextInt() >>> random.nextInt(32), quoted));
            FamilyHarness.Side other = FamilyHarness.side(!inet6);
            byte[] out = harness.translateError(other);
            if (out == null) {
                continue;
            }
            translated++;
            PacketView read = new PacketView();
            assertEquals(PacketParser.ICMP, PacketParser.parse(MemorySegment.ofArray(out), 0, out.length, read));
            assertEquals(out.length - 14, read.ipLengthBytes());
            assertNotEquals(inet6, read.inet6());
            int length = (int) (out.length - read.l4Offset());
            MemorySegment segment = MemorySegment.ofArray(out);
            assertEquals(
                    0,
                    inet6
                            ? Checksum.of(segment, read.l4Offset(), length)
                            : Checksum.transport(segment, 14, true, PacketBuilder.ICMPV6, read.l4Offset(), length));
        }
        assertTrue(translated > 2000, "only " + translated);
    }
}

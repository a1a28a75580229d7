package dev.sluice.neighbour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.IpAddress;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is believed of a router's message as far as it can be seen from the message itself. */
class TooBigTest {
    private static final IpAddress DIP = IpAddress.parse("10.0.0.1");
    private static final IpAddress RIP = IpAddress.parse("198.51.100.7");
    private static final IpAddress DIP6 = IpAddress.parse("2001:db8::1");
    private static final IpAddress RIP6 = IpAddress.parse("2001:db8:9::7");

    private static byte[] inet(int quotedBytes, int protocol, int mtuBytes) {
        ByteBuffer packet = ByteBuffer.allocate(20 + 8 + 20 + 8);
        packet.put(0, (byte) 0x45).put(9, (byte) 1);
        packet.put(20, (byte) 3).put(21, (byte) 4).putShort(26, (short) mtuBytes);
        packet.put(28, (byte) 0x45).putShort(30, (short) quotedBytes).put(37, (byte) protocol);
        packet.put(40, DIP.toBytes()).put(44, RIP.toBytes());
        packet.putShort(48, (short) 40000).putShort(50, (short) 6080);
        return withChecksum(packet.array());
    }

    private static byte[] withChecksum(byte[] packet) {
        ByteBuffer buffer = ByteBuffer.wrap(packet);
        buffer.putShort(22, (short) 0);
        int sum = 0;
        for (int at = 20; at < packet.length; at += 2) {
            sum += Short.toUnsignedInt(buffer.getShort(at));
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = (sum & 0xffff) + (sum >>> 16);
        buffer.putShort(22, (short) ~sum);
        return packet;
    }

    private static byte[] inet6(int quotedBytes, int protocol, int mtuBytes, boolean fragment) {
        ByteBuffer message = ByteBuffer.allocate(8 + 40 + 8 + 8);
        message.put(0, (byte) 2).putInt(4, mtuBytes);
        message.put(8, (byte) 0x60).putShort(12, (short) (quotedBytes - 40));
        message.put(14, (byte) (fragment ? 44 : protocol));
        message.put(16, DIP6.toBytes()).put(32, RIP6.toBytes());
        if (fragment) {
            message.put(48, (byte) protocol);
        }
        message.putShort(fragment ? 58 : 50, (short) 6080);
        return message.array();
    }

    private static @Nullable TooBig readInet(byte[] packet) {
        return TooBig.ofInet(MemorySegment.ofArray(packet));
    }

    private static @Nullable TooBig readInet6(byte[] message) {
        return TooBig.ofInet6(MemorySegment.ofArray(message));
    }

    @Test
    void readsWhatIsQuoted() {
        assertEquals(new TooBig(DIP, RIP, 4, 0, 1400), readInet(inet(1500, 4, 1400)));
        assertEquals(new TooBig(DIP, RIP, 17, 6080, 1400), readInet(inet(1500, 17, 1400)));
        assertEquals(new TooBig(DIP6, RIP6, 41, 0, 1280), readInet6(inet6(1500, 41, 1280, false)));
        assertEquals(new TooBig(DIP6, RIP6, 17, 6080, 1280), readInet6(inet6(1500, 17, 1280, false)));
        assertEquals(new TooBig(DIP6, RIP6, 17, 6080, 1280), readInet6(inet6(1500, 17, 1280, true)));
    }

    /** RFC 1191 section 7. */
    @Test
    void aRouterThatNamesNoMtuMeansTheNextPlateau() {
        assertEquals(1492, mtuBytes(inet(1500, 4, 0)));
        assertEquals(1006, mtuBytes(inet(1492, 4, 0)));
        assertEquals(32000, mtuBytes(inet(65535, 4, 0)));
        assertNull(readInet(inet(68, 4, 0)));
    }

    private static int mtuBytes(byte[] packet) {
        TooBig tooBig = readInet(packet);
        assertNotNull(tooBig);
        return tooBig.mtuBytes();
    }

    @Test
    void aPacketThatFitsWasNotTooBig() {
        assertNull(readInet(inet(1400, 4, 1400)));
        assertNull(readInet6(inet6(1400, 41, 1400, false)));
        assertNull(readInet6(inet6(1400, 41, -1, false)));
    }

    @Test
    void otherMessagesAndDamagedOnesAreNone() {
        byte[] hostUnreachable = inet(1500, 4, 1400);
        hostUnreachable[21] = 1;
        assertNull(readInet(withChecksum(hostUnreachable)));
        byte[] timeExceeded = inet6(1500, 41, 1400, false);
        timeExceeded[0] = 3;
        assertNull(readInet6(timeExceeded));
        byte[] good = inet(1500, 4, 1400);
        for (int at = 20; at < good.length; at++) {
            byte[] damaged = good.clone();
            damaged[at] ^= 0x10;
            assertNull(readInet(damaged), "bit flipped at " + at);
        }
    }

    @Test
    void noLengthIsTrusted() {
        Random random = new Random(44);
        for (byte[] whole : new byte[][] {inet(1500, 17, 1400), inet6(1500, 17, 1280, true)}) {
            for (int length = 0; length < whole.length; length++) {
                readInet(Arrays.copyOf(whole, length));
                readInet6(Arrays.copyOf(whole, length));
            }
            int read = 0;
            for (int round = 0; round < 20_000; round++) {
                byte[] damaged = whole.clone();
                for (int i = random.nextInt(6); i >= 0; i--) {
                    damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
                }
                readInet(withChecksum(damaged));
                read += readInet6(damaged) == null ? 0 : 1;
            }
            assertTrue(whole[0] != 2 || read > 0);
        }
    }
}

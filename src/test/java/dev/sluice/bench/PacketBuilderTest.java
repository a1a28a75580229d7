package dev.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketCases.PacketCase;
import dev.sluice.packet.IpAddress;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class PacketBuilderTest {
    @Test
    void buildsAKnownUdpDatagram() {
        // The same datagram as scapy builds it.
        byte[] frame = PacketBuilder.udp(IpAddress.parse("192.0.2.1"), 1234, IpAddress.parse("192.0.2.9"), 53)
                .macs(0x0200_0000_0a01L, 0x0200_0000_0b02L)
                .identification(7)
                .payload((byte) 'h', (byte) 'i', (byte) '!')
                .build();
        assertEquals(
                "020000000b02" + "020000000a01" + "0800"
                        + "4500001f00070000" + "4011" + "f6bc" + "c0000201" + "c0000209"
                        + "04d20035000b" + "ed5c" + "686921",
                HexFormat.of().formatHex(frame));
    }

    @Test
    void transportChecksumsCoverThePseudoHeader() {
        byte[] frame = PacketBuilder.tcp(PacketCases.CLIENT6, 1024, PacketCases.VIP6, 80)
                .tcpOptions((byte) 2, (byte) 4, (byte) 5, (byte) 0xb4)
                .payloadLength(5)
                .build();
        long sum = PacketBuilder.sum(frame, 14 + 8, frame.length) + PacketBuilder.TCP + 24 + 5;
        assertEquals(0xffff, PacketBuilder.fold(sum));
    }

    @Test
    void fragmentsPutTogetherAreTheDatagram() {
        PacketBuilder whole =
                PacketBuilder.udp(PacketCases.CLIENT4, 1, PacketCases.VIP4, 53).payloadLength(100);
        List<byte[]> parts = whole.buildFragments(48, 3);
        assertEquals(3, parts.size());
        byte[] together = new byte[0];
        for (byte[] part : parts) {
            assertEquals(together.length / 8, part[21] & 255);
            assertEquals(part == parts.getLast() ? 0 : 0x20, part[20]);
            byte[] body = Arrays.copyOfRange(part, 34, part.length);
            together = Arrays.copyOf(together, together.length + body.length);
            System.arraycopy(body, 0, together, together.length - body.length, body.length);
        }
        byte[] frame = whole.build();
        assertArrayEquals(Arrays.copyOfRange(frame, 34, frame.length), together);
    }

    @Test
    void theTableNamesEveryCaseOnceAndMeetsEveryOutcome() {
        List<PacketCase> cases = PacketCases.all();
        assertEquals(
                cases.size(), cases.stream().map(PacketCase::name).distinct().count());
        // Without an XSK and with a foreign MAC are states of the queue and the interface, not of the packet.
        assertEquals(
                "[PASS_MALFORMED, PASS_NOT_IP, PASS_NO_SERVICE, PASS_PROTOCOL, STEERED, STEERED_FRAGMENT]",
                cases.stream()
                        .map(c -> c.outcome().name())
                        .distinct()
                        .sorted()
                        .collect(Collectors.toList())
                        .toString());
        assertTrue(cases.size() > 700, "only " + cases.size());
    }

    @Test
    void damageIsReproducible() {
        List<byte[]> first = PacketCases.damaged(1, 50);
        List<byte[]> second = PacketCases.damaged(1, 50);
        for (int i = 0; i < 50; i++) {
            assertArrayEquals(first.get(i), second.get(i));
        }
    }
}

package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.ProgramRun;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The decapsulation program, loaded with every kind of tunnel, and the packets to feed it with. */
final class DecapLab implements AutoCloseable {
    static final int GUE_PORT = 6080;
    static final int IPIP = 4;
    static final int IPV6 = 41;
    static final int GRE = 47;

    static final IpAddress CLIENT4 = IpAddress.parse("192.0.2.1");
    static final IpAddress CLIENT6 = IpAddress.parse("2001:db8:1::1");
    static final IpAddress VIP4 = IpAddress.parse("10.0.0.100");
    static final IpAddress VIP6 = IpAddress.parse("2001:db8::100");
    static final IpAddress DIRECTOR4 = IpAddress.parse("10.0.0.2");
    static final IpAddress DIRECTOR6 = IpAddress.parse("2001:db8::2");
    static final IpAddress REAL4 = IpAddress.parse("10.0.0.11");
    static final IpAddress REAL6 = IpAddress.parse("2001:db8::11");

    final DecapProgram program = DecapProgram.load(
            List.of(VIP4, VIP6), List.of(REAL4, REAL6), new DecapProgram.Tunnels(true, true, GUE_PORT));

    /** An inner packet, as a frame of its own. */
    static PacketBuilder inner(AddressFamily family) {
        return family == AddressFamily.INET
                ? PacketBuilder.udp(CLIENT4, 40000, VIP4, 53)
                        .identification(0x1234)
                        .payload(payload(33))
                : PacketBuilder.udp(CLIENT6, 40000, VIP6, 53).flowLabel(0xabcde).payload(payload(34));
    }

    static byte[] payload(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 31 + 7);
        }
        return bytes;
    }

    /** An outer packet of this protocol from the director to the real server. */
    static PacketBuilder outer(AddressFamily family, int protocol, byte[] payload) {
        return base(family).raw(protocol).payload(payload);
    }

    static PacketBuilder base(AddressFamily family) {
        return family == AddressFamily.INET
                ? PacketBuilder.ethernet().ip(DIRECTOR4, REAL4)
                : PacketBuilder.ethernet().ip(DIRECTOR6, REAL6);
    }

    /** GUE over UDP with its checksum. */
    static PacketBuilder gue(AddressFamily family, byte[]... parts) {
        return base(family).udp(0xc123, GUE_PORT).payload(join(parts));
    }

    static int protocolOf(AddressFamily inner) {
        return inner == AddressFamily.INET ? IPIP : IPV6;
    }

    static int etherTypeOf(AddressFamily family) {
        return family == AddressFamily.INET ? PacketBuilder.ETHERTYPE_IPV4 : PacketBuilder.ETHERTYPE_IPV6;
    }

    /** The GRE header of these flags, its options zero. */
    static byte[] greHeader(int flags, AddressFamily inner, int optionBytes) {
        return ByteBuffer.allocate(4 + optionBytes)
                .putShort((short) flags)
                .putShort((short) etherTypeOf(inner))
                .array();
    }

    /** What stands behind the Ethernet header of a frame without tags. */
    static byte[] datagram(byte[] frame) {
        return Arrays.copyOfRange(frame, 14, frame.length);
    }

    static byte[] join(byte[]... parts) {
        int length = Arrays.stream(parts).mapToInt(part -> part.length).sum();
        ByteBuffer all = ByteBuffer.allocate(length);
        Arrays.stream(parts).forEach(all::put);
        return all.array();
    }

    /** The Internet checksum over bytes, not complemented. */
    static int sum(byte[] bytes) {
        long sum = 0;
        for (int i = 0; i < bytes.length; i++) {
            sum += (long) (bytes[i] & 0xff) << (i % 2 == 0 ? 8 : 0);
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) sum;
    }

    void expectInner(String name, byte[] frame, byte[] inner) {
        assertArrayEquals(inner, run(name, frame, DecapOutcome.DECAPSULATED), name);
    }

    void expectUntouched(String name, byte[] frame, DecapOutcome outcome) {
        assertArrayEquals(frame, run(name, frame, outcome), name);
    }

    /** Runs one frame; checks verdict and counters, returns the frame after it. */
    byte[] run(String name, byte[] frame, DecapOutcome expected) {
        Map<DecapOutcome, Long> before = DecapProgram.counters(program.id());
        ProgramRun.Result result = ProgramRun.run(program.fd(), frame);
        Map<DecapOutcome, Long> after = DecapProgram.counters(program.id());
        List<DecapOutcome> moved = new ArrayList<>();
        for (DecapOutcome outcome : DecapOutcome.values()) {
            for (long i = before.getOrDefault(outcome, 0L); i < after.getOrDefault(outcome, 0L); i++) {
                moved.add(outcome);
            }
        }
        assertEquals(List.of(expected), moved, name);
        boolean drops = expected == DecapOutcome.DROP_ECN || expected == DecapOutcome.DROP_CHECKSUM;
        assertEquals(drops ? Native.XDP_DROP() : Native.XDP_PASS(), result.verdict(), name);
        return result.frame();
    }

    @Override
    public void close() {
        program.close();
    }
}

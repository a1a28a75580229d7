package dev.sluice.control.doctor.probe;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Packet sockets (packet(7)) of the network namespace: frames out of any interface, and copies of the few kinds of packets that
 * answer probes, before the kernel's own checks (rp_filter, martian sources) look at them. Owned by: one thread.
 */
final class ProbeSocket implements AutoCloseable {
    /** Source ports of probes, above those that the kernel gives away by default ({@code ip_local_port_range}). */
    static final int FIRST_PORT = 61_000;

    static final int LAST_PORT = 64_999;

    private static final int AF_PACKET = 17;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final int SOCK_DGRAM = 2;
    private static final int SO_ATTACH_FILTER = 26;
    private static final int ETH_P_ARP = 0x0806;
    private static final int ETH_P_IP = 0x0800;
    private static final int ETH_P_IPV6 = 0x86dd;
    private static final int RECEIVE_BYTES = 65_536;
    private static final int RECEIVE_BUFFER_BYTES = 1 << 20;

    // struct sockaddr_ll: family, protocol, ifindex, hatype, pkttype, halen, addr.
    private static final int SOCKADDR_LL_BYTES = 20;
    private static final int LL_PROTOCOL = 2;
    private static final int LL_IFINDEX = 4;
    private static final int LL_ADDRESS = 12;

    // linux/bpf_common.h: class, size or operation, mode or source.
    private static final int LOAD_BYTE = 0x30;
    private static final int LOAD_HALF = 0x28;
    private static final int LOAD_BYTE_AT_X = 0x50;
    private static final int LOAD_HALF_AT_X = 0x48;
    private static final int LOAD_X_IPV4_HEADER_LENGTH = 0xb1;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int JUMP_IF_AT_LEAST = 0x35;
    private static final int JUMP_IF_ABOVE = 0x25;
    private static final int RETURN = 0x06;
    /** {@code SKF_AD_OFF + SKF_AD_PROTOCOL} of linux/filter.h: the packet's ethertype. */
    private static final long ETHERTYPE = 0xffff_f000L;

    private static final ValueLayout.OfShort U16_BE = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment buffer = arena.allocate(RECEIVE_BYTES, Long.BYTES);
    private final MemorySegment sender = arena.allocate(SOCKADDR_LL_BYTES, Integer.BYTES);
    private final MemorySegment polled = pollfd.allocate(arena);
    private int out = -1;
    private int in = -1;

    /**
     * A packet that was received.
     *
     * @param ifindex the interface
     * @param mac of the station that sent it
     * @param isArp whether it is ARP, and not IP
     * @param bytes from the ARP or IP header on
     */
    record Received(int ifindex, long mac, boolean isArp, ByteBuffer bytes) {}

    /** Opens both; throws {@link NativeException} when the kernel refuses: it needs {@code CAP_NET_RAW}. */
    ProbeSocket() {
        try {
            CallState state = CallState.current();
            out = open(state, Native.SOCK_RAW());
            in = open(state, SOCK_DGRAM);
            NativeException.check(
                    LibC.setsockopt(state, in, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1),
                    "setsockopt(PACKET_IGNORE_OUTGOING)");
            NativeException.check(
                    LibC.setsockopt(state, in, Native.SOL_SOCKET(), Native.SO_RCVBUF(), RECEIVE_BUFFER_BYTES),
                    "setsockopt(SO_RCVBUF)");
            NativeException.check(
                    LibC.setsockopt(state, in, Native.SOL_SOCKET(), SO_ATTACH_FILTER, filter()),
                    "setsockopt(SO_ATTACH_FILTER)");
            NativeException.check(LibC.bind(state, in, address(arena, 0, Native.ETH_P_ALL())), "bind(AF_PACKET)");
        } catch (NativeException e) {
            close();
            throw e;
        }
    }

    private static int open(CallState state, int type) {
        return NativeException.check(
                LibC.socket(state, AF_PACKET, type | Native.SOCK_CLOEXEC() | Native.SOCK_NONBLOCK(), 0),
                "socket(AF_PACKET)");
    }

    private static MemorySegment address(Arena arena, int ifindex, int protocol) {
        MemorySegment address = arena.allocate(SOCKADDR_LL_BYTES, Integer.BYTES);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_PACKET);
        address.set(U16_BE, LL_PROTOCOL, (short) protocol);
        address.set(ValueLayout.JAVA_INT, LL_IFINDEX, ifindex);
        return address;
    }

    /** Classic BPF (linux/filter.h): ARP; ICMP answers; TCP to the ports of probes. Nothing else is copied. */
    private MemorySegment filter() {
        long[][] program = {
            {LOAD_HALF, 0, 0, ETHERTYPE},
            {JUMP_IF_EQUAL, 25, 0, ETH_P_ARP},
            {JUMP_IF_EQUAL, 0, 11, ETH_P_IP},
            {LOAD_X_IPV4_HEADER_LENGTH, 0, 0, 0},
            {LOAD_BYTE, 0, 0, 9}, // IPv4: protocol
            {JUMP_IF_EQUAL, 0, 4, 1},
            {LOAD_BYTE_AT_X, 0, 0, 0}, // ICMP: type
            {JUMP_IF_EQUAL, 19, 0, 0}, // echo reply
            {JUMP_IF_EQUAL, 18, 0, 3}, // destination unreachable
            {JUMP_IF_EQUAL, 17, 18, 11}, // time exceeded
            {JUMP_IF_EQUAL, 0, 17, 6},
            {LOAD_HALF_AT_X, 0, 0, 2}, // TCP: destination port
            {JUMP_IF_AT_LEAST, 0, 15, FIRST_PORT},
            {JUMP_IF_ABOVE, 14, 13, LAST_PORT},
            {JUMP_IF_EQUAL, 0, 13, ETH_P_IPV6},
            {LOAD_BYTE, 0, 0, 6}, // IPv6: next header
            {JUMP_IF_EQUAL, 0, 6, 58},
            {LOAD_BYTE, 0, 0, 40}, // ICMPv6: type
            {JUMP_IF_EQUAL, 8, 0, 1}, // destination unreachable
            {JUMP_IF_EQUAL, 7, 0, 3}, // time exceeded
            {JUMP_IF_EQUAL, 6, 0, 129}, // echo reply
            {JUMP_IF_EQUAL, 5, 0, 136}, // neighbour advertisement
            {RETURN, 0, 0, 0},
            {JUMP_IF_EQUAL, 0, 4, 6},
            {LOAD_HALF, 0, 0, 42}, // TCP: destination port
            {JUMP_IF_AT_LEAST, 0, 2, FIRST_PORT},
            {JUMP_IF_ABOVE, 1, 0, LAST_PORT},
            {RETURN, 0, 0, 0xffff_ffffL},
            {RETURN, 0, 0, 0},
        };
        MemorySegment code = arena.allocate(8L * program.length, Long.BYTES);
        for (int i = 0; i < program.length; i++) {
            long at = 8L * i;
            code.set(ValueLayout.JAVA_SHORT, at, (short) program[i][0]);
            code.set(ValueLayout.JAVA_BYTE, at + 2, (byte) program[i][1]);
            code.set(ValueLayout.JAVA_BYTE, at + 3, (byte) program[i][2]);
            code.set(ValueLayout.JAVA_INT, at + 4, (int) program[i][3]);
        }
        MemorySegment fprog = arena.allocate(16, Long.BYTES);
        fprog.set(ValueLayout.JAVA_SHORT, 0, (short) program.length);
        fprog.set(ValueLayout.ADDRESS, 8, code);
        return fprog;
    }

    /** Sends a frame; one for which there is no room is lost, as on a wire. */
    void send(int ifindex, byte[] frame) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment bytes = call.allocateFrom(ValueLayout.JAVA_BYTE, frame);
            LibC.sendTo(CallState.current(), out, bytes, frame.length, 0, address(call, ifindex, 0));
        }
    }

    /** The next packet, null when none comes in this time. */
    @Nullable
    Received receive(int timeoutMs) {
        CallState state = CallState.current();
        pollfd.fd(polled, in);
        pollfd.events(polled, (short) Native.POLLIN());
        if (LibC.poll(state, polled, 1, timeoutMs) <= 0) {
            return null;
        }
        long length = LibC.receiveFrom(state, in, buffer, buffer.byteSize(), sender);
        if (length < 0) {
            return null;
        }
        long mac = 0;
        for (int i = 0; i < 6; i++) {
            mac = mac << 8 | (sender.get(ValueLayout.JAVA_BYTE, LL_ADDRESS + i) & 0xff);
        }
        return new Received(
                sender.get(ValueLayout.JAVA_INT, LL_IFINDEX),
                mac,
                Short.toUnsignedInt(sender.get(U16_BE, LL_PROTOCOL)) == ETH_P_ARP,
                ByteBuffer.wrap(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE)));
    }

    @Override
    public void close() {
        for (int fd : new int[] {out, in}) {
            if (fd >= 0) {
                LibC.close(CallState.current(), fd);
            }
        }
        arena.close();
    }
}

package dev.sluice.control.checkpath;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * Packet sockets (packet(7)) on the director's interfaces, beside the steering program: frames out, and copies of the IP packets
 * that the kernel gets. Opened in the director's network namespace. Owned by: one thread.
 */
final class PacketSockets implements AutoCloseable {
    private static final int AF_PACKET = 17;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCKADDR_LL_BYTES = 20;
    private static final int SO_ATTACH_FILTER = 26;

    /** The first of the ports in {@code ip_local_port_range} of a new network namespace. */
    static final int FIRST_PORT = 32768;

    // linux/bpf_common.h: class, size or operation, mode or source.
    private static final int LOAD_BYTE = 0x30;
    private static final int LOAD_HALF = 0x28;
    private static final int LOAD_HALF_AT_X = 0x48;
    private static final int LOAD_X_IPV4_HEADER_LENGTH = 0xb1;
    private static final int AND = 0x54;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int JUMP_IF_AT_LEAST = 0x35;
    private static final int RETURN = 0x06;

    private static final ValueLayout.OfShort BIG_ENDIAN_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Arena arena = Arena.ofShared();
    private final int[] senders;
    private final int[] receivers;

    /**
     * Opens them.
     *
     * @param interfaces in the order of the workers' ports
     * @throws NativeException when the kernel refuses
     */
    PacketSockets(List<String> interfaces) {
        senders = new int[interfaces.size()];
        receivers = new int[interfaces.size()];
        Arrays.fill(senders, -1);
        Arrays.fill(receivers, -1);
        try {
            for (int i = 0; i < senders.length; i++) {
                senders[i] = open(interfaces.get(i), Native.SOCK_RAW(), 0);
                receivers[i] = open(interfaces.get(i), SOCK_DGRAM, Native.ETH_P_ALL());
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private int open(String interfaceName, int type, int protocol) {
        CallState state = CallState.current();
        int index = NativeException.check(
                LibC.ifNameToIndex(state, interfaceName), "if_nametoindex(" + interfaceName + ")");
        // Without a protocol nothing is received, from any interface, before the socket is bound to this one.
        int fd = NativeException.check(
                LibC.socket(state, AF_PACKET, type | Native.SOCK_CLOEXEC() | Native.SOCK_NONBLOCK(), 0),
                "socket(AF_PACKET)");
        MemorySegment address = arena.allocate(SOCKADDR_LL_BYTES, Integer.BYTES);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_PACKET);
        address.set(BIG_ENDIAN_SHORT, 2, (short) protocol);
        address.set(ValueLayout.JAVA_INT, 4, index);
        try {
            NativeException.check(
                    LibC.setsockopt(state, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1),
                    "setsockopt(PACKET_IGNORE_OUTGOING)");
            NativeException.check(
                    LibC.setsockopt(state, fd, Native.SOL_SOCKET(), SO_ATTACH_FILTER, filter()),
                    "setsockopt(SO_ATTACH_FILTER)");
            NativeException.check(LibC.bind(state, fd, address), "bind(AF_PACKET, " + interfaceName + ")");
        } catch (RuntimeException e) {
            LibC.close(state, fd);
            throw e;
        }
        return fd;
    }

    /**
     * A classic BPF program (linux/filter.h) that lets TCP and UDP to ports of {@link #FIRST_PORT} and above through: the ports
     * that the kernel gives to sockets which ask for none. Whatever else the host gets is not copied.
     */
    private MemorySegment filter() {
        long[][] program = {
            {LOAD_BYTE, 0, 0, 0}, // version
            {AND, 0, 0, 0xf0},
            {JUMP_IF_EQUAL, 0, 6, 0x40},
            {LOAD_BYTE, 0, 0, 9}, // IPv4: protocol
            {JUMP_IF_EQUAL, 1, 0, 6},
            {JUMP_IF_EQUAL, 0, 10, 17},
            {LOAD_X_IPV4_HEADER_LENGTH, 0, 0, 0},
            {LOAD_HALF_AT_X, 0, 0, 2}, // destination port
            {JUMP_IF_AT_LEAST, 6, 7, FIRST_PORT},
            {JUMP_IF_EQUAL, 0, 6, 0x60},
            {LOAD_BYTE, 0, 0, 6}, // IPv6: next header
            {JUMP_IF_EQUAL, 1, 0, 6},
            {JUMP_IF_EQUAL, 0, 3, 17},
            {LOAD_HALF, 0, 0, 42}, // destination port
            {JUMP_IF_AT_LEAST, 0, 1, FIRST_PORT},
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

    /** How many interfaces there are. */
    int count() {
        return senders.length;
    }

    /** What is polled for packets from an interface. */
    int receiver(int port) {
        return receivers[port];
    }

    /** Sends a frame by a port; one for which there is no room is lost, as on a wire. */
    void send(int port, MemorySegment frame) {
        LibC.send(CallState.current(), senders[port], frame, frame.byteSize(), 0);
    }

    /** Takes the next IP packet that came in by a port: its length, negative when there is none. */
    long receive(int port, MemorySegment into) {
        return LibC.receive(CallState.current(), receivers[port], into, into.byteSize(), 0);
    }

    @Override
    public void close() {
        for (int[] fds : List.of(senders, receivers)) {
            for (int i = 0; i < fds.length; i++) {
                if (fds[i] >= 0) {
                    LibC.close(CallState.current(), fds[i]);
                    fds[i] = -1;
                }
            }
        }
        arena.close();
    }
}

package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** What packet(7) sockets take, with the classic BPF programs of linux/filter.h that say what they are given. Any thread. */
public final class PacketSocket {
    /** Frames from their Ethernet header on. */
    public static final int RAW = 3;
    /** Packets from their IP or ARP header on. */
    public static final int DATAGRAM = 2;

    private static final int AF_PACKET = 17;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final int SO_ATTACH_FILTER = 26;

    // struct sockaddr_ll: family, protocol, ifindex, hatype, pkttype, halen, addr.
    /** How many octets an address of such a socket has. */
    public static final int ADDRESS_BYTES = 20;

    private static final int PROTOCOL = 2;
    private static final int IFINDEX = 4;
    private static final int STATION = 12;

    /** {@code struct sock_filter} and {@code struct sock_fprog}. */
    private static final int INSTRUCTION_BYTES = 8;

    private static final int PROGRAM_BYTES = 16;

    private static final ValueLayout.OfShort U16_BE = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    /** What an instruction does: class, size or operation, mode or source, by linux/bpf_common.h. */
    public enum Operation {
        LOAD_BYTE(0x30),
        LOAD_HALF(0x28),
        LOAD_BYTE_AT_X(0x50),
        LOAD_HALF_AT_X(0x48),
        LOAD_X_IPV4_HEADER_LENGTH(0xb1),
        AND(0x54),
        JUMP_IF_EQUAL(0x15),
        JUMP_IF_AT_LEAST(0x35),
        JUMP_IF_ABOVE(0x25),
        RETURN(0x06);

        private final int code;

        Operation(int code) {
            this.code = code;
        }
    }

    /**
     * One instruction of a filter.
     *
     * @param then how many instructions to leave out when a jump's condition holds
     * @param otherwise and when it does not
     * @param operand a constant or an offset
     */
    public record Instruction(Operation operation, int then, int otherwise, long operand) {}

    private PacketSocket() {}

    /** A new one, which receives nothing before it is bound; throws {@link NativeException}: it takes {@code CAP_NET_RAW}. */
    public static int open(CallState state, int type) {
        return NativeException.check(
                LibC.socket(state, AF_PACKET, type | Native.SOCK_CLOEXEC() | Native.SOCK_NONBLOCK(), 0),
                "socket(AF_PACKET)");
    }

    /** Has it receive nothing that goes out; throws {@link NativeException}. */
    public static void ignoreOutgoing(CallState state, int fd) {
        NativeException.check(
                LibC.setsockopt(state, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1),
                "setsockopt(PACKET_IGNORE_OUTGOING)");
    }

    /** Has it receive only what a program returns other than 0 for; throws {@link NativeException}. */
    public static void attach(CallState state, int fd, Instruction... program) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment code = arena.allocate((long) INSTRUCTION_BYTES * program.length, Long.BYTES);
            for (int i = 0; i < program.length; i++) {
                long at = (long) INSTRUCTION_BYTES * i;
                code.set(ValueLayout.JAVA_SHORT, at, (short) program[i].operation.code);
                code.set(ValueLayout.JAVA_BYTE, at + 2, (byte) program[i].then);
                code.set(ValueLayout.JAVA_BYTE, at + 3, (byte) program[i].otherwise);
                code.set(ValueLayout.JAVA_INT, at + 4, (int) program[i].operand);
            }
            MemorySegment counted = arena.allocate(PROGRAM_BYTES, Long.BYTES);
            counted.set(ValueLayout.JAVA_SHORT, 0, (short) program.length);
            counted.set(ValueLayout.ADDRESS, 8, code);
            NativeException.check(
                    LibC.setsockopt(state, fd, Native.SOL_SOCKET(), SO_ATTACH_FILTER, counted),
                    "setsockopt(SO_ATTACH_FILTER)");
        }
    }

    /**
     * Where to bind to or to send to.
     *
     * @param ifindex an interface, 0 for all
     * @param protocol an ethertype, {@code ETH_P_ALL}, 0 for none
     */
    public static MemorySegment address(Arena arena, int ifindex, int protocol) {
        MemorySegment address = arena.allocate(ADDRESS_BYTES, Integer.BYTES);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_PACKET);
        address.set(U16_BE, PROTOCOL, (short) protocol);
        address.set(ValueLayout.JAVA_INT, IFINDEX, ifindex);
        return address;
    }

    /** The interface of an address. */
    public static int ifindex(MemorySegment address) {
        return address.get(ValueLayout.JAVA_INT, IFINDEX);
    }

    /** The ethertype of an address. */
    public static int protocol(MemorySegment address) {
        return Short.toUnsignedInt(address.get(U16_BE, PROTOCOL));
    }

    /** The Ethernet address in it, in the lower 48 bits. */
    public static long station(MemorySegment address) {
        long mac = 0;
        for (int i = 0; i < 6; i++) {
            mac = mac << 8 | (address.get(ValueLayout.JAVA_BYTE, STATION + i) & 0xff);
        }
        return mac;
    }
}

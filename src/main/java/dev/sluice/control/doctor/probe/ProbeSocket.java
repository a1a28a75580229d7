package dev.sluice.control.doctor.probe;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.PacketSocket;
import dev.sluice.ffi.PacketSocket.Instruction;
import dev.sluice.ffi.PacketSocket.Operation;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Packet sockets (packet(7)) of the network namespace: frames out of any interface, and copies of the few kinds of packets that
 * answer probes, before the kernel's own checks (rp_filter, martian sources) look at them. Owned by: one thread.
 */
final class ProbeSocket implements AutoCloseable {
    /** Source ports of probes, above those that the kernel gives away by default ({@code ip_local_port_range}). */
    static final int FIRST_PORT = 61_000;

    static final int LAST_PORT = 64_999;

    private static final int ETH_P_ARP = 0x0806;
    private static final int ETH_P_IP = 0x0800;
    private static final int ETH_P_IPV6 = 0x86dd;
    private static final int RECEIVE_BYTES = 65_536;
    private static final int RECEIVE_BUFFER_BYTES = 1 << 20;

    /** {@code SKF_AD_OFF + SKF_AD_PROTOCOL} of linux/filter.h: the packet's ethertype. */
    private static final long ETHERTYPE = 0xffff_f000L;

    /** ARP; ICMP answers; TCP to the ports of probes. Nothing else is copied. */
    private static final Instruction[] FILTER = {
        new Instruction(Operation.LOAD_HALF, 0, 0, ETHERTYPE),
        new Instruction(Operation.JUMP_IF_EQUAL, 25, 0, ETH_P_ARP),
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 11, ETH_P_IP),
        new Instruction(Operation.LOAD_X_IPV4_HEADER_LENGTH, 0, 0, 0),
        new Instruction(Operation.LOAD_BYTE, 0, 0, 9), // IPv4: protocol
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 4, 1),
        new Instruction(Operation.LOAD_BYTE_AT_X, 0, 0, 0), // ICMP: type
        new Instruction(Operation.JUMP_IF_EQUAL, 19, 0, 0), // echo reply
        new Instruction(Operation.JUMP_IF_EQUAL, 18, 0, 3), // destination unreachable
        new Instruction(Operation.JUMP_IF_EQUAL, 17, 18, 11), // time exceeded
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 17, 6),
        new Instruction(Operation.LOAD_HALF_AT_X, 0, 0, 2), // TCP: destination port
        new Instruction(Operation.JUMP_IF_AT_LEAST, 0, 15, FIRST_PORT),
        new Instruction(Operation.JUMP_IF_ABOVE, 14, 13, LAST_PORT),
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 13, ETH_P_IPV6),
        new Instruction(Operation.LOAD_BYTE, 0, 0, 6), // IPv6: next header
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 6, 58),
        new Instruction(Operation.LOAD_BYTE, 0, 0, 40), // ICMPv6: type
        new Instruction(Operation.JUMP_IF_EQUAL, 8, 0, 1), // destination unreachable
        new Instruction(Operation.JUMP_IF_EQUAL, 7, 0, 3), // time exceeded
        new Instruction(Operation.JUMP_IF_EQUAL, 6, 0, 129), // echo reply
        new Instruction(Operation.JUMP_IF_EQUAL, 5, 0, 136), // neighbour advertisement
        new Instruction(Operation.RETURN, 0, 0, 0),
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 4, 6),
        new Instruction(Operation.LOAD_HALF, 0, 0, 42), // TCP: destination port
        new Instruction(Operation.JUMP_IF_AT_LEAST, 0, 2, FIRST_PORT),
        new Instruction(Operation.JUMP_IF_ABOVE, 1, 0, LAST_PORT),
        new Instruction(Operation.RETURN, 0, 0, 0xffff_ffffL),
        new Instruction(Operation.RETURN, 0, 0, 0)
    };

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment buffer = arena.allocate(RECEIVE_BYTES, Long.BYTES);
    private final MemorySegment sender = arena.allocate(PacketSocket.ADDRESS_BYTES, Integer.BYTES);
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
            out = PacketSocket.open(state, PacketSocket.RAW);
            in = PacketSocket.open(state, PacketSocket.DATAGRAM);
            PacketSocket.ignoreOutgoing(state, in);
            NativeException.check(
                    LibC.setsockopt(state, in, Native.SOL_SOCKET(), Native.SO_RCVBUF(), RECEIVE_BUFFER_BYTES),
                    "setsockopt(SO_RCVBUF)");
            PacketSocket.attach(state, in, FILTER);
            NativeException.check(
                    LibC.bind(state, in, PacketSocket.address(arena, 0, Native.ETH_P_ALL())), "bind(AF_PACKET)");
        } catch (NativeException e) {
            close();
            throw e;
        }
    }

    /** Sends a frame; one for which there is no room is lost, as on a wire. */
    void send(int ifindex, byte[] frame) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment bytes = call.allocateFrom(ValueLayout.JAVA_BYTE, frame);
            LibC.sendTo(CallState.current(), out, bytes, frame.length, 0, PacketSocket.address(call, ifindex, 0));
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
        return new Received(
                PacketSocket.ifindex(sender),
                PacketSocket.station(sender),
                PacketSocket.protocol(sender) == ETH_P_ARP,
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

package dev.sluice.control.checkpath;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.PacketSocket;
import dev.sluice.ffi.PacketSocket.Instruction;
import dev.sluice.ffi.PacketSocket.Operation;
import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Packet sockets (packet(7)) on the director's interfaces, beside the steering program: frames out, and copies of the IP packets
 * that the kernel gets. Opened in the director's network namespace. Owned by: one thread.
 */
final class PacketSockets implements AutoCloseable {
    /** The first of the ports in {@code ip_local_port_range} of a new network namespace. */
    static final int FIRST_PORT = 32768;

    /**
     * Lets TCP and UDP to ports of {@link #FIRST_PORT} and above through: the ports that the kernel gives to sockets which ask for
     * none. Whatever else the host gets is not copied.
     */
    private static final Instruction[] FILTER = {
        new Instruction(Operation.LOAD_BYTE, 0, 0, 0), // version
        new Instruction(Operation.AND, 0, 0, 0xf0),
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 6, 0x40),
        new Instruction(Operation.LOAD_BYTE, 0, 0, 9), // IPv4: protocol
        new Instruction(Operation.JUMP_IF_EQUAL, 1, 0, 6),
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 10, 17),
        new Instruction(Operation.LOAD_X_IPV4_HEADER_LENGTH, 0, 0, 0),
        new Instruction(Operation.LOAD_HALF_AT_X, 0, 0, 2), // destination port
        new Instruction(Operation.JUMP_IF_AT_LEAST, 6, 7, FIRST_PORT),
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 6, 0x60),
        new Instruction(Operation.LOAD_BYTE, 0, 0, 6), // IPv6: next header
        new Instruction(Operation.JUMP_IF_EQUAL, 1, 0, 6),
        new Instruction(Operation.JUMP_IF_EQUAL, 0, 3, 17),
        new Instruction(Operation.LOAD_HALF, 0, 0, 42), // destination port
        new Instruction(Operation.JUMP_IF_AT_LEAST, 0, 1, FIRST_PORT),
        new Instruction(Operation.RETURN, 0, 0, 0xffff_ffffL),
        new Instruction(Operation.RETURN, 0, 0, 0)
    };

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
                senders[i] = open(interfaces.get(i), PacketSocket.RAW, 0);
                receivers[i] = open(interfaces.get(i), PacketSocket.DATAGRAM, Native.ETH_P_ALL());
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
        int fd = PacketSocket.open(state, type);
        try {
            PacketSocket.ignoreOutgoing(state, fd);
            PacketSocket.attach(state, fd, FILTER);
            NativeException.check(
                    LibC.bind(state, fd, PacketSocket.address(arena, index, protocol)),
                    "bind(AF_PACKET, " + interfaceName + ")");
        } catch (RuntimeException e) {
            LibC.close(state, fd);
            throw e;
        }
        return fd;
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

package dev.sluice.testing;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A raw {@code AF_PACKET} socket on one interface: whole Ethernet frames in and out, as bytes. Opened in the calling
 * thread's network namespace; used by one thread.
 */
public final class PacketSocket implements AutoCloseable {
    private static final int AF_PACKET = 17;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final long SOCKADDR_LL_BYTES = 20;
    private static final ValueLayout.OfShort BIG_ENDIAN_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final CallState state = new CallState();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(65536);
    private final String interfaceName;
    private final int fd;

    /** Opens one that sees every frame arriving at the interface, and none that leaves it. */
    public PacketSocket(String interfaceName) {
        this.interfaceName = interfaceName;
        int index = NativeException.check(
                LibC.ifNameToIndex(state, interfaceName), "if_nametoindex(" + interfaceName + ")");
        // Protocol 0 at first: nothing is received, from any interface, before the socket is bound to this one.
        fd = NativeException.check(
                LibC.socket(state, AF_PACKET, Native.SOCK_RAW() | Native.SOCK_CLOEXEC(), 0), "socket(AF_PACKET)");
        NativeException.check(
                LibC.setsockopt(state, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1), "PACKET_IGNORE_OUTGOING");
        NativeException.check(
                LibC.setsockopt(state, fd, Native.SOL_SOCKET(), Native.SO_RCVBUFFORCE(), 64 << 20), "SO_RCVBUFFORCE");
        MemorySegment address = arena.allocate(SOCKADDR_LL_BYTES, 8);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_PACKET);
        address.set(BIG_ENDIAN_SHORT, 2, (short) Native.ETH_P_ALL());
        address.set(ValueLayout.JAVA_INT, 4, index);
        NativeException.check(LibC.bind(state, fd, address), "bind(" + interfaceName + ")");
    }

    /** Sends one frame; waits while the socket's buffer is full. */
    public void send(byte[] frame) {
        MemorySegment.copy(frame, 0, buffer, ValueLayout.JAVA_BYTE, 0, frame.length);
        while (true) {
            long result = LibC.send(state, fd, buffer, frame.length, 0);
            if (result != -Native.ENOBUFS()) {
                NativeException.check(result, "sendto(" + interfaceName + ", length=" + frame.length + ")");
                return;
            }
            LockSupport.parkNanos(100_000);
        }
    }

    /** The next frame that has arrived, or null. */
    public byte @Nullable [] receive() {
        long length = LibC.receive(state, fd, buffer, buffer.byteSize(), Native.MSG_DONTWAIT());
        if (length == -Native.EAGAIN()) {
            return null;
        }
        NativeException.check(length, "recvfrom(" + interfaceName + ")");
        return buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    }

    /** The next frame of an EtherType, skipping others, or null when none comes in time. */
    public byte @Nullable [] receive(int etherType, long timeoutMs) {
        long deadlineNs = System.nanoTime() + timeoutMs * 1_000_000;
        while (true) {
            byte[] frame = receive();
            if (frame == null) {
                if (System.nanoTime() - deadlineNs >= 0) {
                    return null;
                }
                LockSupport.parkNanos(20_000);
            } else if (frame.length >= 14 && etherTypeOf(frame) == etherType) {
                return frame;
            }
        }
    }

    /** The EtherType of a frame, in host order. */
    public static int etherTypeOf(byte[] frame) {
        return ((frame[12] & 0xff) << 8) | (frame[13] & 0xff);
    }

    @Override
    public void close() {
        LibC.close(state, fd);
        arena.close();
    }
}

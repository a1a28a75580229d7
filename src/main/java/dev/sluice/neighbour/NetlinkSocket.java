package dev.sluice.neighbour;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.sockaddr_nl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A {@code NETLINK_ROUTE} socket of the network namespace in which it was opened. One for requests, another for
 * notifications, so that a flood of the second cannot lose an answer to the first.
 *
 * <p>Owned by: control thread.
 */
final class NetlinkSocket implements AutoCloseable {
    /** The kernel builds datagrams of at most 32 KiB for a dump; a single message never comes near twice that. */
    private static final int BUFFER_BYTES = 64 * 1024;

    private static final int DUMP_ATTEMPTS = 8;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_BYTES, Long.BYTES);
    private final int fd;
    private int sequence;

    /**
     * Opens and binds a socket that is never waited on.
     *
     * @throws NativeException when the kernel refuses, naming the call
     */
    NetlinkSocket() {
        this(Native.NETLINK_ROUTE(), "NETLINK_ROUTE");
    }

    /** As the other, of another protocol of netlink(7). */
    NetlinkSocket(int protocol, String protocolName) {
        CallState state = CallState.current();
        fd = NativeException.check(
                LibC.socket(
                        state,
                        Native.AF_NETLINK(),
                        Native.SOCK_RAW() | Native.SOCK_CLOEXEC() | Native.SOCK_NONBLOCK(),
                        protocol),
                "socket(AF_NETLINK, SOCK_RAW, " + protocolName + ")");
        try {
            MemorySegment address = arena.allocate(sockaddr_nl.layout());
            sockaddr_nl.nl_family(address, (short) Native.AF_NETLINK());
            NativeException.check(LibC.bind(state, fd, address), "bind(fd=" + fd + ", sockaddr_nl)");
            // Since Linux 4.20: the kernel refuses a request it does not fully understand instead of guessing.
            NativeException.check(
                    LibC.setsockopt(state, fd, Native.SOL_NETLINK(), Native.NETLINK_GET_STRICT_CHK(), 1),
                    "setsockopt(fd=" + fd + ", NETLINK_GET_STRICT_CHK)");
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    int fd() {
        return fd;
    }

    /** Asks for a receive buffer of this size, past {@code rmem_max} where privilege allows; else what there is. */
    void receiveBuffer(int sizeBytes) {
        CallState state = CallState.current();
        if (LibC.setsockopt(state, fd, Native.SOL_SOCKET(), Native.SO_RCVBUFFORCE(), sizeBytes) < 0) {
            NativeException.check(
                    LibC.setsockopt(state, fd, Native.SOL_SOCKET(), Native.SO_RCVBUF(), sizeBytes),
                    "setsockopt(fd=" + fd + ", SO_RCVBUF, " + sizeBytes + ")");
        }
    }

    /** Joins a multicast group: 0, or {@code -errno} when this kernel does not have it. */
    int join(int group) {
        return LibC.setsockopt(CallState.current(), fd, Native.SOL_NETLINK(), Native.NETLINK_ADD_MEMBERSHIP(), group);
    }

    /**
     * Receives one datagram of notifications: its messages, or null with nothing to receive.
     *
     * @throws NativeException on error; {@code ENOBUFS} says that notifications were lost
     */
    @Nullable
    List<NetlinkMessage> receive() {
        long lengthBytes = receiveBytes();
        return lengthBytes < 0 ? null : NetlinkMessage.split(buffer.asSlice(0, lengthBytes));
    }

    /**
     * Receives one datagram into {@link #buffer}: its length, or -1 with nothing to receive.
     *
     * @throws NativeException on error; {@code ENOBUFS} says that notifications were lost
     */
    long receiveBytes() {
        while (true) {
            long lengthBytes = LibC.receive(CallState.current(), fd, buffer, buffer.byteSize(), Native.MSG_TRUNC());
            if (lengthBytes == -Native.EAGAIN()) {
                return -1;
            }
            if (lengthBytes == -Native.EINTR()) {
                continue;
            }
            NativeException.check(lengthBytes, "recvfrom(fd=" + fd + ", netlink)");
            if (lengthBytes > buffer.byteSize()) {
                throw new NativeException("recvfrom(fd=" + fd + ", " + lengthBytes + " bytes)", Native.ENOBUFS());
            }
            return lengthBytes;
        }
    }

    /** What {@link #receiveBytes} received last. */
    MemorySegment buffer() {
        return buffer;
    }

    /** Sends a request whose answers are received one by one: the number that they carry, or {@code -errno}. */
    int send(NetlinkRequest request) {
        int number = ++sequence;
        MemorySegment bytes = request.numbered(number);
        long sent = LibC.send(CallState.current(), fd, bytes, bytes.byteSize(), 0);
        return sent < 0 ? (int) sent : number;
    }

    /**
     * Sends a request and hands its answer on. The kernel answers within {@code sendto}, so nothing is waited for.
     *
     * @return 0, or the {@code -errno} with which the kernel, the socket or a lost answer ({@code ENOBUFS}) refused
     */
    int exchange(NetlinkRequest request, Consumer<NetlinkMessage> answer) {
        int number = send(request);
        if (number < 0) {
            return number;
        }
        boolean dump = (request.flags() & Native.NLM_F_DUMP()) == Native.NLM_F_DUMP();
        boolean interrupted = false;
        try {
            List<NetlinkMessage> messages;
            while ((messages = receive()) != null) {
                for (NetlinkMessage message : messages) {
                    if (message.sequence() != number) {
                        continue;
                    }
                    interrupted |= (message.flags() & Native.NLM_F_DUMP_INTR()) != 0;
                    if (message.type() == Native.NLMSG_ERROR()) {
                        return message.error();
                    }
                    if (message.type() == Native.NLMSG_DONE()) {
                        return interrupted ? -Native.EINTR() : message.error();
                    }
                    answer.accept(message);
                    if (!dump) {
                        return 0;
                    }
                }
            }
        } catch (NativeException e) {
            return -e.errno();
        }
        return -Native.ENOBUFS();
    }

    /**
     * Dumps a table. A dump that a change ran into ({@code NLM_F_DUMP_INTR}) starts again; after several it is taken as
     * it is, for the notifications of those changes follow.
     *
     * @throws NativeException when the kernel refuses
     */
    <T> List<T> dump(NetlinkRequest request, String what, Function<NetlinkMessage, @Nullable T> parser) {
        List<T> entries = new ArrayList<>();
        for (int attempt = 1; ; attempt++) {
            entries.clear();
            int result = exchange(request, message -> {
                T entry = parser.apply(message);
                if (entry != null) {
                    entries.add(entry);
                }
            });
            if (result == -Native.EINTR() && attempt < DUMP_ATTEMPTS) {
                continue;
            }
            if (result != -Native.EINTR()) {
                NativeException.check(result, what);
            }
            return entries;
        }
    }

    @Override
    public void close() {
        LibC.close(CallState.current(), fd);
        arena.close();
    }
}

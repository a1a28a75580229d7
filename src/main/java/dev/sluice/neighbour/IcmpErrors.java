package dev.sluice.neighbour;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.AddressFamily;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;

/**
 * Hears what routers say of packets that were too large for them: raw ICMP sockets (raw(7), ipv6(7)) of the namespace in which
 * this was opened, filtered by the kernel. The kernel itself learns nothing from these messages when they quote packets that it
 * did not send.
 *
 * <p>Owned by: control thread.
 */
public final class IcmpErrors implements AutoCloseable {
    // linux/icmp.h, linux/icmpv6.h; the levels are SOL_RAW and IPPROTO_ICMPV6.
    private static final int SOL_RAW = 255;
    private static final int ICMP_FILTER = 1;
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int ICMPV6_FILTER = 1;
    private static final int ICMPV6_FILTER_BYTES = 32;
    /** asm-generic/errno.h. */
    private static final int EAFNOSUPPORT = 97;

    /** The headers of both packets with options; what is behind them does not matter. */
    private static final int BUFFER_BYTES = 2048;
    /** Messages read in one call, so that a flood of them cannot hold the caller. */
    private static final int MESSAGES_PER_CALL = 256;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_BYTES, Long.BYTES);
    private int inetFd = -1;
    private int inet6Fd = -1;

    private IcmpErrors() {}

    /**
     * Opens in the caller's network namespace; without IPv6 in the kernel it hears of IPv4 alone.
     *
     * @throws NativeException when the kernel refuses, for lack of {@code CAP_NET_RAW} say
     */
    public static IcmpErrors open() {
        IcmpErrors errors = new IcmpErrors();
        try {
            errors.openInet();
            errors.openInet6();
            return errors;
        } catch (RuntimeException e) {
            errors.close();
            throw e;
        }
    }

    private void openInet() {
        inetFd = NativeException.check(
                socket(Native.AF_INET(), IPPROTO_ICMP), "socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)");
        // A bit that is set keeps a type away.
        int others = ~(1 << TooBig.DESTINATION_UNREACHABLE);
        NativeException.check(
                LibC.setsockopt(CallState.current(), inetFd, SOL_RAW, ICMP_FILTER, others), "setsockopt(ICMP_FILTER)");
    }

    private void openInet6() {
        int fd = socket(Native.AF_INET6(), IPPROTO_ICMPV6);
        if (fd == -EAFNOSUPPORT) {
            return;
        }
        inet6Fd = NativeException.check(fd, "socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)");
        MemorySegment filter =
                arena.allocate(ICMPV6_FILTER_BYTES, Integer.BYTES).fill((byte) 0xff);
        filter.set(ValueLayout.JAVA_INT, 0, ~(1 << TooBig.PACKET_TOO_BIG));
        NativeException.check(
                LibC.setsockopt(CallState.current(), inet6Fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filter),
                "setsockopt(ICMPV6_FILTER)");
    }

    private static int socket(int family, int protocol) {
        return LibC.socket(
                CallState.current(),
                family,
                Native.SOCK_RAW() | Native.SOCK_CLOEXEC() | Native.SOCK_NONBLOCK(),
                protocol);
    }

    /** The descriptor of a family's socket, to be polled for {@code POLLIN}; -1 without one, which poll(2) passes over. */
    public int fd(AddressFamily family) {
        return family == AddressFamily.INET ? inetFd : inet6Fd;
    }

    /** Hands on what has arrived, bounded in number; never waits. */
    public void drain(Consumer<TooBig> heard) {
        for (AddressFamily family : AddressFamily.values()) {
            for (int i = 0; fd(family) >= 0 && i < MESSAGES_PER_CALL; i++) {
                long lengthBytes = LibC.receive(CallState.current(), fd(family), buffer, BUFFER_BYTES, 0);
                if (lengthBytes < 0) {
                    // Nothing there, or an error of the network that the socket reports instead of a message.
                    break;
                }
                MemorySegment message = buffer.asSlice(0, lengthBytes);
                TooBig tooBig = family == AddressFamily.INET ? TooBig.ofInet(message) : TooBig.ofInet6(message);
                if (tooBig != null) {
                    heard.accept(tooBig);
                }
            }
        }
    }

    @Override
    public void close() {
        for (int fd : new int[] {inetFd, inet6Fd}) {
            if (fd >= 0) {
                LibC.close(CallState.current(), fd);
            }
        }
        arena.close();
    }
}

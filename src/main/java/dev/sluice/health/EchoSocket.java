package dev.sluice.health;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.Errno;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.pollfd;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Wire;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.SecureRandom;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A raw ICMP socket (raw(7), ipv6(7)) that many pings share, with a thread of its own that reads. An echo is recognised by
 * identifier, sequence number and eight octets of payload, all of them random, and by the address that it comes from.
 *
 * <p>Any thread.
 */
final class EchoSocket implements AutoCloseable {
    // linux/icmp.h, linux/icmpv6.h; the levels are SOL_RAW and IPPROTO_ICMPV6. A bit that is set keeps a type away.
    private static final int SOL_RAW = 255;
    private static final int ICMP_FILTER = 1;
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int ICMPV6_FILTER = 1;
    private static final int ICMPV6_FILTER_BYTES = 32;

    // struct sockaddr_in, struct sockaddr_in6.
    private static final int SOCKADDR_IN_BYTES = 16;
    private static final int SOCKADDR_IN_ADDRESS = 4;
    private static final int SOCKADDR_IN6_BYTES = 28;
    private static final int SOCKADDR_IN6_ADDRESS = 8;

    private static final int TOKEN_BYTES = 8;
    private static final int REQUEST_BYTES = Icmp.HEADER_BYTES + TOKEN_BYTES;
    private static final int BUFFER_BYTES = 2048;
    /** How long a close may go unnoticed. */
    private static final int POLL_MS = 250;

    private static final SecureRandom RANDOM = new SecureRandom();

    /** A ping under way. */
    private record Pending(IpAddress address, long token, CompletableFuture<CheckResult> answer) {}

    private final AddressFamily family;
    private final int fd;
    /** By identifier and sequence number, as they stand together in the header. */
    private final Map<Integer, Pending> pending = new ConcurrentHashMap<>();

    private volatile boolean closed;

    private EchoSocket(AddressFamily family, int fd) {
        this.family = family;
        this.fd = fd;
    }

    /** Opens in the caller's network namespace, and begins to read. */
    static EchoSocket open(AddressFamily family, @Nullable IpAddress source) throws IOException {
        boolean inet = family == AddressFamily.INET;
        CallState state = CallState.current();
        int type = Native.SOCK_RAW() | Native.SOCK_CLOEXEC() | Native.SOCK_NONBLOCK();
        int fd = LibC.socket(
                state, inet ? Native.AF_INET() : Native.AF_INET6(), type, inet ? IPPROTO_ICMP : IPPROTO_ICMPV6);
        if (fd < 0) {
            throw notMade("no raw socket for ICMP", fd);
        }
        int result = filter(state, fd, inet);
        if (result >= 0 && source != null) {
            try (Arena arena = Arena.ofConfined()) {
                result = LibC.bind(state, fd, socketAddress(arena, source));
            }
        }
        if (result < 0) {
            LibC.close(state, fd);
            throw notMade(source == null ? "ICMP filter" : "source " + source, result);
        }
        EchoSocket socket = new EchoSocket(family, fd);
        Thread.ofPlatform().daemon().name("sluice-echoes-" + (inet ? "4" : "6")).start(socket::readAll);
        return socket;
    }

    private static int filter(CallState state, int fd, boolean inet) {
        if (inet) {
            return LibC.setsockopt(
                    state, fd, SOL_RAW, ICMP_FILTER, ~(1 << Icmp.ECHO_REPLY | 1 << Icmp.DESTINATION_UNREACHABLE));
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment filter =
                    arena.allocate(ICMPV6_FILTER_BYTES, Integer.BYTES).fill((byte) 0xff);
            for (int type : new int[] {Icmp.V6_ECHO_REPLY, Icmp.V6_DESTINATION_UNREACHABLE}) {
                int word = type / Integer.SIZE * Integer.BYTES;
                int bits = filter.get(ValueLayout.JAVA_INT, word);
                filter.set(ValueLayout.JAVA_INT, word, bits & ~(1 << (type % Integer.SIZE)));
            }
            return LibC.setsockopt(state, fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filter);
        }
    }

    private static NotMadeException notMade(String what, int result) {
        return new NotMadeException(what + ": " + Errno.describe(-result));
    }

    /** Sends an echo request, and waits for what comes back. */
    CheckResult ask(IpAddress address, Deadline deadline) throws IOException, InterruptedException {
        CompletableFuture<CheckResult> answer = new CompletableFuture<>();
        Pending ping = new Pending(address, RANDOM.nextLong(), answer);
        int key;
        do {
            key = RANDOM.nextInt();
        } while (pending.putIfAbsent(key, ping) != null);
        try {
            send(address, key, ping.token());
            return answer.get(deadline.remainingMs(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return CheckResult.unhealthy(deadline.text());
        } catch (ExecutionException e) {
            throw new AssertionError("what comes back is a result, whatever it is", e);
        } finally {
            pending.remove(key);
        }
    }

    private void send(IpAddress address, int key, long token) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(REQUEST_BYTES, Integer.BYTES);
            Wire.putU8(request, Icmp.TYPE, family == AddressFamily.INET ? Icmp.ECHO_REQUEST : Icmp.V6_ECHO_REQUEST);
            Wire.putI32(request, Icmp.REST, key);
            Wire.putI64(request, Icmp.HEADER_BYTES, token);
            // That of ICMPv6 covers the addresses; the kernel fills it in.
            if (family == AddressFamily.INET) {
                Wire.putU16(request, Icmp.CHECKSUM, Checksum.of(request, 0, REQUEST_BYTES));
            }
            long sent = LibC.sendTo(
                    CallState.current(),
                    fd,
                    request,
                    REQUEST_BYTES,
                    Native.MSG_DONTWAIT(),
                    socketAddress(arena, address));
            if (sent < 0) {
                throw new IOException(Native.strerror((int) -sent).getString(0));
            }
        }
    }

    private static MemorySegment socketAddress(Arena arena, IpAddress address) {
        boolean inet = address.family() == AddressFamily.INET;
        MemorySegment segment = arena.allocate(inet ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES, Integer.BYTES);
        segment.set(ValueLayout.JAVA_SHORT, 0, (short) (inet ? Native.AF_INET() : Native.AF_INET6()));
        byte[] octets = address.toBytes();
        MemorySegment.copy(
                octets,
                0,
                segment,
                ValueLayout.JAVA_BYTE,
                inet ? SOCKADDR_IN_ADDRESS : SOCKADDR_IN6_ADDRESS,
                octets.length);
        return segment;
    }

    private void readAll() {
        CallState state = new CallState();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER_BYTES, Long.BYTES);
            MemorySegment from = arena.allocate(SOCKADDR_IN6_BYTES, Integer.BYTES);
            MemorySegment poll = arena.allocate(pollfd.layout());
            pollfd.fd(poll, fd);
            pollfd.events(poll, (short) Native.POLLIN());
            while (!closed) {
                LibC.poll(state, poll, 1, POLL_MS);
                long lengthBytes;
                while (!closed && (lengthBytes = LibC.receiveFrom(state, fd, buffer, BUFFER_BYTES, from)) >= 0) {
                    hear(buffer, lengthBytes, from);
                }
            }
        } finally {
            LibC.close(state, fd);
        }
    }

    private void hear(MemorySegment buffer, long lengthBytes, MemorySegment from) {
        boolean inet = family == AddressFamily.INET;
        // A raw socket of IPv4 hands out the IP header as well.
        long at = inet && lengthBytes > 0 ? headerBytes(buffer, 0) : 0;
        if (at + REQUEST_BYTES > lengthBytes) {
            return;
        }
        int type = Wire.u8(buffer, at + Icmp.TYPE);
        if (type == (inet ? Icmp.ECHO_REPLY : Icmp.V6_ECHO_REPLY)) {
            Pending ping = pending.get(Wire.i32(buffer, at + Icmp.REST));
            if (ping != null
                    && ping.token() == Wire.i64(buffer, at + Icmp.HEADER_BYTES)
                    && ping.address().equals(address(from))) {
                ping.answer().complete(CheckResult.healthy("echo reply"));
            }
            return;
        }
        int code = Wire.u8(buffer, at + Icmp.CODE);
        long quoted = at + Icmp.HEADER_BYTES;
        if (quoted + (inet ? 1 : Ipv6.HEADER_BYTES) > lengthBytes) {
            return;
        }
        long echo = quoted + (inet ? headerBytes(buffer, quoted) : Ipv6.HEADER_BYTES);
        if (echo + Icmp.HEADER_BYTES <= lengthBytes && Icmp.isEchoRequest(!inet, Wire.u8(buffer, echo))) {
            Pending ping = pending.get(Wire.i32(buffer, echo + Icmp.REST));
            if (ping != null) {
                ping.answer()
                        .complete(CheckResult.unhealthy(
                                address(from) + " says: " + (inet ? unreachable(code) : unreachable6(code))));
            }
        }
    }

    private static int headerBytes(MemorySegment buffer, long at) {
        return (Wire.u8(buffer, at) & 0x0f) * Integer.BYTES;
    }

    private IpAddress address(MemorySegment from) {
        return family == AddressFamily.INET
                ? IpAddress.ofInet(Wire.i32(from, SOCKADDR_IN_ADDRESS))
                : IpAddress.ofInet6(
                        Wire.i64(from, SOCKADDR_IN6_ADDRESS), Wire.i64(from, SOCKADDR_IN6_ADDRESS + Long.BYTES));
    }

    /** RFC 792, RFC 1812 section 5.2.7.1. */
    private static String unreachable(int code) {
        return switch (code) {
            case 0, 6, 11 -> "network unreachable";
            case 1, 7, 12 -> "host unreachable";
            case 2 -> "protocol unreachable";
            case 9, 10, 13 -> "prohibited by a filter";
            default -> "destination unreachable (code " + code + ")";
        };
    }

    /** RFC 4443 section 3.1. */
    private static String unreachable6(int code) {
        return switch (code) {
            case 0 -> "no route";
            case 1 -> "prohibited by a filter";
            case 3 -> "host unreachable";
            default -> "destination unreachable (code " + code + ")";
        };
    }

    /** The reading thread ends and closes the socket within {@link #POLL_MS}. */
    @Override
    public void close() {
        closed = true;
    }
}

package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;

/**
 * What {@code netdevice(7)} tells of an interface of the calling thread's network namespace. The JDK's own
 * {@code NetworkInterface} does not know interfaces without an IP address. Any thread; failures are
 * {@link NativeException}s, {@code ENODEV} for a name that is not there.
 */
public final class NetworkDevice {
    // linux/sockios.h; struct ifreq is the name in 16 bytes and then a union.
    private static final long SIOCGIFMTU = 0x8921;
    private static final long SIOCGIFHWADDR = 0x8927;
    private static final int VALUE = 16;
    private static final int HARDWARE_ADDRESS = VALUE + 2;
    private static final int IFREQ_BYTES = 40;

    private NetworkDevice() {}

    /** The MTU in bytes. */
    public static int mtu(String name) {
        try (Arena arena = Arena.ofConfined()) {
            return request(arena, name, SIOCGIFMTU, "SIOCGIFMTU").get(ValueLayout.JAVA_INT, VALUE);
        }
    }

    /** The station address, 48 bits, first octet most significant. */
    public static long macBe(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = request(arena, name, SIOCGIFHWADDR, "SIOCGIFHWADDR");
            long mac = 0;
            for (int i = 0; i < 6; i++) {
                mac = mac << 8 | (answer.get(ValueLayout.JAVA_BYTE, HARDWARE_ADDRESS + i) & 0xff);
            }
            return mac;
        }
    }

    /**
     * {@code SIOCETHTOOL} (linux/ethtool.h).
     *
     * @param command one of its structs, whose first field says which; the answer is in it afterwards
     */
    public static void ethtool(String name, MemorySegment command) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = arena.allocate(IFREQ_BYTES, 8);
            argument.set(ValueLayout.JAVA_LONG, VALUE, Calls.pointer(command));
            request(argument, name, Native.SIOCETHTOOL(), "SIOCETHTOOL");
        } finally {
            Reference.reachabilityFence(command);
        }
    }

    private static MemorySegment request(Arena arena, String name, long request, String requestName) {
        MemorySegment argument = arena.allocate(IFREQ_BYTES, 8);
        request(argument, name, request, requestName);
        return argument;
    }

    private static void request(MemorySegment argument, String name, long request, String requestName) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length >= Native.IFNAMSIZ()) {
            throw new NativeException("ioctl(" + requestName + ", " + name + ")", Native.ENODEV());
        }
        CallState state = CallState.current();
        int socket = NativeException.check(
                LibC.socket(state, Native.AF_INET(), Native.SOCK_DGRAM() | Native.SOCK_CLOEXEC(), 0),
                "socket(AF_INET, SOCK_DGRAM)");
        try {
            MemorySegment.copy(bytes, 0, argument, ValueLayout.JAVA_BYTE, 0, bytes.length);
            int result = LibC.ioctl(state, socket, request, argument);
            if (result < 0) {
                throw new NativeException("ioctl(" + requestName + ", " + name + ")", -result);
            }
        } finally {
            LibC.close(state, socket);
        }
    }
}

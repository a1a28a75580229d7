package dev.sluice.xsk;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ethtool_channels;
import dev.sluice.ffi.generated.ethtool_drvinfo;
import dev.sluice.ffi.generated.ifreq;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What a driver tells about an interface through {@code SIOCETHTOOL} (linux/ethtool.h), in the network namespace of the
 * calling thread: sysfs would answer for the namespace it was mounted in. Any thread.
 */
public final class InterfaceQueues {
    private InterfaceQueues() {}

    /**
     * How many receive queues the interface has now ({@code ETHTOOL_GCHANNELS}): combined ones and those for receive
     * alone. 1 when the driver does not tell, or there is no such interface.
     */
    public static int count(String interfaceName) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment channels = arena.allocate(ethtool_channels.layout());
            ethtool_channels.cmd(channels, Native.ETHTOOL_GCHANNELS());
            if (!ethtool(arena, interfaceName, channels)) {
                return 1;
            }
            return Math.max(1, ethtool_channels.combined_count(channels) + ethtool_channels.rx_count(channels));
        }
    }

    /** The driver's name ({@code ETHTOOL_GDRVINFO}), empty when it does not tell or there is no such interface. */
    public static Optional<String> driver(String interfaceName) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(ethtool_drvinfo.layout());
            ethtool_drvinfo.cmd(info, Native.ETHTOOL_GDRVINFO());
            if (!ethtool(arena, interfaceName, info)) {
                return Optional.empty();
            }
            return Optional.of(ethtool_drvinfo.driver(info).getString(0));
        }
    }

    private static boolean ethtool(Arena arena, String interfaceName, MemorySegment command) {
        byte[] name = interfaceName.getBytes(StandardCharsets.UTF_8);
        if (name.length >= Native.IFNAMSIZ()) {
            return false;
        }
        MemorySegment request = arena.allocate(ifreq.layout());
        MemorySegment.copy(MemorySegment.ofArray(name), 0, request, 0, name.length);
        ifreq.ifr_ifru.ifru_data(ifreq.ifr_ifru(request), command);
        CallState state = CallState.current();
        int fd = LibC.socket(state, Native.AF_INET(), Native.SOCK_DGRAM() | Native.SOCK_CLOEXEC(), 0);
        if (fd < 0) {
            return false;
        }
        try {
            return LibC.ioctl(state, fd, Native.SIOCETHTOOL(), request) >= 0;
        } finally {
            LibC.close(state, fd);
        }
    }
}

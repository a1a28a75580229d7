package dev.sluice.ffi;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ethtool_channels;
import dev.sluice.ffi.generated.ifreq;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What the driver of an interface tells through {@code SIOCETHTOOL}. Any thread, in its network namespace. */
public final class Ethtool {
    private Ethtool() {}

    /**
     * How many receive queues an interface uses at present ({@code ETHTOOL_GCHANNELS}, linux/ethtool.h): those that only
     * receive and those that do both. 1 where the driver has no notion of channels.
     *
     * @throws NativeException when there is no such interface
     */
    public static int receiveQueues(String interfaceName) {
        CallState state = CallState.current();
        int fd = NativeException.check(
                LibC.socket(state, Native.AF_INET(), Native.SOCK_DGRAM() | Native.SOCK_CLOEXEC(), 0),
                "socket(AF_INET, SOCK_DGRAM)");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment channels = arena.allocate(ethtool_channels.layout());
            ethtool_channels.cmd(channels, Native.ETHTOOL_GCHANNELS());
            MemorySegment request = arena.allocate(ifreq.layout());
            ifreq.ifr_ifrn(request).setString(0, interfaceName);
            ifreq.ifr_ifru(request).set(ValueLayout.ADDRESS, 0, channels);
            int result = LibC.ioctl(state, fd, Native.SIOCETHTOOL(), request);
            if (result == -Native.EOPNOTSUPP()) {
                return 1;
            }
            NativeException.check(result, "ioctl(SIOCETHTOOL, ETHTOOL_GCHANNELS, " + interfaceName + ")");
            return Math.max(1, ethtool_channels.rx_count(channels) + ethtool_channels.combined_count(channels));
        } finally {
            LibC.close(state, fd);
        }
    }
}

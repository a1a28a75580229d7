package dev.sluice.xsk;

import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.NetworkDevice;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ethtool_channels;
import dev.sluice.ffi.generated.ethtool_drvinfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
            if (!ethtool(interfaceName, channels)) {
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
            if (!ethtool(interfaceName, info)) {
                return Optional.empty();
            }
            return Optional.of(ethtool_drvinfo.driver(info).getString(0));
        }
    }

    private static boolean ethtool(String interfaceName, MemorySegment command) {
        try {
            NetworkDevice.ethtool(interfaceName, command);
            return true;
        } catch (NativeException e) {
            return false;
        }
    }
}

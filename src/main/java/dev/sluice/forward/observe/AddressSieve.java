package dev.sluice.forward.observe;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Tells of most packets that they are not from a client to a VIP without parsing them, by the addresses of frames without a VLAN
 * tag. Who waits for one client's packet costs all others a few comparisons. Immutable; any thread.
 */
final class AddressSieve {
    private static final long SOURCE4 = Ethernet.HEADER_BYTES + Ipv4.SOURCE;
    private static final long SOURCE6 = Ethernet.HEADER_BYTES + Ipv6.SOURCE;
    private static final int MIN_BYTES4 = Ethernet.HEADER_BYTES + Ipv4.MIN_HEADER_BYTES;
    private static final int MIN_BYTES6 = Ethernet.HEADER_BYTES + Ipv6.HEADER_BYTES;

    private final boolean inet;
    private final boolean inet6;
    /** Source and destination, as they follow upon each other in the header. */
    private final long mask4;

    private final long wanted4;
    private final long sourceMaskHigh;
    private final long sourceMaskLow;
    private final long sourceHigh;
    private final long sourceLow;
    private final long destinationMaskHigh;
    private final long destinationMaskLow;
    private final long destinationHigh;
    private final long destinationLow;

    /** Of a filter's client and VIP. */
    AddressSieve(PacketFilter filter) {
        inet = mayBe(AddressFamily.INET, filter.client()) && mayBe(AddressFamily.INET, filter.virtual());
        inet6 = mayBe(AddressFamily.INET6, filter.client()) && mayBe(AddressFamily.INET6, filter.virtual());
        IpAddress client = address(filter.client());
        IpAddress virtual = address(filter.virtual());
        IpAddress clientMask = mask(filter.client());
        IpAddress virtualMask = mask(filter.virtual());
        mask4 = inet ? clientMask.low() << Integer.SIZE | virtualMask.low() : 0;
        wanted4 = mask4 & (client.low() << Integer.SIZE | virtual.low());
        sourceMaskHigh = clientMask.high();
        sourceMaskLow = clientMask.low();
        sourceHigh = client.high() & sourceMaskHigh;
        sourceLow = client.low() & sourceMaskLow;
        destinationMaskHigh = virtualMask.high();
        destinationMaskLow = virtualMask.low();
        destinationHigh = virtual.high() & destinationMaskHigh;
        destinationLow = virtual.low() & destinationMaskLow;
    }

    private static boolean mayBe(AddressFamily family, @Nullable IpPrefix prefix) {
        return prefix == null || prefix.address().family() == family;
    }

    private static IpAddress address(@Nullable IpPrefix prefix) {
        return prefix == null ? IpAddress.ofInet(0) : prefix.address();
    }

    /** No bits for none. */
    private static IpAddress mask(@Nullable IpPrefix prefix) {
        return prefix == null
                ? IpAddress.ofInet(0)
                : IpAddress.netmask(prefix.address().family(), prefix.length());
    }

    /**
     * Whether a packet is certainly not from the client to the VIP; what it may be takes the parser.
     *
     * @param frame absolute offset of the Ethernet header
     * @param length of the frame in octets
     */
    boolean keepsBack(MemorySegment frames, long frame, int length) {
        if (length < MIN_BYTES4) {
            return false;
        }
        int type = Wire.u16(frames, frame + Ethernet.ETHERTYPE_OFFSET);
        if (type == Ethernet.TYPE_IPV4) {
            return !inet || ((Wire.i64(frames, frame + SOURCE4) ^ wanted4) & mask4) != 0;
        }
        if (type != Ethernet.TYPE_IPV6 || length < MIN_BYTES6) {
            return false;
        }
        long source = frame + SOURCE6;
        return !inet6
                || ((Wire.i64(frames, source) ^ sourceHigh) & sourceMaskHigh) != 0
                || ((Wire.i64(frames, source + 8) ^ sourceLow) & sourceMaskLow) != 0
                || ((Wire.i64(frames, source + 16) ^ destinationHigh) & destinationMaskHigh) != 0
                || ((Wire.i64(frames, source + 24) ^ destinationLow) & destinationMaskLow) != 0;
    }
}

package dev.sluice.bpf;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * {@code struct service_key} of {@code bpf/maps.h}: sixteen bytes of address (IPv4 in the last four), port, protocol
 * number and family, all in network byte order.
 *
 * @param address the VIP, RIP, or the host's own
 * @param port 0–65535
 * @param protocol an IP protocol number; 0 where an address is looked up alone
 */
record SteeringKey(IpAddress address, int port, int protocol) {
    static final int BYTES = 20;
    static final int FAMILY_INET = 2;
    static final int FAMILY_INET6 = 10;

    private static final ValueLayout.OfLong LONG_BE = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfShort SHORT_BE =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    static SteeringKey of(AddressKey key) {
        return new SteeringKey(key.address(), key.port(), key.protocol().number());
    }

    /** An address alone. */
    static SteeringKey of(IpAddress address) {
        return new SteeringKey(address, 0, 0);
    }

    /** {@code struct port_range} as the number that stands in the same four bytes. */
    static int portRange(int firstPort, int lastPort) {
        return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
                ? firstPort | lastPort << 16
                : firstPort << 16 | lastPort;
    }

    static int family(AddressFamily family) {
        return family == AddressFamily.INET ? FAMILY_INET : FAMILY_INET6;
    }

    /** Writes the address's sixteen bytes as all maps have them. */
    static void setAddress(MemorySegment segment, long offset, IpAddress address) {
        segment.set(LONG_BE, offset, address.high());
        segment.set(LONG_BE, offset + 8, address.low());
    }

    MemorySegment bytes(SegmentAllocator allocator) {
        MemorySegment bytes = allocator.allocate(BYTES, 4);
        setAddress(bytes, 0, address);
        bytes.set(SHORT_BE, 16, (short) port);
        bytes.set(ValueLayout.JAVA_BYTE, 18, (byte) protocol);
        bytes.set(ValueLayout.JAVA_BYTE, 19, (byte) family(address.family()));
        return bytes;
    }
}

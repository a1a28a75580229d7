package dev.sluice.bpf;

import dev.sluice.packet.AddressFamily;
import dev.sluice.service.AddressKey;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * {@code struct service_key} of {@code bpf/maps.h}: sixteen bytes of address (IPv4 in the last four), port, protocol
 * number and family, all in network byte order.
 */
final class SteeringKey {
    static final int BYTES = 20;

    private static final int FAMILY_INET = 2;
    private static final int FAMILY_INET6 = 10;

    private static final ValueLayout.OfLong LONG_BE = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfShort SHORT_BE =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private SteeringKey() {}

    static MemorySegment of(AddressKey key, SegmentAllocator allocator) {
        MemorySegment bytes = allocator.allocate(BYTES, 4);
        bytes.set(LONG_BE, 0, key.address().high());
        bytes.set(LONG_BE, 8, key.address().low());
        bytes.set(SHORT_BE, 16, (short) key.port());
        bytes.set(ValueLayout.JAVA_BYTE, 18, (byte) key.protocol().number());
        bytes.set(ValueLayout.JAVA_BYTE, 19, (byte)
                (key.address().family() == AddressFamily.INET ? FAMILY_INET : FAMILY_INET6));
        return bytes;
    }
}

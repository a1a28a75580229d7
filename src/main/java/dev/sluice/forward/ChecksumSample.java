package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.lang.foreign.MemorySegment;

/**
 * Looks at the TCP checksum of one SYN in 16 that belongs to no known flow. What came over a wire has the right one, or the device would
 * have said so; a virtual interface hands on what its sender left to hardware, and AF_XDP sends that as it is, to be dropped by the
 * real server. Nobody else would notice: by DR and TUN the datapath does not touch it. Owned by: worker.
 */
final class ChecksumSample {
    private static final int ONE_IN = 16;

    private final MemorySegment umem;
    private final Counters counters;
    private int seen;

    ChecksumSample(MemorySegment umem, Counters counters) {
        this.umem = umem;
        this.counters = counters;
    }

    void look(Batch batch, int index, PacketView packet) {
        if (packet.protocol() != Transport.TCP || !packet.opensConnection() || (seen++ & (ONE_IN - 1)) != 0) {
            return;
        }
        int length = packet.ipLengthBytes() - (int) (packet.l4Offset() - packet.l3Offset());
        boolean whole = !packet.isFragment() && batch.tailsLength(index) == 0;
        if (whole
                && Checksum.transport(umem, packet.l3Offset(), packet.inet6(), Transport.TCP, packet.l4Offset(), length)
                        != 0) {
            counters.increment(Counter.CHECKSUM_WRONG);
        }
    }
}

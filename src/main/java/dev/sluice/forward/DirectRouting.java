package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * Direct routing: the frame is addressed to the real server on the link and is otherwise left alone, VLAN tags and
 * destination address included; the real server has the VIP itself and answers the client directly. As IPVS does
 * ({@code ip_vs_dr_xmit}), the TTL or hop limit is lowered by one, a router's habit.
 */
final class DirectRouting {
    private DirectRouting() {}

    /**
     * Rewrites a frame in place.
     *
     * @param umem holds the frame
     * @param frame absolute offset of the Ethernet header
     * @param packet what the parser read of it; its TTL is above 1
     * @param destinationMac the next hop's
     * @param sourceMac the egress interface's
     */
    static void rewrite(MemorySegment umem, long frame, PacketView packet, long destinationMac, long sourceMac) {
        Ethernet.putAddresses(umem, frame, destinationMac, sourceMac);
        if (packet.inet6()) {
            Wire.putU8(umem, packet.l3Offset() + Ipv6.HOP_LIMIT, packet.ttl() - 1);
        } else {
            Checksum.decrementTtl(umem, packet.l3Offset());
        }
    }
}

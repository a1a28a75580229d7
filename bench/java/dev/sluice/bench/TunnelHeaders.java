package dev.sluice.bench;

import java.nio.ByteBuffer;

/** What stands between an outer IP or UDP header and the packet inside, for tests: clarity before speed. */
public final class TunnelHeaders {
    private static final int GRE_CHECKSUM_PRESENT = 0x8000;

    private TunnelHeaders() {}

    /** GUE variant 0 without options, and the packet (draft-ietf-intarea-gue section 3). */
    public static byte[] gue(byte[] packet) {
        int protocol = packet[0] >>> 4 == 4 ? PacketBuilder.IPIP : PacketBuilder.IPV6;
        return ByteBuffer.allocate(4 + packet.length)
                .put((byte) 0)
                .put((byte) protocol)
                .putShort((short) 0)
                .put(packet)
                .array();
    }

    /** GRE, with or without its checksum over header and packet (RFC 2784 section 2.1), and the packet. */
    public static byte[] gre(byte[] packet, boolean checksum) {
        int type = packet[0] >>> 4 == 4 ? PacketBuilder.ETHERTYPE_IPV4 : PacketBuilder.ETHERTYPE_IPV6;
        if (!checksum) {
            return ByteBuffer.allocate(4 + packet.length)
                    .putInt(type)
                    .put(packet)
                    .array();
        }
        ByteBuffer gre = ByteBuffer.allocate(8 + packet.length)
                .putInt(GRE_CHECKSUM_PRESENT << 16 | type)
                .putInt(0)
                .put(packet);
        int sum = PacketBuilder.fold(PacketBuilder.sum(gre.array(), 0, gre.capacity()));
        return gre.putShort(4, (short) ~sum).array();
    }
}

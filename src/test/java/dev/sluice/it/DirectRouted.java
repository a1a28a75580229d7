package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/** What has to become of a frame under direct routing; the checksum is summed up anew, unlike the director does it. */
final class DirectRouted {
    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86dd;
    private static final int VLAN = 0x8100;
    private static final int SERVICE_VLAN = 0x88a8;

    private DirectRouted() {}

    /** A frame to the director as a real server gets it. */
    static byte[] of(byte[] frame, String realServerMac) {
        ByteBuffer routed = ByteBuffer.wrap(frame.clone());
        HexFormat mac = HexFormat.ofDelimiter(":");
        assertEquals(Topology.DIRECTOR_MAC, mac.formatHex(frame, 0, 6));
        routed.put(0, mac.parseHex(realServerMac));
        routed.put(6, mac.parseHex(Topology.DIRECTOR_MAC));
        int at = 14;
        int type = routed.getShort(12) & 0xffff;
        while (type == VLAN || type == SERVICE_VLAN) {
            type = routed.getShort(at + 2) & 0xffff;
            at += 4;
        }
        if (type == IPV6) {
            routed.put(at + 7, (byte) (routed.get(at + 7) - 1));
            return routed.array();
        }
        assertEquals(IPV4, type);
        routed.put(at + 8, (byte) (routed.get(at + 8) - 1));
        routed.putShort(at + 10, (short) 0);
        int sum = 0;
        for (int i = 0; i < (routed.get(at) & 0xf) * 4; i += 2) {
            sum += routed.getShort(at + i) & 0xffff;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        routed.putShort(at + 10, (short) ~sum);
        return routed.array();
    }
}

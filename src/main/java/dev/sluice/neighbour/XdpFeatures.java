package dev.sluice.neighbour;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalLong;

/**
 * What drivers can do of XDP, which the kernel tells by the generic netlink family {@code netdev} since Linux 6.3
 * (linux/netdev.h). In the network namespace of the calling thread. Any thread.
 */
public final class XdpFeatures {
    /** {@code NETDEV_XDP_ACT_BASIC} and {@code NETDEV_XDP_ACT_REDIRECT}: the steering program can run in the driver. */
    public static final long NATIVE = 1 | 1 << 1;
    /** {@code NETDEV_XDP_ACT_XSK_ZEROCOPY}. */
    public static final long ZERO_COPY = 1 << 3;

    private static final int NETLINK_GENERIC = 16;
    private static final int GENL_ID_CTRL = 16;
    private static final int GENL_HEADER_BYTES = 4;
    private static final int CTRL_CMD_GETFAMILY = 3;
    private static final int CTRL_ATTR_FAMILY_ID = 1;
    private static final int CTRL_ATTR_FAMILY_NAME = 2;
    private static final int NETDEV_CMD_DEV_GET = 1;
    private static final int NETDEV_A_DEV_IFINDEX = 1;
    private static final int NETDEV_A_DEV_XDP_FEATURES = 3;

    private XdpFeatures() {}

    /** The flags of {@code enum netdev_xdp_act} for an interface; empty where the kernel does not tell. */
    public static OptionalLong of(int ifindex) {
        try (NetlinkSocket socket = new NetlinkSocket(NETLINK_GENERIC, "NETLINK_GENERIC");
                Arena arena = Arena.ofConfined()) {
            int[] family = new int[1];
            NetlinkRequest find = request(arena, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
            find.put(CTRL_ATTR_FAMILY_NAME, "netdev");
            int result = socket.exchange(
                    find,
                    message -> family[0] = message.attributes(GENL_HEADER_BYTES).u16(CTRL_ATTR_FAMILY_ID, 0));
            if (result < 0 || family[0] == 0) {
                return OptionalLong.empty();
            }
            OptionalLong[] features = {OptionalLong.empty()};
            NetlinkRequest get = request(arena, family[0], NETDEV_CMD_DEV_GET);
            get.put(NETDEV_A_DEV_IFINDEX, ifindex);
            int ignored = socket.exchange(get, message -> {
                MemorySegment value = message.attributes(GENL_HEADER_BYTES).value(NETDEV_A_DEV_XDP_FEATURES);
                if (value.byteSize() == Long.BYTES) {
                    features[0] = OptionalLong.of(value.get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
                }
            });
            return features[0];
        }
    }

    private static NetlinkRequest request(Arena arena, int type, int command) {
        NetlinkRequest request = new NetlinkRequest(arena, type, 0, GENL_HEADER_BYTES);
        request.fixed().set(ValueLayout.JAVA_BYTE, 0, (byte) command);
        request.fixed().set(ValueLayout.JAVA_BYTE, 1, (byte) 1);
        return request;
    }
}

package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ifinfomsg;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel says of one interface (rtnetlink(7), {@code RTM_NEWLINK}).
 *
 * @param ifindex its index in the network namespace
 * @param name its name, which may change while the index stays
 * @param mac its own MAC address, first octet most significant; 0 without an Ethernet address
 * @param mtuBytes the largest layer-3 packet it takes
 * @param up whether it was set up ({@code IFF_UP})
 * @param running whether the lower layer works too ({@code IFF_RUNNING}): cable, carrier, peer
 * @param rxQueues how many receive queues it was made with, at least 1
 * @param vlan what it is above if it is a VLAN device, null otherwise
 */
public record Link(
        int ifindex,
        String name,
        long mac,
        int mtuBytes,
        boolean up,
        boolean running,
        int rxQueues,
        @Nullable Vlan vlan) {
    /** {@code IFLA_LINK_NETNSID}, {@code IFLA_INFO_KIND}, {@code IFLA_INFO_DATA} and others of linux/if_link.h. */
    private static final int IFLA_LINK_NETNSID = 37;

    private static final int IFLA_INFO_KIND = 1;
    private static final int IFLA_INFO_DATA = 2;
    private static final int IFLA_VLAN_ID = 1;
    private static final int IFLA_VLAN_PROTOCOL = 5;

    /**
     * What makes a link a VLAN device.
     *
     * @param lowerIfindex the interface that its frames leave by, 0 when that is in another namespace
     * @param id the VLAN's identifier
     * @param ethertype of the tag: {@link #CUSTOMER} or {@link #SERVICE}
     */
    public record Vlan(int lowerIfindex, int id, int ethertype) {
        /** The ethertype of a tag of IEEE 802.1Q. */
        public static final int CUSTOMER = 0x8100;
        /** The ethertype of a tag of IEEE 802.1ad. */
        public static final int SERVICE = 0x88a8;
    }

    // By hand, as with IpAddress: links are compared at every start.
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Link that
                && ifindex == that.ifindex
                && mac == that.mac
                && mtuBytes == that.mtuBytes
                && up == that.up
                && running == that.running
                && rxQueues == that.rxQueues
                && name.equals(that.name)
                && Objects.equals(vlan, that.vlan);
    }

    @Override
    public int hashCode() {
        return ifindex;
    }

    /** Whether packets can leave by it. */
    public boolean usable() {
        return up && running;
    }

    /** Reads an {@code RTM_NEWLINK}; what it leaves out stays as it was. Null when it is about something else. */
    static @Nullable Link parse(NetlinkMessage message, @Nullable Link before) {
        // Bridges and wireless send messages of the same type with another family, for aspects that do not matter here.
        if (!message.hasFixed(ifinfomsg.sizeof())
                || message.fixedU8(ifinfomsg.ifi_family$offset()) != Native.AF_UNSPEC()) {
            return null;
        }
        NetlinkAttributes attributes = message.attributes(ifinfomsg.sizeof());
        String name = attributes.text(Native.IFLA_IFNAME());
        if (name == null) {
            return null;
        }
        long flags = message.fixedU32(ifinfomsg.ifi_flags$offset());
        return new Link(
                ifindex(message),
                name,
                attributes.has(Native.IFLA_ADDRESS()) || before == null
                        ? attributes.mac(Native.IFLA_ADDRESS())
                        : before.mac,
                attributes.u32(Native.IFLA_MTU(), before == null ? 0 : before.mtuBytes),
                (flags & Native.IFF_UP()) != 0,
                (flags & Native.IFF_RUNNING()) != 0,
                attributes.u32(Native.IFLA_NUM_RX_QUEUES(), before == null ? 1 : before.rxQueues),
                attributes.has(Native.IFLA_LINKINFO()) || before == null ? vlan(attributes) : before.vlan);
    }

    private static @Nullable Vlan vlan(NetlinkAttributes attributes) {
        NetlinkAttributes info = attributes.nested(Native.IFLA_LINKINFO());
        if (!"vlan".equals(info.text(IFLA_INFO_KIND))) {
            return null;
        }
        NetlinkAttributes data = info.nested(IFLA_INFO_DATA);
        return new Vlan(
                attributes.has(IFLA_LINK_NETNSID) ? 0 : attributes.u32(Native.IFLA_LINK(), 0),
                data.u16(IFLA_VLAN_ID, 0),
                data.u16Be(IFLA_VLAN_PROTOCOL, Vlan.CUSTOMER));
    }

    /** The index that an {@code RTM_NEWLINK} or {@code RTM_DELLINK} is about; 0, which none has, when malformed. */
    static int ifindex(NetlinkMessage message) {
        return message.hasFixed(ifinfomsg.sizeof())
                        && message.fixedU8(ifinfomsg.ifi_family$offset()) == Native.AF_UNSPEC()
                ? (int) message.fixedU32(ifinfomsg.ifi_index$offset())
                : 0;
    }
}

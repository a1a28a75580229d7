package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ifinfomsg;
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
 */
public record Link(int ifindex, String name, long mac, int mtuBytes, boolean up, boolean running, int rxQueues) {
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
                attributes.u32(Native.IFLA_NUM_RX_QUEUES(), before == null ? 1 : before.rxQueues));
    }

    /** The index that an {@code RTM_NEWLINK} or {@code RTM_DELLINK} is about; 0, which none has, when malformed. */
    static int ifindex(NetlinkMessage message) {
        return message.hasFixed(ifinfomsg.sizeof())
                        && message.fixedU8(ifinfomsg.ifi_family$offset()) == Native.AF_UNSPEC()
                ? (int) message.fixedU32(ifinfomsg.ifi_index$offset())
                : 0;
    }
}

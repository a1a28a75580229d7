package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.ndmsg;
import dev.sluice.packet.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * One entry of the kernel's neighbour tables (ARP, NDP) at one moment.
 *
 * @param key whose entry it is
 * @param state {@code NUD_*}
 * @param mac the MAC address, 0 when there is none
 * @param managed whether the kernel keeps it fresh by itself ({@code NTF_EXT_MANAGED}, since Linux 5.16)
 * @param learnedElsewhere whether a control plane put it there ({@code NTF_EXT_LEARNED}); a mark that must survive
 */
record NeighbourEntry(Key key, int state, long mac, boolean managed, boolean learnedElsewhere) {
    /** Who: an address on an interface. */
    record Key(int ifindex, IpAddress address) {}

    /** Reads an {@code RTM_NEWNEIGH} or {@code RTM_DELNEIGH}; null when it is no unicast neighbour of IPv4 or IPv6. */
    static @Nullable NeighbourEntry parse(NetlinkMessage message) {
        if (!message.hasFixed(ndmsg.sizeof())) {
            return null;
        }
        int family = message.fixedU8(ndmsg.ndm_family$offset());
        int flags = message.fixedU8(ndmsg.ndm_flags$offset());
        // Bridges announce their forwarding entries as neighbours, of their own family.
        if ((family != Native.AF_INET() && family != Native.AF_INET6()) || (flags & Native.NTF_PROXY()) != 0) {
            return null;
        }
        NetlinkAttributes attributes = message.attributes(ndmsg.sizeof());
        IpAddress address = attributes.address(Native.NDA_DST());
        if (address == null) {
            return null;
        }
        return new NeighbourEntry(
                new Key((int) message.fixedU32(ndmsg.ndm_ifindex$offset()), address),
                message.fixedU16(ndmsg.ndm_state$offset()),
                attributes.mac(Native.NDA_LLADDR()),
                (attributes.u32(Native.NDA_FLAGS_EXT(), 0) & Native.NTF_EXT_MANAGED()) != 0,
                (flags & Native.NTF_EXT_LEARNED()) != 0);
    }
}

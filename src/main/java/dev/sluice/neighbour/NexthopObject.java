package dev.sluice.neighbour;

import dev.sluice.packet.IpAddress;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A nexthop object, or a group of them (ip-nexthop(8), linux/nexthop.h).
 *
 * @param id its number
 * @param leg the way, null for a group, and for one that packets cannot leave by
 * @param members of a group, by number, with their weights
 */
record NexthopObject(int id, Route.@Nullable Leg leg, List<Member> members) {
    /** {@code RTM_NEWNEXTHOP} and {@code RTM_GETNEXTHOP} of linux/rtnetlink.h. */
    static final int RTM_NEWNEXTHOP = 104;

    static final int RTM_GETNEXTHOP = 106;
    /** {@code sizeof(struct nhmsg)}. */
    static final int NHMSG_BYTES = 8;

    private static final int NHMSG_FLAGS = 4;
    private static final int NHA_ID = 1;
    private static final int NHA_GROUP = 2;
    private static final int NHA_BLACKHOLE = 4;
    private static final int NHA_OIF = 5;
    private static final int NHA_GATEWAY = 6;
    private static final int NHA_ENCAP = 8;
    /** {@code struct nexthop_grp}: number, weight less one, the weight's upper byte, two bytes of nothing. */
    private static final int GROUP_ENTRY_BYTES = 8;
    /** {@code RTNH_F_DEAD} and {@code RTNH_F_LINKDOWN}. */
    private static final int UNUSABLE = 1 | 16;

    /** One of a group. */
    record Member(int id, int weight) {}

    /** Reads an {@code RTM_NEWNEXTHOP}; null when it is something else. */
    static @Nullable NexthopObject parse(NetlinkMessage message) {
        if (message.type() != RTM_NEWNEXTHOP || !message.hasFixed(NHMSG_BYTES)) {
            return null;
        }
        NetlinkAttributes attributes = message.attributes(NHMSG_BYTES);
        int oif = attributes.u32(NHA_OIF, 0);
        boolean usable = oif != 0
                && (message.fixedU32(NHMSG_FLAGS) & UNUSABLE) == 0
                && !attributes.has(NHA_BLACKHOLE)
                && !attributes.has(NHA_ENCAP);
        IpAddress gateway = attributes.address(NHA_GATEWAY);
        return new NexthopObject(
                attributes.u32(NHA_ID, 0),
                usable ? new Route.Leg(oif, gateway, 1) : null,
                members(attributes.value(NHA_GROUP)));
    }

    private static List<Member> members(MemorySegment group) {
        List<Member> members = new ArrayList<>();
        for (long at = 0; group.byteSize() - at >= GROUP_ENTRY_BYTES; at += GROUP_ENTRY_BYTES) {
            members.add(new Member(
                    group.get(ValueLayout.JAVA_INT_UNALIGNED, at),
                    Byte.toUnsignedInt(group.get(ValueLayout.JAVA_BYTE, at + 4)) + 1));
        }
        return List.copyOf(members);
    }

    /** The ways that packets can leave by: its own, or those of its members. */
    List<Route.Leg> legs(Map<Integer, NexthopObject> objects) {
        List<Route.Leg> legs = new ArrayList<>();
        if (leg != null) {
            legs.add(leg);
        }
        for (Member member : members) {
            NexthopObject object = objects.get(member.id);
            Route.Leg one = object == null ? null : object.leg;
            if (one != null) {
                legs.add(new Route.Leg(one.ifindex(), one.gateway(), member.weight));
            }
        }
        return legs;
    }
}

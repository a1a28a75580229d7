package dev.sluice.neighbour;

import dev.sluice.ffi.generated.Native;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A policy rule (ip-rule(8), linux/fib_rules.h) as it applies to packets of no mark, no interface and no particular source.
 *
 * @param priority unsigned; the lowest is asked first
 * @param action {@code FR_ACT_*}
 * @param table to look in, where the action is that
 * @param target the priority of the rule to go on with, where the action is that
 * @param suppressedLength routes with a prefix of up to this length do not count; -1 for none
 * @param destination the destinations that the rule is for, 0.0.0.0 or :: with length 0 for all
 * @param length of the destination's prefix
 */
record RoutingRule(
        long priority, int action, int table, long target, int suppressedLength, IpAddress destination, int length) {
    /** What a rule says: {@code FR_ACT_*}. */
    static final int TO_TABLE = 1;

    static final int GOTO = 2;
    static final int NOP = 3;
    static final int BLACKHOLE = 6;
    static final int UNREACHABLE = 7;
    static final int PROHIBIT = 8;

    /** {@code RTM_NEWRULE}, whose messages have a {@code struct fib_rule_hdr} of 12 bytes: offsets therein. */
    static final int HEADER_BYTES = 12;

    private static final int RTM_NEWRULE = 32;
    private static final int DST_LEN = 1;
    private static final int SRC_LEN = 2;
    private static final int TOS = 3;
    private static final int TABLE = 4;
    private static final int ACTION = 7;
    private static final int FLAGS = 8;
    private static final int INVERT = 2;

    private static final int FRA_DST = 1;
    private static final int FRA_GOTO = 4;
    private static final int FRA_PRIORITY = 6;
    private static final int FRA_FWMARK = 10;
    private static final int FRA_SUPPRESS_PREFIXLEN = 14;
    private static final int FRA_TABLE = 15;
    private static final int FRA_FWMASK = 16;
    /** iif, tun_id, oif, l3mdev, uidrange, ipproto, sport, dport, dscp, flow label: selectors that are not followed. */
    private static final int[] OTHER_SELECTORS = {3, 12, 17, 19, 20, 22, 23, 24, 25, 26};

    /** What there is without rules, or where the kernel knows none: the tables local and main. */
    static List<RoutingRule> standard(boolean inet6) {
        IpAddress any = any(inet6);
        return List.of(
                new RoutingRule(0, TO_TABLE, Native.RT_TABLE_LOCAL(), 0, -1, any, 0),
                new RoutingRule(32766, TO_TABLE, Native.RT_TABLE_MAIN(), 0, -1, any, 0));
    }

    private static IpAddress any(boolean inet6) {
        return inet6 ? IpAddress.ofInet6(0, 0) : IpAddress.ofInet(0);
    }

    /** Reads an {@code RTM_NEWRULE}; null when it is none, or is not for plain packets. */
    static @Nullable RoutingRule parse(NetlinkMessage message, boolean inet6) {
        if (message.type() != RTM_NEWRULE || !message.hasFixed(HEADER_BYTES)) {
            return null;
        }
        NetlinkAttributes attributes = message.attributes(HEADER_BYTES);
        boolean selects = message.fixedU8(SRC_LEN) != 0 || message.fixedU8(TOS) != 0;
        for (int selector : OTHER_SELECTORS) {
            selects |= attributes.has(selector);
        }
        // As fib_rule_match (net/core/fib_rules.c), of a packet whose mark is 0; WireGuard's rule is "not from all
        // fwmark ...".
        int mask = attributes.u32(FRA_FWMASK, attributes.has(FRA_FWMARK) ? -1 : 0);
        boolean marked = (attributes.u32(FRA_FWMARK, 0) & mask) != 0;
        boolean inverted = (message.fixedU32(FLAGS) & INVERT) != 0;
        int length = message.fixedU8(DST_LEN);
        IpAddress destination = attributes.address(FRA_DST);
        boolean everything = length == 0;
        if (selects || marked != inverted || (inverted && !everything) || (!everything && destination == null)) {
            return null;
        }
        return new RoutingRule(
                Integer.toUnsignedLong(attributes.u32(FRA_PRIORITY, 0)),
                message.fixedU8(ACTION),
                attributes.u32(FRA_TABLE, message.fixedU8(TABLE)),
                Integer.toUnsignedLong(attributes.u32(FRA_GOTO, 0)),
                attributes.u32(FRA_SUPPRESS_PREFIXLEN, -1),
                destination == null || everything ? any(inet6) : destination,
                length);
    }

    /** The rules that decide, in the order in which they are asked: what is gone to is put in the place of who goes. */
    static List<RoutingRule> effective(List<RoutingRule> rules) {
        List<RoutingRule> effective = new ArrayList<>();
        long notBefore = 0;
        for (RoutingRule rule : rules) {
            if (rule.priority < notBefore) {
                continue;
            }
            switch (rule.action) {
                case GOTO -> notBefore = rule.length == 0 ? rule.target : notBefore;
                case TO_TABLE, BLACKHOLE, UNREACHABLE, PROHIBIT -> effective.add(rule);
                default -> {}
            }
        }
        return effective;
    }
}

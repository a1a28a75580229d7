package dev.sluice.neighbour;

import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.ffi.generated.nlmsghdr;
import dev.sluice.ffi.generated.rtmsg;
import dev.sluice.forward.PrefixList;
import dev.sluice.forward.RangeList;
import dev.sluice.forward.RouteRanges;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The kernel's routing tables, read as a whole and read again when the kernel says that something changed.
 *
 * <p>A table is read in pieces, so that a million routes do not hold the caller, and not again before ten times the time has passed
 * that reading took: a routing daemon that never rests costs a tenth of a processor at the most.
 *
 * <p>Owned by: control thread.
 */
final class RouteFeed implements AutoCloseable {
    private static final int RECEIVE_BUFFER_BYTES = 4 << 20;
    /** Least time between two readings. */
    private static final long INTERVAL_MS = 100;
    /** Tables are read anew this often without cause, for what the kernel changes without a notification. */
    private static final long REFRESH_MS = 30_000;
    /** Datagrams of a dump read in one call, of about 400 routes each. */
    private static final int DATAGRAMS_PER_CALL = 64;

    private static final int NOTIFICATIONS_PER_CALL = 10_000;
    /** Twice what the Internet has today in both families; more would not fit beside everything else. */
    static final int MAX_ROUTES = 2_000_000;

    private final NetlinkSocket notifications;
    private final NetlinkSocket requests;
    private final RouteReader reader = new RouteReader();

    private Reading done = new Reading();
    private Reading reading = new Reading();
    private boolean busy;
    private boolean everRead;
    private boolean outdated = true;
    private boolean tooMany;
    private long notBeforeMs = Long.MIN_VALUE;
    private long refreshMs = Long.MIN_VALUE;
    /** On the reading so far. */
    private long spentNs;

    private RouteRanges ranges = RouteRanges.EMPTY;

    /** A table of a family. */
    private record TableKey(boolean inet6, int table) {}

    /** What one pass over rules, nexthop objects and tables found. */
    private static final class Reading {
        private List<RoutingRule> inetRules = List.of();
        private List<RoutingRule> inet6Rules = List.of();
        private RouteWays ways = new RouteWays(Map.of());
        private final Map<TableKey, PrefixList> tables = new LinkedHashMap<>();
        private final Deque<TableKey> ahead = new ArrayDeque<>();
        private int sequence;
        private int routes;

        private boolean sameAs(Reading other) {
            return inetRules.equals(other.inetRules)
                    && inet6Rules.equals(other.inet6Rules)
                    && ways.ways().equals(other.ways.ways())
                    && tables.keySet().equals(other.tables.keySet())
                    && tables.entrySet().stream().allMatch(one -> {
                        PrefixList list = other.tables.get(one.getKey());
                        return list != null && list.sameAs(one.getValue());
                    });
        }
    }

    /** Opens in the caller's network namespace; throws {@link NativeException} when the kernel refuses a netlink socket. */
    RouteFeed() {
        notifications = KernelTables.subscribeRoutes(RECEIVE_BUFFER_BYTES);
        try {
            requests = new NetlinkSocket();
        } catch (RuntimeException e) {
            notifications.close();
            throw e;
        }
    }

    /** To be polled for {@code POLLIN}. */
    int fd() {
        return notifications.fd();
    }

    /** Whether the tables have been read once. */
    boolean isRead() {
        return everRead;
    }

    /** Whether the tables have more than {@link #MAX_ROUTES}: then they stay as they were before. */
    boolean hasTooMany() {
        return tooMany;
    }

    /** Which way each address takes. */
    RouteRanges ranges() {
        return ranges;
    }

    /** The ways by the ranges' numbers. */
    List<RouteWay> ways() {
        return done.ways.ways();
    }

    /** Takes in what changed, and reads on; whether the routes are others than before. */
    boolean process(long nowMs) {
        drain();
        if (!busy && nowMs >= (outdated ? notBeforeMs : refreshMs)) {
            outdated = false;
            begin();
        }
        return busy && goOn(nowMs);
    }

    /** When {@link #process} has something to do without a notification. */
    long nextMs() {
        return busy ? Long.MIN_VALUE : outdated ? notBeforeMs : refreshMs;
    }

    private void drain() {
        for (int i = 0; i < NOTIFICATIONS_PER_CALL; i++) {
            try {
                long lengthBytes = notifications.receiveBytes();
                if (lengthBytes < 0) {
                    return;
                }
                messages(notifications.buffer(), lengthBytes, this::notice);
            } catch (NativeException e) {
                if (e.errno() != Native.ENOBUFS()) {
                    throw e;
                }
                outdated = true;
            }
        }
    }

    /**
     * A rule, link, address or nexthop object: what it means for routes is the kernel's to say. A route of a table that no rule leads to
     * does not matter.
     */
    private void notice(MemorySegment buffer, long offset, long end) {
        int type = type(buffer, offset);
        if ((type != Native.RTM_NEWROUTE() && type != Native.RTM_DELROUTE())
                || !reader.read(buffer, offset + nlmsghdr.sizeof(), end)) {
            outdated = true;
            return;
        }
        TableKey key = new TableKey(reader.inet6(), reader.table());
        outdated |= done.tables.containsKey(key) || reading.tables.containsKey(key);
    }

    /** One of the messages of a datagram, from its header to its end. */
    private interface Visitor {
        void message(MemorySegment buffer, long offset, long end);
    }

    private static void messages(MemorySegment buffer, long lengthBytes, Visitor visitor) {
        long offset = 0;
        while (lengthBytes - offset >= nlmsghdr.sizeof()) {
            long messageBytes = Integer.toUnsignedLong(
                    buffer.get(ValueLayout.JAVA_INT_UNALIGNED, offset + nlmsghdr.nlmsg_len$offset()));
            if (messageBytes < nlmsghdr.sizeof() || messageBytes > lengthBytes - offset) {
                break;
            }
            visitor.message(buffer, offset, offset + messageBytes);
            offset += NetlinkMessage.align(messageBytes);
        }
    }

    private static int type(MemorySegment buffer, long offset) {
        return Short.toUnsignedInt(buffer.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + nlmsghdr.nlmsg_type$offset()));
    }

    private void begin() {
        long startNs = System.nanoTime();
        busy = true;
        reading.inetRules = rules(false);
        reading.inet6Rules = rules(true);
        reading.ways = new RouteWays(objects());
        reading.routes = 0;
        spentNs = 0;
        reading.sequence = 0;
        reading.ahead.clear();
        reading.inetRules.forEach(rule -> addTable(false, rule));
        reading.inet6Rules.forEach(rule -> addTable(true, rule));
        reading.tables.keySet().retainAll(reading.ahead);
        for (TableKey key : reading.ahead) {
            reading.tables
                    .computeIfAbsent(key, absent -> new PrefixList(absent.inet6))
                    .clear();
        }
        spentNs = System.nanoTime() - startNs;
    }

    private void addTable(boolean inet6, RoutingRule rule) {
        TableKey key = new TableKey(inet6, rule.table());
        if (rule.action() == RoutingRule.TO_TABLE && !reading.ahead.contains(key)) {
            reading.ahead.add(key);
        }
    }

    private List<RoutingRule> rules(boolean inet6) {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request =
                    new NetlinkRequest(arena, Native.RTM_GETRULE(), Native.NLM_F_DUMP(), RoutingRule.HEADER_BYTES);
            request.fixed().set(ValueLayout.JAVA_BYTE, 0, (byte) family(inet6));
            return RoutingRule.effective(
                    requests.dump(request, "dump of rules", message -> RoutingRule.parse(message, inet6)));
        } catch (NativeException e) {
            // A kernel without policy rules, or without the family, whose tables are then empty.
            return RoutingRule.standard(inet6);
        }
    }

    private Map<Integer, NexthopObject> objects() {
        Map<Integer, NexthopObject> byId = new HashMap<>();
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request = new NetlinkRequest(
                    arena, NexthopObject.RTM_GETNEXTHOP, Native.NLM_F_DUMP(), NexthopObject.NHMSG_BYTES);
            requests.dump(request, "dump of nexthop objects", NexthopObject::parse)
                    .forEach(object -> byId.put(object.id(), object));
        } catch (NativeException e) {
            // A kernel before 5.3 has none.
            return Map.of();
        }
        return byId;
    }

    private static int family(boolean inet6) {
        return inet6 ? Native.AF_INET6() : Native.AF_INET();
    }

    /** Reads some more; whether that was the last and the routes are others. */
    private boolean goOn(long nowMs) {
        long startNs = System.nanoTime();
        boolean changed = false;
        try {
            for (int i = 0; i < DATAGRAMS_PER_CALL && busy; i++) {
                if (reading.ahead.isEmpty()) {
                    busy = false;
                    changed = finish();
                } else if (reading.sequence == 0) {
                    request(reading.ahead.getFirst());
                } else {
                    receive();
                }
            }
        } catch (NativeException e) {
            // The dump broke off: all over again, later.
            busy = false;
            outdated = true;
        }
        spentNs += System.nanoTime() - startNs;
        if (!busy) {
            long spentMs = spentNs / 1_000_000;
            notBeforeMs = nowMs + Math.max(INTERVAL_MS, 9 * spentMs);
            refreshMs = nowMs + Math.max(REFRESH_MS, 99 * spentMs);
        }
        return changed;
    }

    private void request(TableKey key) {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkRequest request =
                    new NetlinkRequest(arena, Native.RTM_GETROUTE(), Native.NLM_F_DUMP(), rtmsg.sizeof());
            rtmsg.rtm_family(request.fixed(), (byte) family(key.inet6));
            request.put(Native.RTA_TABLE(), key.table);
            reading.sequence = NativeException.check(requests.send(request), "dump of routes");
        }
    }

    private void receive() {
        long lengthBytes = requests.receiveBytes();
        if (lengthBytes < 0) {
            throw new NativeException("dump of routes", Native.ENOBUFS());
        }
        messages(requests.buffer(), lengthBytes, this::take);
    }

    private void take(MemorySegment buffer, long offset, long end) {
        // Answers to an earlier request, which broke off; or what is left in this datagram behind the end of a table.
        if (buffer.get(ValueLayout.JAVA_INT_UNALIGNED, offset + nlmsghdr.nlmsg_seq$offset()) != reading.sequence) {
            return;
        }
        int type = type(buffer, offset);
        int flags = Short.toUnsignedInt(
                buffer.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + nlmsghdr.nlmsg_flags$offset()));
        // A change ran into the dump. Its notification comes, but an IPv6 dump may have left out others' routes.
        outdated |= (flags & Native.NLM_F_DUMP_INTR()) != 0;
        if (type == Native.NLMSG_DONE() || type == Native.NLMSG_ERROR()) {
            // An error is a table that does not exist: it is as good as empty.
            reading.ahead.removeFirst();
            reading.sequence = 0;
            return;
        }
        TableKey key = reading.ahead.getFirst();
        PrefixList list = reading.tables.get(key);
        if (type == Native.RTM_NEWROUTE()
                && list != null
                && reader.read(buffer, offset + nlmsghdr.sizeof(), end)
                && reader.inet6() == key.inet6
                && reader.table() == key.table) {
            reading.routes++;
            if (reading.routes <= MAX_ROUTES) {
                list.add(reader.high(), reader.low(), reader.length(), reader.metric(), reading.ways.number(reader));
            }
        }
    }

    /** Takes over what was read; whether it is something else than before. */
    private boolean finish() {
        tooMany = reading.routes > MAX_ROUTES;
        reading.tables.values().forEach(PrefixList::sort);
        if (tooMany || (everRead && reading.sameAs(done))) {
            return false;
        }
        everRead = true;
        Reading before = done;
        done = reading;
        reading = before;
        ranges = new RouteRanges(ranges(false), ranges(true));
        return true;
    }

    private RangeList ranges(boolean inet6) {
        List<RangeList> layers = new ArrayList<>();
        for (RoutingRule rule : inet6 ? done.inet6Rules : done.inetRules) {
            PrefixList table = done.tables.get(new TableKey(inet6, rule.table()));
            RangeList all = rule.action() != RoutingRule.TO_TABLE
                    ? RangeList.all(inet6, RangeList.DISCARD)
                    : table == null ? new RangeList(inet6) : table.ranges(rule.suppressedLength());
            layers.add(
                    rule.length() == 0
                            ? all
                            : all.within(
                                    rule.destination().high(),
                                    rule.destination().low(),
                                    rule.length()));
        }
        RangeList result = new RangeList(inet6);
        for (RangeList layer : layers) {
            result = layer.isEmpty() ? result : result.isEmpty() ? layer : result.orElse(layer);
        }
        return result;
    }

    @Override
    public void close() {
        requests.close();
        notifications.close();
    }
}

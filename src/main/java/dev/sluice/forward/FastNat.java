package dev.sluice.forward;

import dev.sluice.flow.FlowTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Octets;
import dev.sluice.packet.Transport;
import java.lang.foreign.MemorySegment;

/**
 * Takes plain packets of NAT's known connections, both ways, straight to their egress, and does to them, bit by bit, what tracker,
 * rewriter and {@link ReplyPath} would; {@link FastPath} has read them, and stops where one of them comes. In a loop of its own,
 * so that what direct routing and tunneling need of registers is left to them. Owned by: worker.
 *
 * <p>Left to the slow path: connections of other workers, UDP without a checksum, what would change a connection's state, FTP's
 * control connections and the client's half of its data connections, what does not fit, and whose way is not known.
 */
final class FastNat {
    private static final long U32 = 0xffff_ffffL;

    private final long base;
    private final FastPath plain;
    private final FlowTable flows;
    private final Counters counters;
    private final boolean lowerTtl;
    private final Translation station = new Translation();

    // The way of the packet in hand.
    private long macHead;
    private int macTail;
    private int egressPort;
    private int roomBytes;

    // What the packet in hand becomes.
    private long sourceHigh;
    private long sourceLow;
    private long destinationHigh;
    private long destinationLow;
    private int ports;

    FastNat(MemorySegment umem, FastPath plain, FlowTable flows, Counters counters, PacketPolicy policy) {
        this.base = umem.address();
        this.plain = plain;
        this.flows = flows;
        this.counters = counters;
        this.lowerTtl = !policy.keepTtl();
    }

    /** Forwards packets of a batch, up to the first that it does not, whose index it gives. */
    int forward(ForwardingSnapshot snapshot, Batch batch, long[] hashes, int from, int to, long nowMs) {
        int i = from;
        while (i < to && plain.isPlain(i) && forwardOne(snapshot, batch, hashes[i], i, nowMs)) {
            i++;
        }
        return i;
    }

    private boolean forwardOne(ForwardingSnapshot snapshot, Batch batch, long hash, int index, long nowMs) {
        int slot = plain.search(index, hash);
        int reply = slot >= 0 ? FlowTable.NOT_FOUND : plain.searchReply(index, hash);
        if (slot < 0) {
            if (reply == FlowTable.NOT_FOUND) {
                return false;
            }
            slot = flows.slotOfReply(reply);
        }
        int left = FlowTable.FLAG_NUMBERED
                | (reply == FlowTable.NOT_FOUND ? FlowTable.FLAG_RELATED | FlowTable.FLAG_STATIONLESS : 0);
        if ((flows.flags(slot) & (FlowTable.FLAG_TRANSLATED | left)) != FlowTable.FLAG_TRANSLATED
                || !flows.staysAlike(slot, plain.states(index), nowMs)
                || plain.ttl(index) <= 1) {
            return false;
        }
        int realServer = flows.realServer(slot);
        int service = snapshot.serviceOf(realServer);
        if (service == ForwardingSnapshot.NONE) {
            return false;
        }
        int ipLength = plain.ipLength(index);
        long ip = base + batch.address(index) + Ethernet.HEADER_BYTES & Octets.ADDRESS_BITS;
        boolean inet6 = plain.inet6(index);
        boolean known = reply == FlowTable.NOT_FOUND
                ? toReal(snapshot, realServer, hash, inet6, ip)
                : toClient(snapshot, reply, hash, inet6);
        if (!known || ipLength > roomBytes || !rewrite(ip, inet6, plain.protocol(index))) {
            return false;
        }
        long frame = ip - Ethernet.HEADER_BYTES;
        Octets.putI64(frame, macHead);
        Octets.putI32(frame + Long.BYTES, macTail);
        batch.setEgress(index, egressPort);
        if (reply == FlowTable.NOT_FOUND) {
            flows.touchSame(slot, ipLength, nowMs);
            counters.increment(Counter.FLOW_HIT);
            counters.packet(service, realServer, ipLength);
        } else {
            flows.touchSameByReply(slot, ipLength, nowMs);
            counters.increment(Counter.REPLY_HIT);
            counters.reply(service, realServer, ipLength);
        }
        return true;
    }

    /** Finds out what a client's packet becomes and where it goes; false where the slow path must. */
    private boolean toReal(ForwardingSnapshot snapshot, int realServer, long hash, boolean inet6, long ip) {
        NatTable nat = snapshot.nat();
        HopTable hops = snapshot.hops();
        int hop = hops.of(realServer, hash);
        if (!nat.translates(realServer) || hop == HopTable.NONE || !take(hops, hop)) {
            return false;
        }
        if (inet6) {
            sourceHigh = Octets.i64(ip + Ipv6.SOURCE);
            sourceLow = Octets.i64(ip + Ipv6.SOURCE + Long.BYTES);
            int old = Octets.i32(ip + Ipv6.HEADER_BYTES);
            ports = (old & 0xffff_0000) | nat.port(realServer, old & 0xffff);
        } else {
            sourceLow = Octets.i32(ip + Ipv4.SOURCE) & U32;
            int old = Octets.i32(ip + Ipv4.MIN_HEADER_BYTES);
            ports = (old & 0xffff_0000) | nat.port(realServer, old & 0xffff);
        }
        destinationHigh = nat.addressHigh(realServer);
        destinationLow = nat.addressLow(realServer);
        return true;
    }

    /** As {@link #toReal}, of a reply. */
    private boolean toClient(ForwardingSnapshot snapshot, int reply, long hash, boolean inet6) {
        flows.translationOfReply(reply, station);
        RouteTable routes = snapshot.routes();
        int route = routes.find(station.clientInet6(), station.clientHigh(), station.clientLow());
        if (route == RouteTable.NONE || station.clientInet6() != inet6) {
            return false;
        }
        if (routes.isOnLink(route)) {
            if (!station.hasStationAt(routes.onLinkPort(route)) || station.tags() != 0) {
                return false;
            }
            macHead = Ethernet.addressesHead(station.stationMac(), station.selfMac());
            macTail = (int) station.selfMac();
            egressPort = station.stationPort();
            roomBytes = routes.onLinkMtuBytes(route);
        } else {
            int hop = routes.hops().of(route, hash);
            if (hop == HopTable.NONE || !take(routes.hops(), hop)) {
                return false;
            }
        }
        sourceHigh = station.virtualHigh();
        sourceLow = station.virtualLow();
        destinationHigh = station.clientHigh();
        destinationLow = station.clientLow();
        ports = station.virtualPort() << 16 | station.clientPort();
        return true;
    }

    /** The link header of a hop that asks for no tag: plain packets have none. */
    private boolean take(HopTable hops, int hop) {
        macHead = hops.macHead(hop);
        macTail = hops.macTail(hop);
        egressPort = hops.egressPort(hop);
        roomBytes = hops.mtuBytes(hop);
        return hops.vlan(hop) <= 0;
    }

    /** Gives the packet its addresses, ports and checksums, as {@link AddressRewriter}; false, and nothing done, without checksum. */
    private boolean rewrite(long ip, boolean inet6, int protocol) {
        long l4 = ip + (inet6 ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES);
        long checksumAt = l4 + (protocol == Transport.TCP ? Transport.TCP_CHECKSUM : Transport.UDP_CHECKSUM);
        int old = Octets.u16(checksumAt);
        if (old == 0 && protocol == Transport.UDP) {
            return false;
        }
        long change;
        if (inet6) {
            change = put(ip + Ipv6.SOURCE, sourceHigh)
                    + put(ip + Ipv6.SOURCE + Long.BYTES, sourceLow)
                    + put(ip + Ipv6.DESTINATION, destinationHigh)
                    + put(ip + Ipv6.DESTINATION + Long.BYTES, destinationLow);
            if (lowerTtl) {
                Octets.putU8(ip + Ipv6.HOP_LIMIT, Octets.u8(ip + Ipv6.HOP_LIMIT) - 1);
            }
        } else {
            change = put(ip + Ipv4.SOURCE, sourceLow << 32 | destinationLow);
            int word = Octets.i32(ip + Ipv4.TTL);
            word = lowerTtl ? Checksum.withLowerTtl(word) : word;
            Octets.putI32(ip + Ipv4.TTL, (word & 0xffff_0000) | changed(word & 0xffff, change));
        }
        int oldPorts = Octets.i32(l4);
        Octets.putI32(l4, ports);
        change += (~oldPorts & U32) + (ports & U32);
        int checksum = changed(old, change);
        Octets.putU16(checksumAt, checksum == 0 && protocol == Transport.UDP ? 0xffff : checksum);
        return true;
    }

    private static long put(long at, long value) {
        long old = Octets.i64(at);
        Octets.putI64(at, value);
        return (~old >>> 32) + (~old & U32) + (value >>> 32) + (value & U32);
    }

    /** Equation 3 of RFC 1624 over several words at once. */
    private static int changed(int checksum, long change) {
        return ~Checksum.fold((~checksum & 0xffff) + change) & 0xffff;
    }
}

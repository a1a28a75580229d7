package dev.sluice.forward;

import dev.sluice.flow.FlowTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Octets;
import dev.sluice.packet.Transport;
import dev.sluice.service.RealServer;
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
    // Flows whose packets are the slow path's.
    private static final int NOT_TO_CLIENT = FlowTable.FLAG_NUMBERED;
    private static final int NOT_TO_REAL =
            FlowTable.FLAG_NUMBERED | FlowTable.FLAG_RELATED | FlowTable.FLAG_STATIONLESS;

    /** In place of a translation's index. */
    private static final int NO_REPLY = 0;

    private final long base;
    private final FastPath plain;
    private final FlowTable flows;
    private final Counters counters;
    private final boolean lowerTtl;
    /** By packet of the batch: its flow. */
    private final int[] slots = new int[Batch.CAPACITY];
    /** The translation that it is a reply of. */
    private final int[] replies = new int[Batch.CAPACITY];

    private final Translation client = new Translation();
    private final Translation local = new Translation();

    FastNat(MemorySegment umem, FastPath plain, FlowTable flows, Counters counters, PacketPolicy policy) {
        this.base = umem.address();
        this.plain = plain;
        this.flows = flows;
        this.counters = counters;
        this.lowerTtl = !policy.keepTtl();
    }

    /** Forwards packets of a batch, up to the first that it does not, whose index it gives. */
    int forward(ForwardingSnapshot snapshot, Batch batch, long[] hashes, int from, int to, long nowMs) {
        // In two loops, each small enough for the compiler to put all that it calls in line.
        int end = locate(hashes, from, to, nowMs);
        for (int i = from; i < end; i++) {
            boolean sent = replies[i] == NO_REPLY
                    ? toReal(snapshot, batch, i, nowMs)
                    : toClient(snapshot, batch, i, hashes[i], nowMs);
            if (!sent) {
                return i;
            }
        }
        return end;
    }

    /** Finds the flows of packets, up to the first that the slow path must take; their slots hold until it does. */
    private int locate(long[] hashes, int from, int to, long nowMs) {
        int i = from;
        for (; i < to && plain.isPlain(i); i++) {
            int slot = plain.search(i, hashes[i]);
            int left = NOT_TO_REAL;
            int reply = NO_REPLY;
            if (slot < 0) {
                reply = plain.searchReply(i, hashes[i]);
                if (reply == FlowTable.NOT_FOUND) {
                    break;
                }
                slot = flows.slotOfReply(reply);
                left = NOT_TO_CLIENT;
            }
            if ((flows.flags(slot) & (FlowTable.FLAG_TRANSLATED | left)) != FlowTable.FLAG_TRANSLATED
                    || !flows.staysAlike(slot, plain.states(i), nowMs)
                    || plain.ttl(i) <= 1) {
                break;
            }
            slots[i] = slot;
            replies[i] = reply;
        }
        return i;
    }

    /** Forwards a packet of a client's; false, and nothing done, where the slow path must. */
    private boolean toReal(ForwardingSnapshot snapshot, Batch batch, int index, long nowMs) {
        int slot = slots[index];
        int realServer = flows.realServer(slot);
        long[] rows = snapshot.fastNat().rows();
        int row = realServer * FastNatTable.ROW;
        int ipLength = plain.ipLength(index);
        boolean inet6 = plain.inet6(index);
        if (row >= rows.length) {
            return false;
        }
        long service = rows[row + FastNatTable.SERVICE_AND_ROOM];
        if (ipLength > ((int) service & FastNatTable.ROOM_MASK) || ((int) service & FastNatTable.INET6) != 0 != inet6) {
            return false;
        }
        long ip = base + batch.address(index) + Ethernet.HEADER_BYTES & Octets.ADDRESS_BITS;
        long l4 = ip + (inet6 ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES);
        int protocol = plain.protocol(index);
        long checksumAt = l4 + (protocol == Transport.TCP ? Transport.TCP_CHECKSUM : Transport.UDP_CHECKSUM);
        int checksum = Octets.u16(checksumAt);
        if (checksum == 0 && protocol == Transport.UDP) {
            return false;
        }
        int oldPorts = Octets.i32(l4);
        int port = (int) rows[row + FastNatTable.PORT];
        int ports = (oldPorts & 0xffff_0000) | (port == 0 ? oldPorts & 0xffff : port);
        long change = 0;
        if ((flows.flags(slot) & FlowTable.FLAG_LOCAL) != 0) {
            flows.localSide(flows.translationOf(slot), local);
            ports = local.localPort() << 16 | (ports & 0xffff);
            change = inet6
                    ? put(ip + Ipv6.SOURCE, local.localHigh()) + put(ip + Ipv6.SOURCE + Long.BYTES, local.localLow())
                    : putInt(ip + Ipv4.SOURCE, (int) local.localLow());
        }
        if (inet6) {
            change += put(ip + Ipv6.DESTINATION, rows[row + FastNatTable.ADDRESS_HIGH])
                    + put(ip + Ipv6.DESTINATION + Long.BYTES, rows[row + FastNatTable.ADDRESS_LOW]);
            lowerHopLimit(ip);
        } else {
            change += putInt(ip + Ipv4.DESTINATION, (int) rows[row + FastNatTable.ADDRESS_LOW]);
            lowerTtl(ip, change);
        }
        finish(l4, oldPorts, ports, checksumAt, checksum, protocol, change);
        flows.touchSame(slot, ipLength, nowMs);
        long tailAndPort = rows[row + FastNatTable.MAC_TAIL_AND_PORT];
        long frame = ip - Ethernet.HEADER_BYTES;
        Octets.putI64(frame, rows[row + FastNatTable.MAC_HEAD]);
        Octets.putI32(frame + Long.BYTES, (int) (tailAndPort >>> 32));
        batch.setEgress(index, (int) tailAndPort);
        counters.increment(Counter.FLOW_HIT);
        counters.packet((int) (service >>> 32), realServer, ipLength);
        return true;
    }

    /** As {@link #toReal}, of a reply. */
    private boolean toClient(ForwardingSnapshot snapshot, Batch batch, int index, long hash, long nowMs) {
        int slot = slots[index];
        int reply = replies[index];
        int realServer = flows.realServer(slot);
        int service = snapshot.serviceOf(realServer);
        boolean inet6 = plain.inet6(index);
        flows.clientSideOfReply(reply, client);
        RouteTable routes = snapshot.routes();
        int route = routes.find(inet6, client.clientHigh(), client.clientLow());
        int ipLength = plain.ipLength(index);
        if (service == ForwardingSnapshot.NONE || route == RouteTable.NONE || client.clientInet6() != inet6) {
            return false;
        }
        long macHead;
        int macTail;
        int egressPort;
        if (routes.isOnLink(route)) {
            flows.stationOfReply(reply, client);
            egressPort = routes.onLinkPort(route);
            if (!client.hasStationAt(egressPort) || client.tags() != 0 || ipLength > routes.onLinkMtuBytes(route)) {
                return false;
            }
            macHead = Ethernet.addressesHead(client.stationMac(), client.selfMac());
            macTail = (int) client.selfMac();
        } else {
            HopTable hops = routes.hops();
            int hop = hops.of(route, hash);
            if (hop == HopTable.NONE || hops.vlan(hop) > RealServer.VLAN_NONE || ipLength > hops.mtuBytes(hop)) {
                return false;
            }
            macHead = hops.macHead(hop);
            macTail = hops.macTail(hop);
            egressPort = hops.egressPort(hop);
        }
        long ip = base + batch.address(index) + Ethernet.HEADER_BYTES & Octets.ADDRESS_BITS;
        long l4 = ip + (inet6 ? Ipv6.HEADER_BYTES : Ipv4.MIN_HEADER_BYTES);
        int protocol = plain.protocol(index);
        long checksumAt = l4 + (protocol == Transport.TCP ? Transport.TCP_CHECKSUM : Transport.UDP_CHECKSUM);
        int checksum = Octets.u16(checksumAt);
        if (checksum == 0 && protocol == Transport.UDP) {
            return false;
        }
        long change;
        if (inet6) {
            change = put(ip + Ipv6.SOURCE, client.virtualHigh())
                    + put(ip + Ipv6.SOURCE + Long.BYTES, client.virtualLow())
                    + put(ip + Ipv6.DESTINATION, client.clientHigh())
                    + put(ip + Ipv6.DESTINATION + Long.BYTES, client.clientLow());
            lowerHopLimit(ip);
        } else {
            change = put(ip + Ipv4.SOURCE, client.virtualLow() << 32 | client.clientLow());
            lowerTtl(ip, change);
        }
        int ports = client.virtualPort() << 16 | client.clientPort();
        finish(l4, Octets.i32(l4), ports, checksumAt, checksum, protocol, change);
        flows.touchSameByReply(slot, ipLength, nowMs);
        long frame = ip - Ethernet.HEADER_BYTES;
        Octets.putI64(frame, macHead);
        Octets.putI32(frame + Long.BYTES, macTail);
        batch.setEgress(index, egressPort);
        counters.increment(Counter.REPLY_HIT);
        counters.reply(service, realServer, ipLength);
        return true;
    }

    private void lowerHopLimit(long ip) {
        if (lowerTtl) {
            Octets.putU8(ip + Ipv6.HOP_LIMIT, Octets.u8(ip + Ipv6.HOP_LIMIT) - 1);
        }
    }

    /** Lowers the TTL, and corrects the header's checksum by that and by a change of the addresses. */
    private void lowerTtl(long ip, long change) {
        int word = Octets.i32(ip + Ipv4.TTL);
        word = lowerTtl ? Checksum.withLowerTtl(word) : word;
        Octets.putI32(ip + Ipv4.TTL, (word & 0xffff_0000) | Checksum.update(word & 0xffff, change));
    }

    private static void finish(
            long l4, int oldPorts, int ports, long checksumAt, int checksum, int protocol, long change) {
        Octets.putI32(l4, ports);
        int now = Checksum.update(checksum, change + Checksum.change(oldPorts, ports));
        Octets.putU16(checksumAt, now == 0 && protocol == Transport.UDP ? 0xffff : now);
    }

    private static long put(long at, long value) {
        long old = Octets.i64(at);
        Octets.putI64(at, value);
        return Checksum.change(old, value);
    }

    private static long putInt(long at, int value) {
        int old = Octets.i32(at);
        Octets.putI32(at, value);
        return Checksum.change(old, value);
    }
}

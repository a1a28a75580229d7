package dev.sluice.forward;

import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Wire;
import dev.sluice.service.RealServer;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Takes replies of real servers to NAT's clients, as handle_response() in ip_vs_core.c: finds the connection, gives the packet
 * the VIP as its source, and sends it to the client. Owned by: worker.
 *
 * <p>A reply comes in by whatever queue the NIC has put it on, and no socket can be told to hand it to another; so the worker there
 * deals with it, whoever has the connection: it reads that worker's translation, and tells it by a letter what the reply means to
 * the connection's state.
 */
final class ReplyPath {
    private static final int DROPPED = Batch.DROPPED;

    /** Letters read from each other worker in a duty cycle. */
    private static final int COLLECT_BUDGET = 64;

    private final MemorySegment umem;
    private final FlowTable flows;
    private final FlowExchange exchange;
    private final int worker;
    private final boolean alone;
    private final Counters counters;
    private final PacketPolicy policy;
    private final IcmpAnswers answers;
    private final NumberedSegments segments;
    private final Fragmentation fragmentation;
    private final AddressRewriter outer;
    private final AddressRewriter quotedRewriter;
    private final FamilyCrossing crossing;
    private final Translation found = new Translation();
    private int ownSlot;

    // Where the packet in hand leaves, as set by resolve().
    private int egressPort;
    private int roomBytes;
    private long macHead;
    private int macTail;
    private int vlan;
    private long tags;
    private int linkBytes;

    ReplyPath(
            MemorySegment umem,
            FlowTable flows,
            FlowExchange exchange,
            int worker,
            Counters counters,
            PacketPolicy policy,
            IcmpAnswers answers,
            NumberedSegments segments,
            FamilyCrossing crossing) {
        this.umem = umem;
        this.flows = flows;
        this.exchange = exchange;
        this.worker = worker;
        this.alone = exchange.workers() == 1;
        this.counters = counters;
        this.policy = policy;
        this.answers = answers;
        this.segments = segments;
        this.fragmentation = new Fragmentation(umem);
        this.outer = new AddressRewriter(umem);
        this.quotedRewriter = new AddressRewriter(umem);
        this.crossing = crossing;
    }

    /** Whether any worker has connections whose replies come here. */
    boolean hasConnections() {
        return exchange.hasTranslations();
    }

    /** Accounts replies that others have forwarded; once a duty cycle. How many there were. */
    int collect(long nowMs) {
        return alone ? 0 : exchange.collectReplies(worker, COLLECT_BUDGET, nowMs);
    }

    /**
     * Looks for the connection that a packet, or one that an ICMP error quotes, is a reply of.
     *
     * @return whether there is one, which {@link #forward} and {@link #forwardError} then go by
     */
    boolean find(PacketView reply, long hash, long nowMs) {
        ownSlot = flows.findReply(reply, hash, nowMs, found);
        found.setOwner(worker);
        return ownSlot >= 0 || (!alone && exchange.findReply(worker, reply, hash, found) >= 0);
    }

    /** Forwards the reply whose connection was found last, and accounts it. */
    void forward(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long hash,
            int ingressPort,
            long nowMs) {
        if (found.hasNumbers()) {
            forwardNumbered(snapshot, batch, index, packet, hash, ingressPort, nowMs);
            return;
        }
        account(packet, false, nowMs);
        send(snapshot, batch, index, packet, hash, ingressPort, nowMs);
    }

    /** As {@link #forward}, of a connection whose segments are changed: after all that may quote them as they came. */
    private void forwardNumbered(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long hash,
            int ingressPort,
            long nowMs) {
        boolean crosses = found.crossesFamilies();
        boolean passes = crosses
                ? mayCross(snapshot, batch, index, packet, hash, ingressPort, nowMs)
                : mayPass(snapshot, batch, index, packet, hash, ingressPort, nowMs);
        if (!passes) {
            return;
        }
        int verdict = segments.toClient(snapshot, batch, index, packet, found, hash, ingressPort, nowMs);
        if (verdict == NumberedSegments.DROPPED) {
            batch.setEgress(index, DROPPED);
        } else if (verdict != NumberedSegments.ANSWERED) {
            account(packet, segments.hasOpened(), nowMs);
            if (crosses) {
                leaveAcross(snapshot, batch, index, packet);
                return;
            }
            outer.from(found.virtualHigh(), found.virtualLow(), found.virtualPort())
                    .to(found.clientHigh(), found.clientLow(), found.clientPort());
            outer.rewrite(batch, index, packet);
            leave(batch, index, packet);
            account(snapshot, packet.ipLengthBytes());
        }
    }

    /** Accounts a reply to its flow, whoever has that. */
    private void account(PacketView packet, boolean opens, long nowMs) {
        if (ownSlot >= 0) {
            flows.touchReply(ownSlot, packet, nowMs);
        } else if (!exchange.tellReply(worker, found, packet, opens, nowMs)) {
            counters.increment(Counter.REPLY_UNTOLD);
        }
        counters.increment(Counter.REPLY_HIT);
    }

    /** What a fragment table may remember of the connection found last, for the fragments behind the first. */
    long way() {
        return exchange.wayOfReply(found);
    }

    /**
     * Forwards a later fragment of a reply.
     *
     * @param way that the fragment table remembers
     */
    void forwardFragment(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long way,
            int ingressPort,
            long nowMs) {
        if (exchange.readTranslation(way, packet, found)) {
            send(snapshot, batch, index, packet, way, ingressPort, nowMs);
        } else {
            drop(batch, index, Counter.REPLY_WITHOUT_FLOW);
        }
    }

    /** Forwards an ICMP error about a packet to the real server of the connection found last. */
    void forwardError(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            PacketView quoted,
            long hash,
            int ingressPort,
            long nowMs) {
        boolean crosses = found.crossesFamilies();
        boolean passes = crosses
                ? mayCrossAsError(snapshot, batch, index, packet, hash, ingressPort, nowMs)
                : mayPass(snapshot, batch, index, packet, hash, ingressPort, nowMs);
        if (!passes) {
            return;
        }
        if (found.hasNumbers()) {
            segments.quotedToClient(batch, index, packet, quoted, found);
        }
        int received = packet.ipLengthBytes();
        quotedRewriter
                .from(found.clientHigh(), found.clientLow(), found.clientPort())
                .to(found.virtualHigh(), found.virtualLow(), found.virtualPort());
        outer.from(found.virtualHigh(), found.virtualLow(), 0).to(found.clientHigh(), found.clientLow(), 0);
        if (!crosses) {
            outer.rewriteIcmp(batch, index, packet, quoted, quotedRewriter);
        } else if (!crossing.crossError(batch, index, packet, quoted, outer, quotedRewriter)) {
            return;
        }
        counters.increment(Counter.ICMP_RELAYED);
        leave(batch, index, packet);
        account(snapshot, received);
    }

    private void send(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long hash,
            int ingressPort,
            long nowMs) {
        if (found.crossesFamilies()) {
            if (mayCross(snapshot, batch, index, packet, hash, ingressPort, nowMs)) {
                leaveAcross(snapshot, batch, index, packet);
            }
            return;
        }
        outer.from(found.virtualHigh(), found.virtualLow(), found.virtualPort())
                .to(found.clientHigh(), found.clientLow(), found.clientPort());
        if (outer.isImpossible(packet)) {
            drop(batch, index, Counter.NAT_SCTP_FRAGMENT);
            return;
        }
        if (mayPass(snapshot, batch, index, packet, hash, ingressPort, nowMs)) {
            outer.rewrite(batch, index, packet);
            leave(batch, index, packet);
            account(snapshot, packet.ipLengthBytes());
        }
    }

    /** As {@link #mayPass}, of a packet to a client of the other family. */
    private boolean mayCross(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long hash,
            int ingressPort,
            long nowMs) {
        crossing.from(found.virtualHigh(), found.virtualLow(), found.virtualPort())
                .to(found.clientHigh(), found.clientLow(), found.clientPort());
        if (!mayGo(snapshot, batch, index, packet, hash, ingressPort, nowMs)
                || !crossing.admits(batch, index, packet, roomBytes, ingressPort, nowMs)) {
            return false;
        }
        lowerTtl(packet);
        return true;
    }

    /** The same of an ICMP error, which is cut to a size that fits. */
    private boolean mayCrossAsError(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long hash,
            int ingressPort,
            long nowMs) {
        boolean goes = mayGo(snapshot, batch, index, packet, hash, ingressPort, nowMs);
        if (goes) {
            lowerTtl(packet);
        }
        return goes;
    }

    /** Translates a packet that {@link #mayCross}, and sends it, in pieces if it does not fit. */
    private void leaveAcross(ForwardingSnapshot snapshot, Batch batch, int index, PacketView packet) {
        int received = packet.ipLengthBytes();
        int firstNew = crossing.cross(batch, index, packet, roomBytes);
        if (firstNew == FamilyCrossing.FAILED) {
            return;
        }
        int link = packet.l2LengthBytes();
        for (int piece = firstNew; piece < batch.count(); piece++) {
            place(batch, piece, batch.address(piece) + link, packet.inet6());
        }
        if (FamilyCrossing.isReplaced(batch, index, firstNew)) {
            batch.setEgress(index, DROPPED);
        } else {
            place(batch, index, batch.address(index) + link, packet.inet6());
        }
        account(snapshot, received);
    }

    /**
     * Forwards a packet of a real server's that is a reply of no connection, as it is, as the kernel does where IPVS leaves it
     * alone.
     */
    void passOn(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long hash,
            int ingressPort,
            long nowMs) {
        Counter reason = resolve(
                snapshot.routes(), packet.inet6(), packet.destinationHigh(), packet.destinationLow(), false, hash);
        if (reason != null) {
            drop(batch, index, Counter.REPLY_WITHOUT_FLOW);
        } else if (mayLive(batch, index, packet, ingressPort, nowMs)
                && mayLeave(batch, index, packet, ingressPort, nowMs)) {
            counters.increment(Counter.REPLY_PASSED_ON);
            leave(batch, index, packet);
        }
    }

    /** Does what a router does before it forwards: TTL, route, size; false when the packet was dropped, and answered. */
    private boolean mayPass(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long hash,
            int ingressPort,
            long nowMs) {
        return mayGo(snapshot, batch, index, packet, hash, ingressPort, nowMs)
                && mayLeave(batch, index, packet, ingressPort, nowMs);
    }

    /** Finds the way to the client of the connection found last, for a packet whose TTL has not run out. */
    private boolean mayGo(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long hash,
            int ingressPort,
            long nowMs) {
        Counter reason =
                resolve(snapshot.routes(), found.clientInet6(), found.clientHigh(), found.clientLow(), true, hash);
        if (reason != null) {
            drop(batch, index, reason);
            return false;
        }
        return mayLive(batch, index, packet, ingressPort, nowMs);
    }

    private boolean mayLeave(Batch batch, int index, PacketView packet, int ingressPort, long nowMs) {
        if (packet.ipLengthBytes() > roomBytes && (packet.inet6() || packet.dontFragment())) {
            drop(batch, index, Counter.PACKET_TOO_BIG);
            if (!packet.isLaterFragment()) {
                answers.tooBig(batch, index, packet, ingressPort, roomBytes, nowMs);
            }
            return false;
        }
        lowerTtl(packet);
        return true;
    }

    private boolean mayLive(Batch batch, int index, PacketView packet, int ingressPort, long nowMs) {
        if (policy.keepTtl() || packet.ttl() > 1) {
            return true;
        }
        drop(batch, index, Counter.TTL_EXPIRED);
        if (!packet.isLaterFragment()) {
            answers.timeExceeded(batch, index, packet, ingressPort, nowMs);
        }
        return false;
    }

    private void lowerTtl(PacketView packet) {
        if (policy.keepTtl()) {
            return;
        }
        if (packet.inet6()) {
            Wire.putU8(umem, packet.l3Offset() + Ipv6.HOP_LIMIT, packet.ttl() - 1);
        } else {
            Checksum.decrementTtl(umem, packet.l3Offset());
        }
    }

    /**
     * Finds the way to an address: by the kernel's route; where that is on-link, to the station that the packets of the
     * connection's client came from, which is the client. Why there is none, or null.
     */
    private @Nullable Counter resolve(
            RouteTable routes, boolean inet6, long high, long low, boolean knowsStation, long hash) {
        int route = routes.find(inet6, high, low);
        if (route == RouteTable.NONE) {
            return Counter.NO_ROUTE;
        }
        if (!routes.isOnLink(route)) {
            HopTable hops = routes.hops();
            int hop = hops.of(route, hash);
            if (hop == HopTable.NONE) {
                return Counter.NO_NEIGHBOUR;
            }
            egressPort = hops.egressPort(hop);
            roomBytes = hops.mtuBytes(hop);
            macHead = hops.macHead(hop);
            macTail = hops.macTail(hop);
            vlan = Math.max(RealServer.VLAN_NONE, hops.vlan(hop));
            tags = 0;
            linkBytes = Ethernet.HEADER_BYTES;
            return null;
        }
        egressPort = routes.onLinkPort(route);
        roomBytes = routes.onLinkMtuBytes(route);
        if (!knowsStation || !found.hasStationAt(egressPort)) {
            return Counter.NO_NEIGHBOUR;
        }
        macHead = Ethernet.addressesHead(found.stationMac(), found.selfMac());
        macTail = (int) found.selfMac();
        vlan = RealServer.VLAN_KEEP;
        tags = found.tags();
        linkBytes = tags == 0
                ? Ethernet.HEADER_BYTES
                : (int) tags == 0 ? Ethernet.HEADER_BYTES + Ethernet.VLAN_TAG_BYTES : LinkHeader.MAX_BYTES;
        return null;
    }

    /** Sends a translated packet, in pieces if it does not fit. */
    private void leave(Batch batch, int index, PacketView packet) {
        if (packet.ipLengthBytes() <= roomBytes) {
            place(batch, index, packet.l3Offset(), packet.inet6());
        } else if (!leaveInPieces(batch, index, packet)) {
            drop(batch, index, Counter.NO_SPARE_FRAME);
        }
    }

    /** Counts a reply for the real server and service of the connection found last, if they are still there. */
    private void account(ForwardingSnapshot snapshot, int lengthBytes) {
        int service = snapshot.serviceOf(found.realServer());
        if (service != ForwardingSnapshot.NONE) {
            counters.reply(service, found.realServer(), lengthBytes);
        }
    }

    private boolean leaveInPieces(Batch batch, int index, PacketView packet) {
        int link = packet.l2LengthBytes();
        int firstNew =
                fragmentation.splitIpv4(batch, index, link, packet.l3Offset(), packet.ipLengthBytes(), roomBytes);
        if (firstNew == Fragmentation.FAILED) {
            return false;
        }
        int made = batch.count() - firstNew;
        for (int piece = firstNew; piece < batch.count(); piece++) {
            place(batch, piece, batch.address(piece) + link, false);
        }
        if (batch.tails(index) == 0) {
            place(batch, index, packet.l3Offset(), false);
        } else {
            // All pieces are new ones, the first as well.
            batch.setEgress(index, DROPPED);
            made--;
        }
        counters.increment(Counter.FRAGMENTED);
        counters.add(Counter.FRAGMENT_MADE, made);
        return true;
    }

    /** Writes the link header towards the client. */
    private void place(Batch batch, int index, long l3, boolean inet6) {
        long frame = LinkHeader.write(
                umem, tags, linkBytes, l3, inet6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4, macHead, macTail, vlan);
        batch.move(index, frame, batch.length(index) + (int) (batch.address(index) - frame));
        batch.setEgress(index, egressPort);
    }

    private void drop(Batch batch, int index, Counter reason) {
        counters.increment(reason);
        batch.setEgress(index, DROPPED);
    }
}

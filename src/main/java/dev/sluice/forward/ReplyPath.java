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
    private final AddressRewriter outer;
    private final AddressRewriter quotedRewriter;
    private final Translation found = new Translation();
    private int ownSlot;

    ReplyPath(
            MemorySegment umem,
            FlowTable flows,
            FlowExchange exchange,
            int worker,
            Counters counters,
            PacketPolicy policy,
            IcmpAnswers answers) {
        this.umem = umem;
        this.flows = flows;
        this.exchange = exchange;
        this.worker = worker;
        this.alone = exchange.workers() == 1;
        this.counters = counters;
        this.policy = policy;
        this.answers = answers;
        this.outer = new AddressRewriter(umem);
        this.quotedRewriter = new AddressRewriter(umem);
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
        return ownSlot >= 0 || (!alone && exchange.findReply(worker, reply, hash, found) >= 0);
    }

    /** Forwards the reply whose connection was found last, and accounts it. */
    void forward(ForwardingSnapshot snapshot, Batch batch, int index, PacketView packet, int ingressPort, long nowMs) {
        if (ownSlot >= 0) {
            flows.touchReply(ownSlot, packet, nowMs);
        } else if (!exchange.tellReply(worker, found, packet, nowMs)) {
            counters.increment(Counter.REPLY_UNTOLD);
        }
        counters.increment(Counter.REPLY_HIT);
        send(snapshot, batch, index, packet, ingressPort, nowMs);
    }

    /** What a fragment table may remember of the connection found last, for the fragments behind the first. */
    long way() {
        if (ownSlot >= 0) {
            found.setOwner(worker);
        }
        return exchange.wayOf(found);
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
        if (exchange.readReply(way, packet, found)) {
            send(snapshot, batch, index, packet, ingressPort, nowMs);
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
            int ingressPort,
            long nowMs) {
        if (!mayPass(batch, index, packet, ingressPort, nowMs)) {
            return;
        }
        quotedRewriter
                .from(found.clientHigh(), found.clientLow(), found.clientPort())
                .to(found.virtualHigh(), found.virtualLow(), found.virtualPort());
        outer.from(found.virtualHigh(), found.virtualLow(), 0).to(found.clientHigh(), found.clientLow(), 0);
        outer.rewriteIcmp(batch, index, packet, quoted, quotedRewriter);
        counters.increment(Counter.ICMP_RELAYED);
        place(batch, index, packet, packet.l3Offset());
        account(snapshot, packet);
    }

    private void send(
            ForwardingSnapshot snapshot, Batch batch, int index, PacketView packet, int ingressPort, long nowMs) {
        outer.from(found.virtualHigh(), found.virtualLow(), found.virtualPort())
                .to(found.clientHigh(), found.clientLow(), found.clientPort());
        if (outer.isImpossible(packet)) {
            drop(batch, index, Counter.NAT_SCTP_FRAGMENT);
            return;
        }
        if (!mayPass(batch, index, packet, ingressPort, nowMs)) {
            return;
        }
        outer.rewrite(batch, index, packet);
        place(batch, index, packet, packet.l3Offset());
        account(snapshot, packet);
    }

    /** Lowers the TTL as a router does; false when the packet was dropped, and answered. */
    private boolean mayPass(Batch batch, int index, PacketView packet, int ingressPort, long nowMs) {
        if (policy.keepTtl()) {
            return true;
        }
        if (packet.ttl() <= 1) {
            drop(batch, index, Counter.TTL_EXPIRED);
            if (!packet.isLaterFragment()) {
                answers.timeExceeded(batch, index, packet, ingressPort, nowMs);
            }
            return false;
        }
        if (packet.inet6()) {
            Wire.putU8(umem, packet.l3Offset() + Ipv6.HOP_LIMIT, packet.ttl() - 1);
        } else {
            Checksum.decrementTtl(umem, packet.l3Offset());
        }
        return true;
    }

    /** Writes the link header towards the client and sends the frame. */
    private void place(Batch batch, int index, PacketView packet, long l3) {
        long tags = found.tags();
        int tagged = tags == 0
                ? Ethernet.HEADER_BYTES
                : (int) tags == 0 ? Ethernet.HEADER_BYTES + Ethernet.VLAN_TAG_BYTES : LinkHeader.MAX_BYTES;
        long frame = LinkHeader.write(
                umem,
                tags,
                tagged,
                l3,
                packet.inet6() ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4,
                Ethernet.addressesHead(found.stationMac(), found.selfMac()),
                (int) found.selfMac(),
                RealServer.VLAN_KEEP);
        batch.move(index, frame, batch.length(index) + (int) (batch.address(index) - frame));
        batch.setEgress(index, found.stationPort());
    }

    private void account(ForwardingSnapshot snapshot, PacketView packet) {
        int service = snapshot.serviceOf(found.realServer());
        if (service != ForwardingSnapshot.NONE) {
            counters.reply(service, found.realServer(), packet.ipLengthBytes());
        }
    }

    private void drop(Batch batch, int index, Counter reason) {
        counters.increment(reason);
        batch.setEgress(index, DROPPED);
    }
}

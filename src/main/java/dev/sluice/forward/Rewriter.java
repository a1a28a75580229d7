package dev.sluice.forward;

import dev.sluice.flow.Translation;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.service.RealServer;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Sends a packet on its way to its real server: TTL, size, encapsulation, link header. Owned by: worker.
 *
 * <p>Direct routing addresses the frame to the real server on the link and leaves the rest alone; the real server has the VIP
 * itself and answers the client directly. NAT gives it the real server's address as well. Tunneling puts an outer header before the packet, which the real server takes off. In
 * all the TTL or hop limit is lowered by one, a router's habit, as IPVS does (ip_vs_dr_xmit, ip_vs_nat_xmit, ip_vs_tunnel_xmit). What is too
 * large for the way is fragmented, or answered, as a router would.
 */
final class Rewriter {
    private static final int DROPPED = Batch.DROPPED;

    private final MemorySegment umem;
    private final Counters counters;
    private final PacketPolicy policy;
    private final Encapsulation encapsulation;
    private final Fragmentation fragmentation;
    private final Identifications ids;
    private final IcmpAnswers answers;
    private final AddressRewriter addresses;
    private final AddressRewriter quotedAddresses;
    private final FamilyCrossing crossing;
    /** What the ICMP error in hand quotes. */
    private PacketView quotedPacket = new PacketView();

    /** What the packet in hand is translated by; null of one that is not. */
    private @Nullable Translation translation;

    Rewriter(
            MemorySegment umem,
            Counters counters,
            PacketPolicy policy,
            Identifications ids,
            IcmpAnswers answers,
            FamilyCrossing crossing) {
        this.umem = umem;
        this.counters = counters;
        this.policy = policy;
        this.encapsulation = new Encapsulation(umem, policy);
        this.fragmentation = new Fragmentation(umem);
        this.ids = ids;
        this.answers = answers;
        this.addresses = new AddressRewriter(umem);
        this.quotedAddresses = new AddressRewriter(umem);
        this.crossing = crossing;
    }

    /**
     * Decides on one packet of the batch.
     *
     * @param packet what the parser read of it
     * @param hash its flow's
     * @param ingressPort by which it came
     */
    void rewrite(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            int realServer,
            long hash,
            int ingressPort,
            long nowMs) {
        HopTable hops = snapshot.hops();
        int hop = enter(snapshot, batch, index, packet, realServer, hash, ingressPort, nowMs);
        if (hop == HopTable.NONE) {
            return;
        }
        TunnelTable tunnels = snapshot.tunnels();
        boolean direct = tunnels.kind(realServer) == TunnelTable.NONE;
        int room = hops.mtuBytes(hop) - (direct ? 0 : Encapsulation.overhead(tunnels, realServer));
        if (packet.ipLengthBytes() > room) {
            if (!sendTooBig(snapshot, batch, index, packet, realServer, hop, hash, direct, room, ingressPort, nowMs)) {
                return;
            }
        } else if (direct) {
            if (!translate(snapshot, batch, index, packet, realServer)) {
                return;
            }
            placeDirect(batch, index, packet, packet.l3Offset(), hops, hop);
        } else {
            boolean dontFragment = packet.dontFragment() && !packet.inet6() && policy.pmtuDisc();
            encapsulate(
                    snapshot,
                    batch,
                    index,
                    packet,
                    packet.l3Offset(),
                    packet.ipLengthBytes(),
                    realServer,
                    hop,
                    hash,
                    dontFragment);
        }
        counters.packet(snapshot.serviceOf(realServer), realServer, packet.ipLengthBytes());
    }

    /** Lowers a packet's TTL; its next hop, or {@link HopTable#NONE} when it was dropped. */
    private int enter(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            int realServer,
            long hash,
            int ingressPort,
            long nowMs) {
        if (!mayLive(batch, index, packet, ingressPort, nowMs)) {
            return HopTable.NONE;
        }
        int hop = snapshot.hops().of(realServer, hash);
        if (hop == HopTable.NONE) {
            drop(batch, index, Counter.NO_NEIGHBOUR);
        } else if (!policy.keepTtl()) {
            lowerTtl(packet);
        }
        return hop;
    }

    private boolean mayLive(Batch batch, int index, PacketView packet, int ingressPort, long nowMs) {
        if (policy.keepTtl() || packet.ttl() > 1) {
            return true;
        }
        drop(batch, index, Counter.TTL_EXPIRED);
        if (mayAnswer(packet)) {
            answers.timeExceeded(batch, index, packet, ingressPort, nowMs);
        }
        return false;
    }

    /**
     * Whether a packet that {@link #rewriteTranslated} is to send was dropped, and answered, since its way does not take it: to be
     * asked before its segment is changed, for the answer quotes what the client has sent.
     */
    boolean isRefused(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            Translation by,
            long hash,
            int ingressPort,
            long nowMs) {
        if (!mayLive(batch, index, packet, ingressPort, nowMs)) {
            return true;
        }
        HopTable hops = snapshot.hops();
        int hop = hops.of(by.realServer(), hash);
        if (hop == HopTable.NONE) {
            return false;
        }
        int room = hops.mtuBytes(hop);
        if (by.crossesFamilies()) {
            crossing.from(by.localHigh(), by.localLow(), by.localPort()).to(by.realHigh(), by.realLow(), by.realPort());
            return !crossing.admits(batch, index, packet, room, ingressPort, nowMs);
        }
        return packet.ipLengthBytes() > room && !mayBeSplit(batch, index, packet, true, room, ingressPort, nowMs);
    }

    /**
     * As {@link #rewrite}, of a packet of a client's whose connection is translated: it goes from LIP:LPORT to RIP:RPORT, which by NAT is from
     * where it came from.
     */
    void rewriteTranslated(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            Translation by,
            long hash,
            int ingressPort,
            long nowMs) {
        if (by.crossesFamilies()) {
            cross(snapshot, batch, index, packet, by, hash, ingressPort, nowMs);
            return;
        }
        translation = by;
        rewrite(snapshot, batch, index, packet, by.realServer(), hash, ingressPort, nowMs);
        translation = null;
    }

    /** As {@link #rewriteTranslated}, to a real server of the other family. */
    private void cross(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            Translation by,
            long hash,
            int ingressPort,
            long nowMs) {
        int realServer = by.realServer();
        int hop = enter(snapshot, batch, index, packet, realServer, hash, ingressPort, nowMs);
        if (hop == HopTable.NONE) {
            return;
        }
        HopTable hops = snapshot.hops();
        int received = packet.ipLengthBytes();
        crossing.from(by.localHigh(), by.localLow(), by.localPort()).to(by.realHigh(), by.realLow(), by.realPort());
        int room = hops.mtuBytes(hop);
        int firstNew = crossing.admits(batch, index, packet, room, ingressPort, nowMs)
                ? crossing.cross(batch, index, packet, room)
                : FamilyCrossing.FAILED;
        if (firstNew == FamilyCrossing.FAILED) {
            return;
        }
        for (int piece = firstNew; piece < batch.count(); piece++) {
            sendPiece(snapshot, batch, piece, packet, realServer, hop, hash, true);
        }
        if (FamilyCrossing.isReplaced(batch, index, firstNew)) {
            batch.setEgress(index, DROPPED);
        } else {
            placeDirect(batch, index, packet, batch.address(index) + packet.l2LengthBytes(), hops, hop);
        }
        counters.packet(snapshot.serviceOf(realServer), realServer, received);
    }

    /** As {@link #rewriteError}, to a real server of the other family. */
    private void crossError(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            PacketView quoted,
            Translation by,
            long hash,
            int ingressPort,
            long nowMs) {
        int realServer = by.realServer();
        int hop = enter(snapshot, batch, index, packet, realServer, hash, ingressPort, nowMs);
        if (hop == HopTable.NONE) {
            return;
        }
        int received = packet.ipLengthBytes();
        addresses.from(by.localHigh(), by.localLow(), 0).to(by.realHigh(), by.realLow(), 0);
        // Of either family less than every link takes.
        if (crossing.crossError(batch, index, packet, quoted, addresses, quotedAddresses)) {
            placeDirect(batch, index, packet, packet.l3Offset(), snapshot.hops(), hop);
            counters.packet(snapshot.serviceOf(realServer), realServer, received);
        }
    }

    /** Of its own, so that what nearly all packets take is small enough for the compiler to put in line. False when it was dropped. */
    private boolean sendTooBig(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            int realServer,
            int hop,
            long hash,
            boolean direct,
            int room,
            int ingressPort,
            long nowMs) {
        if (!mayBeSplit(batch, index, packet, direct, room, ingressPort, nowMs)) {
            return false;
        }
        if (direct && !translate(snapshot, batch, index, packet, realServer)) {
            return false;
        }
        if (!sendInPieces(snapshot, batch, index, packet, realServer, hop, hash, direct, room)) {
            drop(batch, index, Counter.NO_SPARE_FRAME);
            return false;
        }
        return true;
    }

    private boolean mayBeSplit(
            Batch batch, int index, PacketView packet, boolean direct, int room, int ingressPort, long nowMs) {
        if (!mustFit(packet, direct, room)) {
            return true;
        }
        drop(batch, index, Counter.PACKET_TOO_BIG);
        if (mayAnswer(packet)) {
            answers.tooBig(batch, index, packet, ingressPort, mtuTold(packet, room), nowMs);
        }
        return false;
    }

    /**
     * As {@link #rewrite}, of an ICMP error about a packet that came from the real server.
     *
     * @param quoted of that packet, as the parser reads it
     * @param by what the connection is translated by, or null
     */
    void rewriteError(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            PacketView quoted,
            @Nullable Translation by,
            int realServer,
            long hash,
            int ingressPort,
            long nowMs) {
        if (by != null) {
            quotedAddresses
                    .from(by.realHigh(), by.realLow(), by.realPort())
                    .to(by.localHigh(), by.localLow(), by.localPort());
            quotedPacket = quoted;
            if (by.crossesFamilies()) {
                crossError(snapshot, batch, index, packet, quoted, by, hash, ingressPort, nowMs);
                return;
            }
        }
        translation = by;
        rewrite(snapshot, batch, index, packet, realServer, hash, ingressPort, nowMs);
        translation = null;
    }

    /** Makes a packet one to the real server's address, if it is to be; false when it was dropped. */
    private boolean translate(ForwardingSnapshot snapshot, Batch batch, int index, PacketView packet, int realServer) {
        Translation by = translation;
        if (by == null) {
            if (!snapshot.nat().translates(realServer)) {
                return true;
            }
            // Of a connection that was opened before its real server was reached by translation.
            drop(batch, index, Counter.NAT_WITHOUT_FLOW);
            return false;
        }
        if (packet.protocol() == Transport.ICMP || packet.protocol() == Transport.ICMPV6) {
            // Who tells a real server that sees its clients may be known to it as well.
            boolean local = by.isLocal();
            addresses
                    .from(local ? by.localHigh() : packet.sourceHigh(), local ? by.localLow() : packet.sourceLow(), 0)
                    .to(by.realHigh(), by.realLow(), 0);
            addresses.rewriteIcmp(batch, index, packet, quotedPacket, quotedAddresses);
            return true;
        }
        addresses.from(by.localHigh(), by.localLow(), by.localPort()).to(by.realHigh(), by.realLow(), by.realPort());
        if (packet.isIpsec() && by.isLocal()) {
            // Nothing in it would say whose the reply is.
            drop(batch, index, Counter.UNSUPPORTED_PROTOCOL);
            return false;
        }
        if (addresses.isImpossible(packet)) {
            drop(batch, index, Counter.NAT_SCTP_FRAGMENT);
            return false;
        }
        addresses.rewrite(batch, index, packet);
        return true;
    }

    private void lowerTtl(PacketView packet) {
        if (packet.inet6()) {
            Wire.putU8(umem, packet.l3Offset() + Ipv6.HOP_LIMIT, packet.ttl() - 1);
        } else {
            Checksum.decrementTtl(umem, packet.l3Offset());
        }
    }

    /**
     * Whether a packet larger than its way is for its sender to make smaller: IPv6 and what has DF. IPv6 does not go below 1280
     * octets, so a tunnel with less room fragments outside (RFC 2473 section 7.1); and without path MTU discovery tunnels
     * fragment all of IPv4. Nobody makes an ICMP error smaller.
     */
    private boolean mustFit(PacketView packet, boolean direct, int room) {
        if (packet.inet6()) {
            return direct || packet.ipLengthBytes() > Math.max(room, Ipv6.MIN_MTU_BYTES);
        }
        return packet.dontFragment() && (direct || (policy.pmtuDisc() && packet.protocol() != Transport.ICMP));
    }

    private static int mtuTold(PacketView packet, int room) {
        return Math.max(room, packet.inet6() ? Ipv6.MIN_MTU_BYTES : Ipv4.MIN_MTU_BYTES);
    }

    private static boolean mayAnswer(PacketView packet) {
        return !packet.isLaterFragment();
    }

    /** False, and nothing sent, when frames are short or the link takes no fragment of use. */
    private boolean sendInPieces(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            int realServer,
            int hop,
            long hash,
            boolean direct,
            int room) {
        int link = packet.l2LengthBytes();
        int firstNew;
        if (direct || (policy.fragmentInner() && !packet.dontFragment())) {
            firstNew = fragmentation.splitIpv4(batch, index, link, packet.l3Offset(), packet.ipLengthBytes(), room);
            if (firstNew == Fragmentation.FAILED) {
                return false;
            }
            if (batch.tails(index) == 0) {
                sendPiece(snapshot, batch, index, packet, realServer, hop, hash, direct);
            }
            for (int piece = firstNew; piece < batch.count(); piece++) {
                sendPiece(snapshot, batch, piece, packet, realServer, hop, hash, direct);
            }
        } else {
            long outer = encapsulate(
                    snapshot,
                    batch,
                    index,
                    packet,
                    packet.l3Offset(),
                    packet.ipLengthBytes(),
                    realServer,
                    hop,
                    hash,
                    false);
            firstNew = splitOuter(snapshot, batch, index, outer, packet, realServer, hop);
            if (firstNew == Fragmentation.FAILED) {
                return false;
            }
        }
        int made = batch.count() - firstNew;
        if (batch.tails(index) > 0) {
            // All pieces are new ones, the first as well.
            batch.setEgress(index, DROPPED);
            made--;
        }
        counters.increment(Counter.FRAGMENTED);
        counters.add(Counter.FRAGMENT_MADE, made);
        return true;
    }

    private void sendPiece(
            ForwardingSnapshot snapshot,
            Batch batch,
            int piece,
            PacketView packet,
            int realServer,
            int hop,
            long hash,
            boolean direct) {
        int link = packet.l2LengthBytes();
        long l3 = batch.address(piece) + link;
        int length = batch.length(piece) - link;
        if (direct) {
            placeDirect(batch, piece, packet, l3, snapshot.hops(), hop);
        } else {
            encapsulate(snapshot, batch, piece, packet, l3, length, realServer, hop, hash, false);
        }
    }

    private int splitOuter(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            long outer,
            PacketView packet,
            int realServer,
            int hop) {
        TunnelTable tunnels = snapshot.tunnels();
        int mtu = snapshot.hops().mtuBytes(hop);
        int link = (int) (outer - batch.address(index));
        int length = packet.ipLengthBytes() + Encapsulation.overhead(tunnels, realServer);
        int firstNew = tunnels.inet6(realServer)
                ? fragmentation.splitIpv6(batch, index, link, outer, length, mtu, ids.next())
                : fragmentation.splitIpv4(batch, index, link, outer, length, mtu);
        for (int piece = firstNew; firstNew >= 0 && piece < batch.count(); piece++) {
            batch.setEgress(piece, batch.egress(index));
        }
        return firstNew;
    }

    /** Encapsulates a packet of the batch, or a piece of one, and places it; where its outer IP header stands. */
    private long encapsulate(
            ForwardingSnapshot snapshot,
            Batch batch,
            int index,
            PacketView packet,
            long l3,
            int lengthBytes,
            int realServer,
            int hop,
            long hash,
            boolean dontFragment) {
        TunnelTable tunnels = snapshot.tunnels();
        HopTable hops = snapshot.hops();
        int ttl = policy.keepTtl() ? packet.ttl() : packet.ttl() - 1;
        int id = dontFragment || tunnels.inet6(realServer) ? 0 : ids.next();
        // The outer header goes where the link header is now.
        long old = batch.address(index);
        long tags = LinkHeader.tags(umem, old, packet.l2LengthBytes());
        long outer = encapsulation.encapsulate(
                batch,
                index,
                l3,
                packet.inet6(),
                lengthBytes,
                ttl,
                tunnels,
                realServer,
                hops,
                hop,
                hash,
                dontFragment,
                id);
        if (batch.tails(index) == 0) {
            // Ethernet's padding stays behind: larger frames need none.
            batch.move(index, old, (int) (l3 - old) + lengthBytes);
        }
        place(batch, index, packet, outer, tunnels.inet6(realServer), tags, hops, hop);
        return outer;
    }

    /** Writes the link header before an IP packet and sends the frame. */
    private void place(
            Batch batch, int index, PacketView packet, long l3, boolean inet6, long tags, HopTable hops, int hop) {
        long frame = LinkHeader.write(
                umem,
                tags,
                packet.l2LengthBytes(),
                l3,
                inet6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4,
                hops.macHead(hop),
                hops.macTail(hop),
                hops.vlan(hop));
        batch.move(index, frame, batch.length(index) + (int) (batch.address(index) - frame));
        batch.setEgress(index, hops.egressPort(hop));
    }

    /** Sends a packet as it is, under the next hop's link header. */
    private void placeDirect(Batch batch, int index, PacketView packet, long l3, HopTable hops, int hop) {
        if (hops.vlan(hop) == RealServer.VLAN_KEEP) {
            // Nearly all packets of direct routing: nothing moves.
            Ethernet.putAddresses(umem, batch.address(index), hops.macHead(hop), hops.macTail(hop));
            batch.setEgress(index, hops.egressPort(hop));
            return;
        }
        long tags = LinkHeader.tags(umem, batch.address(index), packet.l2LengthBytes());
        place(batch, index, packet, l3, packet.inet6(), tags, hops, hop);
    }

    private void drop(Batch batch, int index, Counter reason) {
        counters.increment(reason);
        batch.setEgress(index, DROPPED);
    }
}

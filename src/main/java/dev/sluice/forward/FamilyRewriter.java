package dev.sluice.forward;

import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Makes IPv4 packets of IPv6 ones and the other way round, with other addresses and ports (RFC 7915 sections 4.1 and 5.1). What the IP
 * packet carries stays where it is: the new header ends where the old one did, and the link header moves in front of it, so that the
 * packet is a whole frame before and after. Owned by: worker.
 */
final class FamilyRewriter {
    private final MemorySegment umem;
    private final Identifications ids;
    private final AddressRewriter addresses;
    private final IpHeader header;
    private final Fragmentation fragmentation;
    private final PacketView piece = new PacketView();

    /**
     * @param ids for IPv4 packets that come without
     */
    FamilyRewriter(MemorySegment umem, Identifications ids) {
        this.umem = umem;
        this.ids = ids;
        this.addresses = new AddressRewriter(umem);
        this.header = new IpHeader(umem);
        this.fragmentation = new Fragmentation(umem);
    }

    /** Sets the new source, of the new family. */
    FamilyRewriter from(long high, long low, int port) {
        addresses.from(high, low, port);
        return this;
    }

    /** Sets the new destination. */
    FamilyRewriter to(long high, long low, int port) {
        addresses.to(high, low, port);
        return this;
    }

    /** By how many octets a packet grows; negative when it shrinks. */
    static int growthBytes(PacketView packet) {
        return IpHeader.lengthBytes(!packet.inet6(), packet.isFragment())
                - (int) (packet.l4Offset() - packet.l3Offset());
    }

    /**
     * The MTU that the sender of a packet of one family is to be told, where a way that it takes as one of the other has so much
     * room.
     */
    static int mtuTold(PacketView packet, int roomBytes) {
        // An IPv6 sender's next packet may be no fragment.
        return packet.inet6()
                ? roomBytes + IpHeader.lengthBytes(true, false) - Ipv4.MIN_HEADER_BYTES
                : roomBytes - IpHeader.lengthBytes(true, packet.isFragment()) + Ipv4.MIN_HEADER_BYTES;
    }

    /** Why a packet cannot be translated, or null; before {@link #rewrite} or {@link #rewriteInPieces}. */
    @Nullable
    Counter obstacle(PacketView packet) {
        if (!header.read(packet.inet6(), packet.l3Offset(), packet.l4Offset())) {
            return Counter.FAMILY_HEADER;
        }
        if (addresses.isImpossible(packet)) {
            return Counter.NAT_SCTP_FRAGMENT;
        }
        // RFC 7915 section 4.5: IPv6 wants a checksum, and nobody has the rest to sum up.
        boolean unsummed = !packet.inet6()
                && packet.protocol() == Transport.UDP
                && packet.isFragment()
                && !packet.isLaterFragment()
                && Wire.u16(umem, packet.l4Offset() + Transport.UDP_CHECKSUM) == 0;
        return unsummed ? Counter.FAMILY_UDP_FRAGMENT : null;
    }

    /**
     * Translates a packet that begins with its link header, as it does afterwards.
     *
     * @param packet without {@link #obstacle}; follows the change, but for addresses and ports
     */
    void rewrite(Batch batch, int index, PacketView packet) {
        addresses.rewriteTransport(batch, index, packet, addresses.changeFrom(packet));
        rewriteHeader(batch, index, packet);
    }

    /**
     * As {@link #rewrite}, of a packet that does not fit its way and may be fragmented, as an IPv4 packet.
     *
     * @param roomBytes the largest piece allowed, once it is translated
     * @return as {@link Fragmentation#splitIpv4}; when it failed, the packet is to be dropped
     */
    int rewriteInPieces(Batch batch, int index, PacketView packet, int roomBytes) {
        int link = packet.l2LengthBytes();
        if (packet.inet6()) {
            rewrite(batch, index, packet);
            return fragmentation.splitIpv4(batch, index, link, packet.l3Offset(), packet.ipLengthBytes(), roomBytes);
        }
        int old = (int) (packet.l4Offset() - packet.l3Offset());
        int room = roomBytes + old - IpHeader.lengthBytes(true, true);
        // Of the whole packet, as long as it is one: the checksum goes over all pieces.
        addresses.rewriteTransport(batch, index, packet, addresses.changeFrom(packet));
        int firstNew = fragmentation.splitIpv4(batch, index, link, packet.l3Offset(), packet.ipLengthBytes(), room);
        if (firstNew == Fragmentation.FAILED) {
            return firstNew;
        }
        for (int made = firstNew; made < batch.count(); made++) {
            PacketParser.parse(umem, batch.address(made), batch.length(made), piece);
            rewriteHeader(batch, made, piece);
        }
        if (batch.tails(index) == 0) {
            rewriteHeader(batch, index, packet);
        } else {
            int grown = packet.ipLengthBytes() + growthBytes(packet);
            packet.translated(true, packet.l3Offset(), packet.l4Offset(), grown, true);
        }
        return firstNew;
    }

    private void rewriteHeader(Batch batch, int index, PacketView packet) {
        boolean toInet6 = !packet.inet6();
        long l4 = packet.l4Offset();
        header.read(packet.inet6(), packet.l3Offset(), l4);
        int length = header.lengthBytes(toInet6);
        long l3 = l4 - length;
        moveLink(umem, batch, index, packet, l3, toInet6);
        header.write(toInet6, l3, addresses, toInet6 ? 0 : ids.next());
        int ipLength = length + header.payloadBytes();
        if (batch.tails(index) == 0) {
            // Ethernet's padding stays behind.
            batch.move(index, batch.address(index), packet.l2LengthBytes() + ipLength);
        }
        packet.translated(toInet6, l3, l4, ipLength, header.dontFragment(toInet6));
    }

    /** Moves a packet's link header to where its IP header will be; the batch follows. */
    static void moveLink(MemorySegment umem, Batch batch, int index, PacketView packet, long l3, boolean inet6) {
        int link = packet.l2LengthBytes();
        long from = packet.l3Offset() - link;
        long to = l3 - link;
        MemorySegment.copy(umem, from, umem, to, link);
        Wire.putU16(umem, l3 - 2, inet6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4);
        batch.move(index, to, batch.length(index) + (int) (from - to));
    }
}

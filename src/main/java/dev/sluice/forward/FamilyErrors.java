package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Makes an ICMP error about a packet that had been translated between the families one about the packet as its sender sent it (RFC
 * 7915 sections 4.2, 4.3, 5.2 and 5.3): type and code, what is quoted, checksums; an extension behind it stays (RFC 4884). It is cut to
 * what an error of the new family may have. Owned by: worker.
 */
final class FamilyErrors {
    /** What is quoted in front of an extension is filled up to this (RFC 4884 section 3). */
    private static final int LEAST_QUOTED_BYTES = 128;
    // The length of what is quoted: where it stands in a message, and its units.
    private static final int INET_LENGTH = 5;
    private static final int INET_LENGTH_UNIT = 4;
    private static final int INET6_LENGTH = 4;
    private static final int INET6_LENGTH_UNIT = 8;

    private final MemorySegment umem;
    private final Identifications ids;
    private final IpHeader outer;
    private final IpHeader inner;

    // Of the message in hand, as fit() leaves it.
    private int quotedBytes;
    private int extensionBytes;
    private int paddingBytes;

    FamilyErrors(MemorySegment umem, Identifications ids) {
        this.umem = umem;
        this.ids = ids;
        this.outer = new IpHeader(umem);
        this.inner = new IpHeader(umem);
    }

    /**
     * Translates an error.
     *
     * @param packet which begins with its link header; follows the change, but for addresses
     * @param quoted of the packet that it quotes, as the parser reads it: turned round
     * @param outerAddresses has been given the error's new source and destination
     * @param quotedAddresses has been given the quoted packet's, as they are to stand in it
     * @return why it cannot be, and nothing was done, or null
     */
    @Nullable
    Counter rewrite(
            Batch batch,
            int index,
            PacketView packet,
            PacketView quoted,
            AddressRewriter outerAddresses,
            AddressRewriter quotedAddresses) {
        boolean toInet6 = !packet.inet6();
        long icmp = packet.l4Offset();
        long begin = icmp + Icmp.HEADER_BYTES;
        long end = Math.min(packet.l3Offset() + packet.ipLengthBytes(), batch.address(index) + batch.length(index));
        if (!outer.read(packet.inet6(), packet.l3Offset(), icmp)) {
            return Counter.FAMILY_HEADER;
        }
        long quotedL4 = quoted.l4Offset();
        if (quotedL4 > end || !inner.read(packet.inet6(), begin, quotedL4)) {
            return Counter.FAMILY_ICMP;
        }
        int oldInner = (int) (quotedL4 - begin);
        long head = IcmpFamilies.translate(
                toInet6, Wire.i64(umem, icmp), oldInner + inner.payloadBytes(), inner.isFragment());
        int datagram = datagramBytes(packet.inet6(), icmp, (int) (end - begin));
        if (head == IcmpFamilies.NONE || datagram < oldInner + 2 * Short.BYTES) {
            return Counter.FAMILY_ICMP;
        }
        long damage = sum(batch, index, packet);
        boolean extended = datagram < end - begin
                && batch.tails(index) == 0
                && IcmpFamilies.mayBeExtended(toInet6, (int) (head >>> 56));
        quotedAddresses.rewriteQuotedTransport(quoted, quotedAddresses.changeFrom(quoted), begin + datagram);

        int newInner = inner.lengthBytes(toInet6);
        fit(toInet6, newInner, datagram - oldInner, extended ? (int) (end - begin) - datagram : 0);
        long newL4 = move(quotedL4, datagram - oldInner, newInner);
        long newIcmp = newL4 - newInner - Icmp.HEADER_BYTES;
        long newL3 = newIcmp - outer.lengthBytes(toInet6);
        int message = Icmp.HEADER_BYTES + quotedBytes + extensionBytes;
        int ipLength = outer.lengthBytes(toInet6) + message;
        FamilyRewriter.moveLink(umem, batch, index, packet, newL3, toInet6);
        batch.move(index, batch.address(index), packet.l2LengthBytes() + ipLength);
        batch.cutTails(index);
        outer.setPayloadBytes(message);
        outer.write(toInet6, newL3, outerAddresses, toInet6 ? 0 : ids.next());
        inner.write(toInet6, newL4 - newInner, quotedAddresses, 0);
        Wire.putI64(umem, newIcmp, head);
        if (extensionBytes > 0) {
            Wire.putU8(umem, newIcmp + (toInet6 ? INET6_LENGTH : INET_LENGTH), quotedBytes / unit(toInet6));
        }
        packet.translated(toInet6, newL3, newIcmp, ipLength, outer.dontFragment(toInet6));
        int checksum = ~Checksum.fold(sum(batch, index, packet)) & 0xffff;
        Wire.putU16(umem, newIcmp + Icmp.CHECKSUM, damaged(checksum, damage));
        return null;
    }

    private static int unit(boolean inet6) {
        return inet6 ? INET6_LENGTH_UNIT : INET_LENGTH_UNIT;
    }

    /** How much of a message is the quoted packet, in front of an extension. */
    private int datagramBytes(boolean inet6, long icmp, int availableBytes) {
        if (!IcmpFamilies.mayBeExtended(inet6, Wire.u8(umem, icmp + Icmp.TYPE))) {
            return availableBytes;
        }
        int told = Wire.u8(umem, icmp + (inet6 ? INET6_LENGTH : INET_LENGTH)) * unit(inet6);
        return told >= LEAST_QUOTED_BYTES && told < availableBytes ? told : availableBytes;
    }

    /** The sum over an ICMP message and its pseudo header, that of an intact one with its checksum. */
    private long sum(Batch batch, int index, PacketView packet) {
        int length = packet.ipLengthBytes() - (int) (packet.l4Offset() - packet.l3Offset());
        long sum = 0;
        if (packet.inet6()) {
            sum = Checksum.add(Transport.ICMPV6 + length, umem, packet.l3Offset() + Ipv6.SOURCE, 4 * Long.BYTES);
        }
        return Payload.sum(umem, batch, index, packet.l4Offset(), length, sum);
    }

    /** A checksum that is as wrong as it was before. */
    private static int damaged(int checksum, long sumBefore) {
        int folded = Checksum.fold(sumBefore);
        return folded == 0xffff ? checksum : Checksum.fold((long) checksum + folded);
    }

    /** Decides how much of a message stays: RFC 4443 section 2.4 (c), RFC 1812 section 4.3.2.3. */
    private void fit(boolean toInet6, int newInner, int restBytes, int extension) {
        int limit = (toInet6 ? Ipv6.MIN_MTU_BYTES : Ipv4.MIN_REASSEMBLY_BYTES)
                - outer.lengthBytes(toInet6)
                - Icmp.HEADER_BYTES;
        extensionBytes = extension > limit - LEAST_QUOTED_BYTES ? 0 : extension;
        quotedBytes = Math.min(newInner + restBytes, limit - extensionBytes);
        paddingBytes = 0;
        if (extensionBytes > 0 && quotedBytes < LEAST_QUOTED_BYTES) {
            paddingBytes = LEAST_QUOTED_BYTES - quotedBytes;
            quotedBytes = LEAST_QUOTED_BYTES;
        } else if (extensionBytes > 0) {
            quotedBytes &= -unit(toInet6);
        }
    }

    /**
     * Brings what is quoted and the extension together as {@link #fit} says.
     *
     * @param restBytes how much is quoted behind the IP header
     * @return absolute offset of where the quoted transport header is now
     */
    private long move(long quotedL4, int restBytes, int newInner) {
        if (paddingBytes > 0) {
            // What is in front moves anyway; behind the extension there may be no room.
            MemorySegment.copy(umem, quotedL4, umem, quotedL4 - paddingBytes, restBytes);
            for (long at = quotedL4 + restBytes - paddingBytes; at < quotedL4 + restBytes; at++) {
                Wire.putU8(umem, at, 0);
            }
            return quotedL4 - paddingBytes;
        }
        if (extensionBytes > 0) {
            long extension = quotedL4 + restBytes;
            MemorySegment.copy(umem, extension, umem, quotedL4 + quotedBytes - newInner, extensionBytes);
        }
        return quotedL4;
    }
}

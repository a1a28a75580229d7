package dev.sluice.forward;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.Crc32c;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * Gives a packet other addresses and ports, and corrects its checksums by what changed (RFC 1624, RFC 3022 section 4.1): a
 * packet that was damaged on its way stays damaged. Only a UDP datagram over IPv4 that has no checksum gets one, as from IPVS
 * (udp_snat_handler). An ICMP error's quoted packet gets back what it had before it was translated (RFC 5508 section 4.2), its
 * own checksums included. Owned by: worker.
 */
final class AddressRewriter {
    private final MemorySegment umem;

    // The addresses and ports that are to be, as set by from() and to().
    private long sourceHigh;
    private long sourceLow;
    private int sourcePort;
    private long destinationHigh;
    private long destinationLow;
    private int destinationPort;

    AddressRewriter(MemorySegment umem) {
        this.umem = umem;
    }

    /** Sets the new source. */
    AddressRewriter from(long high, long low, int port) {
        sourceHigh = high;
        sourceLow = low;
        sourcePort = port;
        return this;
    }

    /** Sets the new destination. */
    AddressRewriter to(long high, long low, int port) {
        destinationHigh = high;
        destinationLow = low;
        destinationPort = port;
        return this;
    }

    /** Whether a packet cannot be translated: a piece of an SCTP packet, over whose whole the checksum goes, to another port. */
    boolean isImpossible(PacketView packet) {
        return packet.protocol() == Transport.SCTP
                && packet.isFragment()
                && !packet.isLaterFragment()
                && changesPorts(packet);
    }

    private boolean changesPorts(PacketView packet) {
        return packet.sourcePort() != sourcePort || packet.destinationPort() != destinationPort;
    }

    /**
     * Rewrites a packet: addresses, and ports unless it is a later fragment or has none.
     *
     * @param packet of the same family, not {@link #isImpossible}; afterwards what it says of addresses and ports is of before
     */
    void rewrite(Batch batch, int index, PacketView packet) {
        long change = putAddresses(packet.l3Offset(), packet.inet6());
        rewriteTransport(batch, index, packet, change);
    }

    /**
     * Rewrites ports and checksum behind the IP header, unless it is a later fragment or has none.
     *
     * @param packet as it was before its addresses changed
     * @param change of the sum over the addresses
     */
    void rewriteTransport(Batch batch, int index, PacketView packet, long change) {
        if (packet.isLaterFragment() || packet.isIpsec()) {
            return;
        }
        long l4 = packet.l4Offset();
        int oldPorts = Wire.i32(umem, l4);
        int newPorts = sourcePort << 16 | destinationPort;
        Wire.putI32(umem, l4, newPorts);
        long changeOfAll = change + Checksum.change(oldPorts, newPorts);
        switch (packet.protocol()) {
            case Transport.TCP -> putChecksum(l4 + Transport.TCP_CHECKSUM, changeOfAll);
            case Transport.UDP -> putUdpChecksum(batch, index, packet, changeOfAll);
            case Transport.SCTP -> {
                if (oldPorts != newPorts) {
                    int length = packet.ipLengthBytes() - (int) (l4 - packet.l3Offset());
                    long at = l4 + Sctp.CHECKSUM;
                    Wire.putI32(umem, at, Wire.i32(umem, at) ^ Crc32c.change(oldPorts ^ newPorts, length));
                }
            }
            default -> {
                // No other has ports.
            }
        }
    }

    private void putUdpChecksum(Batch batch, int index, PacketView packet, long change) {
        long at = packet.l4Offset() + Transport.UDP_CHECKSUM;
        int old = Wire.u16(umem, at);
        int checksum;
        if (old != 0) {
            checksum = Checksum.update(old, change);
        } else if (packet.isFragment() || packet.inet6()) {
            // Of a fragment nobody knows the rest; over IPv6 there are tunnels that go without (RFC 6935).
            return;
        } else {
            checksum = ofDatagram(batch, index, packet);
        }
        Wire.putU16(umem, at, checksum == 0 ? 0xffff : checksum);
    }

    /** UDP's checksum, with tails, of a datagram that came over IPv4 without one, between the new addresses. */
    private int ofDatagram(Batch batch, int index, PacketView packet) {
        int length = packet.ipLengthBytes() - (int) (packet.l4Offset() - packet.l3Offset());
        // The sum over nothing but zeros changes by all of the new addresses.
        long sum = Transport.UDP + length + changeFrom(0, 0, 0, 0);
        return ~Checksum.fold(Payload.sum(umem, batch, index, packet.l4Offset(), length, sum)) & 0xffff;
    }

    /** By how much the sum over a packet's addresses changes when the new ones, of whatever family, take their place. */
    long changeFrom(PacketView packet) {
        return changeFrom(packet.sourceHigh(), packet.sourceLow(), packet.destinationHigh(), packet.destinationLow());
    }

    private long changeFrom(long oldSourceHigh, long oldSourceLow, long oldDestinationHigh, long oldDestinationLow) {
        return Checksum.change(oldSourceHigh, sourceHigh)
                + Checksum.change(oldSourceLow, sourceLow)
                + Checksum.change(oldDestinationHigh, destinationHigh)
                + Checksum.change(oldDestinationLow, destinationLow);
    }

    /** Writes the addresses into an IP header that is new, and nothing else. */
    void writeAddresses(long l3, boolean inet6) {
        if (inet6) {
            Wire.putI64(umem, l3 + Ipv6.SOURCE, sourceHigh);
            Wire.putI64(umem, l3 + Ipv6.SOURCE + Long.BYTES, sourceLow);
            Wire.putI64(umem, l3 + Ipv6.DESTINATION, destinationHigh);
            Wire.putI64(umem, l3 + Ipv6.DESTINATION + Long.BYTES, destinationLow);
        } else {
            Wire.putI64(umem, l3 + Ipv4.SOURCE, sourceLow << 32 | destinationLow);
        }
    }

    /**
     * Rewrites an ICMP error: its own addresses are set by {@link #from} and {@link #to}, whose ports do not matter.
     *
     * @param quoted of the packet that it quotes, as the parser reads it: turned round
     * @param quotedSource rewriter that has been given the quoted packet's new source and destination, as they stand in it
     */
    void rewriteIcmp(Batch batch, int index, PacketView packet, PacketView quoted, AddressRewriter quotedSource) {
        long end = Math.min(packet.l3Offset() + packet.ipLengthBytes(), batch.address(index) + batch.length(index));
        long change = packet.inet6() ? putAddresses(packet.l3Offset(), true) : 0;
        if (!packet.inet6()) {
            putAddresses(packet.l3Offset(), false);
        }
        change += quotedSource.rewriteQuoted(quoted, end);
        putChecksum(packet.l4Offset() + Icmp.CHECKSUM, change);
    }

    /** Rewrites a quoted packet as far as it goes: by how much its sum changed. */
    private long rewriteQuoted(PacketView quoted, long end) {
        long ofPseudoHeader = putAddresses(quoted.l3Offset(), quoted.inet6());
        // IPv4's header sums up to the same as before, for its checksum has changed as well.
        return (quoted.inet6() ? ofPseudoHeader : 0) + rewriteQuotedTransport(quoted, ofPseudoHeader, end);
    }

    /**
     * Rewrites a quoted packet's ports and checksum as far as it goes.
     *
     * @param change of the sum over its addresses
     * @param end absolute offset of where what is quoted ends
     * @return by how much the sum of what is quoted of the transport changed
     */
    long rewriteQuotedTransport(PacketView quoted, long change, long end) {
        if (quoted.isIpsec()) {
            return 0;
        }
        long l4 = quoted.l4Offset();
        int oldPorts = Wire.i32(umem, l4);
        int newPorts = sourcePort << 16 | destinationPort;
        Wire.putI32(umem, l4, newPorts);
        long ofPorts = Checksum.change(oldPorts, newPorts);
        int checksumAt = switch (quoted.protocol()) {
            case Transport.TCP -> Transport.TCP_CHECKSUM;
            case Transport.UDP -> Transport.UDP_CHECKSUM;
            default -> 0;
        };
        long at = l4 + checksumAt;
        if (checksumAt == 0 || at + Short.BYTES > end) {
            return ofPorts;
        }
        int old = Wire.u16(umem, at);
        if (old == 0 && quoted.protocol() == Transport.UDP) {
            return ofPorts;
        }
        int now = Checksum.update(old, change + ofPorts);
        now = now == 0 && quoted.protocol() == Transport.UDP ? 0xffff : now;
        Wire.putU16(umem, at, now);
        return ofPorts + (~old & 0xffff) + now;
    }

    /** Writes the addresses into an IP header, and its checksum: by how much the sum over them changed. */
    private long putAddresses(long l3, boolean inet6) {
        if (inet6) {
            return putLong(l3 + Ipv6.SOURCE, sourceHigh)
                    + putLong(l3 + Ipv6.SOURCE + Long.BYTES, sourceLow)
                    + putLong(l3 + Ipv6.DESTINATION, destinationHigh)
                    + putLong(l3 + Ipv6.DESTINATION + Long.BYTES, destinationLow);
        }
        long change = putLong(l3 + Ipv4.SOURCE, sourceLow << 32 | destinationLow);
        putChecksum(l3 + Ipv4.CHECKSUM, change);
        return change;
    }

    private long putLong(long at, long value) {
        long old = Wire.i64(umem, at);
        Wire.putI64(umem, at, value);
        return Checksum.change(old, value);
    }

    private void putChecksum(long at, long change) {
        Wire.putU16(umem, at, Checksum.update(Wire.u16(umem, at), change));
    }
}

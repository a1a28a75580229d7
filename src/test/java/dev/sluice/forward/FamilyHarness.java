package dev.sluice.forward;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One packet at the very end of a UMEM, translated between the families by itself. */
final class FamilyHarness {
    /** Addresses and ports of a connection on both sides of the director, each seen from its far end. */
    static final Side INET = new Side(IpAddress.parse("192.0.2.7"), 40_000, IpAddress.parse("198.51.100.1"), 80);

    static final Side INET6 = new Side(IpAddress.parse("fd00:3::1"), 5_000, IpAddress.parse("2001:db8:2::11"), 8_080);

    private static final int FRAME_BYTES = 4096;

    record Side(IpAddress source, int sourcePort, IpAddress destination, int destinationPort) {
        Side reversed() {
            return new Side(destination, destinationPort, source, sourcePort);
        }
    }

    final MemorySegment umem = Arena.ofAuto().allocate(4L * FRAME_BYTES, 64);
    final Batch batch = new Batch(FRAME_BYTES - 256);
    final PacketView packet = new PacketView();
    private final PacketView quoted = new PacketView();
    private final FamilyRewriter packets;
    private final FamilyErrors errors;

    FamilyHarness() {
        Identifications ids = new Identifications(0, 1, 1);
        packets = new FamilyRewriter(umem, ids);
        errors = new FamilyErrors(umem, ids);
    }

    static Side side(boolean inet6) {
        return inet6 ? INET6 : INET;
    }

    /** A packet of a protocol, from a side's source to its destination. */
    static PacketBuilder packet(int protocol, Side side) {
        return switch (protocol) {
            case PacketBuilder.TCP ->
                PacketBuilder.tcp(side.source(), side.sourcePort(), side.destination(), side.destinationPort());
            case PacketBuilder.UDP ->
                PacketBuilder.udp(side.source(), side.sourcePort(), side.destination(), side.destinationPort());
            default -> PacketBuilder.sctp(side.source(), side.sourcePort(), side.destination(), side.destinationPort());
        };
    }

    /** What the parser says of a frame at the end of the UMEM. */
    int put(byte[] frame) {
        umem.fill((byte) 0xa5);
        batch.clear();
        batch.add(umem.byteSize() - frame.length, frame.length);
        MemorySegment.copy(frame, 0, umem, ValueLayout.JAVA_BYTE, batch.address(0), frame.length);
        return PacketParser.parse(umem, batch.address(0), frame.length, packet);
    }

    byte[] get() {
        byte[] frame = new byte[batch.length(0)];
        MemorySegment.copy(umem, ValueLayout.JAVA_BYTE, batch.address(0), frame, 0, frame.length);
        return frame;
    }

    /** Translates the packet to a side's addresses and ports; null when it cannot be. */
    byte @Nullable [] translate(Side to) {
        packets.from(to.source().high(), to.source().low(), to.sourcePort())
                .to(to.destination().high(), to.destination().low(), to.destinationPort());
        if (packets.obstacle(packet) != null) {
            return null;
        }
        int grown = packet.ipLengthBytes() + FamilyRewriter.growthBytes(packet);
        packets.rewrite(batch, 0, packet);
        if (grown != packet.ipLengthBytes()) {
            throw new AssertionError("grown to " + packet.ipLengthBytes() + ", not " + grown);
        }
        return get();
    }

    /** Translates the error about a packet that becomes one to a side's addresses and ports, to whom sent it; null when it cannot be. */
    byte @Nullable [] translateError(Side quotedTo) {
        long begin = packet.l4Offset() + Icmp.HEADER_BYTES;
        long end = packet.l3Offset() + packet.ipLengthBytes();
        if (!PacketParser.parseQuoted(umem, begin, (int) (end - begin), packet.inet6(), quoted)) {
            return null;
        }
        Side back = quotedTo.reversed();
        AddressRewriter outer = new AddressRewriter(umem)
                .from(back.source().high(), back.source().low(), 0)
                .to(back.destination().high(), back.destination().low(), 0);
        AddressRewriter inner = new AddressRewriter(umem)
                .from(quotedTo.source().high(), quotedTo.source().low(), quotedTo.sourcePort())
                .to(quotedTo.destination().high(), quotedTo.destination().low(), quotedTo.destinationPort());
        byte[] before = get();
        if (errors.rewrite(batch, 0, packet, quoted, outer, inner) != null) {
            if (!Arrays.equals(before, get())) {
                throw new AssertionError("changed, but not translated");
            }
            return null;
        }
        return get();
    }
}

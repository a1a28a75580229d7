package dev.sluice.forward;

import static dev.sluice.forward.GoldenSetup.CLIENT4;
import static dev.sluice.forward.GoldenSetup.CLIENT6;
import static dev.sluice.forward.GoldenSetup.DIP4;
import static dev.sluice.forward.GoldenSetup.DIP6;
import static dev.sluice.forward.GoldenSetup.RIP4;
import static dev.sluice.forward.GoldenSetup.RIP6;
import static dev.sluice.forward.GoldenSetup.VIP4;
import static dev.sluice.forward.GoldenSetup.VIP6;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.TunnelHeaders;
import dev.sluice.flow.FlowHasher;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.service.Tunnel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The packets that golden cases are made of, from the client's and to the real server's, by the builder alone. */
final class GoldenFrames {
    static final int CLIENT_SOURCE_PORT = 40_000;
    static final int ETHERNET = 14;
    /** Where an IPv4 packet behind a plain Ethernet header has its identification. */
    static final int ID4 = ETHERNET + 4;
    /** Where an IPv6 packet that begins with a fragment header has its identification. */
    static final int ID6 = ETHERNET + 44;
    /** The checksum to be left out. */
    private static final int NONE = 0;

    private GoldenFrames() {}

    /** A packet from the client to a service: {@link GoldenSetup#TCP4} and so on. */
    static PacketBuilder to(int service) {
        return switch (service) {
            case GoldenSetup.TCP4 -> PacketBuilder.tcp(CLIENT4, CLIENT_SOURCE_PORT, VIP4, 80);
            case GoldenSetup.UDP4 -> PacketBuilder.udp(CLIENT4, CLIENT_SOURCE_PORT, VIP4, 53);
            case GoldenSetup.TCP6 -> PacketBuilder.tcp(CLIENT6, CLIENT_SOURCE_PORT, VIP6, 80);
            default -> PacketBuilder.udp(CLIENT6, CLIENT_SOURCE_PORT, VIP6, 53);
        };
    }

    /** With the link addresses of a frame on its way to the service's real server. */
    static PacketBuilder link(PacketBuilder packet, int service) {
        return packet.macs(Harness.DIRECTOR_MAC, Harness.macOf(service));
    }

    /** With the link addresses of a frame back to the station that the client's came from. */
    static PacketBuilder back(PacketBuilder packet) {
        return packet.macs(PacketBuilder.DEFAULT_DESTINATION_MAC, PacketBuilder.DEFAULT_SOURCE_MAC);
    }

    /** An outer header without what varies, for a flow of the hash. */
    static PacketBuilder outer(GoldenSetup setup, int service, byte[] inner, long hash) {
        Tunnel tunnel = setup.tunnel();
        if (tunnel == null) {
            throw new IllegalArgumentException("no tunnel");
        }
        IpAddress from = setup.outer6() ? DIP6 : DIP4;
        IpAddress to = setup.outer6() ? RIP6 : RIP4;
        PacketBuilder outer = link(PacketBuilder.ethernet().ip(from, to), service);
        boolean checksum = tunnel.checksum() == Tunnel.Checksum.CSUM;
        return switch (tunnel.type()) {
            case IPIP ->
                outer.raw(inner[0] >>> 4 == 4 ? PacketBuilder.IPIP : PacketBuilder.IPV6)
                        .payload(inner);
            case GRE -> outer.raw(PacketBuilder.GRE).payload(TunnelHeaders.gre(inner, checksum));
            case GUE -> {
                PacketBuilder gue = outer.udp(0xc000 + ((int) (hash >>> 48) & 0x3fff), tunnel.port())
                        .payload(TunnelHeaders.gue(inner));
                yield checksum ? gue : gue.transportChecksum(NONE);
            }
        };
    }

    /** The hash of the flow that a frame belongs to, which says its port and source. */
    static long hash(byte[] frame) {
        PacketView view = new PacketView();
        PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view);
        return new FlowHasher(Harness.KEY).hash(view);
    }

    /** Nothing is special. */
    static PacketBuilder same(PacketBuilder packet) {
        return packet;
    }

    /** The octets of a frame behind a plain Ethernet header. */
    static byte[] ip(byte[] frame) {
        return Arrays.copyOfRange(frame, ETHERNET, frame.length);
    }

    /** The first octets, or all. */
    static byte[] cut(byte[] bytes, int lengthBytes) {
        return Arrays.copyOf(bytes, Math.min(bytes.length, lengthBytes));
    }
}

package dev.sluice.bench.pipeline;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The frames of a case's flows, octet by octet those of {@code bench/baseline} (its README has the addresses): all about a flow follows
 * from its number.
 */
final class Frames {
    /** Flows of a flood begin here, so that no other has their numbers. */
    private static final int FLOOD_FLOWS = 1 << 27;

    private static final int FLOOD_PACKETS = 1 << 20;
    /** Zipf: how many packets are drawn; then they come again. */
    private static final int ZIPF_PACKETS = 4_000_000;

    /** RPORT is VPORT and that much, with NAT. */
    private static final int PORT_SHIFT = 8000;

    private static final int FIRST_PORT = 1024;
    private static final int PORTS = 60_000;
    /** The clients' gateway, and the director. */
    static final long CLIENT_MAC = 0x02_00_00_00_00_01L;

    static final long DIRECTOR_MAC = 0x02_00_00_00_00_02L;

    private static final int MAC_BYTES = 6;
    private static final int L3 = 14;
    private static final int MIN_FRAME_BYTES = 60;
    private static final int PAYLOAD_BYTES = 18;
    private static final int LINE_BYTES = 64;

    private final PipelineCase what;
    private final boolean tcp;
    /** By family, of clients' frames. */
    private final byte[][] templates = new byte[2][];
    /** By family, of replies. */
    private final byte[][] replies = new byte[2][];

    /** TCP SYNs where flows are new, else UDP datagrams. */
    Frames(PipelineCase what) {
        this.what = what;
        tcp = what.scenario() == Scenario.MISS || what.scenario() == Scenario.SYNFLOOD;
        for (int inet6 = 0; inet6 < 2; inet6++) {
            IpAddress client = inet6 == 1 ? IpAddress.parse("2001:db8:1::") : IpAddress.ofInet(0);
            IpAddress vip = vip(0, inet6 == 1);
            templates[inet6] = template(client, 0, vip, port());
            replies[inet6] = template(rip(0, inet6 == 1), realPort(), client, 0);
        }
    }

    private byte[] template(IpAddress from, int fromPort, IpAddress to, int toPort) {
        PacketBuilder builder = tcp
                ? PacketBuilder.tcp(from, fromPort, to, toPort).tcpNumbers(0, 0)
                : PacketBuilder.udp(from, fromPort, to, toPort).payloadLength(PAYLOAD_BYTES);
        int bytes = builder.build().length;
        return builder.padding(Math.max(0, MIN_FRAME_BYTES - bytes)).build();
    }

    /** The VIP of a service, by its number. */
    static IpAddress vip(int service, boolean inet6) {
        return inet6
                ? IpAddress.ofInet6(0x2001_0db8_0002_0000L, 1L + service)
                : IpAddress.ofInet(0xc612_0001 + service);
    }

    /** The MAC address of a real server, by its id. */
    static long mac(int realServer) {
        return 0x02_01_00_00_00_00L + realServer;
    }

    /** The address of a real server, by its id. */
    static IpAddress rip(int realServer, boolean inet6) {
        return inet6
                ? IpAddress.ofInet6(0x2001_0db8_0003_0000L, 0x100L + realServer)
                : IpAddress.ofInet(0x0a64_0000 + realServer);
    }

    /** Whether flows are TCP connections. */
    boolean tcp() {
        return tcp;
    }

    /** The VIPs' port. */
    int port() {
        return tcp ? 80 : 53;
    }

    /** The real servers' port. */
    int realPort() {
        return what.method() == Method.NAT ? port() + PORT_SHIFT : port();
    }

    /** How long a flow's frames are. */
    int frameBytes(int flow) {
        return templates[what.family().isInet6(flow) ? 1 : 0].length;
    }

    /** The room that an image of a frame takes: whole cache lines. */
    int imageBytes() {
        return what.family() == Family.INET ? LINE_BYTES : 2 * LINE_BYTES;
    }

    /** The numbers of the images, in the order in which they are delivered until the first comes again. */
    int[] order() {
        boolean bothWays = what.direction() == Direction.BOTH;
        return switch (what.scenario()) {
            case HIT, COPY ->
                what.distribution() == Distribution.UNIFORM
                        ? Draws.permutation(bothWays ? 2 * what.flows() : what.flows())
                        : Draws.zipf(what.flows(), ZIPF_PACKETS, bothWays);
            // One half expires while the other comes.
            case MISS -> Draws.permutation(2 * what.flows());
            case SYNFLOOD -> {
                int[] order = Draws.permutation(FLOOD_PACKETS);
                for (int i = 0; i < order.length; i++) {
                    order[i] += FLOOD_FLOWS;
                }
                yield order;
            }
        };
    }

    /** The flow of an image, by its number. */
    int flow(int number) {
        return what.direction() == Direction.BOTH ? number >> 1 : number;
    }

    /** Whether an image, by its number, is of a reply. */
    boolean isReply(int number) {
        return switch (what.direction()) {
            case IN -> false;
            case OUT -> true;
            case BOTH -> (number & 1) == 1;
        };
    }

    /** Writes a frame of a flow's client, with right checksums. */
    void write(int flow, MemorySegment to, long offset) {
        boolean inet6 = what.family().isInet6(flow);
        MemorySegment.copy(templates[inet6 ? 1 : 0], 0, to, ValueLayout.JAVA_BYTE, offset, frameBytes(flow));
        long l3 = offset + L3;
        long l4 = l3 + (inet6 ? 40 : 20);
        IpAddress vip = vip(client(flow) % what.services(), inet6);
        putAddress(to, l3 + (inet6 ? Ipv6.SOURCE : Ipv4.SOURCE), clientAddress(flow), inet6);
        putAddress(to, l3 + (inet6 ? Ipv6.DESTINATION : Ipv4.DESTINATION), vip.low(), inet6);
        Wire.putU16(to, l4, FIRST_PORT + client(flow) % PORTS);
        putChecksums(to, l3, l4, inet6);
    }

    /** Writes a flow's reply from a real server, by its id, with right checksums. */
    void writeReply(int flow, int realServer, MemorySegment to, long offset) {
        boolean inet6 = what.family().isInet6(flow);
        MemorySegment.copy(replies[inet6 ? 1 : 0], 0, to, ValueLayout.JAVA_BYTE, offset, frameBytes(flow));
        long l3 = offset + L3;
        long l4 = l3 + (inet6 ? 40 : 20);
        long mac = mac(realServer);
        Wire.putU16(to, offset + MAC_BYTES, (int) (mac >>> 32));
        Wire.putI32(to, offset + MAC_BYTES + 2, (int) mac);
        putAddress(
                to,
                l3 + (inet6 ? Ipv6.SOURCE : Ipv4.SOURCE),
                rip(realServer, inet6).low(),
                inet6);
        putAddress(to, l3 + (inet6 ? Ipv6.DESTINATION : Ipv4.DESTINATION), clientAddress(flow), inet6);
        Wire.putU16(to, l4 + 2, FIRST_PORT + client(flow) % PORTS);
        putChecksums(to, l3, l4, inet6);
    }

    /** Mixed families alternate, and every service has flows of its own family only. */
    private int client(int flow) {
        return what.family() == Family.MIXED ? flow / 2 : flow;
    }

    /** The part of a client's address that is its own. */
    private long clientAddress(int flow) {
        return what.family().isInet6(flow) ? client(flow) : 0x1000_0000 + flow;
    }

    private static void putAddress(MemorySegment to, long at, long low, boolean inet6) {
        if (inet6) {
            Wire.putI64(to, at + 8, low);
        } else {
            Wire.putI32(to, at, (int) low);
        }
    }

    private void putChecksums(MemorySegment to, long l3, long l4, boolean inet6) {
        int l4Bytes;
        if (inet6) {
            l4Bytes = Wire.u16(to, l3 + Ipv6.PAYLOAD_LENGTH);
        } else {
            Wire.putU16(to, l3 + Ipv4.CHECKSUM, 0);
            Wire.putU16(to, l3 + Ipv4.CHECKSUM, Checksum.of(to, l3, 20));
            l4Bytes = Wire.u16(to, l3 + Ipv4.TOTAL_LENGTH) - 20;
        }
        long checksum = l4 + (tcp ? 16 : 6);
        Wire.putU16(to, checksum, 0);
        int protocol = tcp ? Transport.TCP : Transport.UDP;
        Wire.putU16(to, checksum, Checksum.transport(to, l3, inet6, protocol, l4, l4Bytes));
    }
}

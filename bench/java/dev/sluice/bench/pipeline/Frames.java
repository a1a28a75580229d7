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

    private static final int FIRST_PORT = 1024;
    private static final int PORTS = 60_000;
    private static final int L3 = 14;
    private static final int MIN_FRAME_BYTES = 60;
    private static final int PAYLOAD_BYTES = 18;
    private static final int LINE_BYTES = 64;

    private final PipelineCase what;
    private final boolean tcp;
    /** By family. */
    private final byte[][] templates = new byte[2][];

    /** TCP SYNs where flows are new, else UDP datagrams. */
    Frames(PipelineCase what) {
        this.what = what;
        tcp = what.scenario() == Scenario.MISS || what.scenario() == Scenario.SYNFLOOD;
        for (int inet6 = 0; inet6 < 2; inet6++) {
            IpAddress client = inet6 == 1 ? IpAddress.parse("2001:db8:1::") : IpAddress.ofInet(0);
            IpAddress vip = vip(0, inet6 == 1);
            PacketBuilder builder = tcp
                    ? PacketBuilder.tcp(client, 0, vip, port()).tcpNumbers(0, 0)
                    : PacketBuilder.udp(client, 0, vip, port()).payloadLength(PAYLOAD_BYTES);
            int bytes = builder.build().length;
            templates[inet6] =
                    builder.padding(Math.max(0, MIN_FRAME_BYTES - bytes)).build();
        }
    }

    /** The VIP of a service, by its number. */
    static IpAddress vip(int service, boolean inet6) {
        return inet6
                ? IpAddress.ofInet6(0x2001_0db8_0002_0000L, 1L + service)
                : IpAddress.ofInet(0xc612_0001 + service);
    }

    /** Whether flows are TCP connections. */
    boolean tcp() {
        return tcp;
    }

    /** The VIPs' port. */
    int port() {
        return tcp ? 80 : 53;
    }

    /** How long a flow's frame is. */
    int frameBytes(int flow) {
        return templates[what.family().isInet6(flow) ? 1 : 0].length;
    }

    /** The room that an image of a frame takes: whole cache lines. */
    int imageBytes() {
        return what.family() == Family.INET ? LINE_BYTES : 2 * LINE_BYTES;
    }

    /** The flows of the images, in the order in which they are delivered until the first comes again. */
    int[] order() {
        return switch (what.scenario()) {
            case HIT, COPY ->
                what.distribution() == Distribution.UNIFORM
                        ? Draws.permutation(what.flows())
                        : Draws.zipf(what.flows(), ZIPF_PACKETS);
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

    /** Writes a flow's frame, with right checksums. */
    void write(int flow, MemorySegment to, long offset) {
        boolean inet6 = what.family().isInet6(flow);
        byte[] template = templates[inet6 ? 1 : 0];
        MemorySegment.copy(template, 0, to, ValueLayout.JAVA_BYTE, offset, template.length);
        // Mixed families alternate, and every service has flows of its own family only.
        int client = what.family() == Family.MIXED ? flow / 2 : flow;
        IpAddress vip = vip(client % what.services(), inet6);
        long l3 = offset + L3;
        long l4 = l3 + (inet6 ? 40 : 20);
        int l4Bytes;
        if (inet6) {
            Wire.putI64(to, l3 + Ipv6.SOURCE + 8, client);
            Wire.putI64(to, l3 + Ipv6.DESTINATION + 8, vip.low());
            l4Bytes = Wire.u16(to, l3 + Ipv6.PAYLOAD_LENGTH);
        } else {
            Wire.putI32(to, l3 + Ipv4.SOURCE, 0x1000_0000 + flow);
            Wire.putI32(to, l3 + Ipv4.DESTINATION, (int) vip.low());
            Wire.putU16(to, l3 + Ipv4.CHECKSUM, 0);
            Wire.putU16(to, l3 + Ipv4.CHECKSUM, Checksum.of(to, l3, 20));
            l4Bytes = Wire.u16(to, l3 + Ipv4.TOTAL_LENGTH) - 20;
        }
        Wire.putU16(to, l4, FIRST_PORT + client % PORTS);
        long checksum = l4 + (tcp ? 16 : 6);
        Wire.putU16(to, checksum, 0);
        int protocol = tcp ? Transport.TCP : Transport.UDP;
        Wire.putU16(to, checksum, Checksum.transport(to, l3, inet6, protocol, l4, l4Bytes));
    }
}

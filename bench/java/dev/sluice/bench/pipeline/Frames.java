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
    /** Flow <i>f</i> comes from port {@code FIRST_PORT + f % PORTS}. */
    static final int FIRST_PORT = 1024;

    static final int PORTS = 64_000;
    /** Where the IP header begins. */
    static final int L3 = 14;

    /** Zipf: how many packets are drawn; then they come again. */
    private static final int DRAWN = 1 << 22;

    private static final int LINE_BYTES = 64;

    private final PipelineCase what;
    private final boolean tcp;
    private final int frameBytes;
    /** By family. */
    private final byte[][] templates = new byte[2][];

    /** TCP in a flood, else UDP. */
    Frames(PipelineCase what) {
        this.what = what;
        tcp = what.scenario() == Scenario.SYNFLOOD;
        // A SYN over IPv6 does not fit into a line.
        frameBytes = tcp && what.family() != Family.INET ? 74 : LINE_BYTES;
        for (int inet6 = 0; inet6 < 2; inet6++) {
            templates[inet6] = template(inet6 == 1);
        }
    }

    private byte[] template(boolean inet6) {
        IpAddress client = client(0, inet6);
        IpAddress vip = vip(0, inet6);
        int header = L3 + (inet6 ? 40 : 20);
        PacketBuilder builder = tcp
                ? PacketBuilder.tcp(client, 0, vip, port())
                        .tcpNumbers(0, 0)
                        .padding(Math.max(0, frameBytes - header - 20))
                : PacketBuilder.udp(client, 0, vip, port()).payloadLength(frameBytes - header - 8);
        return (inet6 ? builder : builder.dontFragment()).build();
    }

    /** The VIP of a service, by its number. */
    static IpAddress vip(int service, boolean inet6) {
        return inet6
                ? IpAddress.ofInet6(0x2001_0002_0000_0000L, 1L + service)
                : IpAddress.ofInet(0xc612_0001 + service);
    }

    /** The client of a flow, by its number. */
    static IpAddress client(int flow, boolean inet6) {
        return inet6 ? IpAddress.ofInet6(0x2001_0db8_0000_0002L, flow) : IpAddress.ofInet(0x0a00_0000 + flow);
    }

    /** Whether flows are TCP connections. */
    boolean tcp() {
        return tcp;
    }

    /** The VIPs' port. */
    int port() {
        return tcp ? 80 : 53;
    }

    /** How long each frame is. */
    int frameBytes() {
        return frameBytes;
    }

    /** The room that an image of a frame takes: whole cache lines. */
    int imageBytes() {
        return frameBytes <= LINE_BYTES ? LINE_BYTES : 2 * LINE_BYTES;
    }

    /** The flows of the images, in the order in which they are delivered: whole batches of them. */
    int[] order() {
        int count = what.distribution() == Distribution.ZIPF ? DRAWN : what.flows();
        int whole = (count + Datapath.BATCH - 1) / Datapath.BATCH * Datapath.BATCH;
        if (tcp) {
            int[] order = new int[whole];
            for (int i = 0; i < whole; i++) {
                order[i] = i % what.flows();
            }
            return order;
        }
        return what.distribution() == Distribution.ZIPF
                ? Draws.zipf(what.flows(), whole)
                : Draws.uniform(what.flows(), whole);
    }

    /**
     * Writes a flow's frame, with right checksums.
     *
     * @param tcpFlags of TCP
     */
    void write(int flow, int tcpFlags, MemorySegment to, long offset) {
        boolean inet6 = what.family().isInet6(flow);
        byte[] template = templates[inet6 ? 1 : 0];
        MemorySegment.copy(template, 0, to, ValueLayout.JAVA_BYTE, offset, template.length);
        int service = (what.family() == Family.MIXED ? flow / 2 : flow) % what.services();
        long l3 = offset + L3;
        long l4 = l3 + (inet6 ? 40 : 20);
        int l4Bytes;
        if (inet6) {
            Wire.putI64(to, l3 + Ipv6.SOURCE + 8, client(flow, true).low());
            Wire.putI64(to, l3 + Ipv6.DESTINATION + 8, vip(service, true).low());
            l4Bytes = Wire.u16(to, l3 + Ipv6.PAYLOAD_LENGTH);
        } else {
            Wire.putI32(to, l3 + Ipv4.SOURCE, (int) client(flow, false).low());
            Wire.putI32(to, l3 + Ipv4.DESTINATION, (int) vip(service, false).low());
            Wire.putU16(to, l3 + Ipv4.CHECKSUM, 0);
            Wire.putU16(to, l3 + Ipv4.CHECKSUM, Checksum.of(to, l3, 20));
            l4Bytes = Wire.u16(to, l3 + Ipv4.TOTAL_LENGTH) - 20;
        }
        Wire.putU16(to, l4, FIRST_PORT + flow % PORTS);
        if (tcp) {
            Wire.putU8(to, l4 + 13, tcpFlags);
        }
        long checksum = l4 + (tcp ? 16 : 6);
        Wire.putU16(to, checksum, 0);
        Wire.putU16(to, checksum, Checksum.transport(to, l3, inet6, tcp ? Transport.TCP : Transport.UDP, l4, l4Bytes));
    }
}

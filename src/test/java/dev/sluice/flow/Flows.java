package dev.sluice.flow;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.schedule.HashKey;
import java.lang.foreign.MemorySegment;

/** Packets of numbered flows, for tests of tables that outlive their owner. */
final class Flows {
    static final FlowHasher HASHER = new FlowHasher(new HashKey(3, 4));
    static final FlowTableImage.Boot BOOT = new FlowTableImage.Boot(5, 6);

    /** Where all real servers are. */
    static final FlowTableImage.RealAddress REAL = new FlowTableImage.RealAddress(IpAddress.parse("192.0.2.11"), 8080);

    private static final IpAddress VIP4 = IpAddress.parse("203.0.113.1");
    private static final IpAddress VIP6 = IpAddress.parse("2001:db8:2::1");

    private Flows() {}

    /** TCP over IPv4, but for every fourth flow over IPv6 and every fourth of UDP. */
    static PacketView packet(int client, int tcpFlags) {
        PacketBuilder builder = switch (client % 4) {
            case 0 ->
                PacketBuilder.tcp(IpAddress.ofInet6(0x20010db800010000L, client), 1000, VIP6, 80)
                        .tcpFlags(tcpFlags);
            case 1 -> PacketBuilder.udp(IpAddress.ofInet(0x0a000000 + client), 1000, VIP4, 53);
            default ->
                PacketBuilder.tcp(IpAddress.ofInet(0x0a000000 + client), 1000, VIP4, 80)
                        .tcpFlags(tcpFlags);
        };
        byte[] frame = builder.build();
        PacketView view = new PacketView();
        if (PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view) != PacketParser.OK) {
            throw new AssertionError("not a sound packet");
        }
        return view;
    }

    /** Opens a flow whose real server is {@code realServer}. */
    static int open(FlowTable table, PacketView packet, int realServer, long nowMs) {
        int slot = table.insert(packet, HASHER.hash(packet), realServer, 0, nowMs);
        table.touch(slot, packet, nowMs);
        return slot;
    }
}

package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FragmentTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import dev.sluice.schedule.HashKey;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.TranslationOptions;
import dev.sluice.service.VirtualService;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;

/** A service by translation on TCP, UDP and SCTP, and several workers: what comes out is judged by checksums computed anew. */
abstract class NatFixture {
    static final int CLIENT_PORT_ID = 0;
    static final int REAL_PORT_ID = 1;
    static final long ROUTER_MAC = 0x02_00_00_00_0c_00L;
    static final long REAL_MAC = Harness.macOf(0);

    final List<Harness> workers = new ArrayList<>();
    ForwardingSnapshot snapshot = ForwardingSnapshot.empty();
    String client = "";
    String virtual = "";
    String real = "";
    long nowMs;
    /** LIP and LPORT of the connection in hand: by NAT CIP and CPORT. */
    String local = "";

    int localPort;
    /** VPORT. */
    int virtualPort = 80;
    /** Of the way to the real server. */
    int realMtu = 1500;

    abstract ForwardingMethod method();

    /** What a service does to connections that are translated. */
    TranslationOptions options() {
        return TranslationOptions.NONE;
    }

    /** Whether the real server is of the client's family. */
    boolean realInet6(boolean inet6) {
        return inet6;
    }

    void start(boolean inet6, int number) {
        client = inet6 ? "2001:db8:7::9" : "10.7.0.9";
        virtual = inet6 ? "2001:db8:100::1" : "198.51.100.1";
        real = realInet6(inet6) ? "fd00:2::11" : "192.0.2.11";
        local = client;
        localPort = 4001;
        snapshot = snapshot(1500, method());
        FlowExchange exchange = new FlowExchange(number);
        FlowCounts counts = new FlowCounts(ForwardingSnapshot.MAX_REAL_SERVERS);
        PersistenceTable templates = Harness.templates();
        FragmentTable fragments = new FragmentTable(1024, new HashKey(1, 2));
        for (int i = 0; i < number; i++) {
            workers.add(new Harness(
                    64, ConnectionPolicy.DEFAULT, PacketPolicy.DEFAULT, counts, exchange, templates, fragments));
        }
    }

    ForwardingSnapshot snapshot(int clientMtu, ForwardingMethod method) {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1)
                .routes(Harness.defaultRoutes(
                        new NextHop(CLIENT_PORT_ID, ROUTER_MAC, Harness.DIRECTOR_MAC, clientMtu)));
        int id = 0;
        for (Protocol protocol : List.of(Protocol.TCP, Protocol.UDP, Protocol.SCTP)) {
            RealServer server = new RealServer(id, IpAddress.parse(real), 8080, method, 1);
            builder.add(
                            new VirtualService(
                                    id,
                                    new AddressKey(protocol, IpAddress.parse(virtual), virtualPort),
                                    SchedulerKind.RR,
                                    Set.of(),
                                    null,
                                    false,
                                    options(),
                                    List.of(server)),
                            null,
                            Harness.PARAMETERS)
                    .nextHops(
                            id,
                            List.of(new NextHop(
                                    REAL_PORT_ID,
                                    REAL_MAC,
                                    Harness.DIRECTOR_MAC,
                                    realMtu,
                                    RealServer.VLAN_NONE,
                                    null)));
            id++;
        }
        return builder.build();
    }

    PacketBuilder fromClient(int protocol) {
        return packet(protocol, client, 4001, virtual, virtualPort).macs(ROUTER_MAC, Harness.DIRECTOR_MAC);
    }

    PacketBuilder fromReal(int protocol) {
        return packet(protocol, real, 8080, local, localPort).macs(REAL_MAC, Harness.DIRECTOR_MAC);
    }

    static PacketBuilder packet(int protocol, String source, int sourcePort, String destination, int port) {
        IpAddress from = IpAddress.parse(source);
        IpAddress to = IpAddress.parse(destination);
        return switch (protocol) {
            case Transport.TCP -> PacketBuilder.tcp(from, sourcePort, to, port);
            case Transport.UDP -> PacketBuilder.udp(from, sourcePort, to, port);
            default -> PacketBuilder.sctp(from, sourcePort, to, port);
        };
    }

    /** What comes out of one packet. */
    byte[] sent(int worker, byte[] frame, int ingress, int egress) {
        Harness harness = workers.get(worker);
        harness.put(0, frame);
        harness.process(snapshot, 1, ingress, nowMs);
        assertEquals(egress, harness.egress[0], () -> "frame " + HexFormat.of().formatHex(frame));
        return harness.get(0);
    }

    byte[] toReal(int worker, PacketBuilder packet) {
        byte[] out = sent(worker, packet.build(), CLIENT_PORT_ID, REAL_PORT_ID);
        assertEquals(REAL_MAC, Ethernet.destination(MemorySegment.ofArray(out), 0));
        return out;
    }

    byte[] toClient(int worker, PacketBuilder packet) {
        byte[] out = sent(worker, packet.build(), REAL_PORT_ID, CLIENT_PORT_ID);
        assertEquals(ROUTER_MAC, Ethernet.destination(MemorySegment.ofArray(out), 0));
        return out;
    }

    /** That a whole packet is sound, and says this. */
    static void judge(byte[] frame, int protocol, String source, int sourcePort, String destination, int port) {
        MemorySegment segment = MemorySegment.ofArray(frame);
        PacketView view = new PacketView();
        assertEquals(PacketParser.OK, PacketParser.parse(segment, 0, frame.length, view));
        assertEquals(protocol, view.protocol());
        IpAddress from = IpAddress.parse(source);
        IpAddress to = IpAddress.parse(destination);
        assertEquals(from.low(), view.sourceLow());
        assertEquals(from.high(), view.sourceHigh());
        assertEquals(to.low(), view.destinationLow());
        assertEquals(to.high(), view.destinationHigh());
        assertEquals(sourcePort, view.sourcePort());
        assertEquals(port, view.destinationPort());
        assertEquals(63, view.ttl());
        int length = view.ipLengthBytes() - (int) (view.l4Offset() - view.l3Offset());
        if (protocol == Transport.SCTP) {
            assertEquals(crc(frame, (int) view.l4Offset(), length), Wire.i32(segment, view.l4Offset() + Sctp.CHECKSUM));
        } else {
            assertEquals(
                    0, Checksum.transport(segment, view.l3Offset(), view.inet6(), protocol, view.l4Offset(), length));
        }
    }

    /** SCTP's checksum as it belongs into the packet (RFC 9260 appendix A), by the JDK's. */
    static int crc(byte[] frame, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(frame, offset, Sctp.CHECKSUM);
        crc.update(new byte[Integer.BYTES], 0, Integer.BYTES);
        crc.update(frame, offset + Sctp.COMMON_HEADER_BYTES, length - Sctp.COMMON_HEADER_BYTES);
        return Integer.reverseBytes((int) crc.getValue());
    }

    static byte[] withCrc(byte[] frame, boolean inet6) {
        int l4 = 14 + (inet6 ? 40 : 20);
        Wire.putI32(MemorySegment.ofArray(frame), l4 + Sctp.CHECKSUM, crc(frame, l4, frame.length - l4));
        return frame;
    }

    void assertState(FlowState expected) {
        expire();
        Harness owner = workers.get(0);
        int slot = owner.slotOf(fromClient(Transport.TCP).build(), nowMs);
        assertNotEquals(FlowTable.NOT_FOUND, slot);
        assertEquals(expected, FlowState.ofCode(owner.flows.stateCode(slot)));
    }

    void expire() {
        workers.forEach(worker -> worker.pipeline.expire(snapshot, 1_000_000, nowMs));
    }
}

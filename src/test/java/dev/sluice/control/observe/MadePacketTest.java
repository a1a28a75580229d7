package dev.sluice.control.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.service.Protocol;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MadePacketTest {
    @ParameterizedTest
    @EnumSource
    void opens_what_it_is_to_open(Protocol protocol) {
        for (List<String> ends : List.of(List.of("10.0.0.1", "10.0.0.100"), List.of("2001:db8::1", "2001:db8::100"))) {
            IpAddress client = IpAddress.parse(ends.getFirst());
            IpAddress vip = IpAddress.parse(ends.getLast());
            byte[] frame = MadePacket.of(protocol, 0x02_00_00_00_00_01L, client, 50_000, vip, 80);
            PacketView view = new PacketView();
            MemorySegment segment = MemorySegment.ofArray(frame);
            assertEquals(PacketParser.OK, PacketParser.parse(segment, 0, frame.length, view));
            assertEquals(client.low(), view.sourceLow());
            assertEquals(vip.low(), view.destinationLow());
            assertEquals(50_000, view.sourcePort());
            assertEquals(80, view.destinationPort());
            assertEquals(protocol.number(), view.protocol());
            assertTrue(protocol == Protocol.UDP || view.opensConnection());
            if (protocol != Protocol.SCTP) {
                int length = (int) (frame.length - view.l4Offset());
                int checksum = Checksum.transport(
                        segment, view.l3Offset(), view.inet6(), protocol.number(), view.l4Offset(), length);
                // Over a packet whose checksum stands in it already.
                assertEquals(0, checksum & 0xffff);
            }
        }
    }

    @Test
    void headers_are_told_apart_in_words() {
        byte[] frame = MadePacket.of(
                Protocol.TCP,
                0x02_00_00_00_00_01L,
                IpAddress.parse("10.0.0.1"),
                50_000,
                IpAddress.parse("10.0.0.100"),
                80);
        List<PacketLayers.Layer> layers = PacketLayers.of(frame, 0);
        assertEquals(
                List.of("ethernet", "ipv4", "tcp"),
                layers.stream().map(PacketLayers.Layer::name).toList());
        assertEquals("TCP 10.0.0.1:50000 > 10.0.0.100:80 [SYN], TTL 64", PacketLayers.summary(layers));
        for (int length = 0; length < frame.length; length++) {
            // Whatever is cut off, nothing but what is there is told.
            PacketLayers.summary(PacketLayers.of(Arrays.copyOf(frame, length), 0));
        }
        byte[] other = frame.clone();
        other[0] = 6;
        other[22] = 63;
        assertEquals(
                List.of(
                        new Rewriting.Change("ethernet", "destination", "02:00:00:00:00:01", "06:00:00:00:00:01"),
                        new Rewriting.Change("ipv4", "ttl", "64", "63")),
                Rewriting.between(layers, PacketLayers.of(other, 0)));
    }

    @Test
    void an_outer_header_is_added_outside() {
        byte[] frame = MadePacket.of(
                Protocol.UDP,
                0x02_00_00_00_00_01L,
                IpAddress.parse("10.0.0.1"),
                50_000,
                IpAddress.parse("10.0.0.100"),
                80);
        byte[] tunneled = new byte[frame.length + 20];
        System.arraycopy(frame, 0, tunneled, 0, 34);
        System.arraycopy(frame, 14, tunneled, 34, frame.length - 14);
        tunneled[23] = 4;
        List<Rewriting.Change> changes = Rewriting.between(PacketLayers.of(frame, 0), PacketLayers.of(tunneled, 0));
        assertEquals(1, changes.size(), changes::toString);
        assertEquals("ipv4", changes.getFirst().layer());
        assertEquals(null, changes.getFirst().before());
    }
}

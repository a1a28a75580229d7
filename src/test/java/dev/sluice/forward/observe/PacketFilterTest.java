package dev.sluice.forward.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PacketFilterTest {
    private final PacketView view = new PacketView();

    private static PacketFilter filter(String client, int clientPort, String vip, int vipPort, int port, int protocol) {
        return new PacketFilter(
                client.isEmpty() ? null : IpPrefix.parse(client),
                clientPort,
                vip.isEmpty() ? null : IpPrefix.parse(vip),
                vipPort,
                port,
                protocol,
                -1);
    }

    private int parse(byte[] frame) {
        return PacketParser.parse(MemorySegment.ofArray(frame), 0, frame.length, view);
    }

    private static byte[] tcp(String client, int clientPort, String vip, int vipPort) {
        return PacketBuilder.tcp(IpAddress.parse(client), clientPort, IpAddress.parse(vip), vipPort)
                .build();
    }

    @Test
    void each_part_of_it_counts() {
        int code = parse(tcp("10.1.2.3", 4000, "10.0.0.100", 80));
        assertTrue(filter("10.1.2.3", 4000, "10.0.0.100", 80, 80, Transport.TCP).matchesRequest(view, code));
        assertTrue(filter("10.1.0.0/16", -1, "", -1, 4000, -1).matchesRequest(view, code));
        assertTrue(filter("0.0.0.0/0", -1, "", -1, -1, -1).matchesRequest(view, code));
        assertFalse(filter("10.2.0.0/16", -1, "", -1, -1, -1).matchesRequest(view, code));
        assertFalse(filter("10.1.2.3", 4001, "", -1, -1, -1).matchesRequest(view, code));
        assertFalse(filter("", -1, "10.0.0.101", -1, -1, -1).matchesRequest(view, code));
        assertFalse(filter("", -1, "10.0.0.100", 81, -1, -1).matchesRequest(view, code));
        assertFalse(filter("", -1, "", -1, 443, -1).matchesRequest(view, code));
        assertFalse(filter("", -1, "", -1, -1, Transport.UDP).matchesRequest(view, code));
        assertFalse(filter("::/0", -1, "", -1, -1, -1).matchesRequest(view, code));
    }

    @Test
    void a_reply_is_a_request_turned_round() {
        PacketFilter filter = filter("10.1.2.3", 4000, "10.0.0.100", 80, -1, -1);
        int code = parse(tcp("10.0.0.100", 80, "10.1.2.3", 4000));
        assertTrue(filter.matchesReply(view, code));
        assertFalse(filter.matchesRequest(view, code));
    }

    @Test
    void what_has_no_ports_does_not_match_by_port() {
        byte[] fragment = PacketBuilder.udp(IpAddress.parse("10.1.2.3"), 7, IpAddress.parse("10.0.0.100"), 80)
                .payloadLength(80)
                .fragment(64, false)
                .build();
        int code = parse(fragment);
        assertEquals(PacketParser.FRAGMENT, code);
        assertTrue(filter("10.1.2.3", -1, "", -1, -1, Transport.UDP).matchesRequest(view, code));
        assertFalse(filter("10.1.2.3", -1, "", -1, 80, -1).matchesRequest(view, code));
        assertFalse(filter("10.1.2.3", -1, "", -1, -1, -1).matchesRequest(view, PacketParser.BAD_IP_CHECKSUM));
    }

    /** The comparison in registers is that of the addresses. */
    @Test
    void prefixes_of_every_length_are_those_of_addresses() {
        Random random = new Random(3);
        for (int i = 0; i < 20_000; i++) {
            boolean inet6 = random.nextBoolean();
            IpAddress near = inet6
                    ? IpAddress.ofInet6(random.nextLong(), random.nextLong())
                    : IpAddress.ofInet(random.nextInt());
            int bits = near.family().addressBits();
            int length = random.nextInt(bits + 1);
            IpPrefix prefix = new IpPrefix(near.and(IpAddress.netmask(near.family(), length)), length);
            int flip = random.nextInt(bits);
            long low = near.low() ^ (flip < 64 ? 1L << flip : 0);
            long high = near.high() ^ (flip >= 64 ? 1L << flip : 0);
            IpAddress client = inet6 ? IpAddress.ofInet6(high, low) : IpAddress.ofInet((int) low);
            int code = parse(PacketBuilder.tcp(client, 1, client, 2).build());
            PacketFilter filter = new PacketFilter(prefix, -1, null, -1, -1, -1, -1);
            assertEquals(prefix.contains(client), filter.matchesRequest(view, code), prefix + " " + client);
        }
    }
}

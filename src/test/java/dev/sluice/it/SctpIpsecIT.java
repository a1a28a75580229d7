package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.SctpChunk;
import dev.sluice.forward.Counter;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Sctp;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * SCTP, and ESP and AH with their IKE, by packets made by hand, for the kernel may speak neither: captured at the real
 * servers, equal in every bit but those that direct routing changes. In the middle everything moves to another queue, as ESP
 * and IKE lie on different ones with RSS; the scheduler is round robin, which would lead elsewhere.
 */
class SctpIpsecIT {
    private static final int CLIENTS = 6;
    private static final long CLIENT_MAC = 0x02_51_00_00_00_01L;
    private static final long DIRECTOR_MAC = 0x02_51_00_00_00_02L;
    private static final int IKE = 500;
    private static final int IKE_NAT = 4500;
    private static final int DIAMETER = 3868;

    private static LabFixture lab;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = LabFixture.up("--queues", "2");
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @BeforeEach
    void start() {
        ConfigText config = new ConfigText(lab, "eth1");
        for (String vip : Topology.VIPS) {
            config.service("sctp", vip, DIAMETER, "rr", 1, 1, 1)
                    .service("udp", vip, IKE, "rr", 1, 1, 1)
                    .service("udp", vip, IKE_NAT, "rr", 1, 1, 1);
        }
        director = lab.startDirector(config.toString());
    }

    @AfterEach
    void stop() {
        if (director != null) {
            Reading reading = Reading.of(lab);
            assertEquals(0, director.stop(), director::log);
            reading.assertNothingIsLost();
        }
    }

    private static IpAddress client(String vip, int number) {
        return IpAddress.parse(Topology.isInet6(vip) ? "fd00:51::d:" + (number + 1) : "10.0.0." + (201 + number));
    }

    private static PacketBuilder packet(String vip, int client) {
        return PacketBuilder.ethernet()
                .macs(CLIENT_MAC, DIRECTOR_MAC)
                .ip(client(vip, client), IpAddress.parse(vip))
                .ttl(61);
    }

    private static byte[] sctp(String vip, int client, int tag, byte[]... chunks) {
        return packet(vip, client)
                .sctp(40_000 + client, DIAMETER)
                .tcpNumbers(tag, 0)
                .payload(SctpChunk.bundle(chunks))
                .build();
    }

    private static byte[] ike(String vip, int client, int port) {
        return packet(vip, client).udp(port, port).payloadLength(28 + client).build();
    }

    private static byte[] esp(String vip, int client, int length) {
        return packet(vip, client).raw(PacketBuilder.ESP).payloadLength(length).build();
    }

    /** Next header ESP, length, reserved, SPI, sequence number, 12 octets of ICV (RFC 4302 section 2), and an ESP packet. */
    private static byte[] ah(String vip, int client, int length) {
        byte[] header = {PacketBuilder.ESP, 4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
        if (Topology.isInet6(vip)) {
            // What has AH around ESP in IPv6 is ESP behind an extension header.
            return packet(vip, client)
                    .extension(PacketBuilder.AUTHENTICATION, header)
                    .raw(PacketBuilder.ESP)
                    .payloadLength(length)
                    .build();
        }
        byte[] payload = Arrays.copyOf(header, header.length + length);
        return packet(vip, client)
                .raw(PacketBuilder.AUTHENTICATION)
                .payload(payload)
                .build();
    }

    private static void send(List<byte[]> frames) throws IOException {
        Path file = lab.state().resolve("frames-" + System.nanoTime());
        Files.write(file, frames.stream().map(HexFormat.of()::formatHex).toList());
        lab.exec("client", "src/test/scripts/send-frames", "eth1", file.toString())
                .orFail();
    }

    private static String macOf(String realServer) {
        return "02:51:00:00:00:1" + realServer.charAt(2);
    }

    /**
     * Sends what all clients say, first the first packet of each, then the second, and so on; from {@code move} on through the
     * other queue. Each client's packets must reach one real server, in order, and the real servers get as many clients.
     */
    private static void assertEachReachesOneRealServer(List<List<byte[]>> conversations, int move) throws IOException {
        List<Capture> captures = new ArrayList<>();
        for (String name : Topology.REAL_SERVERS) {
            // A switch that has forgotten where another real server is floods that one's frames.
            captures.add(Capture.start(
                    lab,
                    name,
                    "ether src " + Topology.DIRECTOR_MAC + " and ether dst " + macOf(name)
                            + " and not arp and not icmp6"));
        }
        List<byte[]> first = new ArrayList<>();
        List<byte[]> second = new ArrayList<>();
        for (int i = 0; i < conversations.getFirst().size(); i++) {
            for (List<byte[]> conversation : conversations) {
                (i < move ? first : second).add(conversation.get(i));
            }
        }
        AdoptionIT.moveTo(lab, 0);
        send(first);
        AdoptionIT.moveTo(lab, 1);
        send(second);

        int share = conversations.size() / Topology.REAL_SERVERS.size();
        int packets = share * conversations.getFirst().size();
        for (int i = 0; i < captures.size(); i++) {
            String name = Topology.REAL_SERVERS.get(i);
            String mac = macOf(name);
            List<String> frames = captures.get(i).stop(packets).stream()
                    .map(HexFormat.of()::formatHex)
                    .toList();
            assertEquals(packets, frames.size(), name);
            int clients = 0;
            for (List<byte[]> conversation : conversations) {
                List<String> expected = conversation.stream()
                        .map(frame -> HexFormat.of().formatHex(DirectRouted.of(frame, mac)))
                        .toList();
                List<String> own = frames.stream().filter(expected::contains).toList();
                if (!own.isEmpty()) {
                    assertEquals(expected, own, name);
                    clients++;
                }
            }
            assertEquals(share, clients, name);
        }
    }

    @Test
    void all_packets_of_an_association_reach_one_real_server() throws IOException {
        for (String vip : Topology.VIPS) {
            Reading before = Reading.of(lab);
            List<List<byte[]>> associations = IntStream.range(0, CLIENTS)
                    .mapToObj(client -> {
                        int tag = 0x1000 + client;
                        return List.of(
                                sctp(vip, client, 0, SctpChunk.of(Sctp.INIT, 16)),
                                sctp(vip, client, tag, SctpChunk.of(Sctp.COOKIE_ECHO, 60), SctpChunk.of(Sctp.DATA, 33)),
                                sctp(vip, client, tag, SctpChunk.of(Sctp.DATA, 1200)),
                                sctp(vip, client, tag, SctpChunk.of(Sctp.SACK, 12), SctpChunk.of(Sctp.DATA, 17)),
                                sctp(vip, client, tag, SctpChunk.of(Sctp.HEARTBEAT, 24)),
                                sctp(vip, client, tag, SctpChunk.of(Sctp.HEARTBEAT_ACK, 24)),
                                sctp(vip, client, tag, SctpChunk.of(Sctp.SHUTDOWN, 4)),
                                sctp(vip, client, tag, SctpChunk.of(Sctp.SHUTDOWN_COMPLETE, 0)));
                    })
                    .toList();
            assertEachReachesOneRealServer(associations, 3);
            Reading after = Reading.of(lab);
            assertEquals(CLIENTS, after.count(Counter.FLOW_NEW) - before.count(Counter.FLOW_NEW));
            assertEquals(CLIENTS, after.count(Counter.FLOW_ADOPTED) - before.count(Counter.FLOW_ADOPTED));
            assertEquals(0, after.drops());
            long active = after.service(vip, DIAMETER).realServers().stream()
                    .mapToLong(real -> real.active())
                    .sum();
            assertEquals(0, active, "all associations are shut down");
        }
    }

    @Test
    void esp_and_ah_follow_the_clients_key_exchange() throws IOException {
        for (String vip : Topology.VIPS) {
            for (int port : new int[] {IKE, IKE_NAT}) {
                int firstClient = port == IKE ? 0 : CLIENTS;
                List<List<byte[]>> clients = IntStream.range(firstClient, firstClient + CLIENTS)
                        .mapToObj(client -> List.of(
                                ike(vip, client, port),
                                esp(vip, client, 64),
                                ah(vip, client, 80),
                                esp(vip, client, 1300),
                                ah(vip, client, 40)))
                        .toList();
                assertEachReachesOneRealServer(clients, 2);
            }
        }
        Reading after = Reading.of(lab);
        assertEquals(4 * CLIENTS, after.count(Counter.FLOW_NEW));
        assertEquals(4 * CLIENTS, after.count(Counter.FLOW_ADOPTED));
        assertEquals(0, after.drops());
    }

    @Test
    void esp_and_ah_without_key_exchange_are_dropped_and_counted() throws IOException {
        List<Capture> captures = new ArrayList<>();
        for (String name : Topology.REAL_SERVERS) {
            captures.add(Capture.start(lab, name, "ip proto 50 or ip proto 51 or ip6 proto 50 or ip6 proto 51"));
        }
        List<byte[]> frames = new ArrayList<>();
        for (String vip : Topology.VIPS) {
            // A neighbour's key exchange is not the client's.
            frames.add(ike(vip, 0, IKE));
            for (int client = 1; client < CLIENTS; client++) {
                frames.add(esp(vip, client, 64));
                frames.add(ah(vip, client, 64));
            }
        }
        send(frames);
        Reading reading = Reading.of(lab);
        assertEquals(2 * 2 * (CLIENTS - 1), reading.count(Counter.NO_IKE_FLOW));
        assertEquals(reading.drops(), reading.count(Counter.NO_IKE_FLOW));
        for (Capture capture : captures) {
            assertEquals(List.of(), capture.stop(0));
        }
    }
}

package dev.sluice.bench.baseline;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Packets of a few hundred flows, TCP and UDP, at random intervals: most of them whole, of all states and lengths, with and
 * without tags; some that the director drops, one of each reason.
 */
final class RandomPackets {
    /** A batch as it arrives. */
    record Arrival(long nowMs, List<byte[]> frames) {}

    private static final int CLIENTS = 60;
    private static final int MAX_STEP_MS = 6000;

    private final RandomGenerator random;
    private final boolean inet4;
    private final boolean inet6;
    private final int services;
    private final int realServers;

    /**
     * Packets for a workload.
     *
     * @param realServers of each service, that reply through the director; 0 where replies bypass it
     */
    RandomPackets(RandomGenerator random, boolean inet4, boolean inet6, int services, int realServers) {
        this.random = random;
        this.inet4 = inet4;
        this.inet6 = inet6;
        this.services = services;
        this.realServers = realServers;
    }

    List<Arrival> batches(int count) {
        List<Arrival> batches = new ArrayList<>();
        long nowMs = 5_000_000;
        for (int i = 0; i < count; i++) {
            List<byte[]> frames = new ArrayList<>();
            int packets = random.nextInt(1, 65);
            for (int packet = 0; packet < packets; packet++) {
                frames.add(frame());
            }
            batches.add(new Arrival(nowMs, frames));
            nowMs += random.nextInt(MAX_STEP_MS);
        }
        return batches;
    }

    private byte[] frame() {
        boolean six = inet6 && (!inet4 || random.nextBoolean());
        int client = random.nextInt(CLIENTS);
        // One that no service has, now and then.
        int service = random.nextInt(40) == 0 ? services : random.nextInt(services);
        IpAddress from =
                six ? IpAddress.ofInet6(0x2001_0db8_0001_0000L, client) : IpAddress.ofInet(0x1000_0000 + client);
        boolean tcp = random.nextBoolean();
        PacketBuilder packet = PacketBuilder.ethernet().ttl(random.nextInt(30) == 0 ? 1 : 64);
        if (realServers > 0 && random.nextBoolean()) {
            packet.ip(Workload.rip(realServer(six, tcp, service), six), from);
            ports(packet, tcp, (tcp ? Workload.TCP_PORT : Workload.UDP_PORT) + Workload.PORT_SHIFT, 1024 + client);
        } else {
            packet.ip(from, Workload.vip(service, six));
            ports(packet, tcp, 1024 + client, tcp ? Workload.TCP_PORT : Workload.UDP_PORT);
        }
        if (realServers > 0 && !tcp && random.nextInt(4) == 0) {
            packet.transportChecksum(0);
        }
        packet.trafficClass(random.nextInt(256)).payloadLength(random.nextInt(300));
        if (random.nextBoolean() && !six) {
            packet.dontFragment();
        }
        if (random.nextInt(8) == 0) {
            packet.tag(PacketBuilder.ETHERTYPE_8021Q, random.nextInt(4096));
            if (random.nextBoolean()) {
                packet.tag(PacketBuilder.ETHERTYPE_8021Q, random.nextInt(4096));
            }
        }
        if (random.nextInt(4) == 0) {
            disturb(packet, six);
        }
        byte[] frame = packet.build();
        if (random.nextInt(25) == 0) {
            return Arrays.copyOf(frame, random.nextInt(Math.min(frame.length, 80)));
        }
        // Ethernet's padding.
        return frame.length < 60 ? Arrays.copyOf(frame, 60) : frame;
    }

    private void ports(PacketBuilder packet, boolean tcp, int from, int to) {
        if (tcp) {
            packet.tcp(from, to).tcpFlags(tcpFlags());
        } else {
            packet.udp(from, to);
        }
    }

    /** One of a service's, by its id, as they are numbered; of another service where there is none. */
    private int realServer(boolean six, boolean tcp, int service) {
        int kind = (inet4 && six ? 2 : 0) + (tcp ? 1 : 0);
        return (kind * services + service) * realServers + random.nextInt(realServers);
    }

    private int tcpFlags() {
        return switch (random.nextInt(8)) {
            case 0, 1 -> PacketBuilder.TCP_SYN;
            case 2 -> PacketBuilder.TCP_FIN | PacketBuilder.TCP_ACK;
            case 3 -> PacketBuilder.TCP_RST;
            case 4 -> 0;
            default -> PacketBuilder.TCP_ACK;
        };
    }

    /** Options and extension headers that are right, and fields that are not. */
    private void disturb(PacketBuilder packet, boolean six) {
        switch (random.nextInt(six ? 7 : 6)) {
            case 0 -> packet.ipVersion(random.nextInt(16));
            case 1 -> packet.etherType(PacketBuilder.ETHERTYPE_ARP);
            case 2 -> packet.nextHeader(PacketBuilder.GRE);
            case 3 -> packet.ipLength(random.nextInt(700));
            case 4 -> extend(packet, six);
            case 5 -> {
                if (!six) {
                    packet.ipChecksum(random.nextInt(65536));
                }
            }
            default -> {
                // Hop-by-hop headers: nine are too many.
                int headers = random.nextInt(1, 11);
                for (int i = 0; i < headers; i++) {
                    packet.extension(PacketBuilder.DESTINATION_OPTIONS, 8);
                }
            }
        }
    }

    private void extend(PacketBuilder packet, boolean six) {
        if (six) {
            packet.extension(PacketBuilder.HOP_BY_HOP, 8).extension(PacketBuilder.AUTHENTICATION, 24);
        } else if (random.nextBoolean()) {
            packet.ipOptions(new byte[random.nextInt(1, 41)]);
        } else {
            packet.headerWords(random.nextInt(16));
        }
    }
}

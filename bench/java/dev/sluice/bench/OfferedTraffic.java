package dev.sluice.bench;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.util.List;

/**
 * What a generator sends, whichever it is: frames of many flows to virtual services.
 *
 * <p>Flow <i>f</i> comes from port 1024 + <i>f</i> mod 64,000, and the source address counts up with every 64,000. Where there are
 * several protocols or families, flows have them in turn, so a flow always is of the same.
 *
 * @param interfaceName in the network namespace of whoever sends
 * @param sourceMac 48 bits, first octet most significant, as the next
 * @param ends of each family once
 * @param protocols TCP (which is a SYN) or UDP, each once
 * @param port the virtual port
 * @param flows how many, at least 1
 * @param sizes of whole frames; raised to what the headers need
 */
public record OfferedTraffic(
        String interfaceName,
        long sourceMac,
        long destinationMac,
        List<Ends> ends,
        List<Protocol> protocols,
        int port,
        int flows,
        FrameSizes sizes) {
    /** The lowest source port. */
    public static final int FIRST_PORT = 1024;
    /** How many source ports an address has. */
    public static final int PORTS = 64_000;

    /** Source address of flow 0, and the virtual address. */
    public record Ends(IpAddress source, IpAddress destination) {
        /** Throws {@link IllegalArgumentException} for two families. */
        public Ends {
            if (source.family() != destination.family()) {
                throw new IllegalArgumentException(
                        source + " and " + destination + " are of different families, a packet has but one");
            }
        }
    }

    /** Throws {@link IllegalArgumentException} for traffic that cannot be sent. */
    public OfferedTraffic {
        ends = List.copyOf(ends);
        protocols = List.copyOf(protocols);
        if (flows < 1) {
            throw new IllegalArgumentException("flows must be 1 or more, not " + flows);
        }
        if (protocols.contains(Protocol.SCTP)) {
            throw new IllegalArgumentException("generators send TCP or UDP, not SCTP");
        }
        if (ends.isEmpty() || protocols.isEmpty() || ends.size() > 2) {
            throw new IllegalArgumentException("traffic needs a protocol and one or two pairs of addresses");
        }
        if (protocols.stream().distinct().count() < protocols.size()
                || ends.stream().map(each -> each.source().family()).distinct().count() < ends.size()) {
            throw new IllegalArgumentException("a protocol, or an address family, is named twice");
        }
    }

    /** Of one family, protocol and size. */
    public OfferedTraffic(
            String interfaceName,
            long sourceMac,
            long destinationMac,
            IpAddress source,
            IpAddress destination,
            Protocol protocol,
            int port,
            int flows,
            int frameBytes) {
        this(
                interfaceName,
                sourceMac,
                destinationMac,
                List.of(new Ends(source, destination)),
                List.of(protocol),
                port,
                flows,
                FrameSizes.of(frameBytes));
    }

    /** How many pairs of family and protocol there are; flow <i>f</i> is of kind <i>f</i> mod this. */
    public int kinds() {
        return ends.size() * protocols.size();
    }

    /** Addresses of a kind. */
    public Ends endsOf(int kind) {
        return ends.get(kind % ends.size());
    }

    /** Protocol of a kind. */
    public Protocol protocolOf(int kind) {
        return protocols.get(kind / ends.size());
    }

    /** Octets before the payload in frames of a kind. */
    public int headerBytes(int kind) {
        int ip = endsOf(kind).source().family() == AddressFamily.INET ? 20 : 40;
        return 14 + ip + (protocolOf(kind) == Protocol.TCP ? 20 : 8);
    }

    /** The frame of flow 0, were it of this kind. */
    public byte[] first(int kind, int frameBytes) {
        return frame(kind, frameBytes, endsOf(kind).source(), FIRST_PORT);
    }

    /**
     * A frame as it is sent.
     *
     * @param number the so-manieth of all, which decides on its size
     */
    public byte[] numbered(long number, int flow) {
        int kind = flow % kinds();
        IpAddress first = endsOf(kind).source();
        IpAddress source = first.family() == AddressFamily.INET
                ? IpAddress.ofInet((int) first.low() + flow / PORTS)
                : IpAddress.ofInet6(first.high(), first.low() + flow / PORTS);
        int bytes = sizes.distinct().get(sizes.indexOf(number, flows));
        return frame(kind, bytes, source, FIRST_PORT + flow % PORTS);
    }

    private byte[] frame(int kind, int frameBytes, IpAddress source, int sourcePort) {
        PacketBuilder packet = PacketBuilder.ethernet()
                .macs(sourceMac, destinationMac)
                .ip(source, endsOf(kind).destination());
        if (protocolOf(kind) == Protocol.TCP) {
            packet.tcp(sourcePort, port);
        } else {
            packet.udp(sourcePort, port);
        }
        // Zeros, so that what follows the headers is the same for all kinds.
        return packet.payload(new byte[Math.max(frameBytes - headerBytes(kind), 0)])
                .build();
    }
}

package dev.sluice.bench.net;

import dev.sluice.packet.Checksum;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;

/** A frame that arrived at the sink, and whether a director made it: the check before a subject is measured. */
final class ArrivedFrame {
    /** What a subject does to frames. */
    enum Way {
        /** To a real server's station, TTL less 1 or as it was. */
        ROUTED,
        /** To a real server's station inside another IP header to its address. */
        TUNNELLED,
        /** To a real server's station, otherwise untouched. */
        SWITCHED,
        /** Stations exchanged, so that it comes back to the generator; not what a director does. */
        REFLECTED
    }

    private static final int ETHERNET = 14;
    private static final int IPIP = 4;
    private static final int IPV6_IN_IP = 41;
    private static final int TCP = 6;
    private static final int UDP = 17;

    private final byte[] frame;
    private final MemorySegment segment;

    ArrivedFrame(byte[] frame) {
        this.frame = frame.clone();
        this.segment = MemorySegment.ofArray(this.frame);
    }

    /** What is wrong with it, empty when nothing is. */
    Optional<String> problem(Way way, Topology topology, Scenario scenario) {
        if (frame.length < ETHERNET + 20) {
            return Optional.of("a frame of " + frame.length + " bytes");
        }
        long destination = mac(0);
        long wanted = way == Way.REFLECTED ? Topology.GENERATOR_MAC : topology.realServerMac(0);
        int servers = way == Way.REFLECTED ? 1 : topology.shape().realServers();
        if (destination < wanted || destination >= wanted + servers) {
            return Optional.of("a frame to " + Topology.mac(destination) + ", not to " + Topology.mac(wanted));
        }
        int at = ETHERNET;
        if (way == Way.TUNNELLED) {
            int protocol = version(at) == 4 ? frame[at + 9] : frame[at + 6];
            if (protocol != IPIP && protocol != IPV6_IN_IP) {
                return Optional.of("a packet of protocol " + protocol + ", not IP in IP");
            }
            if (version(at) == 4 && Checksum.of(segment, at, 20) != 0) {
                return Optional.of("an outer header with a wrong checksum");
            }
            at += version(at) == 4 ? 20 : 40;
        }
        return inner(at, topology, scenario);
    }

    private Optional<String> inner(int at, Topology topology, Scenario scenario) {
        boolean is4 = version(at) == 4;
        int transport = at + (is4 ? 20 : 40);
        int length = is4 ? word(at + 2) - 20 : word(at + 4);
        if (is4 && Checksum.of(segment, at, 20) != 0) {
            return Optional.of("an IP header with a wrong checksum");
        }
        if (length < 8 || transport + length > frame.length) {
            return Optional.of("a packet whose length field says " + length);
        }
        IpAddress destination =
                IpAddress.ofBytes(Arrays.copyOfRange(frame, is4 ? at + 16 : at + 24, is4 ? at + 20 : at + 40));
        if (!topology.vips().contains(destination)) {
            return Optional.of("a packet to " + destination + ", not to the VIP " + topology.vips());
        }
        if (word(transport + 2) != scenario.port()) {
            return Optional.of("a packet to port " + word(transport + 2) + ", not to " + scenario.port());
        }
        int number = frame[is4 ? at + 9 : at + 6] & 0xff;
        if (scenario.protocols().stream().noneMatch(each -> number == (each == Protocol.TCP ? TCP : UDP))) {
            return Optional.of("a packet of protocol " + number);
        }
        return Checksum.transport(segment, at, !is4, number, transport, length) == 0
                ? Optional.empty()
                : Optional.of("a packet with a wrong transport checksum");
    }

    private int version(int at) {
        return (frame[at] & 0xff) >> 4;
    }

    private int word(int at) {
        return ((frame[at] & 0xff) << 8) | (frame[at + 1] & 0xff);
    }

    private long mac(int at) {
        long mac = 0;
        for (int octet = 0; octet < 6; octet++) {
            mac = (mac << 8) | (frame[at + octet] & 0xff);
        }
        return mac;
    }
}

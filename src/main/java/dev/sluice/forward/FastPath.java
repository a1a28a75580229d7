package dev.sluice.forward;

import dev.sluice.flow.FlowEvent;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.Checksum;
import dev.sluice.packet.Ethernet;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.Ipv6;
import dev.sluice.packet.Octets;
import dev.sluice.packet.Transport;
import java.lang.foreign.MemorySegment;

/**
 * Takes plain packets of known flows straight to their egress, and does to them, bit by bit, what parser, connection tracker and
 * rewriter would: nearly all packets, at less than half the cost. Plain is an untagged IP packet in one frame, without options or
 * extension headers, whole, that carries UDP or a TCP segment which only acknowledges; its flow is in this worker's table and
 * stays in its state; its real server has a row in the {@link FastTable}, and it fits. All others it leaves as they are for the
 * slow path. Owned by: worker.
 *
 * <p>Its loops call nothing that is not in line, so that what they need stays in registers, and go by address: that a frame lies
 * inside the UMEM, and its headers inside the frame, is made sure of once. {@link #forward} stops at the first packet that is not
 * for it, so that flows are found and made in the order of arrival.
 */
final class FastPath {
    private static final long U32 = 0xffff_ffffL;
    /** Ethernet, IPv4 and UDP header: no plain packet is shorter. */
    private static final int MIN_BYTES = Ethernet.HEADER_BYTES + Ipv4.MIN_HEADER_BYTES + Transport.UDP_HEADER_BYTES;
    /** How much outer headers take of the room before a frame. */
    private static final int HEADROOM = Ipv4.MIN_HEADER_BYTES;

    private static final int PLAIN_VERSION_IHL = 0x45;
    private static final int NOT_PLAIN_ACK = Transport.SYN | Transport.FIN | Transport.RST | Transport.ACK;

    private static final int AFTER_DATAGRAM = FlowEvent.statesAlike(FlowEvent.DATAGRAM);
    private static final int AFTER_ACK = FlowEvent.statesAlike(FlowEvent.TCP_ACK);

    // What the first pass tells the second of a packet: its length, and from these bits on the TTL and the states that
    // it does not
    // change.
    private static final int TTL_SHIFT = 16;
    private static final int STATES_SHIFT = 32;

    private final long base;

    /** How much there is from there on; none, and nothing is plain, when all go the slow path. */
    private long umemBytes;

    private final FlowTable flows;
    private final FlowHasher hasher;
    private final Counters counters;
    private final Identifications ids;
    private final boolean lowerTtl;
    private final boolean keepDontFragment;
    private final int tunnelTtl;

    /** By packet of the batch: what tells flows between the same addresses apart, 0 for what is not plain. */
    private final long[] tuples = new long[Batch.CAPACITY];
    /** CIP and VIP. */
    private final long[] addressPairs = new long[Batch.CAPACITY];

    /** CIP and VIP of IPv6, {@link FlowHasher#INET6_WORDS} words each packet. */
    private final long[] inet6Addresses = new long[FlowHasher.INET6_WORDS * Batch.CAPACITY];

    /** What the first pass tells the second of each packet. */
    private final long[] plain = new long[Batch.CAPACITY];

    /** Whether there is something to hash of IPv6. */
    private boolean inet6;

    FastPath(
            MemorySegment umem,
            FlowTable flows,
            FlowHasher hasher,
            Counters counters,
            PacketPolicy policy,
            Identifications ids) {
        if (!umem.isNative()) {
            throw new IllegalArgumentException("a UMEM lies outside the heap, where it has an address");
        }
        base = umem.address();
        umemBytes = umem.byteSize();
        this.flows = flows;
        this.hasher = hasher;
        this.counters = counters;
        this.ids = ids;
        lowerTtl = !policy.keepTtl();
        keepDontFragment = policy.pmtuDisc();
        tunnelTtl = policy.tunnelTtl();
    }

    /** Takes no packet from now on: for comparison with the slow path. */
    void close() {
        umemBytes = 0;
    }

    /** Reads packets of a batch: how many of them are not plain. */
    int read(Batch batch, int from, int to) {
        long[] addresses = batch.addresses();
        int[] lengths = batch.lengths();
        int others = 0;
        for (int i = from; i < to; i++) {
            long offset = addresses[i];
            int length = lengths[i];
            boolean isPlain = length >= MIN_BYTES && offset >= 0 && offset <= umemBytes - length && batch.tails(i) == 0;
            if (isPlain) {
                long frame = base + offset & Octets.ADDRESS_BITS;
                long ip = frame + Ethernet.HEADER_BYTES;
                int available = length - Ethernet.HEADER_BYTES;
                isPlain = switch (Octets.u16(frame + Ethernet.ETHERTYPE_OFFSET)) {
                    case Ethernet.TYPE_IPV4 -> readInet(i, ip, available);
                    case Ethernet.TYPE_IPV6 -> readInet6(i, ip, available);
                    default -> false;
                };
            }
            if (!isPlain) {
                tuples[i] = 0;
                others++;
            }
        }
        return others;
    }

    private boolean readInet(int index, long ip, int available) {
        // The whole header in four loads, one of them of some octets again: the words that the hash takes.
        long first = Octets.i64(ip);
        int third = Octets.i32(ip + Ipv4.TTL);
        long pair = Octets.i64(ip + Ipv4.SOURCE);
        long sum = (first >>> 32) + (first & U32) + (third & U32) + (pair >>> 32) + (pair & U32);
        int ipLength = (int) (first >>> 32) & 0xffff;
        int protocol = third >>> 16 & 0xff;
        if (first >>> 56 != PLAIN_VERSION_IHL
                || (first & Ipv4.FRAGMENT_MASK) != 0
                || ipLength > available
                || !Checksum.isIntact(sum)) {
            return false;
        }
        int states = states(protocol, ip + Ipv4.MIN_HEADER_BYTES, ipLength - Ipv4.MIN_HEADER_BYTES);
        if (states == 0) {
            return false;
        }
        tuples[index] = FlowHasher.tuple(Octets.i32(ip + Ipv4.MIN_HEADER_BYTES), protocol, FlowHasher.INET);
        addressPairs[index] = pair;
        plain[index] = (long) states << STATES_SHIFT | (third >>> 24) << TTL_SHIFT | ipLength;
        return true;
    }

    private boolean readInet6(int index, long ip, int available) {
        if (available < Ipv6.HEADER_BYTES + Transport.UDP_HEADER_BYTES) {
            return false;
        }
        long first = Octets.i64(ip);
        int payload = (int) (first >>> 16) & 0xffff;
        int protocol = (int) first >>> 8 & 0xff;
        if (first >>> 60 != 6 || Ipv6.HEADER_BYTES + payload > available) {
            return false;
        }
        int states = states(protocol, ip + Ipv6.HEADER_BYTES, payload);
        if (states == 0) {
            return false;
        }
        tuples[index] = FlowHasher.tuple(Octets.i32(ip + Ipv6.HEADER_BYTES), protocol, FlowHasher.INET6);
        int at = FlowHasher.INET6_WORDS * index;
        inet6Addresses[at] = Octets.i64(ip + Ipv6.SOURCE);
        inet6Addresses[at + 1] = Octets.i64(ip + Ipv6.SOURCE + Long.BYTES);
        inet6Addresses[at + 2] = Octets.i64(ip + Ipv6.DESTINATION);
        inet6Addresses[at + 3] = Octets.i64(ip + Ipv6.DESTINATION + Long.BYTES);
        plain[index] = (long) states << STATES_SHIFT | (first & 0xff) << TTL_SHIFT | (Ipv6.HEADER_BYTES + payload);
        inet6 = true;
        return true;
    }

    /** The states that a packet leaves as they are; none when it is not plain, or cut off. */
    private static int states(int protocol, long l4, int l4Bytes) {
        if (protocol == Transport.UDP) {
            return l4Bytes >= Transport.UDP_HEADER_BYTES ? AFTER_DATAGRAM : 0;
        }
        return protocol == Transport.TCP
                        && l4Bytes >= Transport.TCP_MIN_HEADER_BYTES
                        && (Octets.u8(l4 + Transport.TCP_FLAGS) & NOT_PLAIN_ACK) == Transport.ACK
                ? AFTER_ACK
                : 0;
    }

    /** The hashes of what {@link #read} found plain. */
    void hash(long[] hashes, int from, int to) {
        hasher.hashInet(addressPairs, tuples, hashes, from, to);
        if (inet6) {
            hasher.hashInet6(inet6Addresses, tuples, hashes, from, to);
            inet6 = false;
        }
    }

    /** Passes over a packet of the batch that {@link #read} has not seen. */
    void pass(int index) {
        tuples[index] = 0;
    }

    /** Whether a packet was plain. */
    boolean isPlain(int index) {
        return tuples[index] != 0;
    }

    // What was read of a plain packet, for those who forward it otherwise.

    boolean inet6(int index) {
        return (tuples[index] & 0xff) == FlowHasher.INET6;
    }

    int protocol(int index) {
        return (int) tuples[index] >>> 8 & 0xff;
    }

    int ipLength(int index) {
        return (int) plain[index] & 0xffff;
    }

    int ttl(int index) {
        return (int) plain[index] >>> TTL_SHIFT & 0xff;
    }

    /** The states that it does not change. */
    int states(int index) {
        return (int) (plain[index] >>> STATES_SHIFT);
    }

    /** The slot of its flow, expired or not, or a negative number. */
    int search(int index, long hash) {
        long tuple = tuples[index];
        return (tuple & 0xff) == FlowHasher.INET6
                ? flows.searchInet6(tuple, inet6Addresses, FlowHasher.INET6_WORDS * index, hash)
                : flows.searchInet(tuple, addressPairs[index] >>> 32, addressPairs[index] & U32, hash);
    }

    /** The translation that it is a reply of, expired or not, or {@link FlowTable#NOT_FOUND}. */
    int searchReply(int index, long hash) {
        long tuple = tuples[index];
        if ((tuple & 0xff) != FlowHasher.INET6) {
            return flows.searchReply(tuple, 0, addressPairs[index] >>> 32, 0, addressPairs[index] & U32, hash);
        }
        int at = FlowHasher.INET6_WORDS * index;
        return flows.searchReply(
                tuple,
                inet6Addresses[at],
                inet6Addresses[at + 1],
                inet6Addresses[at + 2],
                inet6Addresses[at + 3],
                hash);
    }

    /** Forwards packets of a batch, up to the first that it does not, whose index it gives. */
    int forward(ForwardingSnapshot snapshot, Batch batch, long[] hashes, int from, int to, long nowMs) {
        long[] rows = snapshot.fast().rows();
        int realServers = rows.length / FastTable.ROW;
        long[] addresses = batch.addresses();
        int[] egress = batch.egress();
        int i = from;
        for (; i < to; i++) {
            long tuple = tuples[i];
            if (tuple == 0) {
                break;
            }
            boolean inet6 = (tuple & 0xff) == FlowHasher.INET6;
            int slot = inet6
                    ? flows.searchInet6(tuple, inet6Addresses, FlowHasher.INET6_WORDS * i, hashes[i])
                    : flows.searchInet(tuple, addressPairs[i] >>> 32, addressPairs[i] & U32, hashes[i]);
            long read = plain[i];
            if (slot < 0 || !flows.staysAlike(slot, (int) (read >>> STATES_SHIFT), nowMs)) {
                break;
            }
            int realServer = flows.realServer(slot);
            if (realServer >= realServers) {
                break;
            }
            int row = realServer * FastTable.ROW;
            long service = rows[row + FastTable.SERVICE_AND_ROOM];
            int ipLength = (int) read & 0xffff;
            int ttl = (int) read >>> TTL_SHIFT & 0xff;
            boolean tunnel = ((int) service & FastTable.TUNNEL) != 0;
            if (ipLength > ((int) service & FastTable.ROOM_MASK)
                    || ttl <= 1
                    || (tunnel && (inet6 || addresses[i] < HEADROOM))) {
                break;
            }
            flows.touchSame(slot, ipLength, nowMs);
            long frame = base + addresses[i] & Octets.ADDRESS_BITS;
            long ip = frame + Ethernet.HEADER_BYTES;
            if (lowerTtl) {
                ttl--;
                if (inet6) {
                    Octets.putU8(ip + Ipv6.HOP_LIMIT, ttl);
                } else {
                    Octets.putI32(ip + Ipv4.TTL, Checksum.withLowerTtl(Octets.i32(ip + Ipv4.TTL)));
                }
            }
            if (tunnel) {
                frame = encapsulate(ip, ipLength, ttl, rows[row + FastTable.OUTER_ADDRESSES]);
                batch.move(i, frame - base, Ethernet.HEADER_BYTES + Ipv4.MIN_HEADER_BYTES + ipLength);
            }
            long tailAndPort = rows[row + FastTable.MAC_TAIL_AND_PORT];
            Octets.putI64(frame, rows[row + FastTable.MAC_HEAD]);
            Octets.putI32(frame + 8, (int) (tailAndPort >>> 32));
            egress[i] = (int) tailAndPort;
            counters.packet((int) (service >>> 32), realServer, ipLength);
        }
        counters.add(Counter.FLOW_HIT, i - from);
        return i;
    }

    /** Puts an outer header before a packet, as {@link Encapsulation} does; where its link header begins. */
    private long encapsulate(long ip, int ipLength, int ttl, long outerAddresses) {
        long first = Octets.i64(ip);
        long trafficClass = first >>> 48 & 0xff;
        boolean dontFragment = keepDontFragment && (first & Ipv4.DONT_FRAGMENT) != 0;
        long fragment = dontFragment ? Ipv4.DONT_FRAGMENT : ((long) ids.next() << 16) & U32;
        long head = 0x4500_0000L | trafficClass << 16 | (ipLength + Ipv4.MIN_HEADER_BYTES);
        long ttlAndProtocol = (tunnelTtl == PacketPolicy.INHERIT ? ttl : tunnelTtl) * 256L + Transport.IPIP;
        long sum = (head >>> 16)
                + (head & 0xffff)
                + fragment
                + ttlAndProtocol
                + (outerAddresses >>> 32)
                + (outerAddresses & U32);
        long checksum = ~Checksum.fold(sum) & 0xffff;
        long outer = ip - Ipv4.MIN_HEADER_BYTES;
        Octets.putU16(outer - 2, Ethernet.TYPE_IPV4);
        Octets.putI64(outer, head << 32 | fragment);
        Octets.putI32(outer + Ipv4.TTL, (int) (ttlAndProtocol << 16 | checksum));
        Octets.putI64(outer + Ipv4.SOURCE, outerAddresses);
        return outer - Ethernet.HEADER_BYTES;
    }
}

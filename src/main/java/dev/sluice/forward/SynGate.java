package dev.sluice.forward;

import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.SequenceCopy;
import dev.sluice.flow.SequenceTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Lets clients of SYN-proxied services through to the scheduler once they have shown that they got their SYN cookie: a SYN is answered, the
 * acknowledgement of a cookie becomes the SYN that opens the connection, and until the real server has answered every segment of the client's
 * repeats that. Owned by: worker.
 *
 * <p>Who answered the SYN does not matter: the cookie says all, and all workers have its key.
 */
final class SynGate {
    /** {@link #meet} and {@link #enter}: the packet goes on, as it is or as a SYN. */
    static final int GOES_ON = 0;

    private static final int DROPPED = Batch.DROPPED;
    /** The packet has become an answer, and its egress is set. */
    static final int ANSWERED = -2;
    /** {@link #meet}: the flow is over, and the packet opens another between the same ports. */
    static final int REOPENS = -3;

    private static final int CONTROL = Transport.SYN | Transport.ACK | Transport.FIN | Transport.RST;
    private static final int SYN_RECV = FlowState.SYN_RECV.code();
    private static final int CLOSING = 1 << FlowState.FIN_WAIT.code()
            | 1 << FlowState.TIME_WAIT.code()
            | 1 << FlowState.CLOSE.code()
            | 1 << FlowState.CLOSE_WAIT.code()
            | 1 << FlowState.LAST_ACK.code();

    /** For so long clients have cookies of a service that is not SYN-proxied any more: {@link SynCookie}'s two minutes. */
    private static final long COOKIE_LIFE_MS = 120_000;

    private static final long NEVER = Long.MIN_VALUE / 2;

    private final MemorySegment umem;
    private final FlowTable flows;
    private final FlowExchange exchange;
    private final Counters counters;
    private final SynCookie cookies;
    private final SynProxy proxy;
    private final Translation known = new Translation();
    private final SequenceCopy numbers = new SequenceCopy();
    /** When a SYN of each service was answered last. */
    private final long[] answeredMs = new long[ForwardingSnapshot.MAX_SERVICES];

    private Batch batch = new Batch(0);
    private int index;
    private int ingressPort;

    /** The sequence number of the SYN for which {@link #size} found a cookie. */
    private int initial;

    // Of the client whose acknowledgement has become a SYN.
    private boolean admitted;
    private int clientInitial;
    private int cookie;
    private int window;
    private int options;

    SynGate(
            MemorySegment umem,
            FlowTable flows,
            FlowExchange exchange,
            int worker,
            FlowHasher hasher,
            Counters counters,
            SynProxyPolicy policy) {
        this.umem = umem;
        this.flows = flows;
        this.exchange = exchange;
        this.counters = counters;
        this.cookies = new SynCookie(hasher.derivedKey('s' << 16 | 'y' << 8 | 'n'));
        this.proxy = new SynProxy(umem, cookies, policy);
        known.setOwner(worker);
        Arrays.fill(answeredMs, NEVER);
    }

    /** What makes the packets. */
    SynProxy proxy() {
        return proxy;
    }

    /** Says which packet is about to be looked at. */
    void begin(Batch of, int packet, int ingress) {
        batch = of;
        index = packet;
        ingressPort = ingress;
        admitted = false;
    }

    /** Whether the packet in hand was the acknowledgement of a cookie, and has become the SYN of a new flow. */
    boolean hasAdmitted() {
        return admitted;
    }

    /** Notes in a flow's numbers what is known of the client admitted; false when they are busy. */
    boolean awaitServer(SequenceTable table, Translation translation) {
        return table.awaitServer(
                translation.numbersSlot(), translation.numbersTag(), clientInitial, cookie, window, options);
    }

    /**
     * Takes a packet without a flow.
     *
     * @param packet of a service, without RST; read anew when it has become a SYN
     * @return {@link #GOES_ON}, {@link #ANSWERED}, or {@link Batch#DROPPED} when it was counted
     */
    int enter(ForwardingSnapshot snapshot, int service, PacketView packet, long nowMs) {
        if (packet.protocol() != Transport.TCP || !guards(snapshot, service, nowMs)) {
            return GOES_ON;
        }
        boolean proxied = snapshot.options().isSynProxied(service);
        int flags = packet.tcpFlags() & CONTROL;
        if (flags == Transport.SYN) {
            return proxied ? answer(snapshot, service, packet, nowMs) : GOES_ON;
        }
        if ((flags & (Transport.SYN | Transport.ACK)) == Transport.ACK && admit(packet, nowMs)) {
            return GOES_ON;
        }
        if (!proxied) {
            return GOES_ON;
        }
        counters.increment(Counter.SYN_COOKIE_INVALID);
        return DROPPED;
    }

    /**
     * Takes a packet of a known TCP flow that is translated.
     *
     * @param mayReopen whether the flow is as good as over whatever its state
     * @return as {@link #enter}, or {@link #REOPENS}
     */
    int meet(ForwardingSnapshot snapshot, PacketView packet, int slot, boolean mayReopen, long nowMs) {
        int state = flows.stateCode(slot);
        if (state == SYN_RECV && (flows.flags(slot) & FlowTable.FLAG_NUMBERED) != 0) {
            return await(snapshot, packet, slot, nowMs);
        }
        if (!mayReopen && (CLOSING >>> state & 1) == 0) {
            return GOES_ON;
        }
        int service = snapshot.findService(packet);
        if (service == ForwardingSnapshot.NONE || !guards(snapshot, service, nowMs)) {
            return GOES_ON;
        }
        int flags = packet.tcpFlags() & CONTROL;
        if (flags == Transport.SYN && snapshot.options().isSynProxied(service)) {
            return answer(snapshot, service, packet, nowMs);
        }
        return flags == Transport.ACK && isOther(packet, slot) && size(packet, nowMs) != SynCookie.INVALID
                ? REOPENS
                : GOES_ON;
    }

    /** A packet of a flow whose real server has not answered, if that has anything to do with cookies. */
    private int await(ForwardingSnapshot snapshot, PacketView packet, int slot, long nowMs) {
        SequenceTable table = exchange.sequencesOf(known);
        if (table == null || !flows.translation(slot, known) || !known.hasNumbers()) {
            return GOES_ON;
        }
        if (!table.read(known.numbersSlot(), known.numbersTag(), numbers)) {
            counters.increment(Counter.NUMBERS_BUSY);
            return DROPPED;
        }
        if (!numbers.awaitsServer()) {
            return GOES_ON;
        }
        long l4 = packet.l4Offset();
        int flags = packet.tcpFlags() & CONTROL;
        if ((flags & Transport.RST) != 0) {
            // What it acknowledges is the cookie, of which the real server does not know.
            Tcp.putI32(umem, l4, l4 + Tcp.ACKNOWLEDGEMENT, 0);
            Tcp.putU16(umem, l4, l4 + Tcp.DATA_OFFSET, Wire.u16(umem, l4 + Tcp.DATA_OFFSET) & ~Transport.ACK);
            return GOES_ON;
        }
        if (flags == Transport.SYN) {
            int service = snapshot.findService(packet);
            return service == ForwardingSnapshot.NONE ? GOES_ON : answer(snapshot, service, packet, nowMs);
        }
        if ((flags & (Transport.SYN | Transport.ACK)) == Transport.ACK && !packet.isFragment()) {
            if (Wire.i32(umem, l4 + Tcp.ACKNOWLEDGEMENT) - 1 != numbers.cookie()) {
                if (size(packet, nowMs) != SynCookie.INVALID) {
                    return REOPENS;
                }
            } else if (proxy.openServer(batch, index, packet, numbers.clientInitial(), nowMs)) {
                readAnew(packet);
                return GOES_ON;
            }
        }
        counters.increment(Counter.SYN_COOKIE_INVALID);
        return DROPPED;
    }

    /** Whether a segment acknowledges another initial number than the one that was given for a flow. */
    private boolean isOther(PacketView packet, int slot) {
        SequenceTable table = exchange.sequencesOf(known);
        if (table == null || !flows.translation(slot, known) || !known.hasNumbers()) {
            return true;
        }
        return !table.read(known.numbersSlot(), known.numbersTag(), numbers)
                || Wire.i32(umem, packet.l4Offset() + Tcp.ACKNOWLEDGEMENT) - 1 != numbers.cookie();
    }

    private boolean guards(ForwardingSnapshot snapshot, int service, long nowMs) {
        return snapshot.nat().any()
                && (snapshot.options().isSynProxied(service) || nowMs - answeredMs[service] < COOKIE_LIFE_MS);
    }

    private int answer(ForwardingSnapshot snapshot, int service, PacketView packet, long nowMs) {
        int reserved = NumberedSegments.addedBytes(snapshot.options().clientAddress(service), packet.inet6());
        if (packet.isFragment() || !proxy.answerSyn(batch, index, packet, ingressPort, reserved, nowMs)) {
            counters.increment(Counter.SYN_COOKIE_INVALID);
            return DROPPED;
        }
        answeredMs[service] = nowMs;
        counters.increment(Counter.SYN_PROXY_ANSWERED);
        return ANSWERED;
    }

    /** Makes the acknowledgement of a cookie a SYN, and keeps what it says; false, and nothing done, when it is none. */
    private boolean admit(PacketView packet, long nowMs) {
        if (packet.isFragment() || size(packet, nowMs) == SynCookie.INVALID) {
            return false;
        }
        long l4 = packet.l4Offset();
        int header = Tcp.headerBytes(umem, l4, SegmentEdit.available(batch, index, packet));
        int acknowledged = Wire.i32(umem, l4 + Tcp.ACKNOWLEDGEMENT) - 1;
        int told = Wire.u16(umem, l4 + Tcp.WINDOW);
        int kept = header == 0 ? 0 : proxy.keptOptions(l4, header);
        if (!proxy.openServer(batch, index, packet, initial, nowMs)) {
            return false;
        }
        admitted = true;
        clientInitial = initial;
        cookie = acknowledged;
        window = told;
        options = kept;
        readAnew(packet);
        return true;
    }

    /**
     * The client's MSS, if a segment acknowledges a cookie, or {@link SynCookie#INVALID}: of the last segment of the handshake, or of a window
     * probe or keep-alive behind it, which have the number before (RFC 9293 section 3.8.4).
     */
    private int size(PacketView packet, long nowMs) {
        long l4 = packet.l4Offset();
        int sequence = Wire.i32(umem, l4 + Tcp.SEQUENCE);
        int acknowledged = Wire.i32(umem, l4 + Tcp.ACKNOWLEDGEMENT) - 1;
        int minute = SynCookie.minute(nowMs);
        initial = sequence - 1;
        int size = cookies.check(packet, initial, acknowledged, minute);
        if (size == SynCookie.INVALID) {
            initial = sequence;
            size = cookies.check(packet, initial, acknowledged, minute);
        }
        return size;
    }

    private void readAnew(PacketView packet) {
        int code =
                PacketParser.parse(umem, batch.address(index), batch.length(index), batch.tailsLength(index), packet);
        assert code == PacketParser.OK;
    }
}

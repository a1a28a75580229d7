package dev.sluice.forward;

import dev.sluice.flow.FlowCounts;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.FragmentTable;
import dev.sluice.flow.PersistenceTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.Icmp;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Takes a batch of packets from the RX ring to their verdicts: parse, connection, scheduler, rewrite. Owned by: worker.
 *
 * <p>Three passes over the batch: the first parses, having loaded the lines of all headers, and loads those on which the
 * flows' searches begin, so that cache misses overlap; the second finds or makes each flow, in the order of arrival; the
 * third rewrites. Plain packets of known flows, which are nearly all, need no third: {@link FastPath} has read them in the first,
 * and in the second sends them on their way. Nothing allocates but the first new flow of a service, which makes the worker's
 * scheduler state for it.
 */
public final class Pipeline {
    /** The most packets that may be put into a batch. */
    public static final int MAX_BATCH = Batch.MAX_RECEIVED;

    private static final int DROPPED = Batch.DROPPED;
    // In egress, between the passes, of what the fast path has not given its port: below what a batch means by itself.
    private static final int CONNECTION = -3;
    private static final int FRAGMENT = -4;
    private static final int ICMP = -5;
    private static final int DIRECTED = -6;
    private static final int ECHO = -7;

    /** By code of the parser; null for what goes on. */
    private static final @Nullable Counter[] PARSE_DROPS = parseDrops();

    private final MemorySegment umem;
    private final FlowTable flows;
    private final FlowExchange exchange;
    private final Counters counters;
    private final ConnectionPolicy connectionPolicy;
    private final PacketPolicy packetPolicy;
    private final FlowAdoption adoption;
    private final NodestSweep nodestSweep;
    private final PersistenceTable.Sweeper templateSweep;
    private final ConnectionTracker tracker;
    private final FragmentTable fragments;
    private final FragmentHold held;
    private final Identifications ids;
    private final IcmpAnswers answers;
    private final Rewriter rewriter;
    private final FastPath fastPath;
    private final FastNat fastNat;
    private final Translator translator;
    private final RelatedFlows related;
    private final SynGate gate;
    private final ChecksumSample checksums;
    private final NumberedSegments segments;
    private final ReplyPath replies;

    private final PacketView[] packets = new PacketView[Batch.CAPACITY];
    private final long[] hashes = new long[Batch.CAPACITY];
    private final int[] realServers = new int[Batch.CAPACITY];
    private final int[] scratch = new int[Batch.CAPACITY];
    /** Whether there is NAT, or connections that it has left behind. */
    private boolean translating;

    /** The translation of the later fragment in hand. */
    private final Translation ofFragment = new Translation();

    /** The flow that an ICMP error is about. */
    private final PacketView quoted = new PacketView();
    /** Keeps the loads of the first pass alive; of no other meaning. */
    long touched;

    /**
     * A pipeline of one worker.
     *
     * @param umem all frames' segment
     * @param flows the worker's connection table, with room for {@link ForwardingSnapshot#MAX_REAL_SERVERS} ids
     * @param connections over all workers, this one's included
     * @param templates the worker's part of the persistence table, which the connection table knows
     * @param fragments where datagrams in fragments go, shared by all workers
     * @param hasher under the director's key
     * @param counters the worker's
     * @param connectionPolicy what becomes of connections where there is a choice
     * @param packetPolicy what is done to packets where there is a choice
     * @param exchange with the other workers' tables, which {@code flows} joins here
     */
    public Pipeline(
            MemorySegment umem,
            FlowTable flows,
            FlowCounts connections,
            PersistenceTable.Sweeper templates,
            FragmentTable fragments,
            FlowHasher hasher,
            Counters counters,
            ConnectionPolicy connectionPolicy,
            PacketPolicy packetPolicy,
            FlowExchange exchange) {
        int worker = exchange.join(flows);
        this.umem = umem;
        this.flows = flows;
        this.exchange = exchange;
        this.counters = counters;
        this.connectionPolicy = connectionPolicy;
        this.packetPolicy = packetPolicy;
        this.adoption = new FlowAdoption(exchange, worker, flows, counters);
        this.nodestSweep = new NodestSweep(flows, counters);
        this.templateSweep = templates;
        this.translator = new Translator(umem, flows, hasher, exchange, worker);
        this.related = new RelatedFlows(flows, connections, hasher, counters, translator, exchange.expectations());
        this.gate = new SynGate(umem, flows, exchange, worker, hasher, counters, SynProxyPolicy.DEFAULT);
        this.checksums = new ChecksumSample(umem, counters);
        this.segments =
                new NumberedSegments(umem, flows, exchange, worker, counters, packetPolicy.toaInet6Kind(), gate);
        this.tracker = new ConnectionTracker(
                flows,
                connections,
                hasher,
                counters,
                connectionPolicy,
                adoption,
                templates.table(),
                translator,
                related,
                gate,
                segments);
        this.fragments = fragments;
        this.held = new FragmentHold(umem);
        this.ids = new Identifications(worker, exchange.workers(), (int) System.nanoTime());
        this.answers = new IcmpAnswers(umem, counters, ids, packetPolicy.icmpErrorsPerSecond());
        FamilyCrossing crossing = new FamilyCrossing(umem, counters, ids, answers);
        this.rewriter = new Rewriter(umem, counters, packetPolicy, ids, answers, crossing);
        this.replies =
                new ReplyPath(umem, flows, exchange, worker, counters, packetPolicy, answers, segments, crossing);
        this.fastPath = new FastPath(umem, flows, hasher, counters, packetPolicy, ids);
        this.fastNat = new FastNat(umem, fastPath, flows, counters, packetPolicy);
        for (int i = 0; i < packets.length; i++) {
            packets[i] = new PacketView();
        }
    }

    /**
     * Decides on every packet of a batch and rewrites those that go on. Every packet is counted as input and, if dropped,
     * under its reason; the caller counts the others by {@link #transmitted}. There may be more packets afterwards: pieces of
     * large ones, and those let go that an earlier batch kept back.
     *
     * @param snapshot the configuration that holds for the whole batch
     * @param batch up to {@link #MAX_BATCH} packets, or none, to let go what has waited
     * @param ingressPort the port by which all of them came in
     * @param nowMs the worker's monotonic clock, read once a duty cycle
     */
    public void process(ForwardingSnapshot snapshot, Batch batch, int ingressPort, long nowMs) {
        counters.add(Counter.PACKETS_IN, batch.count());
        decide(snapshot, batch, ingressPort, nowMs);
    }

    /** As {@link #process}, of the one packet that {@code sluice trace} has made, which did not come in. */
    public void processMade(ForwardingSnapshot snapshot, Batch batch, int ingressPort, long nowMs) {
        counters.add(Counter.TRACE_SENT, batch.count());
        decide(snapshot, batch, ingressPort, nowMs);
    }

    private void decide(ForwardingSnapshot snapshot, Batch batch, int ingressPort, long nowMs) {
        int received = batch.count();
        translating = snapshot.nat().any() || replies.hasConnections();
        translator.ingress(ingressPort);
        held.sweep(batch, fragments, nowMs);
        parse(batch, 0);
        direct(snapshot, batch, received, ingressPort, nowMs);
        rewrite(snapshot, batch, ingressPort, nowMs);
    }

    /** All frames. */
    public MemorySegment frames() {
        return umem;
    }

    /** What takes most packets. */
    FastPath fastPath() {
        return fastPath;
    }

    /** What takes most of NAT's. */
    FastNat fastNat() {
        return fastNat;
    }

    /** Of packets that the director makes. */
    Identifications identifications() {
        return ids;
    }

    /** How many packets of earlier batches it keeps. */
    public int heldPackets() {
        return held.packets();
    }

    /** How many frames of earlier batches it keeps. */
    public int held() {
        return held.frames();
    }

    /**
     * Counts what became of the packets that {@link #process} let go on.
     *
     * @param sent packets put into a TX ring
     * @param refused packets for which a TX ring had no room
     */
    public void transmitted(int sent, int refused) {
        counters.add(Counter.FORWARDED, sent);
        counters.add(Counter.TX_RING_FULL, refused);
    }

    /** Counts packets that came in but were in more frames than a batch takes of one packet, and dropped for that. */
    public void inTooManyFrames(int packets) {
        counters.add(Counter.PACKETS_IN, packets);
        counters.add(Counter.TOO_MANY_FRAMES, packets);
    }

    /**
     * Forgets expired flows, a few at a time; between batches, once a duty cycle.
     *
     * @param snapshot the configuration that holds
     * @param budget the most steps of the flow table's timer wheel
     * @return how many flows were looked at
     */
    public int expire(ForwardingSnapshot snapshot, int budget, long nowMs) {
        int looked = adoption.collect() + replies.collect(nowMs);
        looked += connectionPolicy.expireNodest() ? nodestSweep.run(snapshot, budget) : 0;
        return looked + flows.expire(budget, nowMs) + templateSweep.run(nowMs);
    }

    /** The packets of a batch from one on. */
    private void parse(Batch batch, int from) {
        int count = batch.count();
        touched ^= touchFrames(batch.addresses(), from, count);
        if (fastPath.read(batch, from, count) > 0) {
            for (int i = from; i < count; i++) {
                if (!fastPath.isPlain(i)) {
                    parseOne(batch, i);
                    if (batch.egress(i) == CONNECTION) {
                        hashes[i] = tracker.hash(packets[i]);
                    }
                }
            }
        }
        fastPath.hash(hashes, from, count);
        // Of a packet without flow it is the hash of one before, and does no harm.
        touched ^=
                translating ? flows.touchBothWays(hashes, scratch, from, count) : flows.touchHomes(hashes, from, count);
    }

    private void parseOne(Batch batch, int index) {
        int code = PacketParser.parse(
                umem, batch.address(index), batch.length(index), batch.tailsLength(index), packets[index]);
        if (code == PacketParser.OK) {
            batch.setEgress(index, CONNECTION);
        } else if (code == PacketParser.FRAGMENT) {
            batch.setEgress(index, FRAGMENT);
        } else if (code == PacketParser.ICMP) {
            batch.setEgress(index, ICMP);
        } else {
            drop(batch, index, PARSE_DROPS[code]);
        }
    }

    /** Loads the line in which each packet's headers begin, which another processor or the device has written. */
    private long touchFrames(long[] addresses, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum ^= Wire.u8(umem, addresses[i]);
        }
        return sum;
    }

    /**
     * @param received how many packets are new; those behind them have waited
     */
    private void direct(ForwardingSnapshot snapshot, Batch batch, int received, int ingressPort, long nowMs) {
        // Grows when a first fragment lets later ones go.
        for (int i = 0; i < batch.count(); i++) {
            i = fastPath.forward(snapshot, batch, hashes, i, batch.count(), nowMs);
            if (translating) {
                int stopped = i;
                i = fastNat.forward(snapshot, batch, hashes, i, batch.count(), nowMs);
                if (i > stopped) {
                    // Looked at again there, where it may be for the other.
                    i--;
                    continue;
                }
            }
            if (i < batch.count()) {
                int before = batch.count();
                directOne(snapshot, batch, i, received, ingressPort, nowMs);
                for (int made = before; made < batch.count(); made++) {
                    if (batch.egress(made) >= 0) {
                        // A piece of a reply, on its way already; nobody has read it.
                        fastPath.pass(made);
                    }
                }
            }
        }
    }

    private void directOne(
            ForwardingSnapshot snapshot, Batch batch, int index, int received, int ingressPort, long nowMs) {
        if (fastPath.isPlain(index)) {
            parseOne(batch, index);
        }
        switch (batch.egress(index)) {
            case CONNECTION -> {
                if (translating && directReply(snapshot, batch, index, ingressPort, nowMs)) {
                    return;
                }
                checksums.look(batch, index, packets[index]);
                gate.begin(batch, index, ingressPort);
                int realServer = tracker.realServerOf(snapshot, packets[index], hashes[index], nowMs);
                if (realServer == SynGate.ANSWERED) {
                    return;
                }
                Translation translation = translator.current();
                if (realServer >= 0 && translation != null) {
                    translate(snapshot, batch, index, translation, ingressPort, nowMs);
                    return;
                }
                if (packets[index].isFragment()) {
                    directRest(batch, packets[index], realServer, nowMs);
                }
                setDirection(batch, index, realServer);
            }
            case FRAGMENT -> directFragment(snapshot, batch, index, index < received, ingressPort, nowMs);
            case ICMP -> directIcmp(snapshot, batch, index, ingressPort, nowMs);
            default -> {
                // Dropped by the first pass.
            }
        }
    }

    /**
     * Forwards a client's packet whose connection is translated, all of it: its translation is at hand now, and would have to be read
     * again in the third pass.
     */
    private void translate(
            ForwardingSnapshot snapshot, Batch batch, int index, Translation translation, int ingressPort, long nowMs) {
        PacketView packet = packets[index];
        batch.setEgress(index, DROPPED);
        if (translation.hasNumbers()
                && (rewriter.isRefused(snapshot, batch, index, packet, translation, hashes[index], ingressPort, nowMs)
                        || !control(snapshot, batch, index, translation, nowMs))) {
            return;
        }
        if (packet.isFragment()) {
            directRest(batch, packet, exchange.wayOfRequest(translation), nowMs);
        }
        rewriter.rewriteTranslated(snapshot, batch, index, packet, translation, hashes[index], ingressPort, nowMs);
    }

    /** Takes a client's segment of a connection whose segments are changed; false when it was dropped and counted. */
    private boolean control(ForwardingSnapshot snapshot, Batch batch, int index, Translation translation, long nowMs) {
        int announced = segments.toServer(snapshot, batch, index, packets[index], translation, hashes[index]);
        if (announced < 0) {
            return false;
        }
        if (announced > 0) {
            counters.increment(Counter.FTP_EXPECTED);
            Translation data = related.listen(
                    snapshot, packets[index], translation.realServer(), announced, translation.realPort(), nowMs);
            return data == null
                    || !data.isLocal()
                    || segments.announceLocal(snapshot, batch, index, packets[index], translation, data, hashes[index]);
        }
        return true;
    }

    /** Forwards what is a reply of NAT's, all of it; false when it is none. */
    private boolean directReply(ForwardingSnapshot snapshot, Batch batch, int index, int ingressPort, long nowMs) {
        PacketView packet = packets[index];
        // A service's packet is a client's: a flood of them costs no look-up in the tables of others.
        if (snapshot.findService(packet) != ForwardingSnapshot.NONE) {
            return false;
        }
        if (!replies.find(packet, hashes[index], nowMs)) {
            if (snapshot.nat().isToLocalAddress(packet)) {
                drop(batch, index, Counter.REPLY_WITHOUT_FLOW);
                return true;
            }
            boolean passes = snapshot.nat().isFromRealServer(packet)
                    && !packet.isFragment()
                    && flows.find(packet, hashes[index], nowMs) == FlowTable.NOT_FOUND;
            if (passes) {
                replies.passOn(snapshot, batch, index, packet, hashes[index], ingressPort, nowMs);
            }
            return passes;
        }
        if (packet.isFragment()) {
            directRest(batch, packet, replies.way(), nowMs);
        }
        replies.forward(snapshot, batch, index, packet, hashes[index], ingressPort, nowMs);
        return true;
    }

    private void setDirection(Batch batch, int index, int realServer) {
        realServers[index] = realServer;
        batch.setEgress(index, realServer < 0 ? DROPPED : DIRECTED);
    }

    /** The first fragment of a datagram says where the others go, those that came before it as well. */
    private void directRest(Batch batch, PacketView first, long way, long nowMs) {
        long datagram = fragments.hash(first);
        if (way >= 0 && fragments.put(first, datagram, way, nowMs)) {
            int before = batch.count();
            held.release(batch, datagram);
            if (batch.count() > before) {
                parse(batch, before);
            }
        }
    }

    private void directFragment(
            ForwardingSnapshot snapshot, Batch batch, int index, boolean mayWait, int ingressPort, long nowMs) {
        PacketView packet = packets[index];
        long datagram = fragments.hash(packet);
        // All later fragments of a datagram take one way.
        hashes[index] = datagram;
        long way = fragments.find(packet, datagram, nowMs);
        if (way != FragmentTable.NONE) {
            int realServer = FragmentTable.realServer(way);
            if (FragmentTable.isReply(way)) {
                replies.forwardFragment(snapshot, batch, index, packet, way, ingressPort, nowMs);
            } else if (FragmentTable.isTranslated(way)) {
                translateFragment(snapshot, batch, index, way, ingressPort, nowMs);
            } else if (snapshot.serviceOf(realServer) == ForwardingSnapshot.NONE) {
                drop(batch, index, Counter.REAL_SERVER_GONE);
            } else {
                setDirection(batch, index, realServer);
            }
        } else if (!mayWait) {
            drop(batch, index, Counter.FRAGMENT_WITHOUT_FIRST);
        } else if (held.hold(batch, index, datagram, nowMs)) {
            counters.increment(Counter.FRAGMENT_HELD);
        } else {
            drop(batch, index, Counter.FRAGMENT_HOLD_FULL);
        }
    }

    /** Forwards a later fragment of a datagram of a client's whose connection is translated. */
    private void translateFragment(
            ForwardingSnapshot snapshot, Batch batch, int index, long way, int ingressPort, long nowMs) {
        batch.setEgress(index, DROPPED);
        if (snapshot.serviceOf(FragmentTable.realServer(way)) == ForwardingSnapshot.NONE) {
            counters.increment(Counter.REAL_SERVER_GONE);
        } else if (exchange.readTranslation(way, packets[index], ofFragment)) {
            rewriter.rewriteTranslated(
                    snapshot, batch, index, packets[index], ofFragment, hashes[index], ingressPort, nowMs);
        } else {
            counters.increment(Counter.FRAGMENT_WITHOUT_FIRST);
        }
    }

    private void directIcmp(ForwardingSnapshot snapshot, Batch batch, int index, int ingressPort, long nowMs) {
        PacketView packet = packets[index];
        long icmp = packet.l4Offset();
        int type = Wire.u8(umem, icmp + Icmp.TYPE);
        if (packetPolicy.answerEcho() && Icmp.isEchoRequest(packet.inet6(), type)) {
            batch.setEgress(index, ECHO);
            return;
        }
        if (!Icmp.isError(packet.inet6(), type)) {
            drop(batch, index, Counter.UNSUPPORTED_PROTOCOL);
            return;
        }
        long begin = icmp + Icmp.HEADER_BYTES;
        long end = Math.min(packet.l3Offset() + packet.ipLengthBytes(), batch.address(index) + batch.length(index));
        boolean names = PacketParser.parseQuoted(umem, begin, (int) (end - begin), packet.inet6(), quoted)
                && quoted.destinationLow() == packet.destinationLow()
                && quoted.destinationHigh() == packet.destinationHigh();
        if (!names) {
            drop(batch, index, Counter.ICMP_WITHOUT_FLOW);
            return;
        }
        hashes[index] = tracker.hash(quoted);
        if (!translating) {
            setDirection(batch, index, tracker.realServerOfError(snapshot, quoted, hashes[index], nowMs));
        } else if (snapshot.findService(quoted) == ForwardingSnapshot.NONE
                && replies.find(quoted, hashes[index], nowMs)) {
            replies.forwardError(snapshot, batch, index, packet, quoted, hashes[index], ingressPort, nowMs);
        } else {
            int realServer = tracker.realServerOfError(snapshot, quoted, hashes[index], nowMs);
            batch.setEgress(index, DROPPED);
            if (realServer >= 0) {
                Translation translation = translator.current();
                if (translation != null && translation.hasNumbers()) {
                    segments.quotedToServer(batch, index, packet, quoted, translation);
                }
                rewriter.rewriteError(
                        snapshot,
                        batch,
                        index,
                        packet,
                        quoted,
                        translation,
                        realServer,
                        hashes[index],
                        ingressPort,
                        nowMs);
            }
        }
    }

    private void rewrite(ForwardingSnapshot snapshot, Batch batch, int ingressPort, long nowMs) {
        // Pieces that come to the batch on the way are done with.
        int count = batch.count();
        for (int i = 0; i < count; i++) {
            int egress = batch.egress(i);
            if (egress == DIRECTED) {
                rewriter.rewrite(snapshot, batch, i, packets[i], realServers[i], hashes[i], ingressPort, nowMs);
            } else if (egress == ECHO) {
                answers.echo(batch, i, packets[i], ingressPort);
            }
        }
    }

    private void drop(Batch batch, int index, @Nullable Counter reason) {
        if (reason != null) {
            counters.increment(reason);
        }
        batch.setEgress(index, DROPPED);
    }

    private static @Nullable Counter[] parseDrops() {
        @Nullable Counter[] drops = new @Nullable Counter[PacketParser.CODES];
        drops[PacketParser.TRUNCATED_ETHERNET] = Counter.PARSE_TRUNCATED_ETHERNET;
        drops[PacketParser.NOT_IP] = Counter.PARSE_NOT_IP;
        drops[PacketParser.TRUNCATED_IP] = Counter.PARSE_TRUNCATED_IP;
        drops[PacketParser.BAD_IP_VERSION] = Counter.PARSE_BAD_IP_VERSION;
        drops[PacketParser.BAD_IHL] = Counter.PARSE_BAD_IHL;
        drops[PacketParser.BAD_TOTAL_LENGTH] = Counter.PARSE_BAD_TOTAL_LENGTH;
        drops[PacketParser.BAD_IP_CHECKSUM] = Counter.PARSE_BAD_IP_CHECKSUM;
        drops[PacketParser.BAD_EXTENSION_HEADER] = Counter.PARSE_BAD_EXTENSION_HEADER;
        drops[PacketParser.TOO_MANY_EXTENSION_HEADERS] = Counter.PARSE_TOO_MANY_EXTENSION_HEADERS;
        drops[PacketParser.UNSUPPORTED_PROTOCOL] = Counter.UNSUPPORTED_PROTOCOL;
        drops[PacketParser.TRUNCATED_TRANSPORT] = Counter.PARSE_TRUNCATED_TRANSPORT;
        return drops;
    }
}

package dev.sluice.control.doctor.probe;

import dev.sluice.control.doctor.probe.ProbeKey.Question;
import dev.sluice.control.doctor.probe.ProbeSocket.Received;
import dev.sluice.neighbour.Link;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.service.Tunnel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Sends probes and gathers their answers, round by round. What is not answered is sent twice more, a little later. Owned by: one thread.
 */
public final class Prober implements AutoCloseable {
    private static final int TRIES = 3;
    private static final long TRY_NS = TimeUnit.MILLISECONDS.toNanos(250);
    /** Frames sent before those that came are looked at: a few hundred real servers answer at once. */
    private static final int BURST = 32;

    private final ProbeSocket socket = new ProbeSocket();
    private final Map<Integer, String> names = new HashMap<>();
    private final int echoId = ThreadLocalRandom.current().nextInt(1, 65_536);
    private final Map<ProbeKey, Probe> pending = new LinkedHashMap<>();
    private final Map<ProbeKey, List<ProbeAnswer>> answers = new LinkedHashMap<>();
    private int nextSequence = 1;
    private int nextPort = ThreadLocalRandom.current().nextInt(ProbeSocket.FIRST_PORT, ProbeSocket.LAST_PORT);
    private int framesSent;

    /**
     * Who is next on the way.
     *
     * @param link the interface that frames leave by
     * @param mac to which, first octet most significant
     */
    public record Hop(Link link, long mac) {}

    /**
     * What a packet is put into.
     *
     * @param tunnel how
     * @param source the outer source address
     * @param rip the outer destination
     */
    public record Outer(Tunnel tunnel, IpAddress source, IpAddress rip) {}

    /**
     * Opens the sockets.
     *
     * @param links the interfaces of the network namespace
     * @throws dev.sluice.ffi.NativeException when the kernel refuses: it needs {@code CAP_NET_RAW}
     */
    public Prober(List<Link> links) {
        links.forEach(link -> names.put(link.ifindex(), link.name()));
    }

    /** What was asked so far, and what was answered. */
    public Map<ProbeKey, List<ProbeAnswer>> answers() {
        return answers;
    }

    /** How many frames were sent. */
    public int framesSent() {
        return framesSent;
    }

    /** How many probes wait for {@link #run}, and have been sent. */
    public int asked() {
        return answers.size() + pending.size();
    }

    /** Will ask who has an address. */
    public void whoHas(Link link, IpAddress source, IpAddress target) {
        ProbeKey key = ProbeKey.whoHas(target, link.name());
        pending.putIfAbsent(key, new Probe(key, link.ifindex(), Frames.whoHas(link.mac(), source, target), 0, null));
    }

    /** Will send an echo request, of a length in bytes, put into another packet if that is not null. */
    public void echo(
            ProbeKey key,
            Hop hop,
            IpAddress source,
            IpAddress target,
            int lengthBytes,
            int ttl,
            @Nullable Outer outer) {
        int sequence = nextSequence++ & 0xffff;
        byte[] packet = Frames.echo(source, target, echoId, sequence, lengthBytes, ttl);
        pending.putIfAbsent(key, new Probe(key, hop.link().ifindex(), frame(hop, packet, outer), sequence, null));
    }

    /** Will send a SYN, which is taken back by a RST when it is answered. */
    public void syn(
            ProbeKey key, Hop hop, IpAddress source, IpAddress target, int port, int ttl, @Nullable Outer outer) {
        nextPort = nextPort == ProbeSocket.LAST_PORT ? ProbeSocket.FIRST_PORT : nextPort + 1;
        int from = nextPort;
        int sequence = ThreadLocalRandom.current().nextInt();
        byte[] syn = Frames.tcp(source, target, from, port, Transport.SYN, sequence, ttl);
        pending.putIfAbsent(
                key,
                new Probe(
                        key,
                        hop.link().ifindex(),
                        frame(hop, syn, outer),
                        from,
                        acknowledged -> frame(
                                hop, Frames.tcp(source, target, from, port, Transport.RST, acknowledged, ttl), outer)));
    }

    private static byte[] frame(Hop hop, byte[] packet, @Nullable Outer outer) {
        byte[] whole = outer == null ? packet : Frames.encapsulate(packet, outer.tunnel(), outer.source(), outer.rip());
        return Frames.ethernet(hop.mac(), hop.link().mac(), whole);
    }

    /**
     * Sends what waits, and waits for answers: until each has one, or for all that time if several may come.
     *
     * @param all whether to wait for further answers to what is answered
     * @param deadlineNs of {@code System.nanoTime}, when to stop in any case
     */
    public void run(boolean all, long deadlineNs) {
        List<Probe> probes = List.copyOf(pending.values());
        pending.clear();
        if (probes.isEmpty()) {
            return;
        }
        Round round = new Round(probes);
        for (int attempt = 0; attempt < TRIES; attempt++) {
            long endNs = Math.min(System.nanoTime() + TRY_NS, deadlineNs);
            int sent = 0;
            for (Probe probe : probes) {
                if ((all || round.isOpen(probe)) && System.nanoTime() < deadlineNs) {
                    probe.send(socket);
                    framesSent++;
                    if (++sent % BURST == 0) {
                        round.take(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(1), false);
                    }
                }
            }
            round.take(endNs, !all);
            if (!all && round.isDone()) {
                return;
            }
        }
    }

    /** Probes that are out together. */
    private final class Round {
        private final List<Probe> probes;
        private final Map<Integer, Probe> bySequence = new HashMap<>();
        private final Map<Integer, Probe> byPort = new HashMap<>();
        private final Set<ProbeKey> open = new HashSet<>();

        Round(List<Probe> probes) {
            this.probes = probes;
            for (Probe probe : probes) {
                answers.put(probe.key(), new ArrayList<>());
                open.add(probe.key());
                if (probe.key().question() != Question.WHO_HAS) {
                    (probe.isTcp() ? byPort : bySequence).put(probe.number(), probe);
                }
            }
        }

        boolean isOpen(Probe probe) {
            return open.contains(probe.key());
        }

        boolean isDone() {
            return open.isEmpty();
        }

        /** Takes what comes until then. */
        void take(long untilNs, boolean untilDone) {
            long leftNs;
            while ((leftNs = untilNs - System.nanoTime()) > 0 && !(untilDone && isDone())) {
                Received received = socket.receive((int) Math.max(1, leftNs / 1_000_000));
                String name = received == null ? null : names.get(received.ifindex());
                if (received != null && name != null) {
                    AnswerReader.read(received, echoId).ifPresent(said -> take(said, name, received.ifindex()));
                }
            }
        }

        private void take(AnswerReader.Said said, String name, int ifindex) {
            switch (said.kind()) {
                case I_HAVE ->
                    probes.stream()
                            .filter(probe -> probe.key().question() == Question.WHO_HAS
                                    && probe.ifindex() == ifindex
                                    && probe.key().target().equals(said.subject()))
                            .forEach(probe -> add(probe, said, name));
                case TUNNEL_UNREACHABLE ->
                    probes.stream()
                            .filter(probe -> probe.key().vip() != null
                                    && probe.key().target().equals(said.subject()))
                            .forEach(probe -> add(probe, said, name));
                default -> {
                    @Nullable Probe probe = (said.isTcp() ? byPort : bySequence).get(said.number());
                    if (probe != null) {
                        add(probe, said, name);
                    }
                }
            }
        }

        private void add(Probe probe, AnswerReader.Said said, String name) {
            open.remove(probe.key());
            ProbeAnswer answer = new ProbeAnswer(said.kind(), said.subject(), name, said.mac(), said.mss());
            List<ProbeAnswer> so = answers.computeIfAbsent(probe.key(), _ -> new ArrayList<>());
            if (!so.contains(answer)) {
                so.add(answer);
            }
            if (said.kind() == ProbeAnswer.Kind.SYN_ACK && probe.reset(socket, said.acknowledged())) {
                framesSent++;
            }
        }
    }

    @Override
    public void close() {
        socket.close();
    }
}

package dev.sluice.control.observe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.flow.FlowCopy;
import dev.sluice.flow.FlowTableReader;
import dev.sluice.forward.observe.ObservedPacket;
import dev.sluice.forward.observe.PacketFilter;
import dev.sluice.forward.observe.Selection;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.PacketView;
import dev.sluice.service.Protocol;
import dev.sluice.worker.Worker;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/** The commands {@code trace-start}, {@code trace-read} and {@code trace-inject}. Any thread but the workers'. */
final class TraceCommands {
    private static final int SNAP_BYTES = 512;
    private static final int PER_SECOND = 100;
    private static final int MAX_WAIT_MS = 2_000;

    /** Where the kernel of a client takes its ports from (RFC 6335 section 6). */
    private static final int FIRST_EPHEMERAL = 49_152;

    private static final int TRIES = 16;

    private static final Selection EVERY = new Selection(true, Set.of(), 1, true);
    private static final Set<String> START = Set.of("client", "client_port", "vip", "vip_port", "protocol");
    private static final Set<String> INJECT =
            Set.of("client", "client_port", "vip", "vip_port", "protocol", "interface", "queue", "send");

    private final Observatory observatory;
    private final List<String> interfaces;
    private final TraceFacts facts;

    TraceCommands(Observatory observatory, List<String> interfaces, TraceFacts facts) {
        this.observatory = observatory;
        this.interfaces = List.copyOf(interfaces);
        this.facts = facts;
    }

    /** Whose packets. */
    private record Ends(Protocol protocol, IpPrefix clients, int clientPort, IpAddress vip, int vipPort) {
        IpAddress client() {
            return clients.address();
        }
    }

    private static Ends ends(Fields fields) throws AdminException {
        IpPrefix clients = fields.prefix("client");
        IpAddress vip = fields.address("vip");
        if (clients == null) {
            throw Fields.bad("\"client\" is missing");
        }
        if (clients.address().family() != vip.family()) {
            throw Fields.bad("client " + clients.address() + " and VIP " + vip + " are of two address families");
        }
        return new Ends(
                protocol(fields.text("protocol")),
                clients,
                fields.number("client_port", -1, 0, 65535),
                vip,
                fields.number("vip_port", -1, 0, 65535));
    }

    private static Protocol protocol(@Nullable String word) throws AdminException {
        for (Protocol protocol : Protocol.values()) {
            if (protocol.name().toLowerCase(Locale.ROOT).equals(word == null ? "tcp" : word)) {
                return protocol;
            }
        }
        throw Fields.bad("\"protocol\": " + word + " is none of tcp, udp, sctp");
    }

    Object start(JsonNode request) throws AdminException {
        Ends ends = ends(new Fields(request, START));
        Map<String, Object> answer = new LinkedHashMap<>();
        if (ends.vipPort() >= 0) {
            TraceFacts.Steering steering = facts.steering(ends.protocol(), ends.client(), ends.vip(), ends.vipPort());
            answer.put("steered", steering.isSteered());
            answer.put("steering", steering.why());
        }
        Session session = observatory.open(request(ends));
        answer.put("session", session.id());
        return answer;
    }

    private static ObservationRequest request(Ends ends) {
        IpAddress vip = ends.vip();
        PacketFilter filter = new PacketFilter(
                ends.clients(),
                ends.clientPort(),
                new IpPrefix(vip, vip.family().addressBits()),
                ends.vipPort(),
                -1,
                ends.protocol().number(),
                -1);
        return new ObservationRequest(filter, EVERY, true, true, SNAP_BYTES, PER_SECOND, -1);
    }

    Object read(JsonNode request) throws AdminException {
        Fields fields = new Fields(request, Set.of("session", "wait_ms"));
        Session session = observatory.find(fields.neededText("session"));
        // Long enough after the first image for the last one of its packet to be there.
        List<ObservedPacket> images = CaptureCommands.await(session, fields.number("wait_ms", 0, 0, MAX_WAIT_MS));
        Session.Totals totals = session.totals();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("lost", totals.lost());
        answer.put("suppressed", totals.suppressed());
        answer.put("packets", explain(images, session::wallClockNs, null));
        return answer;
    }

    /** One explanation for each packet of which there is an image as it came in. */
    private List<Object> explain(
            List<ObservedPacket> images, LongUnaryOperator wallClockNs, TraceFacts.@Nullable Steering steering) {
        Map<Long, List<ObservedPacket>> byPacket = new LinkedHashMap<>();
        images.forEach(image -> byPacket.computeIfAbsent(image.packetId(), _ -> new ArrayList<>())
                .add(image));
        List<Object> packets = new ArrayList<>();
        for (List<ObservedPacket> one : byPacket.values()) {
            ObservedPacket first = one.getFirst();
            if (first.image() == ObservedPacket.Image.BEFORE) {
                packets.add(new Explanation(first, one.subList(1, one.size()), interfaces, facts)
                        .toJson(wallClockNs.applyAsLong(first.timeNs()), steering));
            }
        }
        return packets;
    }

    Object inject(JsonNode request) throws AdminException {
        Fields fields = new Fields(request, INJECT);
        Ends ends = ends(fields);
        if (ends.vipPort() < 0) {
            throw Fields.bad("\"vip_port\" is missing: a packet that is made needs one");
        }
        if (ends.clients().length() != ends.client().family().addressBits()) {
            throw Fields.bad("\"client\": a packet that is made comes from one address, not from " + ends.clients());
        }
        int ingress = Math.max(fields.interfaceOf("interface", interfaces), 0);
        int worker = worker(fields.number("queue", -1, 0, 65535));
        boolean send = fields.flag("send");
        TraceFacts.Steering steering = facts.steering(ends.protocol(), ends.client(), ends.vip(), ends.vipPort());
        byte[] packet = MadePacket.of(
                ends.protocol(),
                facts.stationAddress(interfaces.get(ingress)),
                ends.client(),
                clientPort(ends),
                ends.vip(),
                ends.vipPort());
        List<ObservedPacket> images = observatory.inject(packet, ingress, worker, send, request(ends));
        long wallClockLessNanoTime = Session.wallClockNs() - System.nanoTime();
        return Map.of("packets", explain(images, timeNs -> timeNs + wallClockLessNanoTime, steering));
    }

    private int worker(int queue) throws AdminException {
        List<Worker> workers = observatory.workers();
        for (int i = 0; i < workers.size(); i++) {
            if (queue < 0 || workers.get(i).queue() == queue) {
                return i;
            }
        }
        throw Fields.bad("\"queue\": there is no queue " + queue);
    }

    /** The client's port, or one of which no worker knows a connection. */
    private int clientPort(Ends ends) throws AdminException {
        if (ends.clientPort() >= 0) {
            if (isKnown(ends, ends.clientPort())) {
                throw Observatory.flowExists();
            }
            return ends.clientPort();
        }
        for (int tries = 0; tries < TRIES; tries++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST_EPHEMERAL, 65536);
            if (!isKnown(ends, port)) {
                return port;
            }
        }
        throw Observatory.flowExists();
    }

    private boolean isKnown(Ends ends, int clientPort) {
        PacketView view = new PacketView();
        view.setFlow(
                ends.vip().family() == AddressFamily.INET6,
                ends.protocol().number(),
                ends.client().high(),
                ends.client().low(),
                clientPort,
                ends.vip().high(),
                ends.vip().low(),
                ends.vipPort());
        long hash = observatory.hasher().hash(view);
        long nowMs = System.nanoTime() / 1_000_000;
        FlowCopy copy = new FlowCopy();
        return observatory.workers().stream()
                .anyMatch(worker -> worker.flows().reader().read(view, hash, nowMs, copy) != FlowTableReader.ABSENT);
    }
}

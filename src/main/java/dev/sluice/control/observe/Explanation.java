package dev.sluice.control.observe;

import dev.sluice.control.observe.PacketLayers.Layer;
import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.forward.Counter;
import dev.sluice.forward.observe.ObservedPacket;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketParser;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.RealServer;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import dev.sluice.service.VirtualService;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One packet's way, decision by decision: of what the worker has counted and had in its tables, and of its octets before and after.
 * What is told of services is the director's, of a moment later; where that makes a difference it is said.
 */
final class Explanation {
    private static final long NS_PER_S = 1_000_000_000;

    private final ObservedPacket packet;
    private final List<ObservedPacket> after;
    private final List<String> interfaces;
    private final TraceFacts facts;
    private final TraceFacts.Services services;
    private final ObservedPacket.@Nullable Detail detail;
    private final @Nullable VirtualService service;
    private final @Nullable RealServer real;
    private final List<Layer> layers;
    private final List<Map<String, Object>> steps = new ArrayList<>();

    /**
     * @param packet as it came in
     * @param after as it left, and what was made of it
     */
    Explanation(ObservedPacket packet, List<ObservedPacket> after, List<String> interfaces, TraceFacts facts) {
        this.packet = packet;
        this.after = after;
        this.interfaces = interfaces;
        this.facts = facts;
        services = facts.services();
        detail = packet.detail();
        layers = PacketLayers.of(packet.bytes(), 0);
        real = detail == null ? null : realServer(detail);
        service = detail == null ? null : service(detail);
    }

    private @Nullable RealServer realServer(ObservedPacket.Detail of) {
        ObservedPacket.Flow flow = of.after().isKnown() ? of.after() : of.before();
        return services.services().stream()
                .flatMap(one -> one.realServers().stream())
                .filter(one -> one.id() == flow.realServer())
                .findFirst()
                .orElse(null);
    }

    private @Nullable VirtualService service(ObservedPacket.Detail of) {
        return services.services().stream()
                .filter(one -> one.id() == of.service())
                .findFirst()
                .orElse(null);
    }

    /**
     * All of it.
     *
     * @param wallClockNs of the packet, since 1970
     */
    Map<String, Object> toJson(long wallClockNs, TraceFacts.@Nullable Steering steering) {
        steering(steering);
        packet();
        service();
        flow();
        scheduler();
        way();
        List<Object> leaving = leaving();
        verdict();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put(
                "time",
                Instant.ofEpochSecond(wallClockNs / NS_PER_S, wallClockNs % NS_PER_S)
                        .toString());
        json.put("queue", packet.queue());
        json.put("interface", interfaces.get(packet.ingressPort()));
        json.put("injected", packet.injected());
        json.put("summary", PacketLayers.summary(layers));
        json.put("length", packet.originalLength());
        json.put("verdict", packet.verdict().name().toLowerCase(Locale.ROOT));
        json.put("drops", drops().stream().map(Counter::label).toList());
        Map<String, Integer> counted = new LinkedHashMap<>();
        packet.counters().forEach((counter, amount) -> counted.put(counter.label(), amount));
        json.put("counted", counted);
        json.put("steps", steps);
        json.put("before", image(packet));
        json.put("after", leaving);
        return json;
    }

    private void step(String name, String text) {
        Map<String, Object> step = new LinkedHashMap<>();
        step.put("step", name);
        step.put("text", text);
        steps.add(step);
    }

    private boolean counted(Counter counter) {
        return packet.counters().containsKey(counter);
    }

    private boolean anyCounted(Counter... counters) {
        for (Counter counter : counters) {
            if (counted(counter)) {
                return true;
            }
        }
        return false;
    }

    private List<Counter> drops() {
        return packet.counters().keySet().stream()
                .filter(counter -> counter.kind() == Counter.Kind.DROP)
                .toList();
    }

    private void steering(TraceFacts.@Nullable Steering steering) {
        String ingress = interfaces.get(packet.ingressPort());
        if (!packet.injected()) {
            step(
                    "steering",
                    "the XDP program on " + ingress + " gave it to the worker of queue " + packet.queue()
                            + (steering == null || !steering.isSteered() ? "" : ": " + steering.why()));
        } else if (steering != null) {
            step(
                    "steering",
                    "made for the worker of queue " + packet.queue() + " as if received on " + ingress
                            + "; the XDP program has not seen it. By its maps it would "
                            + (steering.isSteered() ? "give it to a worker: " : "leave it to the kernel: ")
                            + steering.why());
        }
    }

    private void packet() {
        String text = PacketLayers.summary(layers) + ", " + packet.originalLength() + " bytes";
        int code = detail == null ? PacketParser.OK : detail.parseCode();
        switch (code) {
            case PacketParser.OK -> step("packet", text);
            case PacketParser.FRAGMENT ->
                step("packet", text + "; a later fragment, which goes where the first of its datagram went");
            case PacketParser.ICMP -> step("packet", text + "; ICMP, which goes where the flow goes that it quotes");
            default -> step("packet", text + "; the parser refuses it");
        }
    }

    private void service() {
        if (detail == null || detail.parseCode() != PacketParser.OK) {
            return;
        }
        if (service == null) {
            step(
                    "service",
                    detail.service() < 0
                            ? "none has this protocol, address and port"
                            : "one that has gone since, with id " + detail.service());
            return;
        }
        String text = switch (service.key()) {
            case AddressKey key -> key + (key.port() == 0 ? " (every port)" : "");
            case FwmarkKey key -> key + ", by a rule of its firewall mark";
        };
        step(
                "service",
                text + ", scheduler " + service.scheduler().keyword()
                        + (service.persistence() == null
                                ? ""
                                : ", persistent for " + service.persistence().timeoutSeconds() + " s, netmask "
                                        + service.persistence().netmaskText())
                        + (service.onePacket() ? ", one-packet" : "")
                        + (service.translation().synProxy() ? ", SYN proxy" : "")
                        + ", " + service.realServers().size() + " real servers in service"
                        + (services.generation() == detail.generation()
                                ? ""
                                : " (as it is now; the packet met generation " + detail.generation() + ")"));
    }

    private void flow() {
        if (detail == null || detail.parseCode() != PacketParser.OK) {
            if (counted(Counter.FRAGMENT_HELD)) {
                step("flow", "unknown yet: it waits for the first fragment of its datagram");
            }
            return;
        }
        ObservedPacket.Flow was = detail.before();
        ObservedPacket.Flow is = detail.after();
        if (was.isKnown()) {
            step(
                    "flow",
                    "hit: " + state(was) + ", to " + name(was.realServer()) + ", " + was.packets() + " packets before"
                            + flags(was) + (counted(Counter.FLOW_REUSED) ? "; scheduled anew, for it had ended" : "")
                            + (is.isKnown() ? "; now " + state(is) : "; now gone"));
        } else if (counted(Counter.FLOW_ADOPTED)) {
            step("flow", "miss here, found with another worker and taken over: " + state(is) + flags(is));
        } else if (is.isKnown()) {
            step("flow", "miss: opened by this packet, " + state(is) + flags(is));
        } else {
            step("flow", "miss" + without());
        }
        template();
    }

    /** Why there is no entry. */
    private String without() {
        if (counted(Counter.ONE_PACKET)) {
            return ": a datagram of a one-packet service leaves no entry";
        }
        if (anyCounted(Counter.FLOW_TABLE_FULL, Counter.FLOW_HALF_OPEN_FULL, Counter.FLOW_RATE_LIMITED)) {
            return ": no room for an entry, forwarded by its hash alone ("
                    + packet.counters().keySet().stream()
                            .filter(counter -> counter.kind() == Counter.Kind.EVENT)
                            .map(Counter::help)
                            .collect(Collectors.joining("; "))
                    + ")";
        }
        if (counted(Counter.SYN_PROXY_ANSWERED)) {
            return ": the SYN proxy answers by a cookie and remembers nothing";
        }
        if (counted(Counter.REPLY_HIT)) {
            return " as a request; it is a reply of a known connection";
        }
        return ": no entry";
    }

    private static String state(ObservedPacket.Flow flow) {
        return FlowState.ofCode(flow.state()).ipvsName() + ", expires in "
                + "%.1f s".formatted(flow.remainingMs() / 1000.0);
    }

    private static String flags(ObservedPacket.Flow flow) {
        List<String> words = new ArrayList<>();
        if ((flow.flags() & FlowTable.FLAG_SLOPPY) != 0) {
            words.add("begun in its middle");
        }
        if ((flow.flags() & FlowTable.FLAG_ADOPTED) != 0) {
            words.add("adopted");
        }
        if ((flow.flags() & FlowTable.FLAG_TRANSLATED) != 0) {
            words.add("translated");
        }
        if ((flow.flags() & FlowTable.FLAG_NUMBERED) != 0) {
            words.add("with changed segments");
        }
        return words.isEmpty() ? "" : " (" + String.join(", ", words) + ")";
    }

    private void template() {
        if (counted(Counter.TEMPLATE_HIT)) {
            step(
                    "persistence",
                    "the client's template leads to "
                            + name(Objects.requireNonNull(detail).after().realServer()));
        } else if (counted(Counter.TEMPLATE_NEW)) {
            step("persistence", "no template of the client's; one was made");
        } else if (counted(Counter.TEMPLATE_REFUSED)) {
            step("persistence", "no room for a template: by the client's hash");
        }
    }

    private void scheduler() {
        if (service == null || detail == null) {
            return;
        }
        boolean asked = anyCounted(
                Counter.FLOW_NEW,
                Counter.FLOW_NEW_SLOPPY,
                Counter.ONE_PACKET,
                Counter.NO_REAL_SERVER,
                Counter.LOCAL_PORTS_EXHAUSTED,
                Counter.NAT_WITHOUT_FLOW);
        if (!asked || counted(Counter.TEMPLATE_HIT)) {
            if (detail.before().isKnown() || counted(Counter.TEMPLATE_HIT)) {
                step("scheduler", "not asked");
            }
            return;
        }
        String candidates = service.realServers().stream()
                .map(one -> endpoint(one) + " weight " + one.weight() + ", "
                        + facts.active(one.id()) + " active, " + facts.inactive(one.id()) + " inactive"
                        + (one.weight() == 0 ? ", quiesced" : "")
                        + (facts.isOverloaded(one.id()) ? ", above its threshold" : ""))
                .collect(Collectors.joining("; "));
        step(
                "scheduler",
                service.scheduler().keyword()
                        + (counted(Counter.NO_REAL_SERVER)
                                ? " found none that takes new connections"
                                : real == null ? " chose one of" : " chose " + endpoint(real))
                        + (candidates.isEmpty()
                                ? "; there is none in service"
                                : "; candidates, as they are now: " + candidates)
                        + moved());
    }

    /** What a packet that was not sent has moved all the same. */
    private String moved() {
        if (!packet.injected() || service == null || (counted(Counter.TRACE_SENT) && counted(Counter.FORWARDED))) {
            return "";
        }
        return switch (service.scheduler()) {
            case RR, WRR -> ". Its turn on this worker has moved on by one";
            case LBLC, LBLCR -> ". It remembers the choice for this address";
            case TWOS -> ". Its random numbers have moved on";
            default -> "";
        };
    }

    private void way() {
        if (real == null) {
            return;
        }
        Tunnel tunnel = real.tunnel();
        step(
                "method",
                real.method().keyword()
                        + (tunnel == null
                                ? ""
                                : ", " + tunnel.type().keyword()
                                        + (tunnel.port() == 0 ? "" : " to port " + tunnel.port()))
                        + " to " + endpoint(real)
                        + (real.vlan() > 0 ? ", VLAN " + real.vlan() : ""));
        step("next hop", facts.nextHop(real));
    }

    private List<Object> leaving() {
        Tunnel tunnel = real == null ? null : real.tunnel();
        int guePort = tunnel != null && tunnel.type() == TunnelType.GUE ? tunnel.port() : 0;
        List<Object> images = new ArrayList<>();
        for (ObservedPacket one : after) {
            Map<String, Object> image = image(one);
            List<Layer> now = PacketLayers.of(one.bytes(), guePort);
            image.put("egress", interfaces.get(one.egressPort()));
            image.put("summary", PacketLayers.summary(now));
            image.put("length", one.originalLength());
            image.put("rewritten", Rewriting.between(layers, now));
            images.add(image);
            translation(now);
        }
        return images;
    }

    private void translation(List<Layer> now) {
        if (real == null || !real.method().isTranslation() || packet.verdict() != ObservedPacket.Verdict.FORWARDED) {
            return;
        }
        step("translation", "to " + PacketLayers.summary(now));
    }

    private static Map<String, Object> image(ObservedPacket image) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("bytes", Base64.getEncoder().encodeToString(image.bytes()));
        return json;
    }

    private void verdict() {
        String sent = after.stream()
                .map(one -> one.originalLength() + " bytes out of " + interfaces.get(one.egressPort()))
                .collect(Collectors.joining(", "));
        boolean unsent = packet.injected() && !counted(Counter.FORWARDED);
        switch (packet.verdict()) {
            case FORWARDED ->
                step("verdict", (unsent ? "would be forwarded, and was not sent: " : "forwarded: ") + sent);
            case ANSWERED -> step("verdict", (unsent ? "would be answered, and was not: " : "answered: ") + sent);
            case HELD -> step("verdict", "kept for a moment, until the first fragment of its datagram comes");
            case DROPPED, REFUSED -> {
                for (Counter reason : drops()) {
                    step("verdict", "dropped, " + reason.label() + ": " + reason.help());
                    step("advice", DropAdvice.of(reason));
                }
                if (packet.verdict() == ObservedPacket.Verdict.REFUSED) {
                    step("answer", "its sender " + (unsent ? "would be" : "was") + " told by ICMP: " + sent);
                }
            }
        }
        if (packet.shared()) {
            step("note", "it let fragments go that had waited for it; what was counted is theirs as well");
        }
    }

    private String name(int realServer) {
        return services.services().stream()
                .flatMap(one -> one.realServers().stream())
                .filter(one -> one.id() == realServer)
                .findFirst()
                .map(Explanation::endpoint)
                .orElse("a real server that is not in service");
    }

    private static String endpoint(RealServer one) {
        IpAddress address = one.address();
        return one.port() == 0
                ? address.toString()
                : PacketLayers.endpoint(address.toString(), Integer.toString(one.port()));
    }
}

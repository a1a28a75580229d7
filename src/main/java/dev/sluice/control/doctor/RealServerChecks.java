package dev.sluice.control.doctor;

import static dev.sluice.control.doctor.probe.ProbeAnswer.Kind.ECHO_REPLY;
import static dev.sluice.control.doctor.probe.ProbeAnswer.Kind.RST;
import static dev.sluice.control.doctor.probe.ProbeAnswer.Kind.TIME_EXCEEDED;
import static dev.sluice.control.doctor.probe.ProbeAnswer.Kind.TUNNEL_UNREACHABLE;
import static dev.sluice.control.doctor.probe.ProbeAnswer.Kind.UNREACHABLE;

import dev.sluice.control.doctor.Subject.Real;
import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.control.doctor.probe.ProbeKey.Question;
import dev.sluice.neighbour.KernelView.Leg;
import dev.sluice.neighbour.NextHop;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Whether real servers take what the director sends them, as far as their answers tell. */
final class RealServerChecks {
    /** Connections that a real server got without one reply: fewer may be under way. */
    private static final int UNANSWERED_CONNECTIONS = 3;

    private final Facts facts;
    private final List<Finding> findings = new ArrayList<>();
    private final Set<String> told = new LinkedHashSet<>();

    private RealServerChecks(Facts facts) {
        this.facts = facts;
    }

    static List<Finding> check(Facts facts) {
        RealServerChecks checks = new RealServerChecks(facts);
        for (Real real : facts.subject().realServers()) {
            if (facts.wasAsked(ProbeKey.direct(Question.ECHO, real.rip(), 0))) {
                checks.realServer(real);
            }
        }
        checks.replies();
        return checks.findings;
    }

    private void realServer(Real real) {
        if (!isAlive(real.rip())) {
            silent(real.rip());
            return;
        }
        boolean onPath = false;
        for (IpAddress vip : real.vips()) {
            ProbeKey echo = ProbeKey.ofVip(Question.ECHO_ON_PATH, real.rip(), vip, 0);
            if (facts.wasAsked(echo)) {
                onPath = true;
                if (hasVip(real.rip(), vip)) {
                    int port = real.tcpPort();
                    port(vip + " on " + real.rip(), real, ProbeKey.ofVip(Question.SYN_ON_PATH, real.rip(), vip, port));
                } else {
                    withoutVip(real, vip, echo);
                }
            }
            gateway(real, vip);
        }
        if (!onPath) {
            port(real.rip().toString(), real, ProbeKey.direct(Question.SYN, real.rip(), real.tcpPort()));
        }
    }

    /** Whether a real server has answered anything at all by IP. */
    private boolean isAlive(IpAddress rip) {
        return facts.answers().entrySet().stream()
                .anyMatch(entry -> entry.getKey().target().equals(rip)
                        && entry.getKey().question() != Question.WHO_HAS
                        && entry.getValue().stream()
                                .anyMatch(answer -> answer.kind() != TIME_EXCEEDED
                                        && (answer.kind() != UNREACHABLE
                                                || answer.from().equals(rip))));
    }

    /** Whether a real server answers as the VIP: any port of it will do, open or not. */
    private boolean hasVip(IpAddress rip, IpAddress vip) {
        return facts.answers().entrySet().stream()
                .anyMatch(entry -> entry.getKey().target().equals(rip)
                        && vip.equals(entry.getKey().vip())
                        && entry.getKey().question() != Question.ECHO_FROM_VIP
                        && entry.getValue().stream()
                                .anyMatch(answer -> answer.from().equals(vip)));
    }

    private void silent(IpAddress rip) {
        if (told.add("silent " + rip)) {
            findings.add(FindingId.REAL_SERVER_SILENT.about(
                    rip.toString(),
                    "the real server " + rip + " answers for its address, and to nothing else: neither ping nor TCP",
                    List.of("ping " + rip + ": no answer to three requests", "TCP SYNs to " + rip + ": no answer"),
                    List.of(
                            "look at its firewall: nft list ruleset",
                            "and at its way back to this director: ip route get ADDRESS-OF-DIRECTOR; strict rp_filter there"
                                    + " drops what comes in by another way")));
        }
    }

    private void withoutVip(Real real, IpAddress vip, ProbeKey echo) {
        IpAddress rip = real.rip();
        if (!told.add("vip " + rip + " " + vip)) {
            return;
        }
        List<String> evidence = new ArrayList<>();
        boolean tunnel = real.config().method() == ForwardingMethod.TUN;
        String way = tunnel ? "through the tunnel to " + rip : "to the MAC address of " + rip;
        if (facts.wasAnswered(ProbeKey.direct(Question.ECHO, rip, 0), ECHO_REPLY)) {
            evidence.add("ping " + rip + ": answered");
        }
        int port = real.tcpPort();
        if (port != 0) {
            for (ProbeAnswer answer : facts.answers(ProbeKey.direct(Question.SYN, rip, port))) {
                evidence.add("TCP SYN to " + rip + " port " + port + ": " + shown(answer));
            }
            evidence.add("TCP SYN to " + vip + " port " + port + ", sent " + way + ": "
                    + shown(ProbeKey.ofVip(Question.SYN_ON_PATH, rip, vip, port)));
        }
        evidence.add("ICMP echo request to " + vip + ", sent " + way + ": " + shown(echo));
        if (facts.wasAnswered(echo, TUNNEL_UNREACHABLE)) {
            findings.add(FindingId.TUNNEL_ENDPOINT_MISSING.about(
                    rip.toString(),
                    "the real server " + rip
                            + " refuses encapsulated packets: nothing takes the outer header off there",
                    evidence,
                    List.of("on " + rip + ": " + setup(real, vip))));
            return;
        }
        List<String> advice = new ArrayList<>();
        advice.add("on " + rip + ": " + setup(real, vip));
        if (tunnel) {
            advice.add(
                    "if the VIP is there: does the tunnel device take the packets (ip -s link), and does strict rp_filter"
                            + " drop them? sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.DEVICE.rp_filter=0");
        } else {
            advice.add(
                    "by hand, silent: sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2, then ip"
                            + " address add " + vip + "/" + vip.family().addressBits() + " dev lo");
        }
        findings.add(FindingId.VIP_MISSING_ON_REAL_SERVER.about(
                rip + " for " + vip,
                "the real server " + rip + " answers by its own address, but not for the VIP " + vip + ": "
                        + (tunnel
                                ? "it has no VIP, no tunnel endpoint, or drops what comes out of the tunnel"
                                : "it does not have it"),
                evidence,
                advice));
    }

    private static String setup(Real real, IpAddress vip) {
        return "sluice real-server setup --vip " + vip + " --method "
                + real.config().method().keyword() + " --interface IF";
    }

    private void port(String where, Real real, ProbeKey key) {
        int port = real.tcpPort();
        if (port == 0 || !facts.wasAsked(key) || !told.add("port " + where + " " + port)) {
            return;
        }
        String tcp = "TCP SYN to port " + port + " of " + where + ": " + shown(key);
        if (facts.wasAnswered(key, RST, UNREACHABLE)) {
            findings.add(FindingId.REAL_SERVER_PORT_CLOSED.about(
                    where + " port " + port,
                    "nobody listens on TCP port " + port + " of " + where + ": clients sent there are refused",
                    List.of(tcp),
                    List.of(
                            "start the server, and have it listen on "
                                    + (key.vip() == null ? "its address" : "the VIP or any" + " address")
                                    + ": ss -Hlnt 'sport = :" + port + "'",
                            "a health check (type = \"tcp\") takes it out of service while it is down")));
        } else if (facts.isSilent(key)) {
            findings.add(FindingId.REAL_SERVER_PORT_SILENT.about(
                    where + " port " + port,
                    "TCP port " + port + " of " + where + " does not answer, though the host does",
                    List.of(tcp),
                    List.of("look at its firewall: nft list ruleset; at its listen queue: ss -lnt 'sport = :" + port
                            + "'")));
        }
    }

    private void gateway(Real real, IpAddress vip) {
        IpAddress rip = real.rip();
        ProbeKey key = ProbeKey.ofVip(Question.ECHO_FROM_VIP, rip, vip, 0);
        boolean answers = facts.wasAnswered(ProbeKey.direct(Question.ECHO, rip, 0), ECHO_REPLY);
        if (!facts.wasAsked(key) || !answers) {
            return;
        }
        Set<String> expected = new LinkedHashSet<>();
        for (Leg leg : facts.legs(rip)) {
            expected.add(leg.link().name());
        }
        List<ProbeAnswer> came = facts.answers(key);
        if (came.stream().anyMatch(answer -> expected.contains(answer.interfaceName()))
                || !told.add("gateway " + rip)) {
            return;
        }
        findings.add(FindingId.NAT_GATEWAY_NOT_DIRECTOR.about(
                rip.toString(),
                "replies of the real server " + rip + " to other networks do not come back to the director by "
                        + String.join(", ", expected) + ": with NAT they have to",
                List.of(
                        "ping " + rip + ": answered",
                        "ping " + rip + " from " + vip + ": "
                                + (came.isEmpty()
                                        ? "no answer"
                                        : "answered by " + came.getFirst().interfaceName() + " from "
                                                + NextHop.macText(
                                                        came.getFirst().mac()))),
                List.of(
                        "on " + rip + ", or the router before it: ip route replace default via ADDRESS-OF-DIRECTOR",
                        "or method = \"fullnat\", which needs no route there")));
    }

    private String shown(ProbeKey key) {
        List<ProbeAnswer> answers = facts.answers(key);
        return answers.isEmpty() ? "no answer to three of them" : shown(answers.getFirst());
    }

    private static String shown(ProbeAnswer answer) {
        return switch (answer.kind()) {
            case I_HAVE -> NextHop.macText(answer.mac());
            case ECHO_REPLY -> "answered";
            case SYN_ACK -> "SYN-ACK";
            case RST -> "RST";
            case TIME_EXCEEDED -> "time exceeded from " + answer.from() + ", which would have forwarded it";
            case UNREACHABLE -> "unreachable, says " + answer.from();
            case TUNNEL_UNREACHABLE -> "protocol or port of the tunnel unreachable";
        };
    }

    /** By NAT replies have to pass the director, whose counters know of them; UDP need not have any. */
    private void replies() {
        Map<String, List<String>> evidence = new LinkedHashMap<>();
        facts.subject().after().ifPresent(stats -> {
            for (ServiceStats service : stats.services()) {
                for (RealServerStats real : service.realServers()) {
                    boolean translated = real.method().equals(ForwardingMethod.NAT.keyword())
                            || real.method().equals(ForwardingMethod.FULLNAT.keyword());
                    if (translated
                            && service.protocol().equals("TCP")
                            && real.traffic().connections() >= UNANSWERED_CONNECTIONS
                            && real.traffic().outPackets() == 0) {
                        evidence.computeIfAbsent(real.address(), _ -> new ArrayList<>())
                                .add("sluice stats: " + service.protocol() + " " + service.address() + ":"
                                        + service.port() + ": " + real.traffic().connections() + " connections, "
                                        + real.traffic().inPackets() + " packets in, 0 out");
                    }
                }
            }
        });
        evidence.forEach(
                (rip, lines) -> findings.add(
                        FindingId.NAT_NO_REPLIES.about(
                                rip,
                                "the real server " + rip
                                        + " was sent packets, and not one reply has come back through the director",
                                lines,
                                List.of(
                                        "with nat the director is to be its gateway: on " + rip
                                                + ", ip route get ADDRESS-OF-A-CLIENT (its"
                                                + " routes cannot be read from here)",
                                        "is the port open, and its firewall? strict rp_filter on it drops what comes by another way"))));
    }
}

package dev.sluice.control.doctor;

import static dev.sluice.control.doctor.probe.ProbeAnswer.Kind.ECHO_REPLY;

import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.control.doctor.probe.ProbeKey.Question;
import dev.sluice.neighbour.KernelView.Leg;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Tunnel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whether packets as large as the route says get to real servers, and whether what real servers invite by their MSS fits the
 * director's interface.
 */
final class MtuChecks {
    private static final int INET_HEADERS = 40;
    private static final int INET6_HEADERS = 60;

    private MtuChecks() {}

    static List<Finding> check(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        // A host has several addresses, and an interface several hosts: each is told once.
        Map<Leg, List<String>> larger = new LinkedHashMap<>();
        Map<String, Integer> largest = new HashMap<>();
        Map<Long, List<IpAddress>> narrow = new LinkedHashMap<>();
        facts.ways().forEach((rip, way) -> {
            if (way.legs().isEmpty()) {
                return;
            }
            Leg leg = way.legs().getFirst();
            int offered = offered(facts, rip);
            if (leg.gateway() == null && offered > leg.link().mtuBytes()) {
                String line = rip + " invites packets of " + offered + " bytes (MSS " + (offered - headers(rip))
                        + " in its SYN-ACK)";
                sameLink(larger, leg).add(line);
                largest.merge(leg.link().name(), offered, Math::max);
            } else if (isNarrow(facts, rip, leg)) {
                narrow.computeIfAbsent(mac(facts, rip, leg), _ -> new ArrayList<>())
                        .add(rip);
            }
        });
        larger.forEach((leg, lines) -> findings.add(
                tooSmallHere(leg, lines, largest.getOrDefault(leg.link().name(), 0))));
        narrow.values().forEach(rips -> findings.add(tooSmallThere(facts, rips)));
        return findings;
    }

    private static List<String> sameLink(Map<Leg, List<String>> byLeg, Leg leg) {
        Optional<Leg> known = byLeg.keySet().stream()
                .filter(other -> other.link().equals(leg.link()))
                .findFirst();
        return byLeg.computeIfAbsent(known.orElse(leg), _ -> new ArrayList<>());
    }

    private static int headers(IpAddress address) {
        return address.family() == AddressFamily.INET ? INET_HEADERS : INET6_HEADERS;
    }

    /** The largest packet that a real server asks for; 0 when it has said nothing. By its own address: it is the same by the VIP. */
    private static int offered(Facts facts, IpAddress rip) {
        int mss = facts.answers().entrySet().stream()
                .filter(entry -> entry.getKey().question() == Question.SYN
                        && entry.getKey().target().equals(rip))
                .flatMap(entry -> entry.getValue().stream())
                .mapToInt(ProbeAnswer::mss)
                .max()
                .orElse(0);
        return mss == 0 ? 0 : mss + headers(rip);
    }

    private static boolean isNarrow(Facts facts, IpAddress rip, Leg leg) {
        ProbeKey large = ProbeKey.direct(Question.ECHO_LARGE, rip, leg.mtuBytes());
        return facts.wasAsked(large)
                && !facts.wasAnswered(large, ECHO_REPLY)
                && facts.wasAnswered(ProbeKey.direct(Question.ECHO, rip, 0), ECHO_REPLY);
    }

    private static long mac(Facts facts, IpAddress rip, Leg leg) {
        return facts.answers(ProbeKey.whoHas(leg.next(rip), leg.link().name())).stream()
                .mapToLong(ProbeAnswer::mac)
                .findFirst()
                .orElse(rip.low());
    }

    private static Finding tooSmallHere(Leg leg, List<String> lines, int largest) {
        String name = leg.link().name();
        List<String> evidence = new ArrayList<>();
        evidence.add("ip link show " + name + ": mtu " + leg.link().mtuBytes());
        evidence.addAll(lines);
        return FindingId.MTU_MISMATCH.about(
                name,
                name + " takes packets of " + leg.link().mtuBytes()
                        + " bytes, and real servers on its network more: larger"
                        + " packets of clients are dropped before Sluice sees them, and nobody tells the clients",
                evidence,
                List.of("the same MTU for all on one network: ip link set dev " + name + " mtu " + largest + ", or "
                        + leg.link().mtuBytes() + " on the real servers"));
    }

    private static Finding tooSmallThere(Facts facts, List<IpAddress> rips) {
        IpAddress rip = rips.getFirst();
        Leg leg = facts.legs(rip).getFirst();
        List<String> evidence = new ArrayList<>();
        for (IpAddress one : rips) {
            int mtu = facts.legs(one).getFirst().mtuBytes();
            ProbeKey large = ProbeKey.direct(Question.ECHO_LARGE, one, mtu);
            evidence.add("ping " + one + " with a packet of 64 bytes: answered");
            evidence.add("ping " + one + " with one of " + mtu + " bytes, not to be fragmented: "
                    + facts.answers(large).stream()
                            .findFirst()
                            .map(answer -> "refused by " + answer.from())
                            .orElse("no answer to three"));
        }
        evidence.add("ip link show " + leg.link().name() + ": mtu " + leg.link().mtuBytes());
        int overhead = overhead(facts, rip);
        List<String> advice = new ArrayList<>();
        advice.add(
                leg.gateway() == null
                        ? "the same MTU on the real server, the switch and here: ip link set dev IF mtu N"
                        : "find the narrow hop: tracepath " + rip
                                + "; then ip route change … mtu N for its route, or repair it");
        if (overhead > 0) {
            advice.add("the tunnel needs " + overhead + " bytes of it: an MTU of " + (1500 + overhead)
                    + " on that network takes clients' packets of 1500 whole");
        }
        List<String> names = rips.stream().map(IpAddress::toString).toList();
        return FindingId.MTU_MISMATCH.about(
                String.join(", ", names),
                "packets as large as the route says do not get to the real server " + String.join(", ", names)
                        + " and back: small ones do, so connections open, and hang with the first large packet",
                evidence,
                advice);
    }

    private static int overhead(Facts facts, IpAddress rip) {
        return facts.subject().realServers().stream()
                .filter(real -> real.rip().equals(rip))
                .mapToInt(real -> {
                    Tunnel tunnel = real.config().tunnel();
                    return tunnel == null ? 0 : overhead(tunnel, rip.family());
                })
                .max()
                .orElse(0);
    }

    private static int overhead(Tunnel tunnel, AddressFamily outer) {
        int shim = switch (tunnel.type()) {
            case IPIP -> 0;
            case GUE -> 12;
            case GRE -> tunnel.checksum() == Tunnel.Checksum.CSUM ? 8 : 4;
        };
        return (outer == AddressFamily.INET ? 20 : 40) + shim;
    }
}

package dev.sluice.control.doctor;

import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.neighbour.KernelView.Leg;
import dev.sluice.neighbour.KernelView.Way;
import dev.sluice.neighbour.NextHop;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Whether packets can get to each RIP: route, interface, neighbour. */
final class RouteChecks {
    private static final Set<String> UNANSWERED = Set.of("FAILED", "INCOMPLETE");

    private RouteChecks() {}

    static List<Finding> check(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        facts.ways().forEach((rip, way) -> {
            Set<ForwardingMethod> methods = facts.subject().realServers().stream()
                    .filter(real -> real.rip().equals(rip))
                    .map(real -> real.config().method())
                    .collect(Collectors.toSet());
            Optional<Finding> route = route(facts, way, methods);
            route.ifPresent(findings::add);
            if (route.isEmpty()) {
                way.legs().forEach(leg -> neighbour(facts, way, leg).ifPresent(findings::add));
            }
        });
        return findings;
    }

    /** The route's own line, as {@code ip route get} has it. */
    private static String line(Way way) {
        return "ip route get " + way.destination() + ": "
                + switch (way.kind()) {
                    case NONE -> "Network is unreachable";
                    case DISCARDED -> "refused by a route that discards";
                    case LOCAL -> "local";
                    case NOT_UNICAST -> "broadcast, multicast or anycast";
                    case UNICAST ->
                        way.legs().stream()
                                .map(leg -> (leg.gateway() == null ? "" : "via " + leg.gateway() + " ") + "dev "
                                        + leg.link().name())
                                .collect(Collectors.joining(", "));
                };
    }

    private static Optional<Finding> route(Facts facts, Way way, Set<ForwardingMethod> methods) {
        IpAddress rip = way.destination();
        String subject = rip.toString();
        List<String> evidence = List.of(line(way));
        return switch (way.kind()) {
            case NONE ->
                Optional.of(FindingId.RIP_NO_ROUTE.about(
                        subject,
                        "no route leads to the real server " + rip,
                        evidence,
                        List.of("ip route add " + rip + "/" + rip.family().addressBits()
                                + " via ROUTER, or an address of its network on one of "
                                + String.join(", ", facts.subject().interfaces()))));
            case DISCARDED, NOT_UNICAST ->
                Optional.of(FindingId.RIP_ROUTE_DISCARDS.about(
                        subject,
                        "the route to the real server " + rip + " does not lead to a host",
                        evidence,
                        List.of("ip route show to match " + rip
                                + " names the route; remove it, or correct the address")));
            case LOCAL ->
                Optional.of(
                        FindingId.RIP_IS_LOCAL.about(
                                subject,
                                "the real server " + rip + " is this host itself, which Sluice cannot forward to",
                                evidence,
                                List.of(
                                        "run the real server on another host, or in a network namespace with an address of its own")));
            case UNICAST -> unicast(facts, way, methods, evidence);
        };
    }

    private static Optional<Finding> unicast(
            Facts facts, Way way, Set<ForwardingMethod> methods, List<String> evidence) {
        IpAddress rip = way.destination();
        String subject = rip.toString();
        if (way.legs().stream().noneMatch(leg -> facts.egress(leg).isPresent())) {
            return Optional.of(FindingId.RIP_ROUTE_ELSEWHERE.about(
                    subject,
                    "the route to the real server " + rip + " leaves by an interface that the director was not given",
                    List.of(
                            evidence.getFirst(),
                            "director.interfaces = " + facts.subject().interfaces()),
                    List.of("add the interface to director.interfaces and restart, or correct the route")));
        }
        boolean routed = way.legs().stream().allMatch(leg -> leg.gateway() != null);
        if (routed && methods.contains(ForwardingMethod.DR)) {
            return Optional.of(FindingId.DR_NOT_ON_LINK.about(
                    subject,
                    "the real server " + rip + " of method dr is behind a router, which would send packets for the VIP"
                            + " back: direct routing needs it on a network that the director is on",
                    evidence,
                    List.of(
                            "method = \"tun\" (any number of routers), \"nat\" or \"fullnat\"",
                            "or an address of the real server's network on one of the director's interfaces: ip address"
                                    + " add ADDRESS/LENGTH dev "
                                    + way.legs().getFirst().link().name())));
        }
        boolean source = way.source() != null
                || facts.subject()
                        .config()
                        .director()
                        .tunnel()
                        .source(rip.family())
                        .isPresent();
        if (methods.contains(ForwardingMethod.TUN) && !source) {
            String family = rip.family() == AddressFamily.INET ? "ipv4" : "ipv6";
            return Optional.of(FindingId.TUNNEL_NO_SOURCE.about(
                    subject,
                    "the director has no address to encapsulate from towards " + rip,
                    evidence,
                    List.of("an address on " + way.legs().getFirst().link().name() + ", or director.tunnel.source_"
                            + family)));
        }
        return Optional.empty();
    }

    private static Optional<Finding> neighbour(Facts facts, Way way, Leg leg) {
        IpAddress rip = way.destination();
        IpAddress next = leg.next(rip);
        String name = leg.link().name();
        ProbeKey key = ProbeKey.whoHas(next, name);
        if (!leg.link().usable() || leg.state().equals("NOARP")) {
            return Optional.empty();
        }
        List<Long> macs =
                facts.answers(key).stream().map(ProbeAnswer::mac).distinct().toList();
        String entry = "ip neigh show " + next + " dev " + name + ": "
                + (leg.mac() == 0 ? "" : "lladdr " + NextHop.macText(leg.mac()) + " ") + leg.state();
        boolean asked = facts.wasAsked(key);
        boolean missing = asked ? macs.isEmpty() : UNANSWERED.contains(leg.state());
        if (missing && !leg.state().equals("PERMANENT")) {
            return Optional.of(missing(facts, way, next, name, entry, asked));
        }
        if (macs.size() > 1) {
            return Optional.of(
                    FindingId.RIP_ANSWERED_TWICE.as(
                            Severity.WARNING,
                            next.toString(),
                            macs.size() + " stations answer for " + next + " on " + name
                                    + ": two hosts have the address, or one host answers by two interfaces",
                            macs.stream()
                                    .map(mac -> "who has " + next + "? " + NextHop.macText(mac))
                                    .toList(),
                            List.of(
                                    "if two hosts: take the address off one of them",
                                    "if one: sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 on it")));
        }
        boolean other = macs.size() == 1 && leg.mac() != 0 && leg.mac() != macs.getFirst();
        if (other && !UNANSWERED.contains(leg.state())) {
            return Optional.of(FindingId.NEIGHBOUR_WRONG_MAC.about(
                    next.toString(),
                    "packets for " + next + " go to " + NextHop.macText(leg.mac()) + ", but "
                            + NextHop.macText(macs.getFirst()) + " says that it has the address",
                    List.of(entry, "who has " + next + "? " + NextHop.macText(macs.getFirst())),
                    List.of("ip neigh del " + next + " dev " + name)));
        }
        return Optional.empty();
    }

    private static Finding missing(Facts facts, Way way, IpAddress next, String name, String entry, boolean asked) {
        IpAddress rip = way.destination();
        boolean router = !next.equals(rip);
        String who = router ? "the router " + next + " before the real server " + rip : "the real server " + rip;
        List<String> evidence = new ArrayList<>();
        if (asked) {
            evidence.add("who has " + next + " on " + name + "? no answer to three requests");
        }
        evidence.add(entry);
        if (facts.egress(way.legs().getFirst()).map(nic -> nic.link().running()).orElse(false)) {
            evidence.add(name + " is up and has carrier");
        }
        String ping = next.family() == AddressFamily.INET
                ? "arping -c 3 -I " + name + " " + next
                : "ndisc6 " + next + " " + name;
        return FindingId.NEIGHBOUR_MISSING.as(
                way.legs().size() > 1 ? Severity.WARNING : Severity.ERROR,
                rip.toString(),
                who + " does not answer " + (next.family() == AddressFamily.INET ? "ARP" : "neighbour discovery")
                        + " on " + name + ": packets for it are dropped",
                evidence,
                List.of(
                        "is it up, on this network, and is the address right? " + ping,
                        "until it is: ipvsadm -e … -w 0, or a health check takes it out of service by itself"));
    }
}

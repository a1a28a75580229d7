package dev.sluice.control.doctor;

import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.neighbour.KernelView.Leg;
import dev.sluice.neighbour.KernelView.OwnAddress;
import dev.sluice.neighbour.NextHop;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Who has the VIPs, and who says so. */
final class AddressChecks {
    private static final int ANSWER_ALL = 0;
    private static final int NOT_OF_SCOPE_HOST = 3;
    private static final int ANSWER_NONE = 8;

    private final Facts facts;
    private final Map<Long, Set<IpAddress>> realServers = new HashMap<>();
    private final List<Finding> findings = new ArrayList<>();

    private AddressChecks(Facts facts) {
        this.facts = facts;
        facts.ways().forEach((rip, way) -> {
            for (Leg leg : way.legs()) {
                if (leg.gateway() == null) {
                    facts.answers(ProbeKey.whoHas(rip, leg.link().name()))
                            .forEach(answer -> named(answer.mac()).add(rip));
                    if (leg.mac() != 0) {
                        named(leg.mac()).add(rip);
                    }
                }
            }
        });
    }

    private Set<IpAddress> named(long mac) {
        return realServers.computeIfAbsent(mac, _ -> new LinkedHashSet<>());
    }

    static List<Finding> check(Facts facts) {
        AddressChecks checks = new AddressChecks(facts);
        facts.subject().vips().forEach(checks::vip);
        facts.subject().localAddresses().forEach(checks::localAddress);
        return checks.findings;
    }

    private void vip(IpAddress vip) {
        Map<Long, ProbeAnswer> others = others(vip);
        boolean own = facts.isOwn(vip);
        Map<Long, ProbeAnswer> strangers = new LinkedHashMap<>();
        others.forEach((mac, answer) -> {
            Set<IpAddress> rips = realServers.getOrDefault(mac, Set.of());
            if (rips.isEmpty()) {
                strangers.put(mac, answer);
            } else {
                findings.add(byRealServer(vip, rip(rips, vip.family()), answer));
            }
        });
        strangers.values().forEach(answer -> findings.add(byStranger(vip, own, answer)));
        if (own) {
            silenced(vip);
        } else if (others.isEmpty() && isOnLink(vip)) {
            String name = networkOf(vip);
            findings.add(FindingId.VIP_MISSING_ON_DIRECTOR.about(
                    vip.toString(),
                    "the director does not have the VIP " + vip + ", which belongs to the network on " + name
                            + ": nobody answers for it, so no packet for it arrives",
                    List.of(
                            "ip address: without " + vip,
                            facts.wasAsked(ProbeKey.whoHas(vip, name))
                                    ? "asked who has " + vip + " on " + name + ": no answer"
                                    : "nobody was asked"),
                    List.of("ip address add " + vip + "/" + vip.family().addressBits() + " dev " + name
                            + (vip.family() == AddressFamily.INET6 ? " nodad preferred_lft 0" : ""))));
        }
    }

    private static IpAddress rip(Set<IpAddress> rips, AddressFamily family) {
        return rips.stream()
                .filter(rip -> rip.family() == family)
                .findFirst()
                .orElseGet(() -> rips.iterator().next());
    }

    /** By MAC address whoever answers for an address and is not this host. */
    private Map<Long, ProbeAnswer> others(IpAddress address) {
        Map<Long, ProbeAnswer> others = new LinkedHashMap<>();
        for (String name : facts.interfaces().keySet()) {
            for (ProbeAnswer answer : facts.answers(ProbeKey.whoHas(address, name))) {
                if (facts.links().stream().noneMatch(link -> link.mac() == answer.mac())) {
                    others.putIfAbsent(answer.mac(), answer);
                }
            }
        }
        return others;
    }

    private boolean isOnLink(IpAddress address) {
        return facts.addresses().stream()
                .anyMatch(own -> facts.interfaces().containsKey(own.interfaceName()) && own.covers(address));
    }

    private String networkOf(IpAddress address) {
        return facts.addresses().stream()
                .filter(own -> facts.interfaces().containsKey(own.interfaceName()) && own.covers(address))
                .map(OwnAddress::interfaceName)
                .findFirst()
                .orElseThrow();
    }

    private static String protocol(IpAddress address) {
        return address.family() == AddressFamily.INET ? "ARP" : "neighbour discovery";
    }

    private static String evidence(IpAddress address, ProbeAnswer answer) {
        return "who has " + address + " on " + answer.interfaceName() + "? " + NextHop.macText(answer.mac())
                + " answered by " + protocol(address);
    }

    private static Finding byRealServer(IpAddress vip, IpAddress rip, ProbeAnswer answer) {
        String name = answer.interfaceName();
        List<String> advice = new ArrayList<>();
        advice.add("on " + rip + ": sluice real-server setup --vip " + vip + " --method dr --interface IF");
        advice.add(
                vip.family() == AddressFamily.INET
                        ? "by hand: sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2, and the VIP"
                                + " on lo: ip address add " + vip + "/32 dev lo"
                        : "by hand: the VIP on lo and on no other interface: ip address add " + vip
                                + "/128 dev lo nodad preferred_lft 0");
        advice.add("then tell the network who has it, on the director: "
                + (vip.family() == AddressFamily.INET
                        ? "arping -U -c 3 -I " + name + " " + vip
                        : "ndsend " + vip + " " + name + " (package ndisc6 or vzctl), or wait for caches to expire"));
        return FindingId.ARP_VIP_ANSWERED_BY_REAL_SERVER.about(
                rip + " for " + vip,
                "the real server " + rip + " answers " + protocol(vip) + " for the VIP " + vip
                        + ": clients that hear it first send to it, past the director",
                List.of(evidence(vip, answer), "who has " + rip + "? " + NextHop.macText(answer.mac()) + " as well"),
                advice);
    }

    private static Finding byStranger(IpAddress vip, boolean own, ProbeAnswer answer) {
        String mac = NextHop.macText(answer.mac());
        if (own) {
            return FindingId.ARP_VIP_ANSWERED_BY_ANOTHER_HOST.about(
                    vip.toString(),
                    "another host, " + mac + ", answers " + protocol(vip) + " for " + vip
                            + ", which this director has as well",
                    List.of(evidence(vip, answer), "ip address: " + vip + " is here"),
                    List.of(
                            "find it by its MAC address (a second director? a host with this address? proxy ARP of a"
                                    + " router?) and take " + vip + " off one of the two",
                            "bridge fdb show | grep " + mac + ", or the switch's table, tells its port"));
        }
        return FindingId.VIP_ON_ANOTHER_HOST.about(
                vip.toString(),
                "the VIP " + vip + " is with another host, " + mac + ": packets for it do not come here",
                List.of(evidence(vip, answer), "ip address: without " + vip),
                List.of("nothing if that is the other director and this one stands by; else: ip address add " + vip
                        + "/" + vip.family().addressBits() + " dev " + answer.interfaceName()));
    }

    /** What arp_ignore (kernel: Documentation/networking/ip-sysctl.rst) makes of a VIP that is here. */
    private void silenced(IpAddress vip) {
        if (vip.family() != AddressFamily.INET) {
            return;
        }
        List<String> owners = facts.addresses().stream()
                .filter(own -> own.address().equals(vip))
                .map(OwnAddress::interfaceName)
                .toList();
        for (OwnAddress own : facts.addresses()) {
            String name = own.interfaceName();
            int ignore = facts.strictest("ipv4", name, "arp_ignore");
            boolean network = own.length() < vip.family().addressBits();
            boolean silent = switch (ignore) {
                case ANSWER_ALL -> false;
                case ANSWER_NONE -> true;
                case NOT_OF_SCOPE_HOST -> owners.stream().allMatch("lo"::equals);
                default -> !owners.contains(name);
            };
            if (facts.interfaces().containsKey(name) && network && own.covers(vip) && silent) {
                findings.add(FindingId.ARP_IGNORE_SILENCES_VIP.about(
                        vip.toString(),
                        "the director has the VIP " + vip + " on " + String.join(", ", owners)
                                + ", and is told not to answer ARP for it on " + name,
                        facts.lines("net.ipv4.conf.all.arp_ignore", "net.ipv4.conf." + name + ".arp_ignore"),
                        List.of(
                                "sysctl -w net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf." + name + ".arp_ignore=0",
                                "or the VIP on the interface itself: ip address add " + vip + "/32 dev " + name)));
                return;
            }
        }
    }

    private void localAddress(IpAddress lip) {
        boolean own = facts.isOwn(lip);
        if (!own) {
            findings.add(FindingId.LOCAL_ADDRESS_MISSING.about(
                    lip.toString(),
                    "the local address " + lip
                            + " is not an address of the director: real servers by FULLNAT find nobody to" + " answer",
                    List.of("ip address: without " + lip),
                    List.of("ip address add " + lip + "/" + lip.family().addressBits()
                            + " dev IF, IF being the interface towards the real servers")));
        }
        others(lip).values().forEach(answer -> {
            if (own) {
                findings.add(byStranger(lip, true, answer));
            }
        });
    }
}

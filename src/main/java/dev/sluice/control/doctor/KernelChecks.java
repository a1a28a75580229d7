package dev.sluice.control.doctor;

import static dev.sluice.control.doctor.probe.ProbeKey.Question.ECHO;
import static dev.sluice.control.doctor.probe.ProbeKey.Question.SYN;

import dev.sluice.control.config.SourceNatConfig;
import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.neighbour.KernelView.Leg;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Settings of the director's kernel that matter: for its own packets, such as health checks, and for those that it forwards. */
final class KernelChecks {
    private static final int STRICT = 1;

    private KernelChecks() {}

    /**
     * Steered packets never meet rp_filter. What real servers answer to the director itself does, and is dropped where it comes in
     * by another interface than the route to the real server leaves by.
     */
    static List<Finding> reversePath(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        facts.ways().forEach((rip, way) -> {
            Set<String> leaves = new TreeSet<>();
            for (Leg leg : way.legs()) {
                leaves.add(leg.link().name());
            }
            Set<String> arrives = arrivals(facts, rip);
            boolean asymmetric = !leaves.isEmpty() && arrives.stream().noneMatch(leaves::contains);
            for (String name : arrives) {
                if (asymmetric
                        && rip.family() == AddressFamily.INET
                        && facts.strictest("ipv4", name, "rp_filter") == STRICT) {
                    findings.add(dropped(facts, rip, name, leaves));
                }
            }
        });
        return findings;
    }

    private static Set<String> arrivals(Facts facts, IpAddress rip) {
        Set<String> names = new LinkedHashSet<>();
        facts.answers().forEach((key, answers) -> {
            boolean direct = key.question() == ECHO || key.question() == SYN;
            if (direct && key.target().equals(rip)) {
                answers.stream().map(ProbeAnswer::interfaceName).forEach(names::add);
            }
        });
        return names;
    }

    private static Finding dropped(Facts facts, IpAddress rip, String name, Set<String> leaves) {
        List<String> evidence =
                new ArrayList<>(facts.lines("net.ipv4.conf.all.rp_filter", "net.ipv4.conf." + name + ".rp_filter"));
        evidence.add("ip route get " + rip + ": dev " + String.join(", ", leaves) + "; its answers come in by " + name);
        if (facts.reversePathDrops() > 0) {
            evidence.add("nstat -az TcpExtIPReversePathFilter: grew by " + facts.reversePathDrops());
        }
        return FindingId.RP_FILTER_DROPS_REPLIES.about(
                rip.toString(),
                "answers of the real server " + rip + " to the director come in by " + name
                        + ", where strict rp_filter drops them: health checks fail, though clients' packets would get through",
                evidence,
                List.of(
                        "one way for both directions: an address of its network on one interface only, or arp_ignore=1 on"
                                + " the director's interfaces",
                        "or loose: sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf." + name + ".rp_filter=2"));
    }

    /** With NAT and one network, the kernel would tell real servers of a shorter way, which is past the director. */
    static List<Finding> redirects(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        Set<String> told = new LinkedHashSet<>();
        facts.subject().realServers().stream()
                .filter(real -> real.config().method() == ForwardingMethod.NAT
                        && real.rip().family() == AddressFamily.INET)
                .flatMap(real -> facts.legs(real.rip()).stream())
                .forEach(leg -> {
                    String name = leg.link().name();
                    boolean forwards = facts.sysctls()
                                    .getOrDefault(
                                            "net.ipv4.conf." + name + ".forwarding",
                                            facts.sysctls().getOrDefault("net.ipv4.ip_forward", 0))
                            != 0;
                    boolean oneArmed = facts.subject().interfaces().size() == 1;
                    boolean sends = facts.strictest("ipv4", name, "send_redirects") != 0;
                    if (oneArmed && forwards && sends && told.add(name)) {
                        findings.add(redirect(facts, name));
                    }
                });
        return findings;
    }

    private static Finding redirect(Facts facts, String name) {
        return FindingId.SEND_REDIRECTS.about(
                name,
                "the director's kernel forwards on " + name
                        + " and sends ICMP redirects: a real server by NAT that believes"
                        + " one answers that client past the director",
                facts.lines(
                        "net.ipv4.ip_forward",
                        "net.ipv4.conf.all.send_redirects",
                        "net.ipv4.conf." + name + ".send_redirects"),
                List.of(
                        "sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf." + name + ".send_redirects=0",
                        "on real servers that have believed one: ip route flush cache"));
    }

    /** Source NAT of real servers' own connections is the kernel's work. */
    static List<Finding> forwarding(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        SourceNatConfig snat = facts.subject().config().director().snat();
        for (AddressFamily family : AddressFamily.values()) {
            String setting = family == AddressFamily.INET ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
            if (!snat.sources(family).isEmpty() && facts.sysctls().getOrDefault(setting, 1) == 0) {
                findings.add(FindingId.IP_FORWARD_OFF.about(
                        "[director.snat]",
                        "real servers' own connections are to leave through this host, and its kernel does not forward",
                        facts.lines(setting),
                        List.of("sysctl -w " + setting + "=1")));
            }
        }
        return findings;
    }
}

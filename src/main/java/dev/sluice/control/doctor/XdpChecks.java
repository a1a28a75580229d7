package dev.sluice.control.doctor;

import dev.sluice.bpf.XdpAttachment;
import dev.sluice.control.config.BindMode;
import dev.sluice.control.config.XdpMode;
import dev.sluice.neighbour.XdpFeatures;
import dev.sluice.stats.InterfaceStats;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Whether the steering program, and it alone, has the director's interfaces, and in the best mode. */
final class XdpChecks {
    private XdpChecks() {}

    static List<Finding> programs(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        facts.interfaces()
                .forEach((name, nic) -> nic.attachment().ifPresent(attachment -> {
                    if (facts.subject().isRunning()) {
                        running(name, attachment, findings);
                    } else {
                        free(facts, name, attachment, findings);
                    }
                }));
        return findings;
    }

    private static void running(String name, XdpAttachment attachment, List<Finding> findings) {
        if (attachment.isSteering()) {
            return;
        }
        if (attachment.programs().isEmpty()) {
            findings.add(FindingId.XDP_PROGRAM_MISSING.about(
                    name,
                    "the director runs, but its XDP program is not on " + name + " any more: packets for VIPs reach the"
                            + " kernel, which resets connections",
                    List.of("ip link show " + name + ": without xdp"),
                    List.of("restart the director; find out who removed it (ip link set dev " + name + " xdp off)")));
        } else {
            findings.add(FindingId.XDP_OTHER_PROGRAM.about(
                    name,
                    "the director runs, but another XDP program has taken the place of its own on " + name,
                    List.of("attached to " + name + ": " + shown(attachment)),
                    List.of(
                            "ip link set dev " + name + " xdp off",
                            "then restart the director; programs that are to share the interface are attached with"
                                    + " xdp-loader, where the kernel can load libxdp's dispatcher")));
        }
    }

    private static void free(Facts facts, String name, XdpAttachment attachment, List<Finding> findings) {
        if (attachment.isSteering()) {
            if (facts.xdpSockets() == 0) {
                findings.add(FindingId.XDP_LEFTOVER.about(
                        name,
                        "a director that ended has left its XDP program on " + name + ": packets for its services are"
                                + " dropped (without_director = \"drop\"), until a director runs",
                        List.of("attached to " + name + ": " + shown(attachment), "AF_XDP sockets here: 0"),
                        List.of("start the director, or: sluice release --interface " + name)));
            }
        } else if (!attachment.programs().isEmpty() && !attachment.dispatcher()) {
            findings.add(FindingId.XDP_OTHER_PROGRAM.about(
                    name,
                    "another XDP program is attached alone to " + name + ": sluice run would refuse to start",
                    List.of("attached to " + name + ": " + shown(attachment)),
                    List.of("ip link set dev " + name + " xdp off, once nobody needs it")));
        }
    }

    private static String shown(XdpAttachment attachment) {
        return attachment.programs().stream()
                .map(XdpAttachment.Program::toString)
                .collect(Collectors.joining(", "));
    }

    static List<Finding> modes(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        List<InterfaceStats> running =
                facts.subject().after().map(stats -> stats.interfaces()).orElse(List.of());
        for (InterfaceStats stats : running) {
            Facts.Nic nic = facts.interfaces().get(stats.name());
            long can = nic == null ? 0 : nic.xdpFeatures().orElse(0);
            boolean generic = stats.xdpMode().equals("generic");
            if (nic != null && generic && (can & XdpFeatures.NATIVE) == XdpFeatures.NATIVE) {
                findings.add(generic(facts, nic, stats.name()));
            }
            boolean copies = stats.queues().stream().anyMatch(queue -> !queue.zeroCopy());
            boolean wanted = facts.subject().config().director().bindMode() != BindMode.COPY;
            if (copies && wanted && !generic && (can & XdpFeatures.ZERO_COPY) != 0) {
                findings.add(FindingId.XDP_COPY.about(
                        stats.name(),
                        "frames are copied, though the driver has zero-copy",
                        List.of("sluice stats: copy", "xdp-features of the driver: xsk-zerocopy"),
                        List.of("bind_mode = \"zerocopy\" makes the start say why not; the driver may want other rings,"
                                + " queues or MTU")));
            }
        }
        return findings;
    }

    private static Finding generic(Facts facts, Facts.Nic nic, String name) {
        boolean asked = facts.subject().config().director().xdpMode() == XdpMode.GENERIC;
        return FindingId.XDP_GENERIC.as(
                asked ? Severity.INFO : Severity.WARNING,
                name,
                "the steering program runs in generic mode, though the driver has native XDP: a packet costs several"
                        + " times as much",
                List.of(
                        "sluice stats: generic XDP",
                        "driver of " + name + ": " + nic.driver().orElse("not told")
                                + ", xdp-features: basic, redirect",
                        "director.xdp_mode = \""
                                + facts.subject().config().director().xdpMode().keyword() + "\"",
                        "MTU of " + name + ": " + nic.link().mtuBytes()),
                List.of(
                        "xdp_mode = \"native\", then restart: a start that fails says why",
                        "a program that was left in generic mode keeps the mode: sluice release --interface " + name
                                + " first"));
    }
}

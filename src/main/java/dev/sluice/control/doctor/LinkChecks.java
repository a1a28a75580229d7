package dev.sluice.control.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Whether the director's interfaces are there and work, and what they could not take. */
final class LinkChecks {
    private LinkChecks() {}

    static List<Finding> state(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        for (String name : facts.subject().interfaces()) {
            Facts.Nic nic = facts.interfaces().get(name);
            if (nic == null) {
                List<String> there =
                        facts.links().stream().map(link -> link.name()).toList();
                findings.add(FindingId.INTERFACE_MISSING.about(
                        name,
                        "there is no interface " + name + " in this network namespace",
                        List.of("ip link: " + String.join(", ", there)),
                        List.of("correct director.interfaces, or bring the interface here: ip link")));
            } else if (!nic.link().up()) {
                findings.add(FindingId.INTERFACE_DOWN.about(
                        name,
                        name + " is down",
                        List.of("ip link show " + name + ": without UP"),
                        List.of("ip link set dev " + name + " up")));
            } else if (!nic.link().running()) {
                findings.add(FindingId.INTERFACE_NO_CARRIER.about(
                        name,
                        name + " has no carrier",
                        List.of("ip link show " + name + ": NO-CARRIER"),
                        List.of("look at cable, switch port, or the peer of a veth: ethtool " + name)));
            }
        }
        return findings;
    }

    static List<Finding> missed(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        facts.interfaces().forEach((name, nic) -> {
            List<String> evidence = nic.missed().entrySet().stream()
                    .filter(entry -> entry.getValue() > 0)
                    .map(LinkChecks::growth)
                    .toList();
            if (!evidence.isEmpty()) {
                findings.add(FindingId.NIC_MISSED.about(
                        name,
                        name + " dropped packets for want of buffers: they came faster than they were taken",
                        evidence,
                        List.of(
                                "more queues and workers: ethtool -L " + name + " combined N",
                                "larger rings: ethtool -G " + name + " rx 4096, director.rx_ring, director.fill_ring,"
                                        + " director.frames")));
            }
        });
        return findings;
    }

    private static String growth(Map.Entry<String, Long> entry) {
        return "ethtool -S: " + entry.getKey() + " grew by " + entry.getValue();
    }
}

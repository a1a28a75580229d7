package dev.sluice.control.doctor;

import dev.sluice.forward.Counter;
import dev.sluice.service.RealServer;
import dev.sluice.stats.InterfaceStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Offloads that AF_XDP cannot live with: what merges packets before the steering program sees them, takes something out of them, or
 * leaves checksums to hardware that is not there. Others, as GRO behind native XDP or all of sending, do no harm and are not told.
 */
final class OffloadChecks {
    private static final String VETH = "veth";

    private OffloadChecks() {}

    static List<Finding> check(Facts facts) {
        List<Finding> findings = new ArrayList<>();
        boolean vlans = facts.subject().realServers().stream()
                .anyMatch(real -> real.config().vlan() > RealServer.VLAN_NONE);
        facts.interfaces().forEach((name, nic) -> {
            merging(facts, name, nic).ifPresent(findings::add);
            if ((vlans || !nic.vlans().isEmpty()) && nic.has("rx-vlan-hw-parse")) {
                findings.add(FindingId.OFFLOAD_STRIPS_VLAN.about(
                        name,
                        name + " takes VLAN tags out of the frames, where the steering program does not see them:"
                                + " packets of a VLAN look as if they had none",
                        List.of(
                                "ethtool -k " + name + ": rx-vlan-offload: on",
                                "VLAN devices above: "
                                        + (nic.vlans().isEmpty() ? "none, but real servers with vlan" : nic.vlans())),
                        List.of("ethtool -K " + name + " rxvlan off txvlan off")));
            }
            if (nic.driver().orElse("").equals(VETH) && nic.has("tx-checksum-ip-generic")) {
                findings.add(veth(name));
            }
        });
        checksums(facts).ifPresent(findings::add);
        return findings;
    }

    private static Optional<Finding> merging(Facts facts, String name, Facts.Nic nic) {
        List<String> on = new ArrayList<>();
        List<String> off = new ArrayList<>();
        if (nic.has("rx-lro")) {
            on.add("ethtool -k " + name + ": large-receive-offload: on");
            off.add("lro off");
        }
        if (nic.has("rx-gro-hw")) {
            on.add("ethtool -k " + name + ": rx-gro-hw: on");
            off.add("rx-gro-hw off");
        }
        boolean generic = facts.subject().after().stream()
                .flatMap(stats -> stats.interfaces().stream())
                .filter(stats -> stats.name().equals(name))
                .map(InterfaceStats::xdpMode)
                .anyMatch("generic"::equals);
        if (generic && nic.has("rx-gro")) {
            on.add("ethtool -k " + name + ": generic-receive-offload: on");
            on.add("sluice stats: generic XDP, which comes after GRO");
            off.add("gro off");
        }
        if (on.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(FindingId.OFFLOAD_MERGES_PACKETS.about(
                name,
                name
                        + " merges packets of a connection before Sluice gets them: what is larger than the way to the real"
                        + " server is dropped",
                on,
                List.of("ethtool -K " + name + " " + String.join(" ", off))));
    }

    private static Finding veth(String name) {
        return FindingId.OFFLOAD_CHECKSUM_VETH.about(
                name,
                name + " is a veth that leaves checksums to whoever is behind its peer. For what Sluice forwards its"
                        + " peer's setting counts, and that of every veth on which packets of clients set out; they"
                        + " cannot be seen from here, and are on by default",
                List.of("ethtool -k " + name + ": tx-checksumming: on"),
                List.of(
                        "at each sender: ethtool -K IF tx off",
                        "sluice stats: checksum_wrong grows when packets come whose checksums nobody has computed"));
    }

    private static Optional<Finding> checksums(Facts facts) {
        String label = Counter.CHECKSUM_WRONG.label();
        long grown = CounterChecks.grown(facts.subject(), label);
        if (grown == 0) {
            return Optional.empty();
        }
        return Optional.of(FindingId.OFFLOAD_CHECKSUM.about(
                "packets of clients",
                "new connections come with wrong TCP checksums: the sender leaves them to hardware that is not between"
                        + " (checksum offload of a veth, or of a virtual machine's interface). Real servers drop such packets",
                List.of("sluice stats: " + label + " grew by " + grown + " (one new connection in 16 is looked at)"),
                List.of(
                        "on the host, or in the namespace, that sends them: ethtool -K IF tx off",
                        "for a virtual machine: csum=off,guest_csum=off of its virtio-net, or the bridge's port: ethtool -K"
                                + " PORT tx off")));
    }
}

package dev.sluice.control.doctor;

import dev.sluice.bpf.XdpAttachment;
import dev.sluice.control.doctor.probe.ProbeAnswer;
import dev.sluice.control.doctor.probe.ProbeKey;
import dev.sluice.control.preflight.Preflight;
import dev.sluice.ffi.Ethtool;
import dev.sluice.neighbour.KernelView.Leg;
import dev.sluice.neighbour.KernelView.OwnAddress;
import dev.sluice.neighbour.KernelView.Way;
import dev.sluice.neighbour.Link;
import dev.sluice.packet.IpAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * All that checks may look at. Immutable; made up in tests.
 *
 * @param subject what is examined
 * @param machine the machine
 * @param interfaces the director's interfaces that are there, by name
 * @param links every interface of the network namespace
 * @param addresses the addresses of the host
 * @param ways the kernel's way to each RIP
 * @param sysctls kernel settings by name, {@code net.ipv4.conf.eth1.rp_filter}; those that the kernel does not have are absent
 * @param answers what was asked of the network and what was answered; a question that was not asked is absent
 * @param reversePathDrops packets that the kernel's rp_filter dropped meanwhile
 * @param xdpSockets AF_XDP sockets of the network namespace
 */
public record Facts(
        Subject subject,
        Machine machine,
        Map<String, Nic> interfaces,
        List<Link> links,
        List<OwnAddress> addresses,
        Map<IpAddress, Way> ways,
        Map<String, Integer> sysctls,
        Map<ProbeKey, List<ProbeAnswer>> answers,
        long reversePathDrops,
        int xdpSockets) {
    /**
     * The machine.
     *
     * @param problems what stands in the way of a start; nothing where a director runs
     * @param siblings by CPU those that are hyperthreads of the same core, itself included
     * @param cpus how many CPUs there are
     * @param workers how many workers there are, or would be; empty where that cannot be said
     */
    public record Machine(
            List<Preflight.Problem> problems, Map<Integer, Set<Integer>> siblings, int cpus, OptionalInt workers) {}

    /**
     * An interface of the director's.
     *
     * @param link what the kernel says of it
     * @param driver the driver's name; empty when it does not tell
     * @param queues receive queues in use
     * @param indirection the queues in its RSS table; empty without
     * @param flowRules rules by which the device picks queues
     * @param features offloads by the kernel's names
     * @param attachment its XDP programs; empty when they could not be looked at
     * @param xdpFeatures {@code enum netdev_xdp_act} of linux/netdev.h; empty where the kernel does not tell
     * @param missed by the name of a counter of the device, how many packets it could not take meanwhile
     * @param vlans the 802.1Q devices above it
     */
    public record Nic(
            Link link,
            Optional<String> driver,
            int queues,
            List<Integer> indirection,
            List<Ethtool.FlowRule> flowRules,
            Map<String, Boolean> features,
            Optional<XdpAttachment> attachment,
            OptionalLong xdpFeatures,
            Map<String, Long> missed,
            List<String> vlans) {
        /** Whether a feature is on. */
        public boolean has(String feature) {
            return features.getOrDefault(feature, false);
        }
    }

    /** A setting that counts for an interface when either its own or that of all interfaces is higher, as rp_filter. */
    public int strictest(String family, String interfaceName, String setting) {
        String prefix = "net." + family + ".conf.";
        return Math.max(
                sysctls.getOrDefault(prefix + "all." + setting, 0),
                sysctls.getOrDefault(prefix + interfaceName + "." + setting, 0));
    }

    /** {@code net.ipv4.conf.eth1.rp_filter = 1}, for those that are there. */
    public List<String> lines(String... names) {
        return List.of(names).stream()
                .filter(sysctls::containsKey)
                .map(name -> name + " = " + sysctls.get(name))
                .toList();
    }

    /** Whether a question was asked. */
    public boolean wasAsked(ProbeKey key) {
        return answers.containsKey(key);
    }

    /** The answers to a question; none when it was not asked. */
    public List<ProbeAnswer> answers(ProbeKey key) {
        return answers.getOrDefault(key, List.of());
    }

    /** Whether a question was answered in this way. */
    public boolean wasAnswered(ProbeKey key, ProbeAnswer.Kind... kinds) {
        return answers(key).stream().anyMatch(answer -> List.of(kinds).contains(answer.kind()));
    }

    /** Whether a question was asked and nobody answered. */
    public boolean isSilent(ProbeKey key) {
        return wasAsked(key) && answers(key).isEmpty();
    }

    /** Whether an address is one of the host. */
    public boolean isOwn(IpAddress address) {
        return addresses.stream().anyMatch(own -> own.address().equals(address));
    }

    /** The ways to a RIP; none where there is none. */
    public List<Leg> legs(IpAddress rip) {
        Way way = ways.get(rip);
        return way == null ? List.of() : way.legs();
    }

    /** The director's interface by which a leg leaves: its own link, or the one below a VLAN device of 802.1Q. */
    public Optional<Nic> egress(Leg leg) {
        Nic own = interfaces.get(leg.link().name());
        Link.Vlan vlan = leg.link().vlan();
        if (own != null || vlan == null || vlan.ethertype() != Link.Vlan.CUSTOMER) {
            return Optional.ofNullable(own);
        }
        return interfaces.values().stream()
                .filter(nic -> nic.link().ifindex() == vlan.lowerIfindex())
                .findFirst();
    }
}

package dev.sluice.forward;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.packet.PacketView;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import dev.sluice.service.ServiceKey;
import java.util.List;
import java.util.Map;

/**
 * Finds the service of a packet by the marks that rules give. Immutable; asks the rules one by one, on a flow miss only.
 */
final class FwmarkIndex {
    private static final int NO_SERVICE = ForwardingSnapshot.NONE;

    private final Rule[] rules;

    /** A rule with its prefixes as masks, so that a match is a handful of comparisons. */
    private record Rule(
            boolean inet6,
            int protocol,
            long destinationHigh,
            long destinationLow,
            long destinationMaskHigh,
            long destinationMaskLow,
            long sourceHigh,
            long sourceLow,
            long sourceMaskHigh,
            long sourceMaskLow,
            int firstPort,
            int lastPort,
            int service) {
        boolean matches(PacketView packet) {
            return packet.inet6() == inet6
                    && (packet.destinationLow() & destinationMaskLow) == destinationLow
                    && (packet.destinationHigh() & destinationMaskHigh) == destinationHigh
                    && (packet.sourceLow() & sourceMaskLow) == sourceLow
                    && (packet.sourceHigh() & sourceMaskHigh) == sourceHigh
                    && packet.destinationPort() >= firstPort
                    && packet.destinationPort() <= lastPort
                    && (protocol == 0 || packet.protocol() == protocol);
        }
    }

    /**
     * @param rules in the order in which they are asked
     * @param idByKey all services; a mark without one leaves the packet to the services of addresses
     */
    FwmarkIndex(List<FwmarkRule> rules, Map<ServiceKey, Integer> idByKey) {
        this.rules = rules.stream()
                .map(rule -> compile(rule, idByKey.getOrDefault(rule.key(), NO_SERVICE)))
                .toArray(Rule[]::new);
    }

    private static Rule compile(FwmarkRule rule, int service) {
        AddressFamily family = rule.destination().address().family();
        IpPrefix any = new IpPrefix(IpAddress.netmask(family, 0), 0);
        IpPrefix source = rule.source() == null ? any : rule.source();
        IpAddress destinationMask = IpAddress.netmask(family, rule.destination().length());
        IpAddress sourceMask = IpAddress.netmask(family, source.length());
        Protocol protocol = rule.protocol();
        return new Rule(
                family == AddressFamily.INET6,
                protocol == null ? 0 : protocol.number(),
                rule.destination().address().high(),
                rule.destination().address().low(),
                destinationMask.high(),
                destinationMask.low(),
                source.address().high(),
                source.address().low(),
                sourceMask.high(),
                sourceMask.low(),
                rule.firstPort(),
                rule.lastPort(),
                service);
    }

    /** The id of the service of the mark that the first rule which matches gives, or {@link ForwardingSnapshot#NONE}. */
    int find(PacketView packet) {
        for (int i = 0; i < rules.length; i++) {
            if (rules[i].matches(packet)) {
                return rules[i].service();
            }
        }
        return NO_SERVICE;
    }
}

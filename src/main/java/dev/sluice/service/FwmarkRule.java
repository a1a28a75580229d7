package dev.sluice.service;

import dev.sluice.packet.IpPrefix;
import org.jspecify.annotations.Nullable;

/**
 * Gives a mark to the packets that match all of it, as {@code iptables -t mangle -A PREROUTING … -j MARK --set-mark} would.
 * Of several rules that match, the first counts.
 *
 * @param mark as an unsigned number, never 0
 * @param protocol null for every protocol that a service can have
 * @param destination VIPs; its family is the rule's
 * @param firstPort lowest destination port, 0–65535
 * @param lastPort highest destination port, not below the lowest
 * @param source CIPs; of the same family; null for all
 */
public record FwmarkRule(
        int mark,
        @Nullable Protocol protocol,
        IpPrefix destination,
        int firstPort,
        int lastPort,
        @Nullable IpPrefix source) {
    /** Throws {@link IllegalArgumentException} for mark 0, bad ports, or a source of another family. */
    public FwmarkRule {
        if (mark == 0) {
            throw new IllegalArgumentException("mark 0 is no mark");
        }
        if (firstPort < 0 || lastPort > 65535 || firstPort > lastPort) {
            throw new IllegalArgumentException("ports " + firstPort + "-" + lastPort + " are no range in 0-65535");
        }
        if (source != null && source.address().family() != destination.address().family()) {
            throw new IllegalArgumentException("source " + source + " is of another family than " + destination);
        }
    }

    /** The key of the service that the rule's packets go to. */
    public FwmarkKey key() {
        return new FwmarkKey(destination.address().family(), mark);
    }
}

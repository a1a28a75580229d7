package dev.sluice.control;

import dev.sluice.control.config.LocalAddresses;
import dev.sluice.packet.IpAddress;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Says which local addresses of FULLNAT the host does not have, once: then nobody answers ARP or neighbour discovery for them,
 * and answers of real servers come back only if a router sends them here.
 *
 * <p>Owned by: control thread.
 */
final class LocalAddressLog {
    private static final Logger LOG = System.getLogger(LocalAddressLog.class.getName());

    private @Nullable Registry looked;
    private Set<IpAddress> lookedOwn = Set.of();
    private Set<IpAddress> told = Set.of();

    /** Looks at a configuration, if it or the host's addresses are others than the last time. */
    void look(Registry registry, Set<IpAddress> own) {
        if (registry == looked && own.equals(lookedOwn)) {
            return;
        }
        looked = registry;
        lookedOwn = own;
        Set<IpAddress> missing = missing(registry, own);
        List<IpAddress> untold = missing.stream()
                .filter(address -> !told.contains(address))
                .sorted()
                .toList();
        told = missing;
        if (!untold.isEmpty()) {
            LOG.log(Level.WARNING, "{0}", text(untold));
        }
    }

    /** The local addresses that services use and the host does not have. */
    static Set<IpAddress> missing(Registry registry, Set<IpAddress> own) {
        return LocalSteering.inUse(registry).stream()
                .filter(address -> !own.contains(address))
                .collect(Collectors.toUnmodifiableSet());
    }

    static String text(List<IpAddress> missing) {
        IpAddress first = missing.getFirst();
        return "local address " + String.join(", ", LocalAddresses.texts(missing))
                + " is on no interface of this host, so nobody answers "
                + (first.family().addressBits() == 32 ? "ARP" : "neighbour solicitations")
                + " for it: real servers' answers come back only if a router leads to it here; otherwise ip address add "
                + first + "/" + first.family().addressBits() + " dev INTERFACE";
    }
}

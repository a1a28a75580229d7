package dev.sluice.control;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/**
 * Keeps what the steering program knows of real servers that are reached by translation in step with the configured ones. One
 * that comes is steered before workers know it, so that the first reply finds the director; one that has gone, or is reached
 * otherwise now, as long as connections to it are left.
 *
 * <p>Owned by: control thread. Failures of the kernel are {@code NativeException}s.
 */
final class ReplySteering {
    private final SteeringMaps maps;
    /** By id of a real server, what replies of its come from. */
    private Map<Integer, Set<Source>> configured = Map.of();

    /** The same of what the registry has no more. */
    private final Map<Integer, Set<Source>> leaving = new HashMap<>();

    /** Whether more may be steered than what is configured or leaving. */
    private boolean widened;

    /**
     * What is steered of a real server.
     *
     * @param toLocal whether it is only what has no ports, and that only to local addresses: by FULLNAT the rest goes by those
     */
    private record Source(AddressKey key, boolean toLocal) {}

    ReplySteering(SteeringMaps maps) {
        this.maps = maps;
    }

    /** Before the snapshot of this registry is published: steers what comes. */
    void widen(Registry registry) {
        Set<Source> steered = steered();
        widened = true;
        for (Set<Source> replies : replies(registry).values()) {
            replies.stream().filter(source -> !steered.contains(source)).forEach(source -> {
                if (source.toLocal) {
                    maps.addPeer(source.key);
                } else {
                    maps.addRealServer(source.key);
                }
            });
        }
    }

    private Set<Source> steered() {
        Set<Source> steered = new HashSet<>();
        maps.realServers().forEach(key -> steered.add(new Source(key, false)));
        maps.peers().forEach(key -> steered.add(new Source(key, true)));
        return steered;
    }

    /** When every worker has acknowledged it, or the one before it again: what goes is leaving. */
    void follow(Registry registry) {
        Map<Integer, Set<Source>> wanted = replies(registry);
        configured.forEach((id, replies) -> {
            Set<Source> gone = new HashSet<>(replies);
            gone.removeAll(wanted.getOrDefault(id, Set.of()));
            if (!gone.isEmpty()) {
                leaving.computeIfAbsent(id, _ -> new HashSet<>()).addAll(gone);
            }
        });
        configured = wanted;
    }

    /**
     * Leaves to the kernel what is needed no more. Not between {@link #widen} and {@link #follow}.
     *
     * @param held whether anything in the datapath still refers to a real server's id
     */
    void narrow(IntPredicate held) {
        if (!widened && leaving.isEmpty()) {
            return;
        }
        widened = false;
        leaving.keySet().removeIf(id -> !held.test(id));
        Set<Source> needed = new HashSet<>();
        configured.values().forEach(needed::addAll);
        leaving.values().forEach(needed::addAll);
        for (Source source : steered()) {
            if (!needed.contains(source) && source.toLocal) {
                maps.removePeer(source.key);
            } else if (!needed.contains(source)) {
                maps.removeRealServer(source.key);
            }
        }
    }

    private static Map<Integer, Set<Source>> replies(Registry registry) {
        Map<Integer, Set<Source>> replies = new HashMap<>();
        for (VirtualService service : registry.services()) {
            for (RealServer real : registry.allRealServers(service)) {
                if (real.method().isTranslation()) {
                    boolean everyPort = DataConnections.has(registry, service);
                    replies.put(real.id(), replies(service.key(), real, everyPort, registry.fwmarkRules()));
                }
            }
        }
        return replies;
    }

    /** What a real server answers from, by the protocols of its service. */
    private static Set<Source> replies(ServiceKey service, RealServer real, boolean everyPort, List<FwmarkRule> rules) {
        int own = real.port() == 0 && service instanceof AddressKey key ? key.port() : real.port();
        boolean toLocal = real.method() == ForwardingMethod.FULLNAT;
        int port = everyPort || toLocal ? 0 : own;
        return protocols(service, rules).stream()
                .map(protocol -> new Source(new AddressKey(protocol, real.address(), port), toLocal))
                .collect(Collectors.toUnmodifiableSet());
    }

    private static Set<Protocol> protocols(ServiceKey service, List<FwmarkRule> rules) {
        if (service instanceof AddressKey key) {
            return Set.of(key.protocol());
        }
        Set<Protocol> protocols = EnumSet.noneOf(Protocol.class);
        for (FwmarkRule rule : rules) {
            if (rule.key().equals(service)) {
                Protocol protocol = rule.protocol();
                if (protocol == null) {
                    return EnumSet.allOf(Protocol.class);
                }
                protocols.add(protocol);
            }
        }
        return protocols;
    }
}

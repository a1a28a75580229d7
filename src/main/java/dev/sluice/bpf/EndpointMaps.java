package dev.sluice.bpf;

import dev.sluice.ffi.NativeException;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Two maps that go together: addresses with their ports, and the same addresses for packets that have no ports. What the
 * kernel holds is mirrored here, because an address stays in the second as long as any of its ports is in the first.
 *
 * <p>Owned by: control. Failures of the kernel are {@link NativeException}s.
 */
final class EndpointMaps {
    /** Ports of IKE, without and with NAT between the peers (RFC 7296 section 2.23). */
    private static final Set<Integer> IKE_PORTS = Set.of(500, 4500);

    private static final int ESP = 50;

    private final SteeringHash endpoints;
    private final SteeringHash portless;
    private final Map<AddressKey, Integer> values = new LinkedHashMap<>();
    /** The entries of the second map: how many of the first each stands for. */
    private final Map<SteeringKey, Integer> endpointsOf = new HashMap<>();

    /** Fills two maps, which are empty. */
    EndpointMaps(SteeringHash endpoints, SteeringHash portless) {
        this.endpoints = endpoints;
        this.portless = portless;
    }

    /** Puts an endpoint there, or gives the one that is there another value. */
    void put(AddressKey key, int value) {
        if (values.containsKey(key)) {
            endpoints.put(SteeringKey.of(key), value);
        } else {
            List<SteeringKey> addresses = portless(key);
            addresses.forEach(this::addPortless);
            try {
                endpoints.put(SteeringKey.of(key), value);
            } catch (NativeException e) {
                addresses.forEach(this::removePortless);
                throw e;
            }
        }
        values.put(key, value);
    }

    /** Takes an endpoint away; nothing happens for one that is not there. */
    void remove(AddressKey key) {
        if (!values.containsKey(key)) {
            return;
        }
        endpoints.remove(SteeringKey.of(key));
        values.remove(key);
        portless(key).forEach(this::removePortless);
    }

    private void addPortless(SteeringKey address) {
        if (!endpointsOf.containsKey(address)) {
            portless.put(address, 0);
        }
        endpointsOf.merge(address, 1, Integer::sum);
    }

    private void removePortless(SteeringKey address) {
        if (endpointsOf.merge(address, -1, Integer::sum) == 0) {
            endpointsOf.remove(address);
            portless.remove(address);
        }
    }

    /** What stands for an endpoint without its port: its protocol's fragments, and IPsec's packets where IKE's are its own. */
    private static List<SteeringKey> portless(AddressKey key) {
        SteeringKey fragments = new SteeringKey(key.address(), 0, key.protocol().number());
        boolean ike = key.protocol() == Protocol.UDP && (key.port() == 0 || IKE_PORTS.contains(key.port()));
        return ike ? List.of(fragments, new SteeringKey(key.address(), 0, ESP)) : List.of(fragments);
    }

    /** The endpoints that are there. */
    Set<AddressKey> keys() {
        return Set.copyOf(values.keySet());
    }
}

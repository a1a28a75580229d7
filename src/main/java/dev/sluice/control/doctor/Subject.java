package dev.sluice.control.doctor;

import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import dev.sluice.stats.DirectorStats;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What is examined: a configuration, and the director that runs with it if there is one. Immutable.
 *
 * @param config the running director's, or a file's
 * @param before counters at the beginning; empty without a running director
 * @param after counters at the end
 */
public record Subject(SluiceConfig config, Optional<DirectorStats> before, Optional<DirectorStats> after) {
    /**
     * A real server of a service.
     *
     * @param vips the service's
     */
    public record Real(ServiceConfig service, RealServerConfig config, List<IpAddress> vips) {
        /** The RIP. */
        public IpAddress rip() {
            return config.address();
        }

        /** The TCP port that the real server answers on; 0 where there is none that could be known. */
        public int tcpPort() {
            if (!(service.key() instanceof AddressKey key) || key.protocol() != Protocol.TCP) {
                return 0;
            }
            return config.method().translatesPort() && config.port() != 0 ? config.port() : key.port();
        }
    }

    /** Without a running director. */
    public static Subject ofFile(SluiceConfig config) {
        return new Subject(config, Optional.empty(), Optional.empty());
    }

    /** Whether a director runs. */
    public boolean isRunning() {
        return after.isPresent();
    }

    /** The interfaces that the director steers from. */
    public List<String> interfaces() {
        return config.director().interfaces();
    }

    /** The VIPs of a service: one, or those that the rules of a firewall mark name. */
    public List<IpAddress> vips(ServiceConfig service) {
        return switch (service.key()) {
            case AddressKey key -> List.of(key.address());
            case FwmarkKey key ->
                config.fwmarkRules().stream()
                        .filter(rule -> rule.key().equals(key))
                        .map(FwmarkRule::destination)
                        .filter(prefix ->
                                prefix.length() == prefix.address().family().addressBits())
                        .map(prefix -> prefix.address())
                        .distinct()
                        .toList();
        };
    }

    /** All VIPs, each once, in the order of the services. */
    public Set<IpAddress> vips() {
        Set<IpAddress> vips = new LinkedHashSet<>();
        config.services().forEach(service -> vips.addAll(vips(service)));
        return vips;
    }

    /** All real servers of all services, sorry servers among them. */
    public List<Real> realServers() {
        List<Real> all = new ArrayList<>();
        for (ServiceConfig service : config.services()) {
            List<IpAddress> vips = vips(service);
            RealServerConfig sorry = service.health().sorry();
            Stream<RealServerConfig> reals = service.realServers().stream();
            (sorry == null ? reals : Stream.concat(reals, Stream.of(sorry)))
                    .forEach(real -> all.add(new Real(service, real, vips)));
        }
        return all;
    }

    /** All RIPs, each once. */
    public Set<IpAddress> rips() {
        Set<IpAddress> rips = new LinkedHashSet<>();
        realServers().forEach(real -> rips.add(real.rip()));
        return rips;
    }

    /** The addresses from which FULLNAT speaks to real servers. */
    public Set<IpAddress> localAddresses() {
        Set<IpAddress> addresses = new LinkedHashSet<>();
        for (ServiceConfig service : config.services()) {
            if (service.realServers().stream().anyMatch(real -> real.method() == ForwardingMethod.FULLNAT)) {
                List<IpAddress> own = service.translation().pool().addresses();
                addresses.addAll(own.isEmpty() ? config.director().fullnat().localAddresses() : own);
            }
        }
        return addresses;
    }
}

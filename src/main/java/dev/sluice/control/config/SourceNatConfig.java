package dev.sluice.control.config;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import java.util.List;
import java.util.Optional;

/**
 * {@code [director.snat]}: connections that real servers open themselves leave with another source.
 *
 * @param sources the real servers' networks; none, and nothing is done
 * @param addresses the source that connections get, no more than one of a family; without one of theirs, that of the interface by which
 *     they leave
 * @param outgoing the interface by which they leave; empty for any
 */
public record SourceNatConfig(List<IpPrefix> sources, List<IpAddress> addresses, Optional<String> outgoing) {
    /** Nothing is done. */
    public static final SourceNatConfig NONE = new SourceNatConfig(List.of(), List.of(), Optional.empty());

    /** Copies the lists. */
    public SourceNatConfig {
        sources = List.copyOf(sources);
        addresses = List.copyOf(addresses);
    }

    /** Whether anything is to be done. */
    public boolean isSet() {
        return !sources.isEmpty();
    }

    /** The networks of a family. */
    public List<IpPrefix> sources(AddressFamily family) {
        return sources.stream()
                .filter(source -> source.address().family() == family)
                .toList();
    }

    /** The source that connections of a family get. */
    public Optional<IpAddress> address(AddressFamily family) {
        return addresses.stream().filter(address -> address.family() == family).findFirst();
    }
}

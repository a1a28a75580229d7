package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Names of hosts and of services. */
interface Names {
    /** A host's first IPv4 address; command lines name no others. */
    Optional<IpAddress> addressOf(String host);

    /** A host's name. */
    Optional<String> hostOf(IpAddress address);

    /** The port that a service's name or alias stands for. */
    OptionalInt portOf(String service, Protocol protocol);

    /** The name of a port; a connection of no transport protocol, null here, has none. */
    Optional<String> serviceOf(int port, @Nullable Protocol protocol);
}

package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.Tunnel;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A command line that makes sense.
 *
 * @param command what it asks for
 * @param options the options it gave
 * @param service the virtual service it names, null if none
 * @param real the real server it names, null if none
 * @param timeoutsSeconds of {@code --set}: for TCP, TCP after a FIN, and UDP; 0 leaves one as it is. Empty otherwise
 * @param daemon of {@code --start-daemon} and {@code --stop-daemon}: {@code master} or {@code backup}; empty otherwise
 * @param translation what only DPVS's ipvsadm has words for
 */
record Request(
        IpvsCommand command,
        Set<IpvsOption> options,
        @Nullable Service service,
        @Nullable Real real,
        List<Integer> timeoutsSeconds,
        String daemon,
        Translation translation) {
    Request {
        options = Set.copyOf(options);
        timeoutsSeconds = List.copyOf(timeoutsSeconds);
    }

    boolean has(IpvsOption option) {
        return options.contains(option);
    }

    /**
     * Local addresses of a service, and its SYN proxy.
     *
     * @param localAddresses addresses and ranges
     * @param interfaceName the interface that they are said to be on, null if none is
     * @param synProxy null where it stays as it is
     */
    record Translation(
            List<String> localAddresses,
            @Nullable String interfaceName,
            @Nullable Boolean synProxy) {
        Translation {
            localAddresses = List.copyOf(localAddresses);
        }
    }

    /**
     * A virtual service, with the settings that {@code -A} and {@code -E} give.
     *
     * @param schedulerFlags their keywords under that scheduler
     * @param engine the persistence engine, empty for none
     * @param persistenceSeconds 0 for a service that is not persistent
     * @param netmask of persistence; of the service's family
     */
    record Service(
            ServiceKey key,
            String scheduler,
            List<String> schedulerFlags,
            String engine,
            int persistenceSeconds,
            IpAddress netmask,
            boolean onePacket) {
        Service {
            schedulerFlags = List.copyOf(schedulerFlags);
        }
    }

    /**
     * A real server, with the settings that {@code -a} and {@code -e} give.
     *
     * @param tunnel null unless the method is {@link ForwardingMethod#TUN}
     */
    record Real(
            IpAddress address,
            int port,
            ForwardingMethod method,
            int weight,
            int upperThreshold,
            int lowerThreshold,
            @Nullable Tunnel tunnel) {}
}

package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Protocol;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The table of virtual services as the director's {@code table} tells it. */
final class Entries {
    private Entries() {}

    /**
     * Counters since the last {@code -Z}, or rates a second; unsigned.
     */
    record Counts(long connections, long inPackets, long outPackets, long inBytes, long outBytes) {}

    /**
     * What is done to connections that are translated.
     *
     * @param localAddresses single ones and ranges
     * @param own whether they are the service's own
     */
    record Translation(List<String> localAddresses, boolean own, boolean synProxy) {}

    /**
     * A virtual service.
     *
     * @param engine the persistence engine, empty for none
     * @param persistenceSeconds 0 for a service that is not persistent
     * @param netmask of persistence, null for each client by itself
     * @param realServers newest first, as IPVS keeps them
     */
    record Service(
            ServiceKey key,
            String scheduler,
            List<String> schedulerFlags,
            String engine,
            int persistenceSeconds,
            @Nullable String netmask,
            boolean onePacket,
            Translation translation,
            Counts totals,
            Counts rates,
            List<Real> realServers) {}

    /**
     * A real server.
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
            @Nullable Tunnel tunnel,
            long active,
            long inactive,
            long persistent,
            Counts totals,
            Counts rates) {}

    /** The services of a {@code table}, in its order. */
    static List<Service> read(Json table) {
        List<Service> services = new ArrayList<>();
        for (Json service : table.path("services").elements()) {
            services.add(service(service));
        }
        return services;
    }

    private static Service service(Json json) {
        List<String> flags = new ArrayList<>();
        json.path("schedulerFlags").elements().forEach(flag -> flags.add(flag.text()));
        List<Real> realServers = new ArrayList<>();
        json.path("realServers").elements().forEach(real -> realServers.addFirst(real(real)));
        ServiceKey key = key(json);
        return new Service(
                key,
                json.path("scheduler").text(),
                flags,
                "",
                (int) json.path("persistence").number(),
                netmask(json.path("persistenceNetmask"), key.family()),
                json.path("onePacket").isTrue(),
                translation(json.path("translation")),
                counts(json.path("traffic")),
                counts(json.path("rates")),
                realServers);
    }

    private static Translation translation(Json json) {
        List<String> addresses = new ArrayList<>();
        json.path("localAddresses").elements().forEach(address -> addresses.add(address.text()));
        return new Translation(
                addresses,
                json.path("ownLocalAddresses").isTrue(),
                json.path("synProxy").isTrue());
    }

    private static @Nullable String netmask(Json json, AddressFamily family) {
        String whole = family == AddressFamily.INET ? "255.255.255.255" : "128";
        return whole.equals(json.string()) ? null : json.string();
    }

    private static ServiceKey key(Json json) {
        String protocol = json.path("protocol").text();
        String address = json.path("address").text();
        if (protocol.equals("FWM")) {
            return new FwmarkKey(
                    json.path("family").text().equals("inet6") ? AddressFamily.INET6 : AddressFamily.INET,
                    Integer.parseUnsignedInt(address));
        }
        return new AddressKey(Protocol.valueOf(protocol), IpAddress.parse(address), (int)
                json.path("port").number());
    }

    private static Real real(Json json) {
        ForwardingMethod method = ForwardingMethod.DR;
        for (ForwardingMethod known : ForwardingMethod.values()) {
            if (known.keyword().equals(json.path("method").text())) {
                method = known;
            }
        }
        return new Real(
                IpAddress.parse(json.path("address").text()),
                (int) json.path("port").number(),
                method,
                (int) json.path("weight").number(),
                (int) json.path("upperThreshold").number(),
                (int) json.path("lowerThreshold").number(),
                method == ForwardingMethod.TUN ? tunnel(json.path("tunnel")) : null,
                json.path("active").number(),
                json.path("inactive").number(),
                json.path("persistent").number(),
                counts(json.path("traffic")),
                counts(json.path("rates")));
    }

    private static Tunnel tunnel(Json json) {
        for (TunnelType type : TunnelType.values()) {
            for (Tunnel.Checksum checksum : Tunnel.Checksum.values()) {
                if (type.keyword().equals(json.path("type").text())
                        && checksum.keyword().equals(json.path("checksum").text())) {
                    return new Tunnel(type, (int) json.path("port").number(), checksum);
                }
            }
        }
        return Tunnel.IPIP;
    }

    private static Counts counts(Json json) {
        return new Counts(
                json.path("connections").number(),
                json.path("inPackets").number(),
                json.path("outPackets").number(),
                json.path("inBytes").number(),
                json.path("outBytes").number());
    }
}

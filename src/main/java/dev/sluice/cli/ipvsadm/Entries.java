package dev.sluice.cli.ipvsadm;

import com.fasterxml.jackson.databind.JsonNode;
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
    static List<Service> read(JsonNode table) {
        List<Service> services = new ArrayList<>();
        for (JsonNode service : table.path("services")) {
            services.add(service(service));
        }
        return services;
    }

    private static Service service(JsonNode json) {
        List<String> flags = new ArrayList<>();
        json.path("schedulerFlags").forEach(flag -> flags.add(flag.asText()));
        List<Real> realServers = new ArrayList<>();
        json.path("realServers").forEach(real -> realServers.addFirst(real(real)));
        ServiceKey key = key(json);
        return new Service(
                key,
                json.path("scheduler").asText(),
                flags,
                "",
                json.path("persistence").asInt(),
                netmask(json.path("persistenceNetmask"), key.family()),
                json.path("onePacket").asBoolean(),
                counts(json.path("traffic")),
                counts(json.path("rates")),
                realServers);
    }

    private static @Nullable String netmask(JsonNode json, AddressFamily family) {
        String whole = family == AddressFamily.INET ? "255.255.255.255" : "128";
        return !json.isTextual() || json.textValue().equals(whole) ? null : json.textValue();
    }

    private static ServiceKey key(JsonNode json) {
        String protocol = json.path("protocol").asText();
        String address = json.path("address").asText();
        if (protocol.equals("FWM")) {
            return new FwmarkKey(
                    json.path("family").asText().equals("inet6") ? AddressFamily.INET6 : AddressFamily.INET,
                    Integer.parseUnsignedInt(address));
        }
        return new AddressKey(
                Protocol.valueOf(protocol),
                IpAddress.parse(address),
                json.path("port").asInt());
    }

    private static Real real(JsonNode json) {
        ForwardingMethod method = ForwardingMethod.DR;
        for (ForwardingMethod known : ForwardingMethod.values()) {
            if (known.keyword().equals(json.path("method").asText())) {
                method = known;
            }
        }
        return new Real(
                IpAddress.parse(json.path("address").asText()),
                json.path("port").asInt(),
                method,
                json.path("weight").asInt(),
                json.path("upperThreshold").asInt(),
                json.path("lowerThreshold").asInt(),
                method == ForwardingMethod.TUN ? tunnel(json.path("tunnel")) : null,
                json.path("active").asLong(),
                json.path("inactive").asLong(),
                json.path("persistent").asLong(),
                counts(json.path("traffic")),
                counts(json.path("rates")));
    }

    private static Tunnel tunnel(JsonNode json) {
        for (TunnelType type : TunnelType.values()) {
            for (Tunnel.Checksum checksum : Tunnel.Checksum.values()) {
                if (type.keyword().equals(json.path("type").asText())
                        && checksum.keyword().equals(json.path("checksum").asText())) {
                    return new Tunnel(type, json.path("port").asInt(), checksum);
                }
            }
        }
        return Tunnel.IPIP;
    }

    private static Counts counts(JsonNode json) {
        return new Counts(
                json.path("connections").asLong(),
                json.path("inPackets").asLong(),
                json.path("outPackets").asLong(),
                json.path("inBytes").asLong(),
                json.path("outBytes").asLong());
    }
}

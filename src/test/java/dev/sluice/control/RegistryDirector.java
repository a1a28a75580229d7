package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.cli.ipvsadm.Director;
import dev.sluice.cli.ipvsadm.Json;
import dev.sluice.control.admin.AdminException;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Persistence;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.Tunnel;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.TableStats;
import dev.sluice.stats.TimeoutStats;
import dev.sluice.stats.Traffic;
import dev.sluice.stats.TunnelStats;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Answers the commands of the admin protocol from a registry without a datapath, in which every forwarding method is allowed:
 * nothing passes, so nothing is counted.
 */
public final class RegistryDirector implements Director {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final long tableSize;
    private final Set<IpAddress> broadcast;
    private Registry registry = new Registry(65537, KnownIds.NONE);
    private TimeoutStats timeouts = new TimeoutStats(900, 120, 300);

    /**
     * @param tableSize room for connections
     * @param broadcast what the kernel would call broadcast addresses
     */
    public RegistryDirector(long tableSize, Set<IpAddress> broadcast) {
        this.tableSize = tableSize;
        this.broadcast = Set.copyOf(broadcast);
    }

    @Override
    public Json ask(String command, Map<String, ?> arguments) throws AdminException {
        return Json.parse(tree(command, arguments).toString());
    }

    /** As {@link #ask}. */
    public JsonNode tree(String command, Map<String, ?> arguments) throws AdminException {
        JsonNode request = JSON.valueToTree(arguments);
        return switch (command) {
            case "table" ->
                JSON.valueToTree(new TableStats(
                        tableSize,
                        registry.services().stream().map(this::service).toList()));
            case "timeouts" -> JSON.valueToTree(timeouts);
            case "set-timeouts" -> {
                timeouts = new TimeoutStats(
                        changed(request.path("tcp"), timeouts.tcp()),
                        changed(request.path("tcpfin"), timeouts.tcpfin()),
                        changed(request.path("udp"), timeouts.udp()));
                yield JSON.valueToTree(timeouts);
            }
            case "connections" -> JSON.createObjectNode().putNull("next");
            case "zero" -> zero(request.path("service"));
            case "local-add", "local-delete" ->
                change(ServiceCommands.edit(command, request.path("service"), request.path("local_addresses")));
            default -> change(ServiceCommands.edit(command, request.path("service"), request.path("real")));
        };
    }

    private static int changed(JsonNode seconds, int before) {
        return seconds.asInt() == 0 ? before : seconds.asInt();
    }

    private JsonNode zero(JsonNode service) throws AdminException {
        try {
            if (!service.isMissingNode()) {
                registry.get(ServiceJson.key(service));
            }
            return JSON.createObjectNode();
        } catch (ChangeException e) {
            throw ServiceCommands.failure(e);
        }
    }

    private JsonNode change(Edit edit) throws AdminException {
        Registry draft = registry.copy();
        try {
            List<String> lines = edit.applyTo(draft);
            TranslationCheck.check(draft);
            if (draft.realServerAddresses().stream().anyMatch(broadcast::contains)) {
                throw new ChangeException(ChangeException.Code.NOT_UNICAST, "a broadcast address");
            }
            registry = draft;
            return JSON.valueToTree(Map.of("changes", lines));
        } catch (ChangeException e) {
            throw ServiceCommands.failure(e);
        }
    }

    private ServiceStats service(VirtualService service) {
        Persistence persistence = service.persistence();
        return new ServiceStats(
                service.key() instanceof AddressKey key ? key.protocol().name() : "FWM",
                switch (service.key()) {
                    case AddressKey key -> key.address().toString();
                    case FwmarkKey key -> Integer.toUnsignedString(key.mark());
                },
                service.key() instanceof AddressKey key ? key.port() : 0,
                service.key().family() == AddressFamily.INET ? "inet" : "inet6",
                service.scheduler().keyword(),
                service.schedulerFlags().stream().map(SchedulerFlag::keyword).toList(),
                persistence == null ? 0 : persistence.timeoutSeconds(),
                persistence == null ? null : persistence.netmaskText(),
                service.onePacket(),
                StatsReader.translation(Overlay.withPool(service, registry), service.translation()),
                Traffic.NONE,
                Traffic.NONE,
                service.realServers().stream().map(RegistryDirector::realServer).toList());
    }

    private static RealServerStats realServer(RealServer real) {
        return new RealServerStats(
                real.address().toString(),
                real.port(),
                real.method().keyword(),
                tunnel(real.tunnel()),
                "keep",
                real.weight(),
                "",
                List.of(),
                true,
                0,
                0,
                real.upperThreshold(),
                real.lowerThreshold(),
                false,
                0,
                Traffic.NONE,
                Traffic.NONE);
    }

    private static @Nullable TunnelStats tunnel(@Nullable Tunnel tunnel) {
        return tunnel == null
                ? null
                : new TunnelStats(
                        tunnel.type().keyword(),
                        tunnel.port(),
                        tunnel.checksum().keyword());
    }
}

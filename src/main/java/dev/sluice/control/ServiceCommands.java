package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The commands of the admin socket that list and change services. Requests are read on the connection's thread and carried
 * out on the control thread; the answer to a change comes when every worker goes by it. Any thread but control.
 */
final class ServiceCommands {
    /** What {@link #answer} knows. */
    static final List<String> COMMANDS = List.of(
            "services",
            "service-add",
            "service-edit",
            "service-delete",
            "real-add",
            "real-edit",
            "real-delete",
            "local-add",
            "local-delete",
            "fwmark-add",
            "fwmark-delete",
            "flush",
            "zero");

    private static final int MAX_FWMARK_RULES = 256;

    private final ControlQueue queue;
    private final Reconfigurer reconfigurer;
    private final TrafficReader traffic;
    private final List<String> interfaces;

    /**
     * @param interfaces the director's
     */
    ServiceCommands(ControlQueue queue, Reconfigurer reconfigurer, TrafficReader traffic, List<String> interfaces) {
        this.queue = queue;
        this.reconfigurer = reconfigurer;
        this.traffic = traffic;
        this.interfaces = List.copyOf(interfaces);
    }

    /**
     * Carries out one of {@link #COMMANDS}.
     *
     * @throws AdminException when it cannot be; nothing has changed
     */
    Object answer(String command, JsonNode request) throws AdminException {
        JsonNode service = request.path("service");
        return switch (command) {
            case "services" -> queue.call(this::list);
            case "fwmark-add" -> addRule(ServiceJson.fwmarkRule(request.path("rule")));
            case "fwmark-delete" -> deleteRule(ServiceJson.fwmarkRule(request.path("rule")));
            case "zero" -> service.isMissingNode() ? zeroAll() : zero(ServiceJson.key(service));
            case "local-add", "local-delete" -> {
                checkInterface(request.path("interface"));
                yield change(edit(command, service, request.path("local_addresses")));
            }
            default -> change(edit(command, service, request.path("real")));
        };
    }

    /**
     * The change that one of ipvsadm's commands asks for.
     *
     * @param other what stands beside the service: a real server, or local addresses
     */
    static Edit edit(String command, JsonNode service, JsonNode other) throws AdminException {
        return switch (command) {
            case "flush" -> new Edit.DeleteAllServices();
            case "service-add" -> new Edit.AddService(ServiceJson.service(service));
            case "service-edit" -> new Edit.EditService(ServiceJson.service(service), kept(service));
            case "service-delete" -> new Edit.DeleteService(ServiceJson.key(service));
            case "real-add" -> {
                ServiceKey key = ServiceJson.key(service);
                yield new Edit.AddRealServer(key, ServiceJson.realServer(key, other));
            }
            case "real-edit" -> {
                ServiceKey key = ServiceJson.key(service);
                yield new Edit.EditRealServer(
                        key, ServiceJson.realServer(key, other), !ServiceJson.saysHealth(other, HealthJson.REAL_KEYS));
            }
            case "real-delete" -> {
                ServiceKey key = ServiceJson.key(service);
                RealServerConfig named = ServiceJson.realServerKey(key, other);
                yield new Edit.DeleteRealServer(key, named.address(), named.port());
            }
            case "local-add" -> {
                ServiceKey key = ServiceJson.key(service);
                yield new Edit.AddLocalAddresses(key, ServiceJson.localAddresses(key, other));
            }
            case "local-delete" -> {
                ServiceKey key = ServiceJson.key(service);
                yield new Edit.DeleteLocalAddresses(key, ServiceJson.localAddresses(key, other));
            }
            default -> throw new IllegalArgumentException(command);
        };
    }

    private static KeptSettings kept(JsonNode service) {
        return new KeptSettings(
                !ServiceJson.saysHealth(service, HealthJson.SERVICE_KEYS),
                !service.has("local_addresses"),
                !service.has("client_address"),
                !service.has("syn_proxy"));
    }

    /** DPVS wants to know to which interface an address is added: here none is, but one that is not there is a mistake. */
    private void checkInterface(JsonNode name) throws AdminException {
        if (!name.isMissingNode() && !interfaces.contains(name.asText())) {
            throw new AdminException(
                    ChangeException.Code.INVALID.word(),
                    "\"" + name.asText() + "\" is no interface of this director; it has "
                            + String.join(", ", interfaces));
        }
    }

    private Object list() {
        Registry registry = reconfigurer.registry();
        return Map.of(
                "services",
                registry.services().stream()
                        .map(service -> ServiceJson.of(service, registry.health(service.key())))
                        .toList(),
                "fwmark",
                registry.fwmarkRules().stream().map(ServiceJson::of).toList());
    }

    private Object change(Edit edit) throws AdminException {
        return queue.call(() -> changes(List.of(edit)));
    }

    private Object changes(List<Edit> edits) throws AdminException, InterruptedException {
        try {
            return Map.of("changes", reconfigurer.change(edits));
        } catch (ChangeException e) {
            throw failure(e);
        }
    }

    /** A change that cannot be made, as it goes over the wire. */
    static AdminException failure(ChangeException e) {
        String message = String.valueOf(e.getMessage());
        return new AdminException(
                e.code().word(),
                message.lines().findFirst().orElse(""),
                message.lines().toList());
    }

    private Object addRule(FwmarkRule rule) throws AdminException {
        return queue.call(() -> {
            List<FwmarkRule> rules = new ArrayList<>(reconfigurer.registry().fwmarkRules());
            if (rules.contains(rule)) {
                throw new AdminException("rule_exists", EditText.text(rule) + " exists already");
            }
            if (rules.size() >= MAX_FWMARK_RULES) {
                throw new AdminException(
                        ChangeException.Code.FULL.word(),
                        "there is no room for more than " + MAX_FWMARK_RULES + " fwmark rules");
            }
            rules.add(rule);
            return changes(List.of(new Edit.SetFwmarkRules(rules)));
        });
    }

    private Object deleteRule(FwmarkRule rule) throws AdminException {
        return queue.call(() -> {
            List<FwmarkRule> rules = new ArrayList<>(reconfigurer.registry().fwmarkRules());
            if (!rules.remove(rule)) {
                throw new AdminException("rule_not_found", "there is no " + EditText.text(rule));
            }
            return changes(List.of(new Edit.SetFwmarkRules(rules)));
        });
    }

    private Object zeroAll() throws AdminException {
        return queue.call(() -> {
            reconfigurer.registry().services().forEach(this::zero);
            return Map.of();
        });
    }

    private Object zero(ServiceKey key) throws AdminException {
        return queue.call(() -> {
            try {
                zero(reconfigurer.registry().get(key));
                return Map.of();
            } catch (ChangeException e) {
                throw failure(e);
            }
        });
    }

    private void zero(VirtualService service) {
        traffic.zeroService(service.id());
        for (RealServer real : reconfigurer.registry().allRealServers(service)) {
            traffic.zeroRealServer(real.id());
        }
    }
}

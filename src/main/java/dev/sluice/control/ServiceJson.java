package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.control.config.ConfigProblem;
import dev.sluice.control.config.LocalAddresses;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.control.config.ServiceTables;
import dev.sluice.health.CheckSpec;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Persistence;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.TranslationOptions;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import dev.sluice.service.VirtualService;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.tomlj.Toml;

/**
 * Services in JSON, with the keys, values, defaults and checks of the configuration file: what comes is read as the TOML table
 * that it stands for.
 */
final class ServiceJson {
    private static final Set<String> KEY = Set.of("protocol", "address", "fwmark", "family");

    private ServiceJson() {}

    /** A service with its settings, and with real servers if there are any. */
    static ServiceConfig service(JsonNode service) throws AdminException {
        return tables("service", object(service, "service")).services().getFirst();
    }

    /** The key of a service that only has to be named. */
    static ServiceKey key(JsonNode service) throws AdminException {
        refuseOthers(object(service, "service"), "service", KEY);
        return service(service).key();
    }

    /** A real server of a service that is named. */
    static RealServerConfig realServer(ServiceKey key, JsonNode real) throws AdminException {
        ObjectNode service = JsonNodeFactory.instance.objectNode();
        putKey(service, key);
        service.putArray("real").add(object(real, "real"));
        return tables("service", service).services().getFirst().realServers().getFirst();
    }

    /** A real server that only has to be named. */
    static RealServerConfig realServerKey(ServiceKey key, JsonNode real) throws AdminException {
        ObjectNode named = object(real, "real").deepCopy();
        refuseOthers(named, "real", Set.of("address", "port"));
        // Of either family: what it is forwarded to by does not have to be said.
        return realServer(key, named.put("method", ForwardingMethod.TUN.keyword()));
    }

    /** A rule of firewall marks. */
    static FwmarkRule fwmarkRule(JsonNode rule) throws AdminException {
        return tables("fwmark", object(rule, "rule")).fwmarkRules().getFirst();
    }

    /** Whether a service, or a real server, says anything about health; one that does not is edited without changing that. */
    static boolean saysHealth(JsonNode node, List<String> keys) {
        return keys.stream().anyMatch(node::has);
    }

    /** A service of whose health nothing is configured. */
    static ObjectNode of(VirtualService service) {
        return of(service, HealthSettings.NONE);
    }

    /** A service with everything that can be set; of its health what differs from the defaults. */
    static ObjectNode of(VirtualService service, HealthSettings health) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        putKey(json, service.key());
        json.put("scheduler", service.scheduler().keyword());
        ArrayNode flags = json.putArray("scheduler_flags");
        service.schedulerFlags().stream().map(SchedulerFlag::keyword).sorted().forEach(flags::add);
        Persistence persistence = service.persistence();
        if (persistence != null) {
            json.put("persistence", persistence.timeoutSeconds());
            if (service.key().family() == AddressFamily.INET) {
                json.put("persistence_netmask", persistence.netmaskText());
            } else {
                json.put("persistence_netmask", Integer.parseInt(persistence.netmaskText()));
            }
        }
        json.put("one_packet", service.onePacket());
        putTranslation(json, service.translation());
        HealthJson.putSettings(json, health.config());
        RealServer sorry = health.sorry();
        if (sorry != null) {
            putSettings(json.putObject("sorry"), service.key(), sorry)
                    .remove(List.of("weight", "upper_threshold", "lower_threshold"));
        }
        ArrayNode realServers = json.putArray("real");
        for (RealServer real : service.realServers()) {
            ObjectNode settings = putSettings(realServers.addObject(), service.key(), real);
            List<CheckSpec> own = health.ownChecks().get(new RealServerConfig.Endpoint(real.address(), real.port()));
            if (own != null) {
                HealthJson.putChecks(settings, own);
            }
        }
        return json;
    }

    /** What differs from the defaults: most services have none of it. */
    private static void putTranslation(ObjectNode json, TranslationOptions options) {
        if (!options.pool().addresses().isEmpty()) {
            LocalAddresses.texts(options.pool().addresses()).forEach(json.putArray("local_addresses")::add);
        }
        if (options.clientAddress() != ClientAddress.NONE) {
            json.put("client_address", options.clientAddress().keyword());
        }
        if (options.synProxy()) {
            json.put("syn_proxy", true);
        }
    }

    /** Local addresses of a service, which a command names. */
    static List<IpAddress> localAddresses(ServiceKey key, JsonNode addresses) throws AdminException {
        ObjectNode service = JsonNodeFactory.instance.objectNode();
        putKey(service, key);
        if (!addresses.isArray() || addresses.isEmpty()) {
            throw new AdminException("bad_request", "\"local_addresses\" is missing or no list of any");
        }
        service.set("local_addresses", addresses);
        return service(service).translation().pool().addresses();
    }

    /** Whether a service of a mark knows its real server by a port. */
    private static boolean markPort(ServiceKey key, RealServer real) {
        return key instanceof FwmarkKey && real.port() != 0;
    }

    private static ObjectNode putSettings(ObjectNode json, ServiceKey key, RealServer real) {
        json.put("address", real.address().toString());
        if (real.method().translatesPort() || markPort(key, real)) {
            json.put("port", real.port());
        }
        json.put("method", real.method().keyword())
                .put("weight", real.weight())
                .put("upper_threshold", real.upperThreshold())
                .put("lower_threshold", real.lowerThreshold());
        Tunnel tunnel = real.tunnel();
        if (tunnel != null) {
            json.put("tun_type", tunnel.type().keyword());
            if (tunnel.type() == TunnelType.GUE) {
                json.put("tun_port", tunnel.port());
            }
            if (tunnel.type() != TunnelType.IPIP) {
                json.put("tun_checksum", tunnel.checksum().keyword());
            }
        }
        if (real.vlan() > RealServer.VLAN_NONE) {
            json.put("vlan", real.vlan());
        } else {
            json.put("vlan", EditText.vlan(real.vlan()));
        }
        return json;
    }

    /** A rule of firewall marks. */
    static ObjectNode of(FwmarkRule rule) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("mark", Integer.toUnsignedLong(rule.mark()));
        if (rule.protocol() != null) {
            json.put("protocol", rule.protocol().name().toLowerCase(Locale.ROOT));
        }
        json.put("destination", rule.destination().toString());
        json.put(
                "ports",
                rule.firstPort() == rule.lastPort()
                        ? Integer.toString(rule.firstPort())
                        : rule.firstPort() + "-" + rule.lastPort());
        if (rule.source() != null) {
            json.put("source", rule.source().toString());
        }
        return json;
    }

    private static void putKey(ObjectNode json, ServiceKey key) {
        switch (key) {
            case AddressKey address -> {
                String vip = address.address().toString();
                json.put("protocol", address.protocol().name().toLowerCase(Locale.ROOT));
                json.put(
                        "address",
                        (address.family() == AddressFamily.INET6 ? "[" + vip + "]" : vip) + ":" + address.port());
            }
            case FwmarkKey mark ->
                json.put("fwmark", Integer.toUnsignedLong(mark.mark()))
                        .put("family", mark.family().name().toLowerCase(Locale.ROOT));
        }
    }

    private static ObjectNode object(JsonNode node, String name) throws AdminException {
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw new AdminException("bad_request", "\"" + name + "\" is missing or not an object");
    }

    private static void refuseOthers(ObjectNode object, String name, Set<String> allowed) throws AdminException {
        for (String field : (Iterable<String>) object::fieldNames) {
            if (!allowed.contains(field)) {
                throw new AdminException(
                        "bad_request",
                        "\"" + field + "\" in \"" + name + "\" has no meaning here; allowed: "
                                + allowed.stream().sorted().collect(Collectors.joining(", ")));
            }
        }
    }

    private static ServiceTables tables(String name, ObjectNode table) throws AdminException {
        StringBuilder text = new StringBuilder(name).append(" = [");
        appendToml(text, table);
        try {
            return ConfigFile.parseTables(text.append("]\n").toString());
        } catch (ConfigException e) {
            List<String> problems =
                    e.problems().stream().map(ConfigProblem::text).toList();
            throw new AdminException(ChangeException.Code.INVALID.word(), problems.getFirst(), problems);
        }
    }

    private static void appendToml(StringBuilder text, JsonNode node) throws AdminException {
        switch (node.getNodeType()) {
            case OBJECT -> {
                String separator = "{ ";
                for (var field : node.properties()) {
                    text.append(separator).append(quoted(field.getKey())).append(" = ");
                    appendToml(text, field.getValue());
                    separator = ", ";
                }
                text.append(node.isEmpty() ? "{}" : " }");
            }
            case ARRAY -> {
                String separator = "[";
                for (JsonNode element : node) {
                    text.append(separator);
                    appendToml(text, element);
                    separator = ", ";
                }
                text.append(node.isEmpty() ? "[]" : "]");
            }
            case STRING -> text.append(quoted(node.textValue()));
            case NUMBER, BOOLEAN -> text.append(node.asText());
            default -> throw new AdminException("bad_request", "null has no meaning here: leave the key out");
        }
    }

    private static String quoted(String text) {
        return '"' + Toml.tomlEscape(text).toString() + '"';
    }
}

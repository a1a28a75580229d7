package dev.sluice.control;

import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.service.LocalPool;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What turns the services that run into those of a configuration. */
final class ConfigDifference {
    private ConfigDifference() {}

    /**
     * The edits, removals first. Real servers that stay keep their ids and so their connections; all come to stand in the
     * order of the file, as after a start with it.
     */
    static List<Edit> edits(Registry running, SluiceConfig wanted) {
        Map<ServiceKey, ServiceConfig> byKey =
                wanted.services().stream().collect(Collectors.toMap(ServiceConfig::key, Function.identity()));
        List<Edit> edits = new ArrayList<>();
        for (VirtualService service : running.services()) {
            if (!byKey.containsKey(service.key())) {
                edits.add(new Edit.DeleteService(service.key()));
            }
        }
        LocalPool pool = wanted.director().fullnat().pool();
        if (!running.localPool().equals(pool)) {
            edits.add(new Edit.SetLocalPool(pool));
        }
        if (!running.fwmarkRules().equals(wanted.fwmarkRules())) {
            edits.add(new Edit.SetFwmarkRules(wanted.fwmarkRules()));
        }
        for (ServiceConfig service : wanted.services()) {
            Optional<VirtualService> before = running.find(service.key());
            if (before.isEmpty()) {
                edits.add(new Edit.AddService(service));
            } else {
                addEdits(edits, before.get(), running.health(service.key()), service);
            }
        }
        return edits;
    }

    private static void addEdits(List<Edit> edits, VirtualService before, HealthSettings health, ServiceConfig after) {
        Map<RealServerConfig.Endpoint, RealServerConfig> wanted =
                after.realServers().stream().collect(Collectors.toMap(RealServerConfig::endpoint, Function.identity()));
        Map<RealServerConfig.Endpoint, RealServer> running = before.realServers().stream()
                .collect(Collectors.toMap(
                        real -> new RealServerConfig.Endpoint(real.address(), real.port()), Function.identity()));
        for (RealServer real : before.realServers()) {
            if (!wanted.containsKey(new RealServerConfig.Endpoint(real.address(), real.port()))) {
                edits.add(new Edit.DeleteRealServer(before.key(), real.address(), real.port()));
            }
        }
        if (!hasSettings(before, after) || !health.config().equals(after.health())) {
            edits.add(new Edit.EditService(after));
        }
        for (RealServerConfig real : after.realServers()) {
            RealServer there = running.get(real.endpoint());
            if (there == null) {
                edits.add(new Edit.AddRealServer(before.key(), real));
            } else if (!isSame(there, real)
                    || !Objects.equals(health.ownChecks().get(real.endpoint()), real.checks())) {
                edits.add(new Edit.EditRealServer(before.key(), real));
            }
        }
        List<RealServerConfig.Endpoint> order = new ArrayList<>(before.realServers().stream()
                .map(real -> new RealServerConfig.Endpoint(real.address(), real.port()))
                .filter(wanted::containsKey)
                .toList());
        after.realServers().stream()
                .map(RealServerConfig::endpoint)
                .filter(endpoint -> !running.containsKey(endpoint))
                .forEach(order::add);
        if (!order.equals(
                after.realServers().stream().map(RealServerConfig::endpoint).toList())) {
            edits.add(new Edit.OrderRealServers(before.key(), after.realServers()));
        }
    }

    private static boolean hasSettings(VirtualService service, ServiceConfig config) {
        return service.scheduler() == config.scheduler()
                && service.schedulerFlags().equals(config.schedulerFlags())
                && Objects.equals(service.persistence(), config.persistence())
                && service.onePacket() == config.onePacket()
                && service.translation().equals(config.translation());
    }

    private static boolean isSame(RealServer real, RealServerConfig config) {
        return real.method() == config.method()
                && real.weight() == config.weight()
                && real.upperThreshold() == config.upperThreshold()
                && real.lowerThreshold() == config.lowerThreshold()
                && Objects.equals(real.tunnel(), config.tunnel())
                && real.vlan() == config.vlan();
    }
}

package dev.sluice.control;

import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.List;

/** One change of the registry, as a command or the difference of two configurations asks for it. Immutable; any thread. */
sealed interface Edit {
    /**
     * Makes the change.
     *
     * @return what changes, a line each, in the imperative
     * @throws ChangeException when it cannot be made; the registry may then be changed in part
     */
    List<String> applyTo(Registry registry) throws ChangeException;

    /** {@code ipvsadm -A}, with real servers if there are any. */
    record AddService(ServiceConfig service) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            List<String> lines = new ArrayList<>();
            VirtualService added = registry.addService(service);
            lines.add("add service " + added.key() + ": " + EditText.settings(added)
                    + HealthText.settings(registry.health(added.key())));
            for (RealServer real : added.realServers()) {
                lines.add(EditText.addition(added.key(), real));
            }
            return lines;
        }
    }

    /**
     * {@code ipvsadm -E}: all settings are replaced; the real servers in it do not matter.
     *
     * @param keepsHealth whether what is configured of its health stays
     */
    record EditService(ServiceConfig service, boolean keepsHealth) implements Edit {
        /** One that replaces what is configured of its health, too. */
        EditService(ServiceConfig service) {
            this(service, false);
        }

        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            VirtualService before = registry.get(service.key());
            HealthSettings health = registry.health(service.key());
            registry.editService(service, keepsHealth);
            List<String> lines = new ArrayList<>(EditText.difference(before, registry.get(service.key())));
            lines.addAll(HealthText.difference(service.key(), health, registry.health(service.key())));
            return lines;
        }
    }

    /** {@code ipvsadm -D}. */
    record DeleteService(ServiceKey key) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            int realServers = registry.get(key).realServers().size();
            registry.deleteService(key);
            return List.of("delete service " + key
                    + (realServers == 0
                            ? ""
                            : " and its " + realServers + " real server" + (realServers == 1 ? "" : "s")));
        }
    }

    /** {@code ipvsadm -C}. */
    record DeleteAllServices() implements Edit {
        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            List<String> lines = new ArrayList<>();
            for (VirtualService service : registry.services()) {
                lines.addAll(new DeleteService(service.key()).applyTo(registry));
            }
            return lines;
        }
    }

    /** {@code ipvsadm -a}. */
    record AddRealServer(ServiceKey key, RealServerConfig real) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            registry.addRealServer(key, real);
            return List.of(
                    EditText.addition(key, registry.get(key).realServers().getLast()));
        }
    }

    /**
     * {@code ipvsadm -e}: every setting is replaced.
     *
     * @param keepsChecks whether it keeps the checks that it has
     */
    record EditRealServer(ServiceKey key, RealServerConfig real, boolean keepsChecks) implements Edit {
        /** One that replaces its checks, too. */
        EditRealServer(ServiceKey key, RealServerConfig real) {
            this(key, real, false);
        }

        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            VirtualService before = registry.get(key);
            HealthSettings health = registry.health(key);
            registry.editRealServer(key, real, keepsChecks);
            RealServer was = Registry.find(before, real.address(), real.port()).orElseThrow();
            RealServer is = Registry.find(registry.get(key), real.address(), real.port())
                    .orElseThrow();
            List<String> lines = new ArrayList<>(EditText.difference(key, was, is));
            lines.addAll(HealthText.checksDifference(key, is, health, registry.health(key)));
            return lines;
        }
    }

    /** {@code ipvsadm -d}. */
    record DeleteRealServer(ServiceKey key, IpAddress address, int port) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            registry.deleteRealServer(key, address, port);
            return List.of("delete real server " + EditText.endpoint(key, address, port) + " of " + key);
        }
    }

    /** The real servers in another order, as if added in that. */
    record OrderRealServers(ServiceKey key, List<RealServerConfig> order) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            List<RealServer> before = registry.get(key).realServers();
            registry.orderRealServers(key, order);
            return registry.get(key).realServers().equals(before)
                    ? List.of()
                    : List.of("reorder the real servers of " + key);
        }
    }

    /** The rules of firewall marks, all of them. */
    record SetFwmarkRules(List<FwmarkRule> rules) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) {
            List<String> lines = EditText.difference(registry.fwmarkRules(), rules);
            registry.setFwmarkRules(rules);
            return lines;
        }
    }
}

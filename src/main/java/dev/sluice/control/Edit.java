package dev.sluice.control;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.LocalPool;
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
     * @param kept what is not replaced
     */
    record EditService(ServiceConfig service, KeptSettings kept) implements Edit {
        /** One that replaces everything. */
        EditService(ServiceConfig service) {
            this(service, KeptSettings.NONE);
        }

        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            VirtualService before = registry.get(service.key());
            HealthSettings health = registry.health(service.key());
            registry.editService(service, kept);
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

    /** {@code ipvsadm -P}: local addresses of a service's own, beside those that it has. */
    record AddLocalAddresses(ServiceKey key, List<IpAddress> addresses) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            VirtualService before = registry.get(key);
            List<IpAddress> all = new ArrayList<>(before.translation().pool().addresses());
            for (IpAddress address : addresses) {
                if (all.contains(address)) {
                    throw new ChangeException(
                            Code.LOCAL_EXISTS, "service " + key + " has local address " + address + " already");
                }
                all.add(address);
            }
            registry.setLocalAddresses(key, all);
            return EditText.difference(before, registry.get(key));
        }
    }

    /** {@code ipvsadm -Q}. */
    record DeleteLocalAddresses(ServiceKey key, List<IpAddress> addresses) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) throws ChangeException {
            VirtualService before = registry.get(key);
            List<IpAddress> left = new ArrayList<>(before.translation().pool().addresses());
            for (IpAddress address : addresses) {
                if (!left.remove(address)) {
                    throw new ChangeException(
                            Code.LOCAL_NOT_FOUND,
                            "service " + key + " has no local address " + address + " of its own");
                }
            }
            registry.setLocalAddresses(key, left);
            return EditText.difference(before, registry.get(key));
        }
    }

    /** The local addresses of services that have none of their own, and the ports of all. */
    record SetLocalPool(LocalPool pool) implements Edit {
        @Override
        public List<String> applyTo(Registry registry) {
            List<String> lines = EditText.difference(registry.localPool(), pool);
            registry.setLocalPool(pool);
            return lines;
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

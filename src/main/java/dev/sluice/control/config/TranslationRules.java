package dev.sluice.control.config;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.LocalPool;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.TranslationOptions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What services, their real servers and pools of local addresses must be like to go together, the same for files and for commands.
 * Any thread.
 */
public final class TranslationRules {
    /** The problem of no service: the director's pool. */
    public static final int DIRECTOR = -1;

    private final LocalPool defaults;
    private final List<Subject> services;
    private final List<Problem> problems = new ArrayList<>();

    /** A real server, or a sorry server. */
    public record Target(IpAddress address, int port, ForwardingMethod method) {}

    /** A service; the ports of its pool do not matter. */
    public record Subject(ServiceKey key, TranslationOptions options, List<Target> targets) {
        /** Whether a real server is reached by FULLNAT. */
        public boolean isFullnat() {
            return targets.stream().anyMatch(target -> target.method() == ForwardingMethod.FULLNAT);
        }

        /** Whether it says how real servers by FULLNAT learn of clients, and has only others. */
        public boolean tellsNobody() {
            return options.clientAddress() != ClientAddress.NONE && !targets.isEmpty() && !isFullnat();
        }
    }

    /**
     * What is wrong.
     *
     * @param service the place of the service that it is about, or {@link #DIRECTOR}
     */
    public record Problem(int service, String text) {}

    private TranslationRules(LocalPool defaults, List<Subject> services) {
        this.defaults = defaults;
        this.services = services;
    }

    /**
     * What does not go together.
     *
     * @param defaults the pool of services without addresses of their own
     * @param rules of firewall marks
     */
    public static List<Problem> problems(LocalPool defaults, List<Subject> services, List<FwmarkRule> rules) {
        TranslationRules check = new TranslationRules(defaults, services);
        for (int i = 0; i < services.size(); i++) {
            check.addresses(i);
            check.synProxy(i);
        }
        check.collisions(rules);
        return check.problems;
    }

    /** The addresses from which a service speaks to real servers by FULLNAT. */
    public static List<IpAddress> addresses(TranslationOptions options, LocalPool defaults) {
        return options.pool().addresses().isEmpty()
                ? defaults.addresses()
                : options.pool().addresses();
    }

    /** The line for a service whose {@code client_address} means nothing. */
    public static String tellsNobody(ServiceKey key, ClientAddress clientAddress) {
        return "service " + key + " has client_address = \"" + clientAddress.keyword()
                + "\", but no real server of method fullnat: the others see the client's own address anyway";
    }

    /** Every real server by FULLNAT needs a local address of its own family. */
    private void addresses(int index) {
        Subject service = services.get(index);
        Set<AddressFamily> missing = new HashSet<>();
        for (Target target : service.targets) {
            AddressFamily family = target.address.family();
            if (target.method == ForwardingMethod.FULLNAT
                    && addresses(service.options, defaults).stream().noneMatch(local -> local.family() == family)
                    && missing.add(family)) {
                boolean inet = family == AddressFamily.INET;
                add(
                        index,
                        "service " + service.key + " reaches real server " + target.address
                                + " by fullnat, but has no " + (inet ? "IPv4" : "IPv6")
                                + " local address; required: local_addresses = [\"" + (inet ? "10.0.1.5" : "fd00::5")
                                + "\"], for example, in the service or in [director.fullnat]; by command, ipvsadm -P"
                                + " before -a");
            }
        }
    }

    private void synProxy(int index) {
        Subject service = services.get(index);
        if (!service.options.synProxy()) {
            return;
        }
        for (Target target : service.targets) {
            if (!target.method.isTranslation()) {
                add(
                        index,
                        "service " + service.key + " has a SYN proxy, and real server " + target.address
                                + " of method " + target.method.keyword()
                                + ", whose answers do not pass the director; allowed: real servers of method nat and"
                                + " fullnat, or syn_proxy = false");
                return;
            }
        }
    }

    /** A local address is nobody else's. */
    private void collisions(List<FwmarkRule> rules) {
        Map<IpAddress, Integer> locals = new LinkedHashMap<>();
        defaults.addresses().forEach(address -> locals.put(address, DIRECTOR));
        for (int i = 0; i < services.size(); i++) {
            for (IpAddress address : services.get(i).options.pool().addresses()) {
                locals.putIfAbsent(address, i);
            }
        }
        if (locals.isEmpty()) {
            return;
        }
        if (locals.size() > LocalAddresses.MAX) {
            add(
                    DIRECTOR,
                    "there are " + locals.size() + " local addresses in all pools; allowed: at most "
                            + LocalAddresses.MAX);
        }
        Set<IpAddress> told = new HashSet<>();
        for (Subject service : services) {
            if (service.key instanceof AddressKey key && locals.containsKey(key.address()) && told.add(key.address())) {
                collision(locals, key.address(), "the VIP of service " + key);
            }
            for (Target target : service.targets) {
                if (locals.containsKey(target.address) && told.add(target.address)) {
                    collision(locals, target.address, "a real server of service " + service.key);
                }
            }
        }
        for (FwmarkRule rule : rules) {
            if (rule.firstPort() <= defaults.lastPort() && rule.lastPort() >= defaults.firstPort()) {
                locals.keySet().stream()
                        .filter(local -> rule.destination().contains(local) && told.add(local))
                        .forEach(local -> collision(
                                locals,
                                local,
                                "among the destinations of an [[fwmark]] rule for " + rule.destination()));
            }
        }
    }

    private void collision(Map<IpAddress, Integer> locals, IpAddress address, String what) {
        add(
                locals.getOrDefault(address, DIRECTOR),
                "local address " + address + " is " + what
                        + "; allowed: addresses of the director's that nothing else is reached by");
    }

    private void add(int service, String text) {
        problems.add(new Problem(service, text));
    }
}

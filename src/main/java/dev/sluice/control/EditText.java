package dev.sluice.control;

import dev.sluice.control.config.LocalAddresses;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.LocalPool;
import dev.sluice.service.Persistence;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.TranslationOptions;
import dev.sluice.service.Tunnel;
import dev.sluice.service.VirtualService;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Changes in words. */
final class EditText {
    private EditText() {}

    /** The settings of a service. */
    static String settings(VirtualService service) {
        return scheduler(service)
                + (service.persistence() == null ? "" : ", " + persistence(service.persistence()))
                + (service.onePacket() ? ", one-packet" : "")
                + translation(service.translation());
    }

    private static String translation(TranslationOptions options) {
        return (options.pool().addresses().isEmpty() ? "" : ", local addresses " + addresses(options.pool()))
                + (options.clientAddress() == ClientAddress.NONE
                        ? ""
                        : ", client address by " + options.clientAddress().keyword())
                + (options.synProxy() ? ", SYN proxy" : "");
    }

    private static String addresses(LocalPool pool) {
        return pool.addresses().isEmpty()
                ? "of the director"
                : String.join(" ", LocalAddresses.texts(pool.addresses()));
    }

    /** A line for the director's local addresses when they are others, none when they are the same. */
    static List<String> difference(LocalPool before, LocalPool after) {
        List<String> changes = new ArrayList<>();
        compare(
                changes,
                "",
                before.addresses().isEmpty() ? "none" : addresses(before),
                after.addresses().isEmpty() ? "none" : addresses(after));
        compare(
                changes,
                "ports ",
                before.firstPort() + "-" + before.lastPort(),
                after.firstPort() + "-" + after.lastPort());
        return changes.isEmpty() ? List.of() : List.of("local addresses: " + String.join(", ", changes));
    }

    /** A line for a service that was edited, none when it is the same. */
    static List<String> difference(VirtualService before, VirtualService after) {
        List<String> changes = new ArrayList<>();
        compare(changes, "", scheduler(before), scheduler(after));
        compare(changes, "", persistence(before.persistence()), persistence(after.persistence()));
        compare(changes, "one-packet ", onOff(before.onePacket()), onOff(after.onePacket()));
        TranslationOptions was = before.translation();
        TranslationOptions is = after.translation();
        compare(changes, "local addresses ", addresses(was.pool()), addresses(is.pool()));
        compare(
                changes,
                "client address ",
                was.clientAddress().keyword(),
                is.clientAddress().keyword());
        compare(changes, "SYN proxy ", onOff(was.synProxy()), onOff(is.synProxy()));
        return changes.isEmpty()
                ? List.of()
                : List.of("edit service " + before.key() + ": " + String.join(", ", changes));
    }

    /** The line for a real server that is added. */
    static String addition(ServiceKey service, RealServer real) {
        return "add real server " + endpoint(service, real) + " to " + service + ": weight " + real.weight()
                + (real.method() == ForwardingMethod.DR ? "" : ", method " + method(real))
                + (real.vlan() == RealServer.VLAN_KEEP ? "" : ", VLAN " + vlan(real.vlan()))
                + (real.upperThreshold() == 0
                        ? ""
                        : ", thresholds " + real.upperThreshold() + " and " + real.lowerThreshold());
    }

    /** A line for a real server that was edited, none when it is the same. */
    static List<String> difference(ServiceKey service, RealServer before, RealServer after) {
        List<String> changes = new ArrayList<>();
        compare(changes, "method ", method(before), method(after));
        compare(changes, "weight ", "" + before.weight(), "" + after.weight());
        compare(changes, "upper threshold ", "" + before.upperThreshold(), "" + after.upperThreshold());
        compare(changes, "lower threshold ", "" + before.lowerThreshold(), "" + after.lowerThreshold());
        compare(changes, "VLAN ", vlan(before.vlan()), vlan(after.vlan()));
        return changes.isEmpty()
                ? List.of()
                : List.of("edit real server " + endpoint(service, before) + " of " + service + ": "
                        + String.join(", ", changes));
    }

    /** The RIP, with RPORT where it is another than the service's. */
    static String endpoint(ServiceKey service, RealServer real) {
        return endpoint(service, real.address(), real.port());
    }

    /** As {@link #endpoint(ServiceKey, RealServer)}, of one that need not be there. */
    static String endpoint(ServiceKey service, IpAddress address, int port) {
        int usual = service instanceof AddressKey key ? key.port() : 0;
        if (port == usual) {
            return address.toString();
        }
        return address.family() == AddressFamily.INET6 ? "[" + address + "]:" + port : address + ":" + port;
    }

    /** {@code dr}, {@code tun (ipip)}, {@code tun (gue port 6080, csum)}. */
    static String method(RealServer real) {
        return real.method().keyword() + (real.tunnel() == null ? "" : " (" + tunnel(real.tunnel()) + ")");
    }

    private static String tunnel(Tunnel tunnel) {
        return tunnel.type().keyword()
                + (tunnel.port() == 0 ? "" : " port " + tunnel.port())
                + (tunnel.checksum() == Tunnel.Checksum.NONE
                        ? ""
                        : ", " + tunnel.checksum().keyword());
    }

    /** A real server's VLAN as the configuration has it: {@code keep}, {@code none}, {@code 12}. */
    static String vlan(int vlan) {
        return switch (vlan) {
            case RealServer.VLAN_KEEP -> "keep";
            case RealServer.VLAN_NONE -> "none";
            default -> Integer.toString(vlan);
        };
    }

    /** A line for every rule of firewall marks that goes or comes. */
    static List<String> difference(List<FwmarkRule> before, List<FwmarkRule> after) {
        List<String> lines = new ArrayList<>();
        before.stream().filter(rule -> !after.contains(rule)).forEach(rule -> lines.add("delete " + text(rule)));
        after.stream().filter(rule -> !before.contains(rule)).forEach(rule -> lines.add("add " + text(rule)));
        return lines.isEmpty() && !before.equals(after) ? List.of("reorder the fwmark rules") : lines;
    }

    /** {@code fwmark rule 1: tcp to 10.0.0.101/32 ports 80-80}. */
    static String text(FwmarkRule rule) {
        return "fwmark rule " + Integer.toUnsignedString(rule.mark()) + ": "
                + (rule.protocol() == null ? "all" : rule.protocol().name().toLowerCase(Locale.ROOT)) + " to "
                + rule.destination() + ports(rule) + (rule.source() == null ? "" : " from " + rule.source());
    }

    private static String ports(FwmarkRule rule) {
        if (rule.firstPort() == 0 && rule.lastPort() == 65535) {
            return "";
        }
        return rule.firstPort() == rule.lastPort()
                ? " port " + rule.firstPort()
                : " ports " + rule.firstPort() + "-" + rule.lastPort();
    }

    private static void compare(List<String> changes, String what, String before, String after) {
        if (!Objects.equals(before, after)) {
            changes.add(what + before + " -> " + after);
        }
    }

    private static String scheduler(VirtualService service) {
        Set<SchedulerFlag> flags = service.schedulerFlags();
        return "scheduler " + service.scheduler().keyword()
                + (flags.isEmpty()
                        ? ""
                        : " ("
                                + flags.stream()
                                        .map(SchedulerFlag::keyword)
                                        .sorted()
                                        .collect(Collectors.joining(", ")) + ")");
    }

    private static String persistence(@Nullable Persistence persistence) {
        if (persistence == null) {
            return "not persistent";
        }
        IpAddress netmask = persistence.netmask();
        AddressFamily family = netmask.family();
        return "persistent " + persistence.timeoutSeconds() + " s"
                + (netmask.equals(IpAddress.netmask(family, family.addressBits())) ? "" : " by netmask " + netmask);
    }

    private static String onOff(boolean set) {
        return set ? "on" : "off";
    }
}

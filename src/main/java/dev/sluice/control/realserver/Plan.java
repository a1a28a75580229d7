package dev.sluice.control.realserver;

import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.realserver.RealServerRequest.Decapsulation;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.TunnelType;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What a request comes to on a host: the values it needs, in the order in which they are to be brought about. ARP is silenced
 * before the VIP exists, or a first answer might slip out; tunnels open last.
 */
final class Plan {
    private static final String ALL = "all";

    private final RealServerRequest request;
    private final HostFacts host;
    private final List<Wanted> wanted = new ArrayList<>();

    private Plan(RealServerRequest request, HostFacts host) {
        this.request = request;
        this.host = host;
    }

    /**
     * Makes the plan; nothing is changed.
     *
     * @throws EnvironmentException when the host cannot do it
     */
    static List<Wanted> of(RealServerRequest request, HostFacts host) throws EnvironmentException {
        Plan plan = new Plan(request, host);
        plan.silenceArp();
        if (request.method() == ForwardingMethod.DR) {
            plan.addressesOnLoopback();
        } else if (plan.devicesAreWanted()) {
            plan.tunnelDevices();
        } else {
            plan.addressesOnLoopback();
            plan.tolerateReversePath();
            plan.want(Wanted.present(Kind.XDP, request.interfaceName()));
        }
        return plan.wanted;
    }

    private void want(Wanted value) {
        if (!wanted.contains(value)) {
            wanted.add(value);
        }
    }

    private boolean serves(AddressFamily family) {
        return request.vips().stream().anyMatch(vip -> vip.family() == family);
    }

    private static String conf(String device, String name) {
        return "net/ipv4/conf/" + device + "/" + name;
    }

    /** Neighbour discovery needs none of it: it answers only for addresses of the interface that was asked. */
    private void silenceArp() {
        if (serves(AddressFamily.INET)) {
            for (String device : List.of(ALL, request.interfaceName())) {
                want(Wanted.atLeast(Kind.SYSCTL, conf(device, "arp_ignore"), 1));
                want(Wanted.atLeast(Kind.SYSCTL, conf(device, "arp_announce"), 2));
            }
        }
    }

    private void addressesOnLoopback() {
        want(Wanted.exactly(Kind.LINK, "lo", "up"));
        for (IpAddress vip : request.vips()) {
            want(Wanted.present(Kind.ADDRESS, Host.alone(vip) + " lo"));
        }
    }

    /**
     * Inner packets come in at this interface whatever way the route to the client takes. What counts is the greater number of
     * this and {@code all}: with strict there, loose here lets them in, and no other interface is touched.
     */
    private void tolerateReversePath() throws EnvironmentException {
        if (!serves(AddressFamily.INET)) {
            return;
        }
        String own = conf(request.interfaceName(), "rp_filter");
        String effective = max(host.read(Kind.SYSCTL, own), host.read(Kind.SYSCTL, conf(ALL, "rp_filter")));
        want(Wanted.exactly(Kind.SYSCTL, own, effective.equals("1") ? "2" : host.read(Kind.SYSCTL, own)));
    }

    private static String max(String a, String b) {
        return a.compareTo(b) >= 0 ? a : b;
    }

    /** A tunnel device of the kernel and the module that brings it. */
    private record Device(String name, String module) {}

    private List<Device> devices() {
        Set<Device> devices = new LinkedHashSet<>();
        boolean gre = request.tunnelType() == TunnelType.GRE;
        for (AddressFamily inner : AddressFamily.values()) {
            if (!serves(inner)) {
                continue;
            }
            // Behind IPv4, each inner family has a device of its own; behind IPv6 one takes both.
            if (gre) {
                devices.add(new Device("gre0", "ip_gre"));
                devices.add(new Device("ip6gre0", "ip6_gre"));
            } else {
                devices.add(inner == AddressFamily.INET ? new Device("tunl0", "ipip") : new Device("sit0", "sit"));
                devices.add(new Device("ip6tnl0", "ip6_tunnel"));
            }
        }
        return List.copyOf(devices);
    }

    private boolean devicesAreWanted() throws EnvironmentException {
        if (request.decapsulation() == Decapsulation.XDP) {
            return false;
        }
        List<String> missing = new ArrayList<>();
        for (Device device : devices()) {
            // Where the module is loaded already and the device is not here, the namespace was denied it.
            boolean there = host.hasDevice(device.name())
                    || (host.hasModule(device.module())
                            && host.read(Kind.MODULE, device.module()).equals(Kind.ABSENT)
                            && host.read(Kind.SYSCTL, "net/core/fb_tunnels_only_for_init_net")
                                    .equals("0"));
            if (!there) {
                missing.add(device.name() + " (module " + device.module() + ")");
            }
        }
        if (request.tunnelType() == TunnelType.GUE && !host.hasModule("fou")) {
            missing.add("GUE (module fou)");
        }
        if (!missing.isEmpty() && request.decapsulation() == Decapsulation.DEVICE) {
            throw new EnvironmentException(List.of("this kernel has no " + String.join(", no ", missing)
                    + " here; leave --decapsulation out, and an XDP program does it"));
        }
        return missing.isEmpty();
    }

    private void tunnelDevices() throws EnvironmentException {
        // A higher number for all would win over the device's own; loose lets in what has a way back anywhere.
        String filter = host.read(Kind.SYSCTL, conf(ALL, "rp_filter")).equals("0") ? "0" : "2";
        for (Device device : devices()) {
            if (!host.hasDevice(device.name())) {
                host.modulesOf(device.module()).forEach(module -> want(Wanted.present(Kind.MODULE, module)));
            }
            if (device.name().equals("ip6tnl0")) {
                want(Wanted.exactly(Kind.TUNNEL_MODE, device.name(), "any"));
            }
            if (serves(AddressFamily.INET)) {
                want(Wanted.exactly(Kind.SYSCTL, conf(device.name(), "rp_filter"), filter));
            }
        }
        // Before the addresses, so that an undo deletes these before the device goes down and the kernel does it.
        for (Device device : devices()) {
            want(Wanted.exactly(Kind.LINK, device.name(), "up"));
        }
        String first = devices().getFirst().name();
        for (IpAddress vip : request.vips()) {
            boolean both = request.tunnelType() == TunnelType.GRE;
            String device = both ? first : vip.family() == AddressFamily.INET ? "tunl0" : "ip6tnl0";
            want(Wanted.present(Kind.ADDRESS, Host.alone(vip) + " " + device));
        }
        if (request.tunnelType() == TunnelType.GUE) {
            host.modulesOf("fou").forEach(module -> want(Wanted.present(Kind.MODULE, module)));
            want(Wanted.present(Kind.GUE_PORT, request.tunnelPort() + " ipv4"));
            want(Wanted.present(Kind.GUE_PORT, request.tunnelPort() + " ipv6"));
        }
    }
}

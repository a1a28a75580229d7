package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The kernel as a router: a route to the VIP by way of a real server. */
final class KernelForwarding implements Subject {
    @Override
    public String name() {
        return "kernel-forwarding";
    }

    @Override
    public Optional<String> missing() {
        return Optional.empty();
    }

    @Override
    public boolean isInKernel() {
        return true;
    }

    @Override
    public String command(Topology topology, Scenario scenario) {
        return String.join("; ", commands(topology));
    }

    /** What makes a router of the director's namespace. */
    static List<String> routing(Topology topology) {
        return List.of(
                "ethtool -K " + topology.ingress() + " gro on",
                "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.send_redirects=0"
                        + " net.ipv4.conf." + topology.ingress() + ".rp_filter=0 net.ipv4.conf." + topology.ingress()
                        + ".send_redirects=0",
                "sysctl -qw net.ipv6.conf.all.forwarding=1");
    }

    private static List<String> commands(Topology topology) {
        List<String> commands = new ArrayList<>(routing(topology));
        topology.shape()
                .families()
                .forEach(family -> commands.add("ip route replace " + topology.vip(family) + " via "
                        + topology.realServer(family, 0) + " dev " + topology.egress()));
        return commands;
    }

    @Override
    public Running start(Topology topology, Scenario scenario) {
        NetworkNamespace director = topology.director();
        commands(topology).forEach(command -> director.run(command.split(" ", -1)));
        return new Running() {
            @Override
            public void check() {}

            @Override
            public void close() {
                topology.vips().forEach(vip -> director.run("ip", "route", "del", vip.toString()));
                endRouting(topology);
            }
        };
    }

    /** Undoes {@link #routing}. */
    static void endRouting(Topology topology) {
        NetworkNamespace director = topology.director();
        director.run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0");
        director.run("ethtool", "-K", topology.ingress(), "gro", "off");
    }
}

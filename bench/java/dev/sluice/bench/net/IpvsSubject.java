package dev.sluice.bench.net;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.testing.NetworkNamespace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The kernel's own director, where the kernel has it. */
final class IpvsSubject implements Subject {
    private final ForwardingMethod method;

    /** IPVS by one forwarding method. */
    IpvsSubject(ForwardingMethod method) {
        this.method = method;
    }

    @Override
    public String name() {
        return "ipvs-" + method.keyword();
    }

    @Override
    public Optional<String> missing() {
        if (!Files.isExecutable(Path.of("/sbin/ipvsadm")) && !Files.isExecutable(Path.of("/usr/sbin/ipvsadm"))) {
            return Optional.of("ipvsadm is not installed: apt-get install ipvsadm");
        }
        // The kernel loads the module when the file is there for it; a kernel without IPVS has neither.
        NetworkNamespace probe = NetworkNamespace.create("sluice-bench-ipvs");
        try {
            NetworkNamespace.Result result = probe.tryRun("ipvsadm", "--list");
            return result.exitCode() == 0
                    ? Optional.empty()
                    : Optional.of("this kernel has no IPVS ("
                            + result.output().strip().lines().findFirst().orElse("")
                            + "); bench/run instructions compares with IPVS in a VM");
        } finally {
            probe.close();
        }
    }

    @Override
    public boolean isInKernel() {
        return true;
    }

    @Override
    public ArrivedFrame.Way way() {
        return method == ForwardingMethod.TUN ? ArrivedFrame.Way.TUNNELLED : ArrivedFrame.Way.ROUTED;
    }

    @Override
    public String command(Topology topology, Scenario scenario) {
        return String.join("; ", commands(topology, scenario));
    }

    private List<String> commands(Topology topology, Scenario scenario) {
        List<String> commands = new ArrayList<>(KernelForwarding.routing(topology));
        for (AddressFamily family : topology.shape().families()) {
            IpAddress vip = topology.vip(family);
            commands.add("ip address add " + host(vip) + " dev lo");
            for (Protocol protocol : scenario.protocols()) {
                String service = (protocol == Protocol.TCP ? "-t " : "-u ") + literal(vip) + ":" + scenario.port();
                commands.add("ipvsadm -A " + service + " -s rr");
                for (int number = 0; number < topology.shape().realServers(); number++) {
                    commands.add("ipvsadm -a " + service + " -r " + literal(topology.realServer(family, number))
                            + (method == ForwardingMethod.TUN ? " -i" : " -g"));
                }
            }
        }
        return commands;
    }

    private static String host(IpAddress address) {
        return address + (address.family() == AddressFamily.INET ? "/32" : "/128");
    }

    private static String literal(IpAddress address) {
        return address.family() == AddressFamily.INET ? address.toString() : "[" + address + "]";
    }

    @Override
    public Running start(Topology topology, Scenario scenario) {
        NetworkNamespace director = topology.director();
        commands(topology, scenario).forEach(command -> director.run(command.split(" ", -1)));
        return new Running() {
            @Override
            public void check() {}

            @Override
            public void close() {
                director.run("ipvsadm", "-C");
                topology.vips().forEach(vip -> director.run("ip", "address", "del", host(vip), "dev", "lo"));
                KernelForwarding.endRouting(topology);
            }
        };
    }
}

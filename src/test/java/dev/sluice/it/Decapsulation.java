package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import java.util.ArrayList;
import java.util.List;

/** Real servers of a lab that take outer headers off packets to both VIPs, as {@code sluice real-server} sets them up. */
final class Decapsulation implements AutoCloseable {
    private final LabFixture lab;
    private final List<String> hosts;

    private Decapsulation(LabFixture lab, List<String> hosts) {
        this.lab = lab;
        this.hosts = hosts;
    }

    /** Sets hosts up, with options that name the kind of tunnel. */
    static Decapsulation setUp(LabFixture lab, List<String> hosts, String... tunnelOptions) {
        Decapsulation decapsulation = new Decapsulation(lab, hosts);
        List<String> command = new ArrayList<>(List.of("setup", "--method", "tun", "--interface", "eth1"));
        Topology.VIPS.forEach(vip -> command.addAll(List.of("--vip", vip)));
        command.addAll(List.of(tunnelOptions));
        try {
            decapsulation.realServer(command);
        } catch (Throwable e) {
            decapsulation.close();
            throw e;
        }
        return decapsulation;
    }

    private void realServer(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of("real-server"));
        command.addAll(arguments);
        // At once, for each is a JVM that starts.
        hosts.parallelStream()
                .forEach(host ->
                        lab.sluiceOn(host, command.toArray(String[]::new)).orFail());
    }

    /** Undoes it, the files that setup wrote about it included. */
    @Override
    public void close() {
        realServer(List.of("undo", "--interface", "eth1"));
    }
}

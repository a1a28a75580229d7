package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** A director's configuration file, put together service by service. */
final class ConfigText {
    private final StringBuilder text = new StringBuilder();
    private String serviceLines = "";
    private String realServerLines = "";
    private String method = "dr";

    /** A director of a lab with a fixed hash key, so that hashed flows lead to the same real servers in every run. */
    ConfigText(LabFixture lab, String... interfaces) {
        String names = Arrays.stream(interfaces).map(name -> '"' + name + '"').collect(Collectors.joining(", "));
        text.append("""
                [director]
                interfaces = [%s]
                socket = "%s"
                hash_key = "000102030405060708090a0b0c0d0e0f"
                """.formatted(names, lab.socket()));
    }

    /** Adds lines as they are: more keys of {@code [director]}, or a table of its. */
    ConfigText lines(String lines) {
        text.append(lines);
        return this;
    }

    /** Adds a service of the lab's real servers rs1, rs2, …; one weight each. */
    ConfigText service(String protocol, String vip, int port, String scheduler, int... weights) {
        List<String> rips = Topology.REAL_SERVERS.stream()
                .map(name -> Topology.rip(name, vip))
                .toList();
        return service(protocol, vip, port, scheduler, rips, weights);
    }

    /** Adds lines to {@code [director]}, before any service. */
    ConfigText director(String... lines) {
        text.append(String.join("\n", lines)).append('\n');
        return this;
    }

    /** More lines for each service that follows, in place of those given before. */
    ConfigText with(String... lines) {
        serviceLines = String.join("\n", lines) + "\n";
        return this;
    }

    /** More lines for each real server of the services that follow, in place of those given before. */
    ConfigText withReal(String... lines) {
        realServerLines = String.join("\n", lines) + "\n";
        return this;
    }

    /** Real servers of the services that follow are reached by direct routing, as they are to begin with. */
    ConfigText direct() {
        method = "dr";
        return withReal();
    }

    /** Real servers of the services that follow are reached by NAT, at a port of theirs. */
    ConfigText nat(int realPort) {
        method = "nat";
        return withReal("port = " + realPort);
    }

    /** Real servers of the services that follow are reached by FULLNAT, at a port of theirs. */
    ConfigText fullnat(int realPort) {
        method = "fullnat";
        return withReal("port = " + realPort);
    }

    /** Real servers of the services that follow are reached by a tunnel, with these lines for each. */
    ConfigText tunnel(String... lines) {
        method = "tun";
        return withReal(lines);
    }

    /** Adds a service with real servers of one's own; one weight each. */
    ConfigText service(String protocol, String vip, int port, String scheduler, List<String> rips, int... weights) {
        text.append("""

                [[service]]
                protocol = "%s"
                address = "%s:%d"
                """.formatted(protocol, Topology.host(vip), port));
        return settings(scheduler, rips, weights);
    }

    /** Adds the service of a mark in a VIP's family, of the lab's real servers; one weight each. */
    ConfigText markService(int mark, String vip, String scheduler, int... weights) {
        text.append("""

                [[service]]
                fwmark = %d
                family = "%s"
                """.formatted(mark, Topology.isInet6(vip) ? "inet6" : "inet"));
        return settings(
                scheduler,
                Topology.REAL_SERVERS.stream()
                        .map(name -> Topology.rip(name, vip))
                        .toList(),
                weights);
    }

    /** Adds a rule that gives a mark. */
    ConfigText rule(int mark, String destination, String... lines) {
        text.append("""

                [[fwmark]]
                mark = %d
                destination = "%s"
                """.formatted(mark, destination))
                .append(String.join("\n", lines))
                .append('\n');
        return this;
    }

    private ConfigText settings(String scheduler, List<String> rips, int... weights) {
        text.append("scheduler = \"" + scheduler + "\"\n" + serviceLines);
        for (int i = 0; i < weights.length; i++) {
            text.append("""
                      [[service.real]]
                      address = "%s"
                      method = "%s"
                      weight = %d
                    """.formatted(rips.get(i), method, weights[i])).append(realServerLines);
        }
        return this;
    }

    @Override
    public String toString() {
        return text.toString();
    }
}

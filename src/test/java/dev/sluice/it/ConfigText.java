package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** A director's configuration file, put together service by service. */
final class ConfigText {
    private final StringBuilder text = new StringBuilder();

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

    /** Adds a service with real servers of one's own; one weight each. */
    ConfigText service(String protocol, String vip, int port, String scheduler, List<String> rips, int... weights) {
        text.append("""

                [[service]]
                protocol = "%s"
                address = "%s:%d"
                scheduler = "%s"
                """.formatted(protocol, Topology.host(vip), port, scheduler));
        for (int i = 0; i < weights.length; i++) {
            text.append("""
                      [[service.real]]
                      address = "%s"
                      method = "dr"
                      weight = %d
                    """.formatted(rips.get(i), weights[i]));
        }
        return this;
    }

    @Override
    public String toString() {
        return text.toString();
    }
}

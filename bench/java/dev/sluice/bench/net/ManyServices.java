package dev.sluice.bench.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Virtual services beside the one that a benchmark sends packets to: what a director holds besides. Their real servers have
 * addresses and neighbours in the topology's network, none of them twice.
 *
 * @param services how many
 * @param realServers of each
 */
record ManyServices(int services, int realServers, String scheduler) {
    /** Addresses 10.244.4.0 to 10.244.255.255, above the topology's own. */
    private static final int FIRST_RIP = 0x0af4_0400;

    private static final int MOST_REAL_SERVERS = 0xfb00;
    /** 198.19.0.1 on: of the range that benchmarks are given by RFC 2544. */
    private static final int FIRST_VIP = 0xc613_0001;

    ManyServices {
        if (services < 0 || services > 16_000 || realServers < 0 || (long) services * realServers > MOST_REAL_SERVERS) {
            throw new IllegalArgumentException(
                    services + " services with " + realServers + " real servers each: no more than 16000 services and "
                            + MOST_REAL_SERVERS + " real servers in all");
        }
    }

    /** A service's address and port. */
    static String address(int service) {
        return dotted(FIRST_VIP + service) + ":80";
    }

    /** An address of a real server, by its number over all services. */
    static String realServer(int number) {
        return dotted(FIRST_RIP + number);
    }

    private static String dotted(int address) {
        return (address >>> 24) + "." + (address >> 16 & 0xff) + "." + (address >> 8 & 0xff) + "." + (address & 0xff);
    }

    /** Their part of a configuration file, to stand behind {@code [director]}. */
    String config() {
        StringBuilder text = new StringBuilder();
        for (int service = 0; service < services; service++) {
            text.append("\n[[service]]\nprotocol = \"tcp\"\naddress = \"")
                    .append(address(service))
                    .append("\"\nscheduler = \"")
                    .append(scheduler)
                    .append("\"\n");
            for (int real = 0; real < realServers; real++) {
                text.append("  [[service.real]]\n  address = \"")
                        .append(realServer(service * realServers + real))
                        .append("\"\n  method = \"dr\"\n");
            }
        }
        return text.toString();
    }

    /** Makes known where the real servers are, so that the director need not ask the network, which has none of them. */
    void addNeighbours(Topology topology, Path folder) throws IOException {
        StringBuilder batch = new StringBuilder();
        for (int number = 0; number < services * realServers; number++) {
            batch.append(String.format(
                    Locale.ROOT,
                    "neighbour replace %s lladdr %s nud permanent dev %s%n",
                    realServer(number),
                    Topology.mac(topology.realServerMac(0)
                            + number % topology.shape().realServers()),
                    topology.egress()));
        }
        Path file = folder.resolve("neighbours");
        Files.writeString(file, batch.toString());
        topology.director().run("ip", "-batch", file.toString());
    }
}

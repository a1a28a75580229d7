package dev.sluice.bench.net;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Options of real connections. */
final class WebOptions {
    @Option(
            names = "--web-subjects",
            split = ",",
            defaultValue = "direct,sluice-dr,ipvs-dr",
            paramLabel = "NAME",
            description = "what stands between clients and real servers: direct, sluice-dr, ipvs-dr (${DEFAULT-VALUE})")
    List<String> subjects = List.of();

    @Option(
            names = "--clients",
            defaultValue = "2",
            paramLabel = "N",
            description = "client addresses, with 64,000 ports and a process each (${DEFAULT-VALUE})")
    int clients;

    @Option(
            names = "--servers",
            defaultValue = "2",
            paramLabel = "N",
            description = "real servers, each an nginx of one process (${DEFAULT-VALUE})")
    int servers;

    @Option(
            names = "--concurrency",
            defaultValue = "32",
            paramLabel = "N",
            description = "connections that each client has at a time (${DEFAULT-VALUE})")
    int concurrency;

    @Option(
            names = "--client-cpus",
            split = ",",
            paramLabel = "CPU",
            description = "CPUs of the clients in turn; by default that which generates")
    List<Integer> clientCpus = new ArrayList<>();

    @Option(
            names = "--server-cpus",
            split = ",",
            paramLabel = "CPU",
            description = "CPUs of the real servers in turn; by default that which generates")
    List<Integer> serverCpus = new ArrayList<>();

    @Option(
            names = "--web-idle",
            defaultValue = "adaptive",
            paramLabel = "STRATEGY",
            description = "the director's idle strategy, busy or adaptive (${DEFAULT-VALUE})")
    String idle = "";

    /** Throws {@link IllegalArgumentException} for values that cannot be. */
    void check() {
        if (concurrency < 1 || concurrency > 10_000) {
            throw new IllegalArgumentException("--concurrency must be 1-10000, not " + concurrency);
        }
        if (!List.of("busy", "adaptive").contains(idle)) {
            throw new IllegalArgumentException("--web-idle must be busy or adaptive, not " + idle);
        }
    }
}

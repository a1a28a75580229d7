package dev.sluice.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A topology of the lab as its file declares it, read anew and not by {@code vagrant/lab}: the oracle for what the lab makes of it.
 *
 * @param networks IPv4 prefixes, up to the last octet ("10.0.0."), by name
 * @param ports every interface of every host, in the order of the file
 */
record TopologyFile(Map<String, String> networks, List<Port> ports) {
    /**
     * An interface.
     *
     * @param host whose it is
     * @param ipv4 its address
     * @param ipv6 its address
     * @param mac with colons
     */
    record Port(String host, String ipv4, String ipv6, String mac) {}

    /** The checkout that is tested. */
    static Path checkout() {
        return Path.of(System.getProperty("sluice.basedir", "."));
    }

    static List<String> scenarios() {
        try (var files = Files.list(checkout().resolve("vagrant/scenarios"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".conf"))
                    .map(name -> name.substring(0, name.length() - ".conf".length()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static TopologyFile of(String scenario) {
        Map<String, String> networks = new LinkedHashMap<>();
        List<Port> ports = new ArrayList<>();
        Path file = checkout().resolve("vagrant/scenarios/" + scenario + ".conf");
        try {
            for (String line : Files.readAllLines(file)) {
                List<String> words = List.of(line.strip().split(" +", -1));
                switch (words.get(0)) {
                    case "network" ->
                        networks.put(
                                words.get(1),
                                words.get(2).substring(0, words.get(2).lastIndexOf('.') + 1));
                    case "host" -> ports.add(new Port(words.get(1), words.get(3), words.get(4), words.get(5)));
                    case "port" -> ports.add(new Port(words.get(1), words.get(2), words.get(3), words.get(4)));
                    default -> {}
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new TopologyFile(networks, ports);
    }

    /** The network that has an interface's address. */
    String networkOf(Port port) {
        return networks.entrySet().stream()
                .filter(network -> port.ipv4().startsWith(network.getValue()))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
    }
}

package dev.sluice.bench.net;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.List;

/**
 * What the director's kernel must know for the way to real servers: their stations, and that they are on the egress interface. Added
 * for real servers given with a MAC address; what was there already is left alone, and what was added goes with {@link #close}.
 */
final class LineSetup implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SOURCE_4 = "198.18.255.254/32";
    private static final String SOURCE_6 = "2001:2:0:ffff::fe/128";

    /**
     * A real server.
     *
     * @param mac 48 bits; -1 where the kernel finds the way itself
     */
    record Real(IpAddress address, long mac) {
        /** {@code 10.0.0.11}, or {@code 10.0.0.11=02:00:00:00:00:11}. */
        static Real parse(String text) {
            int equals = text.indexOf('=');
            try {
                IpAddress address = IpAddress.parse(equals < 0 ? text : text.substring(0, equals));
                return new Real(address, equals < 0 ? -1 : station(text.substring(equals + 1)));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "--real must be ADDRESS or ADDRESS=MAC, as 10.0.0.11=02:00:00:00:00:11; not \"" + text + "\"",
                        e);
            }
        }
    }

    private final NetworkNamespace namespace;
    private final List<String[]> undo = new ArrayList<>();

    /** Adds what is missing. What was added until an error is removed again. */
    LineSetup(NetworkNamespace namespace, String egress, List<Real> realServers) {
        this.namespace = namespace;
        try {
            for (Real real : realServers) {
                if (real.mac() >= 0) {
                    add(real, egress);
                }
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void add(Real real, String egress) {
        boolean is4 = real.address().family() == AddressFamily.INET;
        String inet = is4 ? "-4" : "-6";
        if (namespace
                .run("ip", inet, "-o", "address", "show", "dev", egress, "scope", "global")
                .isBlank()) {
            String source = is4 ? SOURCE_4 : SOURCE_6;
            namespace.run("ip", inet, "address", "add", source, "dev", egress);
            undo.add(new String[] {"ip", inet, "address", "del", source, "dev", egress});
        }
        String address = real.address().toString();
        String host = address + (is4 ? "/32" : "/128");
        addOrExplain(real, "ip", inet, "route", "add", host, "dev", egress);
        undo.add(new String[] {"ip", inet, "route", "del", host, "dev", egress});
        addOrExplain(
                real,
                "ip",
                inet,
                "neighbour",
                "add",
                address,
                "lladdr",
                Topology.mac(real.mac()),
                "nud",
                "permanent",
                "dev",
                egress);
        undo.add(new String[] {"ip", inet, "neighbour", "del", address, "dev", egress});
    }

    private void addOrExplain(Real real, String... command) {
        NetworkNamespace.Result result = namespace.tryRun(command);
        if (result.exitCode() != 0) {
            throw new IllegalArgumentException("--real " + real.address() + "=" + Topology.mac(real.mac()) + ": \""
                    + String.join(" ", command) + "\" says: " + result.output().strip()
                    + (result.output().contains("File exists")
                            ? ". Without \"=" + Topology.mac(real.mac()) + "\" what is there is used"
                            : ""));
        }
    }

    /** 48 bits from six hexadecimal octets. Throws {@link IllegalArgumentException}. */
    static long station(String mac) {
        if (!mac.matches("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")) {
            throw new IllegalArgumentException("\"" + mac + "\" is not a MAC address like 02:00:00:00:00:01");
        }
        return Long.parseLong(mac.replace(":", ""), 16);
    }

    /** An interface's station. Throws {@link IllegalArgumentException} for one that is not there or has none. */
    static long stationOf(NetworkNamespace namespace, String interfaceName) {
        NetworkNamespace.Result result = namespace.tryRun("ip", "-j", "link", "show", "dev", interfaceName);
        if (result.exitCode() != 0) {
            throw new IllegalArgumentException("there is no interface \"" + interfaceName + "\""
                    + (namespace.name().isEmpty() ? "" : " in network namespace " + namespace.name())
                    + "; ip link lists them");
        }
        try {
            JsonNode link = JSON.readTree(result.output()).path(0);
            return station(link.path("address").asText());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("ip -j link: " + e.getOriginalMessage(), e);
        }
    }

    /** Removes what was added, last first. */
    @Override
    public void close() {
        for (String[] command : undo.reversed()) {
            // Some of it goes by itself with something removed before.
            var _ = namespace.tryRun(command);
        }
        undo.clear();
    }
}

package dev.sluice.cli.ipvsadm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.Golden;
import dev.sluice.cli.ipvsadm.Recording.Outcome;
import dev.sluice.control.RegistryDirector;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Listings with numbers and connections in them, as Debian's ipvsadm 1.31 printed them. */
class GoldenListingTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> COUNTS = List.of("connections", "inPackets", "outPackets", "inBytes", "outBytes");
    private static final BigInteger WORD = BigInteger.ONE.shiftLeft(32);
    private static final Pattern CONNECTION =
            Pattern.compile("(\\S+) +([0-9]+):([0-9]+) +(\\S+) +(\\S+) +(\\S+) +(\\S+)");

    private final Names names = new RecordedNames(RecordedNames.TRAFFIC_HOSTS);

    @Test
    void numbersAreWrittenAsTheyWere() throws IOException {
        int listings = 0;
        for (JsonNode sample : Golden.lines("ipvsadm/ipvsadm-traffic-samples.jsonl")) {
            if (sample.path("synthetic").asBoolean()) {
                assertListing(sample);
                listings++;
            }
        }
        assertTrue(listings > 0, "no listings");
    }

    private void assertListing(JsonNode sample) {
        RegistryDirector registry = new RegistryDirector(4096, Set.of());
        Recording.Runner building = Recording.inProcess(registry, names);
        for (JsonNode line : sample.path("table")) {
            assertEquals(new Outcome(line.asText(), "", "", 0), building.run(line.asText(), ""));
        }
        Outcome expected = Outcome.of(sample);
        boolean rate = expected.command().contains("--rate");
        Director director = (command, arguments) -> {
            JsonNode answer = registry.tree(command, arguments);
            for (JsonNode service : answer.path("services")) {
                inject((ObjectNode) service, sample.path("inject"), false, rate);
                for (JsonNode real : service.path("realServers")) {
                    inject((ObjectNode) real, sample.path("inject"), true, rate);
                }
            }
            return Json.parse(answer.toString());
        };
        assertEquals(expected, Recording.inProcess(director, names).run(expected.command(), ""));
    }

    private static void inject(ObjectNode entry, JsonNode given, boolean real, boolean rate) {
        String[] counts = given.path("INJ").asText().split(",", -1);
        for (int i = 0; i < COUNTS.size() && counts.length == COUNTS.size(); i++) {
            BigInteger count = new BigInteger(counts[i]);
            // ipvsadm cuts these of a real server; Sluice does not, see docs/ipvs-differences.md.
            boolean cut = real && (rate || i < 3);
            for (String which : List.of("traffic", "rates")) {
                ((ObjectNode) entry.path(which)).put(COUNTS.get(i), cut ? count.mod(WORD) : count);
            }
        }
        String[] connections = given.path("INJC").asText().split(",", -1);
        if (real && connections.length == 3) {
            entry.put("active", Long.parseLong(connections[0]));
            entry.put("inactive", Long.parseLong(connections[1]));
            entry.put("persistent", Long.parseLong(connections[2]));
        }
    }

    @Test
    void connectionsAreWrittenAsTheyWere() throws IOException {
        int listings = 0;
        for (JsonNode sample : Golden.lines("ipvsadm/ipvsadm-traffic-samples.jsonl")) {
            Outcome expected = Outcome.of(sample);
            boolean connections = expected.command().matches(".* (-lnc|-c|-L -c.*|-L -n -c.*)");
            if (connections && !expected.out().contains("sip ")) {
                ArrayNode page = JSON.createArrayNode();
                expected.out().lines().skip(2).forEach(line -> page.add(connection(line)));
                Director director = (command, arguments) ->
                        Json.parse(page(page, arguments.get("cursor")).toString());
                assertEquals(expected, Recording.inProcess(director, names).run(expected.command(), ""));
                listings++;
            }
        }
        assertTrue(listings > 0, "no listings");
    }

    /** The connections one by one. */
    private static JsonNode page(ArrayNode all, @Nullable Object cursor) {
        int at = cursor == null ? 0 : Integer.parseInt(cursor.toString());
        ObjectNode page = JSON.createObjectNode();
        ArrayNode connections = page.putArray("connections");
        if (at < all.size()) {
            connections.add(all.get(at));
        }
        return at + 1 < all.size() ? page.put("next", Integer.toString(at + 1)) : page.putNull("next");
    }

    private ObjectNode connection(String line) {
        Matcher columns = CONNECTION.matcher(line);
        assertTrue(columns.matches(), line);
        ObjectNode json = JSON.createObjectNode();
        json.put("protocol", columns.group(1));
        json.put("expiresMs", (Long.parseLong(columns.group(2)) * 60 + Long.parseLong(columns.group(3))) * 1000 + 999);
        json.put("state", columns.group(4));
        json.put("family", line.contains("[") ? "inet6" : "inet");
        endpoint(json, "client", columns.group(5));
        endpoint(json, "virtual", columns.group(6));
        endpoint(json, "destination", columns.group(7));
        return json;
    }

    private void endpoint(ObjectNode json, String which, String text) {
        int colon = text.lastIndexOf(':');
        String host = text.substring(0, colon).replaceAll("[\\[\\]]", "");
        String port = text.substring(colon + 1);
        json.put(
                which,
                names.addressOf(host).orElseGet(() -> IpAddress.parse(host)).toString());
        int number = Arrays.stream(Protocol.values())
                .flatMapToInt(protocol -> names.portOf(port, protocol).stream())
                .findFirst()
                .orElseGet(() -> Integer.parseInt(port));
        json.put(which + "Port", number);
    }
}

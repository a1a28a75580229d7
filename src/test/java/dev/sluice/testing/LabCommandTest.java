package dev.sluice.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@code vagrant/lab} says without building anything: its errors, and topologies for others to read. */
class LabCommandTest {
    /** Nobody's lab: no state of a running one decides what is said. */
    private static final String NAME = "it-nobody";

    static Stream<String> scenarios() {
        return TopologyFile.scenarios().stream();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--provider xen up | lab: --provider xen: there is no such provider; available: netns qemu vagrant",
                "--provider ../lib up | lab: --provider ../lib: there is no such provider; available: netns qemu vagrant",
                "--provider | lab: --provider needs a value; see: vagrant/lab help",
                "--provider qemu --accel hvf up"
                        + " | lab: --accel hvf: must be tcg (emulation) or kvm (the machine's own virtualisation)",
                "--provider qemu --scenario nowhere up"
                        + " | lab: there is no scenario nowhere; there are: dr fullnat nat-one-armed nat-two-armed tun",
                "--provider qemu --without rs9 status"
                        + " | lab: --without rs9: there is no host rs9; there are: client router director director2 rs1 rs2 rs3",
                "--provider qemu --without client status"
                        + " | lab: --without client: a lab needs its client; real servers and a second director can be left out",
                "--without rs1 --without rs2 status | lab: --without rs2: two or more real servers have to stay",
                "bench | lab: bench is for machines of their own, here it is: bench/run forward; give --provider qemu or vagrant",
                "topology extra | lab: topology takes no argument extra; see: vagrant/lab help",
            })
    void an_error_is_one_line(String arguments, String line) {
        CommandResult result = lab(arguments.split(" ", -1));
        assertEquals(1, result.exitCode(), result.toString());
        assertEquals(line + "\n", result.err());
        assertEquals("", result.out());
    }

    @ParameterizedTest
    @MethodSource("scenarios")
    void a_topology_as_json_is_that_of_its_file(String scenario) {
        JsonNode json = topology("--scenario", scenario);
        assertEquals(scenario, json.path("scenario").asText());

        TopologyFile file = TopologyFile.of(scenario);
        List<String> found = new ArrayList<>();
        for (JsonNode host : json.path("hosts")) {
            for (JsonNode port : host.path("ports")) {
                found.add(words(
                        host.path("name"),
                        port.path("network"),
                        port.path("ipv4"),
                        port.path("ipv6"),
                        port.path("mac")));
            }
        }
        assertEquals(
                file.ports().stream()
                        .map(port -> String.join(
                                " ", port.host(), file.networkOf(port), port.ipv4(), port.ipv6(), port.mac()))
                        .toList(),
                found);
    }

    @Test
    void what_a_host_gets_to_know_of_itself_is_in_the_json() {
        JsonNode real = host(topology("--scenario", "tun"), "rs2");
        assertEquals("real-server", real.path("role").asText());
        List<String> env = real.path("env").asText().lines().toList();
        assertTrue(
                env.containsAll(List.of(
                        "HOST=rs2",
                        "ROLE=real-server",
                        "MACHINE=yes",
                        "PORTS=( 'eth1 10.0.9.12/24 fd00:59::12/64 02:59:00:00:00:12' )",
                        "ROUTES=( 'default 10.0.9.254' 'default fd00:59::fe' )",
                        "METHOD=tun",
                        "VIP4=10.0.0.100",
                        "TCP_PORTS=\"80 8081 8082\"")),
                env.toString());
    }

    @Test
    void hosts_that_are_left_out_are_not_in_the_json() {
        JsonNode json = topology("--scenario", "dr", "--without", "rs3", "--without", "director2");
        assertEquals(
                List.of("client", "router", "director", "rs1", "rs2"),
                json.path("hosts").findValuesAsText("name"));
        assertFalse(json.toString().contains("10.0.0.13"), json.toString());
    }

    private static JsonNode topology(String... options) {
        List<String> arguments = new ArrayList<>(List.of("--provider", "vagrant", "topology", "--json"));
        arguments.addAll(Arrays.asList(options));
        try {
            return new ObjectMapper()
                    .readTree(lab(arguments.toArray(String[]::new)).orFail());
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonNode host(JsonNode topology, String name) {
        for (JsonNode host : topology.path("hosts")) {
            if (host.path("name").asText().equals(name)) {
                return host;
            }
        }
        throw new AssertionError("no host " + name + " in " + topology);
    }

    private static String words(JsonNode... values) {
        return String.join(" ", Stream.of(values).map(JsonNode::asText).toList());
    }

    private static CommandResult lab(String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(TopologyFile.checkout().resolve("vagrant/lab").toString(), "--name", NAME));
        command.addAll(Arrays.asList(arguments));
        return CommandResult.of(new ProcessBuilder(command), Duration.ofSeconds(60));
    }
}

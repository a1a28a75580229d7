package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Services change while the director runs and clients ask: by a new file and by commands of the admin socket. */
class ReloadIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String HTTP = "{'protocol':'tcp','address':'" + VIP4 + ":80'}";

    private static DirectorLab lab;
    private LabFixture.Director director;
    private Path file;
    private AdminClient admin;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @BeforeEach
    void start() {
        director = lab.fixture().startDirector(rr(1, 1));
        file = director.config();
        admin = new AdminClient(lab.fixture().socket());
    }

    @AfterEach
    void stop() {
        assertEquals(0, director.stop(), director::log);
    }

    private static String http(String scheduler, int... weights) {
        return new ConfigText(lab.fixture(), "eth1")
                .service("tcp", VIP4, 80, scheduler, weights)
                .toString();
    }

    private static String rr(int... weights) {
        return http("rr", weights);
    }

    private void write(String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> reload(String text, String... options) {
        write(text);
        String[] command = new String[options.length + 1];
        command[0] = "reload";
        System.arraycopy(options, 0, command, 1, options.length);
        CommandResult result = lab.fixture().sluice(command);
        assertEquals("", result.err());
        return result.orFail().lines().toList();
    }

    private JsonNode command(String command, String... arguments) throws AdminException, IOException {
        Map<String, JsonNode> fields = new HashMap<>();
        for (int i = 0; i < arguments.length; i += 2) {
            fields.put(arguments[i], JSON.readTree(arguments[i + 1].replace('\'', '"')));
        }
        return admin.askTree(command, fields);
    }

    private static String real(String rip, int weight) {
        return "{'address':'" + rip + "','weight':" + weight + "}";
    }

    private static RealServerStats stats(String rip) {
        return DirectorLab.real(lab.stats(), rip);
    }

    @Test
    void weights_schedulers_and_real_servers_change_under_traffic_and_no_request_fails() {
        try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
            assertEquals(List.of("add real server 10.0.0.13 to TCP 10.0.0.100:80: weight 1"), reload(rr(1, 1, 1)));
            int from = requests.awaitMore(1);
            requests.awaitMore(90);
            Spread.assertEveryCycle(requests.answers().subList(from, from + 90), 1, 1, 1);

            assertEquals(
                    List.of(
                            "edit service TCP 10.0.0.100:80: scheduler rr -> scheduler wrr",
                            "edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 1 -> 3"),
                    reload(http("wrr", 3, 1, 1)));
            from = requests.awaitMore(1);
            requests.awaitMore(100);
            List<String> since = requests.answers().subList(from, from + 100);
            Spread.assertEveryCycle(since, 3, 1, 1);

            reload(http("maglev", 1, 1, 1));
            from = requests.awaitMore(1);
            requests.awaitMore(300);
            Spread.assertHashed(Topology.count(requests.answers().subList(from, from + 300)), 300, 1, 1, 1);

            // Draining: weight 0, then away when nothing is left. The other two take what comes.
            assertEquals(
                    List.of("edit real server 10.0.0.13 of TCP 10.0.0.100:80: weight 1 -> 0"),
                    reload(http("maglev", 1, 1, 0)));
            from = requests.awaitMore(2);
            requests.awaitMore(100);
            assertEquals(Set.of("rs1", "rs2"), new HashSet<>(requests.answers().subList(from, from + 100)));
            lab.await(
                    "rs3 is drained of active connections",
                    stats -> DirectorLab.real(stats, RIPS4.get(2)).active() == 0);
            assertEquals(List.of("delete real server 10.0.0.13 of TCP 10.0.0.100:80"), reload(http("maglev", 1, 1)));
            requests.awaitMore(100);
        }
        assertEquals(2, lab.stats().services().getFirst().realServers().size());
        DirectorLab.assertNothingLost(lab.atRest());
    }

    @Test
    void connections_of_a_real_server_that_is_drained_or_reweighted_stay() {
        DirectorLab.Conversation first = lab.converse(VIP4, 80);
        DirectorLab.Conversation second = lab.converse(VIP4, 80);
        reload(http("wlc", 0, 5, 1));
        first.assertContinues();
        second.assertContinues();
        reload(http("maglev", 7, 0, 1));
        first.assertContinues();
        second.assertContinues();
        first.end();
        second.end();
    }

    @Test
    void a_removed_real_server_that_comes_back_has_its_connections_again() throws Exception {
        reload(rr(1));
        DirectorLab.Conversation conversation = lab.converse(VIP4, 80);
        command("real-delete", "service", HTTP, "real", "{'address':'10.0.0.11'}");
        command("real-add", "service", HTTP, "real", real(RIPS4.get(1), 1));
        command("real-add", "service", HTTP, "real", real(RIPS4.get(0), 1));
        conversation.assertContinues();
        conversation.end();
    }

    @Test
    void services_come_and_go() {
        String both = new ConfigText(lab.fixture(), "eth1")
                .service("tcp", VIP4, 80, "rr", 1, 1)
                .service("tcp", VIP6, 80, "rr", 1, 1, 1)
                .toString();
        assertEquals(
                List.of(
                        "add service TCP [fd00:51::100]:80: scheduler rr",
                        "add real server fd00:51::11 to TCP [fd00:51::100]:80: weight 1",
                        "add real server fd00:51::12 to TCP [fd00:51::100]:80: weight 1",
                        "add real server fd00:51::13 to TCP [fd00:51::100]:80: weight 1"),
                reload(both));
        assertEquals(Map.of("rs1", 10, "rs2", 10, "rs3", 10), lab.ask("tcp", VIP6, 80, 30));
        assertEquals(List.of("delete service TCP [fd00:51::100]:80 and its 3 real servers"), reload(rr(1, 1)));
        long steered = DirectorLab.steering(lab.atRest(), "steered");
        assertTrue(
                lab.fixture()
                                .exec("client", "curl", "-s", "-m", "2", "http://[" + VIP6 + "]/")
                                .exitCode()
                        != 0,
                "nobody answers for the VIP any more");
        assertEquals(steered, DirectorLab.steering(lab.atRest(), "steered"), "its packets are the kernel's again");
        assertEquals(Map.of("rs1", 10, "rs2", 10), lab.ask("tcp", VIP4, 80, 20));
        assertEquals(List.of("nothing to change"), reload(rr(1, 1)));
    }

    @Test
    void counters_of_what_stays_stay_and_those_of_what_is_new_begin_at_zero() {
        lab.ask("tcp", VIP4, 80, 20);
        reload(rr(1, 1, 1));
        assertEquals(10, stats(RIPS4.get(0)).traffic().connections());
        assertEquals(0, stats(RIPS4.get(2)).traffic().connections());
        reload(rr(1));
        reload(rr(1, 1));
        assertEquals(10, stats(RIPS4.get(1)).traffic().connections(), "as from IPVS's trash");
        ServiceStats service = lab.stats().services().getFirst();
        assertEquals(20, service.traffic().connections());
    }

    @Test
    void a_wrong_file_changes_nothing() {
        write(rr(1, 1, 1).replace("weight = 1\n", "weight = 1\n  weigth = 1\n"));
        CommandResult result = lab.fixture().sluice("reload");
        assertEquals(3, result.exitCode(), result::toString);
        assertEquals("", result.out());
        List<String> lines = result.err().lines().toList();
        assertEquals(3, lines.size(), result::toString);
        assertTrue(
                lines.getFirst().startsWith("sluice: " + file + ":")
                        && lines.getFirst()
                                .endsWith("unknown key \"weigth\" in [[service.real]]; did you mean \"weight\"?"),
                result::toString);
        assertEquals(Map.of("rs1", 10, "rs2", 10), lab.ask("tcp", VIP4, 80, 20));
    }

    @Test
    void a_real_server_that_direct_routing_cannot_reach_is_refused_and_nothing_changes() {
        write(rr(1, 1, 1).replace("10.0.0.13", "10.0.0.2"));
        CommandResult result = lab.fixture().sluice("reload");
        assertEquals(1, result.exitCode(), result::toString);
        assertEquals(
                "sluice: real server 10.0.0.2 with method dr: 10.0.0.2 is an address of this host itself\n",
                result.err());
        assertEquals(Map.of("rs1", 10, "rs2", 10), lab.ask("tcp", VIP4, 80, 20));
    }

    @Test
    void a_dry_run_only_tells() {
        assertEquals(
                List.of("add real server 10.0.0.13 to TCP 10.0.0.100:80: weight 1", "dry run: nothing was changed"),
                reload(rr(1, 1, 1), "--dry-run"));
        assertEquals(Map.of("rs1", 10, "rs2", 10), lab.ask("tcp", VIP4, 80, 20));
    }

    @Test
    void keys_of_the_director_wait_for_a_restart() {
        write(rr(1).replace("[director]\n", "[director]\nflow_table_size = 4096\n"));
        CommandResult result = lab.fixture().sluice("reload");
        assertEquals(0, result.exitCode(), result::toString);
        assertEquals("delete real server 10.0.0.12 of TCP 10.0.0.100:80\n", result.out());
        assertEquals("sluice: director.flow_table_size differs; it takes effect with the next start\n", result.err());
    }

    @Test
    void another_file_can_be_applied() {
        Path other = lab.write(rr(0, 1));
        CommandResult result = lab.fixture().sluice("reload", other.toString());
        assertEquals("edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 1 -> 0\n", result.orFail());
        assertEquals(Map.of("rs2", 10), lab.ask("tcp", VIP4, 80, 10));
    }

    @Test
    void sighup_reloads() {
        write(rr(1, 1, 1));
        hangUp();
        lab.await("rs3", stats -> stats.services().getFirst().realServers().size() == 3);
        assertEquals(Map.of("rs1", 10, "rs2", 10, "rs3", 10), lab.ask("tcp", VIP4, 80, 30));
        write("nonsense");
        hangUp();
        long startNs = System.nanoTime();
        while (!director.log().contains("not reloaded, nothing changed")) {
            assertTrue((System.nanoTime() - startNs) / 1_000_000 < 10_000, director::log);
            DirectorLab.pause(50);
        }
        assertTrue(director.isAlive());
        assertEquals(Map.of("rs1", 10, "rs2", 10, "rs3", 10), lab.ask("tcp", VIP4, 80, 30));
    }

    private void hangUp() {
        lab.on("director", "kill", "-HUP", Long.toString(director.pid()));
    }

    @Test
    void hundreds_of_changes_fail_no_request_of_the_others() throws Exception {
        String other = HTTP.replace(":80", ":8081");
        String withReal = other.replace("}", ",'scheduler':'rr','real':[" + real(RIPS4.get(2), 1) + "]}");
        try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
            DirectorLab.Conversation conversation = lab.converse(VIP4, 80);
            long startNs = System.nanoTime();
            for (int i = 0; i < 200; i++) {
                command("real-add", "service", HTTP, "real", real(RIPS4.get(2), 0));
                command("real-delete", "service", HTTP, "real", "{'address':'10.0.0.13'}");
                command("service-add", "service", withReal);
                if (i % 20 == 0) {
                    // The answer to a command comes when it holds: the very next request is served.
                    assertEquals(Map.of("rs3", 2), lab.ask("tcp", VIP4, 8081, 2));
                }
                command("service-delete", "service", other);
            }
            long millis = (System.nanoTime() - startNs) / 1_000_000;
            assertTrue(millis < 60_000, "800 changes took " + millis + " ms");
            conversation.assertContinues();
            conversation.end();
            requests.awaitMore(20);
        }
        assertEquals(2, lab.stats().services().getFirst().realServers().size());
    }

    @Test
    void commands_refuse_with_the_code_that_ipvsadm_will_want() throws Exception {
        assertRefused("service_exists", "service-add", "service", HTTP);
        assertRefused("service_not_found", "service-delete", "service", HTTP.replace(":80", ":81"));
        assertRefused("real_exists", "real-add", "service", HTTP, "real", real(RIPS4.get(0), 1));
        assertRefused("real_not_found", "real-edit", "service", HTTP, "real", real(RIPS4.get(2), 1));
        // As anybody's address, IPVS would take the VIP; here the director has it, and packets would come back to it.
        assertRefused("not_forwardable", "real-add", "service", HTTP, "real", real(VIP4, 1));
        assertRefused("not_forwardable", "real-add", "service", HTTP, "real", real("10.0.0.2", 1));
        assertRefused("bad_request", "real-add", "service", HTTP);
        assertEquals(2, command("services").path("services").get(0).path("real").size());
        JsonNode before = command("services");
        command("flush");
        assertEquals(0, command("services").path("services").size());
        for (JsonNode service : before.path("services")) {
            admin.askTree("service-add", Map.of("service", service));
        }
        assertEquals(before, command("services"));
        assertEquals(Map.of("rs1", 10, "rs2", 10), lab.ask("tcp", VIP4, 80, 20));
        command("zero");
        assertEquals(0, stats(RIPS4.get(0)).traffic().connections());
    }

    private void assertRefused(String code, String command, String... arguments) {
        AdminException refused = assertThrows(AdminException.class, () -> command(command, arguments));
        assertEquals(code, refused.code(), refused::toString);
    }
}

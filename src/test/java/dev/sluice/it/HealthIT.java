package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Real servers die and come back under traffic: nginx is killed, or a script of the test's says that it is ill. */
class HealthIT {
    /** Down within interval × fall + timeout, as the issue has it. */
    private static final int FOUND_DOWN_WITHIN_MS = 2 * 1000 + 1000;

    private static final String HTTP_CHECK = """
              [[service.check]]
              type = "http"
              body = "^rs"
              interval = 1
              retry_interval = 0.5
              timeout = 1
              rise = 2
              fall = 2
            """;

    private static DirectorLab lab;
    private LabFixture.@Nullable Director director;

    @BeforeAll
    static void up() {
        lab = DirectorLab.up();
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    @AfterEach
    void stop() {
        LabFixture.Director running = Objects.requireNonNull(director);
        assertEquals(0, running.stop(), running::log);
        for (String host : List.of("rs1", "rs2", "rs3")) {
            start(host);
        }
    }

    private void startDirector(String config) {
        director = lab.fixture().startDirector(config);
    }

    private String log() {
        return Objects.requireNonNull(director).log();
    }

    private static ConfigText config() {
        return new ConfigText(lab.fixture(), "eth1");
    }

    private static Path state(String host) {
        return lab.fixture().state().resolve(host);
    }

    /** The death of nginx; its port is closed when this returns. */
    private static void kill(String host) {
        lab.on(host, "sh", "-c", "kill -TERM $(cat " + state(host).resolve("nginx.pid") + ")");
        long startNs = System.nanoTime();
        while (Files.exists(state(host).resolve("nginx.pid"))) {
            assertTrue(System.nanoTime() - startNs < 5_000_000_000L, "nginx does not end");
            DirectorLab.pause(5);
        }
    }

    /** Has nginx run again, if it does not. */
    private static void start(String host) {
        if (!Files.exists(state(host).resolve("nginx.pid"))) {
            lab.on(
                    host,
                    "nginx",
                    "-e",
                    state(host).resolve("error.log").toString(),
                    "-c",
                    state(host).resolve("nginx.conf").toString());
        }
    }

    private static HealthStats.Service service(DirectorStats stats) {
        return stats.health().services().getFirst();
    }

    private static HealthStats.RealServer real(DirectorStats stats, String host) {
        return service(stats).realServers().stream()
                .filter(real -> real.address().equals(Topology.rip(host, VIP4)))
                .findFirst()
                .orElseThrow();
    }

    private static DirectorStats await(String what, Predicate<DirectorStats> condition) {
        return lab.await(what, condition);
    }

    /** Who answers requests that begin from now on: some of them, none of which fails. */
    private static Map<String, Integer> answersFromNow(Requests requests, int count) {
        int from = requests.awaitMore(2);
        requests.awaitMore(count);
        List<String> answers = requests.answers().subList(from, from + count);
        assertTrue(answers.stream().allMatch(answer -> answer.matches("rs[0-9]")), answers::toString);
        return Topology.count(answers);
    }

    /** Conversations with all of these real servers. */
    private static Map<String, DirectorLab.Conversation> converse(String... hosts) {
        Map<String, DirectorLab.Conversation> conversations = new TreeMap<>();
        for (int i = 0; i < 20 && !conversations.keySet().containsAll(Set.of(hosts)); i++) {
            DirectorLab.Conversation conversation = lab.converse(VIP4, 80);
            DirectorLab.Conversation another = conversations.putIfAbsent(conversation.realServer(), conversation);
            if (another != null) {
                conversation.end();
            }
        }
        assertTrue(conversations.keySet().containsAll(Set.of(hosts)), conversations::toString);
        return conversations;
    }

    private static void assertContinues(Map<String, DirectorLab.Conversation> conversations, String host) {
        Objects.requireNonNull(conversations.get(host)).assertContinues();
    }

    private static boolean isSorry(DirectorStats stats) {
        HealthStats.Sorry sorry = service(stats).sorry();
        return sorry != null && sorry.inUse();
    }

    @Test
    void a_dead_real_server_leaves_in_time_and_comes_back_slowly() {
        startDirector(config().with("slow_start = 6", HTTP_CHECK)
                .service("tcp", VIP4, 80, "wrr", 10, 10, 10)
                .toString());
        await(
                "all have been found healthy",
                stats -> service(stats).realServers().stream()
                        .allMatch(real -> real.checks().getFirst().successes() > 0));
        Map<String, DirectorLab.Conversation> conversations = converse("rs2", "rs3");
        try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
            assertEquals(
                    Set.of("rs1", "rs2", "rs3"), answersFromNow(requests, 60).keySet());
            long connectionsBefore =
                    DirectorLab.real(lab.stats(), "10.0.0.11").traffic().connections();

            kill("rs1");
            long killedNs = System.nanoTime();
            DirectorStats stats =
                    await("rs1 is out of service", now -> !real(now, "rs1").inService());
            long foundMs = (System.nanoTime() - killedNs) / 1_000_000;
            assertTrue(foundMs <= FOUND_DOWN_WITHIN_MS, "out of service after " + foundMs + " ms");
            assertEquals("down", real(stats, "rs1").state());
            assertTrue(real(stats, "rs1").reason().contains("refused"), real(stats, "rs1")::toString);
            assertEquals(2, stats.services().getFirst().realServers().size(), "what ipvsadm -L lists");
            assertEquals(Map.of("rs2", 50, "rs3", 50), answersFromNow(requests, 100));
            assertContinues(conversations, "rs2");
            assertContinues(conversations, "rs3");

            start("rs1");
            stats = await("rs1 is back", now -> real(now, "rs1").inService());
            assertTrue(real(stats, "rs1").effectiveWeight() <= 2, "slowly: " + real(stats, "rs1"));
            assertTrue(
                    DirectorLab.real(stats, "10.0.0.11").traffic().connections() >= connectionsBefore,
                    "its counters go on");
            Map<String, Integer> early = answersFromNow(requests, 80);
            assertTrue(early.getOrDefault("rs1", 0) < 16, "less than its share of 80: " + early);
            Set<Integer> weights = new TreeSet<>();
            await("rs1 has its weight", now -> {
                weights.add(real(now, "rs1").effectiveWeight());
                return real(now, "rs1").effectiveWeight() == 10;
            });
            assertTrue(weights.size() >= 4, "step by step: " + weights);
            assertEquals(Map.of("rs1", 20, "rs2", 20, "rs3", 20), answersFromNow(requests, 60));
            conversations.values().forEach(DirectorLab.Conversation::assertContinues);
            requests.end();
        }
        conversations.values().forEach(DirectorLab.Conversation::end);
        assertTrue(log().contains("real server 10.0.0.11 of TCP 10.0.0.100:80 is down, out of service: http"));
        assertTrue(log().contains("is healthy, in service by slow start: http"));
    }

    @Test
    void the_sorry_server_stands_in_when_all_have_died() {
        startDirector(config().with("[service.sorry]", "address = \"10.0.0.13\"", HTTP_CHECK)
                .service("tcp", VIP4, 80, "rr", 1, 1)
                .toString());
        try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
            assertEquals(Map.of("rs1", 30, "rs2", 30), answersFromNow(requests, 60));
            kill("rs1");
            kill("rs2");
            // Decided first, then in the snapshot that workers have.
            DirectorStats stats = await(
                    "the sorry server is in use",
                    now -> isSorry(now) && addresses(now).equals(List.of("10.0.0.13")));
            assertFalse(service(stats).quorum().reached());
            assertEquals(Map.of("rs3", 100), answersFromNow(requests, 100));
            assertTrue(DirectorLab.real(lab.stats(), "10.0.0.13").traffic().connections() >= 100);

            start("rs2");
            await("rs2 is back", now -> real(now, "rs2").inService());
            assertEquals(Map.of("rs2", 100), answersFromNow(requests, 100));
            assertFalse(isSorry(lab.stats()));
            requests.end();
        }
    }

    private static List<String> addresses(DirectorStats stats) {
        return stats.services().getFirst().realServers().stream()
                .map(real -> real.address())
                .toList();
    }

    /** Whether a real server is healthy is what a file says. */
    private static String scriptCheck(String initial) {
        return """
                  [[service.check]]
                  type = "script"
                  command = ["/bin/sh", "-c", "! test -e %s/ill-$SLUICE_ADDRESS"]
                  interval = 0.5
                  retry_interval = 0.2
                  timeout = 2
                  rise = 1
                  fall = 2
                  initial = "%s"
                """.formatted(lab.fixture().state(), initial);
    }

    private static Path ill(String host) {
        return lab.fixture().state().resolve("ill-" + Topology.rip(host, VIP4));
    }

    @Test
    void quiesced_by_a_script_it_keeps_its_connections_and_gets_no_new_ones() throws Exception {
        startDirector(config().with("on_failure = \"quiesce\"", scriptCheck("up"))
                .service("tcp", VIP4, 80, "rr", 1, 1)
                .toString());
        Map<String, DirectorLab.Conversation> conversations = converse("rs1", "rs2");
        try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
            Files.createFile(ill("rs1"));
            await("rs1 has weight 0", now -> real(now, "rs1").effectiveWeight() == 0);
            assertTrue(real(lab.stats(), "rs1").inService());
            assertEquals(0, DirectorLab.real(lab.stats(), "10.0.0.11").weight(), "as ipvsadm -L lists it");
            assertEquals(Map.of("rs2", 60), answersFromNow(requests, 60));
            conversations.values().forEach(DirectorLab.Conversation::assertContinues);
            Files.delete(ill("rs1"));
            await("rs1 has its weight", now -> real(now, "rs1").effectiveWeight() == 1);
            assertEquals(Map.of("rs1", 30, "rs2", 30), answersFromNow(requests, 60));
            conversations.values().forEach(DirectorLab.Conversation::assertContinues);
        } finally {
            Files.deleteIfExists(ill("rs1"));
        }
        conversations.values().forEach(DirectorLab.Conversation::end);
    }

    @Test
    void commands_and_reloads_leave_a_failure_and_a_recovery_brings_connections_back() throws Exception {
        String text = config().with(scriptCheck("down"))
                .service("tcp", VIP4, 80, "rr", 1, 1, 1)
                .toString();
        startDirector(text);
        await("all have passed", now -> service(now).realServers().stream().allMatch(real -> real.inService()));
        Map<String, DirectorLab.Conversation> conversations = converse("rs1");
        Files.createFile(ill("rs1"));
        await("rs1 is out of service", now -> !real(now, "rs1").inService());
        // From now on only: a request that rs1 has in hand when it goes waits for its return, as by IPVS without the
        // destination.
        try (Requests requests = Requests.start(lab.fixture(), VIP4)) {
            assertEquals(List.of(), lab.apply(text), "nothing differs from the file");
            AdminClient admin = new AdminClient(lab.fixture().socket());
            ObjectMapper json = new ObjectMapper();
            var service = json.readTree("{\"protocol\":\"tcp\",\"address\":\"10.0.0.100:80\"}");
            admin.askTree(
                    "real-edit",
                    Map.of("service", service, "real", json.readTree("{\"address\":\"10.0.0.11\",\"weight\":5}")));
            admin.askTree(
                    "service-edit",
                    Map.of(
                            "service",
                            json.readTree(
                                    "{\"protocol\":\"tcp\",\"address\":\"10.0.0.100:80\",\"scheduler\":\"wrr\"}")));
            assertFalse(real(lab.stats(), "rs1").inService());
            assertEquals(5, real(lab.stats(), "rs1").weight());
            assertEquals(Map.of("rs2", 30, "rs3", 30), answersFromNow(requests, 60));
            assertEquals(
                    "script",
                    admin.askTree("services")
                            .path("services")
                            .path(0)
                            .path("check")
                            .path(0)
                            .path("type")
                            .asText());

            Files.delete(ill("rs1"));
            await("rs1 is back", now -> real(now, "rs1").effectiveWeight() == 5);
            assertContinues(conversations, "rs1");
            assertEquals(
                    List.of(
                            "edit service TCP 10.0.0.100:80: scheduler wrr -> scheduler rr",
                            "edit real server 10.0.0.11 of TCP 10.0.0.100:80: weight 5 -> 1"),
                    lab.apply(text));
            assertEquals(Map.of("rs1", 20, "rs2", 20, "rs3", 20), answersFromNow(requests, 60));
        } finally {
            Files.deleteIfExists(ill("rs1"));
        }
        conversations.values().forEach(DirectorLab.Conversation::end);
    }

    @Test
    void quorum_commands_run_and_the_commands_show_it_all() throws IOException {
        Path log = lab.fixture().state().resolve("quorum.log");
        String notify = "[\"/bin/sh\", \"-c\", \"echo $SLUICE_QUORUM >> " + log + "\"]";
        startDirector(config().with("quorum = 2", "quorum_up = " + notify, "quorum_down = " + notify, scriptCheck("up"))
                .service("tcp", VIP4, 80, "rr", 1, 1)
                .toString());
        try {
            await(
                    "all have been checked",
                    stats -> service(stats).realServers().stream()
                            .allMatch(real -> real.checks().getFirst().successes() > 0));
            CommandResult healthy = lab.fixture().sluice("health", "--exit-code");
            assertEquals(0, healthy.exitCode(), healthy::toString);
            Files.createFile(ill("rs2"));
            await("rs2 is out of service", now -> !real(now, "rs2").inService());
            CommandResult ill = lab.fixture().sluice("health", "--exit-code", "--history");
            assertEquals(6, ill.exitCode(), ill::toString);
            List<List<String>> rows = ill.out()
                    .lines()
                    .map(line -> List.of(line.strip().split(" {2,}", -1)))
                    .collect(Collectors.toCollection(ArrayList::new));
            assertEquals(List.of("SERVICE", "REAL SERVER", "WEIGHT", "STATE", "SINCE", "LAST RESULT"), rows.get(0));
            assertEquals(
                    List.of("TCP 10.0.0.100:80", "10.0.0.11:80", "1", "up"),
                    rows.get(1).subList(0, 4));
            assertEquals(
                    List.of("TCP 10.0.0.100:80", "10.0.0.12:80", "1", "DOWN"),
                    rows.get(2).subList(0, 4));
            assertEquals("DOWN", rows.get(3).get(0), "history");
            assertTrue(ill.out().contains("1 of 2") && ill.out().contains("NO QUORUM"), ill::out);
            String stats = lab.fixture().sluice("stats").orFail();
            assertTrue(stats.contains("Health: 1 of 2 real servers are down"), stats);
            assertTrue(stats.contains("TCP 10.0.0.100:80 -> 10.0.0.12:80: DOWN since "), stats);
            HealthStats json = new ObjectMapper()
                    .readValue(lab.fixture().sluice("health", "--json").orFail(), HealthStats.class);
            assertEquals(2, json.progress().checks());
            Files.delete(ill("rs2"));
            await("the quorum is back", now -> service(now).quorum().reached());
            long startNs = System.nanoTime();
            while (!Files.exists(log) || Files.readAllLines(log).size() < 2) {
                assertTrue(System.nanoTime() - startNs < 5_000_000_000L, "commands not run");
                DirectorLab.pause(20);
            }
            assertEquals(List.of("down", "up"), Files.readAllLines(log));
        } finally {
            Files.deleteIfExists(ill("rs2"));
            Files.deleteIfExists(log);
        }
    }
}

package dev.sluice.it;

import static dev.sluice.it.Topology.VIP4;
import static dev.sluice.it.Topology.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.KeepAliveClients.Report;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Ten thousand translated connections in use, and a download, while requests and replies are on queues of different workers and change
 * them, the configuration is reloaded, and a real server is removed. A connection breaks when it is reset, silent for long,
 * or answered by another real server than before.
 */
abstract class TenThousandTranslations {
    private static final int CONNECTIONS_PER_VIP = 5_000;
    /** To each VIP. */
    private static final int PER_SECOND = 750;

    private static final int VICTIMS = 100;
    private static final Duration INTERVAL = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final int DOWNLOAD_BYTES = 30_000_000;

    private final String scenario;
    private final Map<String, List<String>> rips;
    private LabFixture lab;
    private LabFixture.Director director;

    /** @param rips of rs1, rs2 and rs3, by VIP */
    TenThousandTranslations(String scenario, Map<String, List<String>> rips) {
        this.scenario = scenario;
        this.rips = rips;
    }

    /** The beginning of the configuration, up to the services. */
    abstract ConfigText begin(LabFixture lab);

    @BeforeEach
    void up() throws IOException {
        lab = LabFixture.up("--scenario", scenario, "--queues", "2");
        // Requests come to one worker, replies to the other.
        moveTo(0, 1);
        director = lab.startDirector(config("rr", 1, 1, 0));
        lab.exec("rs1", "sh", "-c", "head -c %d /dev/urandom > %s/rs1/www/big".formatted(DOWNLOAD_BYTES, lab.state()))
                .orFail();
    }

    @AfterEach
    void down() {
        lab.close();
    }

    private String config(String scheduler, int... weights) {
        ConfigText config = begin(lab);
        rips.forEach((vip, addresses) -> config.service("tcp", vip, 80, scheduler, addresses, weights));
        // Alone, for what is about rs1.
        config.service(
                "tcp",
                VIP4,
                81,
                scheduler,
                Objects.requireNonNull(rips.get(VIP4)).subList(0, 1),
                1);
        return config.toString();
    }

    /** Sends requests to the director through one queue of its eth1, and replies through one queue of its eth2. */
    private void moveTo(int requests, int replies) {
        AdoptionIT.moveTo(lab, "director", requests);
        AdoptionIT.moveTo(lab, "director-eth2", replies);
    }

    @Test
    void none_breaks() throws IOException, InterruptedException, AdminException {
        Path log = lab.state().resolve("download.log");
        Process download = lab.start(
                log,
                "client",
                "sh",
                "-c",
                "curl -sS --fail --limit-rate 2M --local-port 20001 http://%s:81/big | sha256sum".formatted(VIP4));
        try (BusyClients clients4 = BusyClients.start(lab, VIP4, 80, INTERVAL, PATIENCE);
                BusyClients clients6 = BusyClients.start(lab, VIP6, 80, INTERVAL, PATIENCE)) {
            clients4.beginToOpen(CONNECTIONS_PER_VIP, PER_SECOND);
            clients6.open(CONNECTIONS_PER_VIP, PER_SECOND);
            clients4.open(0, PER_SECOND);
            assertEquals(Map.of("rs1", 2500, "rs2", 2500), clients4.report().servers());
            assertEquals(Map.of("rs1", 2500, "rs2", 2500), clients6.report().servers());

            // Both change, and cross again.
            moveTo(1, 0);
            allGoOn(clients4, clients6);

            reload(config("wrr", 0, 0, 1));
            try (BusyClients victims = BusyClients.start(lab, VIP4, 80, INTERVAL, PATIENCE)) {
                assertEquals(
                        Map.of("rs3", VICTIMS),
                        victims.open(VICTIMS, PER_SECOND).servers());
                reload(config("wrr", 1, 1));
                allGoOn(clients4, clients6);
                assertTrue(count(Counter.REAL_SERVER_GONE) > 0, "the victims are not missed");
                // What is removed and comes back has its connections back.
                reload(config("wrr", 1, 1, 1));
                victims.assertAllGoOn(PATIENCE);
            }
            // The replies come to the worker of the requests.
            moveTo(1, 1);
            allGoOn(clients4, clients6);
        }
        assertTrue(download.waitFor(40, TimeUnit.SECONDS), "the download does not end");
        String sum = lab.exec(
                        "rs1", "sha256sum", lab.state().resolve("rs1/www/big").toString())
                .orFail()
                .split(" ", -1)[0];
        assertEquals(sum, Files.readString(log).split(" ", -1)[0]);
        assertConnections(CONNECTIONS_PER_VIP);
        assertEquals(0, director.stop(), director::log);
    }

    private static void allGoOn(BusyClients clients4, BusyClients clients6) {
        clients4.assertAllGoOn(PATIENCE);
        Report report = clients6.assertAllGoOn(PATIENCE);
        assertEquals(CONNECTIONS_PER_VIP, report.alive());
    }

    /** No connection was scheduled a second time. */
    private void assertConnections(int perVip) {
        Reading reading = Reading.of(lab);
        for (String vip : Topology.VIPS) {
            List<RealServerStats> reals = reading.service(vip, 80).realServers();
            assertEquals(perVip / 2, reals.get(0).traffic().connections(), reading.stats()::toString);
            assertEquals(perVip / 2, reals.get(1).traffic().connections(), reading.stats()::toString);
        }
        assertEquals(0, reading.count(Counter.FLOW_NEW_SLOPPY));
        assertEquals(2L * perVip + VICTIMS + 1, reading.count(Counter.FLOW_NEW), reading.stats()::toString);
        // A packet that finds the RX ring of a busy machine full is the kernel's to count; TCP sends it again.
        assertEquals(reading.steered(), reading.count(Counter.PACKETS_IN) + rxRingFull(reading));
        assertEquals(reading.count(Counter.PACKETS_IN), reading.count(Counter.FORWARDED) + reading.drops());
    }

    private static long rxRingFull(Reading reading) {
        return reading.stats().interfaces().stream()
                .flatMap(nic -> nic.queues().stream())
                .mapToLong(queue -> queue.xsk().getOrDefault("rx_ring_full", Long.MIN_VALUE))
                .sum();
    }

    /** With packets on their way. */
    private long count(Counter counter) throws AdminException {
        DirectorStats stats = new AdminClient(lab.socket()).ask("stats", DirectorStats.class);
        return stats.outcomes().getOrDefault(counter.label(), Long.MIN_VALUE);
    }

    private void reload(String text) throws IOException {
        Files.writeString(director.config(), text);
        try {
            new AdminClient(lab.socket())
                    .askTree("reload", Map.of("config", director.config().toString(), "dry_run", false));
        } catch (AdminException e) {
            throw new AssertionError("not reloaded", e);
        }
    }
}

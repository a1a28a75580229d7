package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A pool of sixteen ports, which is used up by as many connections to one real server, and grows while the director runs. */
class FullNatPoolIT {
    private static final int PORTS = 16;
    private static final int PER_SECOND = 100;
    private static final Duration INTERVAL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Map<String, List<String>> POOL = Map.of(
            Topology.VIP4, List.of("10.0.1.201", "10.0.1.202", "10.0.1.203"),
            Topology.VIP6, List.of("fd00:52::c9", "fd00:52::ca", "fd00:52::cb"));

    private LabFixture lab;
    private LabFixture.Director director;

    @BeforeEach
    void up() {
        lab = LabFixture.up("--scenario", "fullnat");
        director = lab.startDirector(config(1));
    }

    @AfterEach
    void down() {
        lab.close();
    }

    private static List<String> pool(String vip) {
        return Objects.requireNonNull(POOL.get(vip));
    }

    /** One real server of each family, and so many local addresses. */
    private String config(int addresses) {
        String pool = Topology.VIPS.stream()
                .flatMap(vip -> pool(vip).stream().limit(addresses))
                .map(address -> '"' + address + '"')
                .collect(Collectors.joining(", "));
        ConfigText config = new ConfigText(lab, "eth1", "eth2")
                .director("[director.fullnat]", "local_addresses = [" + pool + "]", "local_ports = \"2000-2015\"")
                .fullnat(8080);
        config.service("tcp", Topology.VIP4, 80, "rr", List.of("10.0.2.11"), 1);
        config.service("tcp", Topology.VIP6, 80, "rr", List.of("fd00:53::11"), 1);
        return config.toString();
    }

    @Test
    void grows_when_it_is_exhausted() throws IOException, AdminException {
        try (BusyClients clients4 = BusyClients.start(lab, Topology.VIP4, 80, INTERVAL, PATIENCE);
                BusyClients clients6 = BusyClients.start(lab, Topology.VIP6, 80, INTERVAL, PATIENCE)) {
            for (BusyClients clients : List.of(clients4, clients6)) {
                assertEquals(
                        Map.of("rs1", PORTS), clients.open(PORTS, PER_SECOND).servers());
            }
            assertEquals(0, exhausted());
            // One more of each, which TCP asks for again and again.
            clients4.beginToOpen(1, PER_SECOND);
            clients6.beginToOpen(1, PER_SECOND);
            awaitExhausted(2);
            assertEquals(PORTS, clients4.report().alive());

            for (String vip : Topology.VIPS) {
                ipvsadm("-P", "-t", Topology.host(vip) + ":80", "-z", pool(vip).get(1));
            }
            // The ones that waited, and as many as the new address has ports for.
            assertEquals(2 * PORTS, clients4.open(PORTS - 1, PER_SECOND).alive());
            assertEquals(2 * PORTS, clients6.open(PORTS - 1, PER_SECOND).alive());

            long before = exhausted();
            clients4.beginToOpen(1, PER_SECOND);
            awaitExhausted(before + 1);
            // Also for what is there no more: connections keep what they have.
            for (String vip : Topology.VIPS) {
                ipvsadm("-Q", "-t", Topology.host(vip) + ":80", "-z", pool(vip).get(1));
            }
            assertEquals(2 * PORTS, clients6.assertAllGoOn(PATIENCE).alive());

            for (String vip : Topology.VIPS) {
                lab.exec("director", "ip", "address", "add", pool(vip).getLast(), "dev", "eth2")
                        .orFail();
            }
            Files.writeString(director.config(), config(3));
            lab.sluice("reload").orFail();
            assertEquals(2 * PORTS + 2, clients4.open(1, PER_SECOND).alive());
            assertEquals(2 * PORTS + 1, clients6.open(1, PER_SECOND).alive());
        }
        Reading.of(lab).assertNothingIsLost();
        assertEquals(0, director.stop(), director::log);
    }

    private void ipvsadm(String... arguments) {
        List<String> command = new ArrayList<>(List.of("ipvsadm"));
        command.addAll(List.of(arguments));
        lab.sluice(command.toArray(String[]::new)).orFail();
    }

    private long exhausted() throws AdminException {
        DirectorStats stats = new AdminClient(lab.socket()).ask("stats", DirectorStats.class);
        return stats.outcomes().getOrDefault(Counter.LOCAL_PORTS_EXHAUSTED.label(), Long.MIN_VALUE);
    }

    private void awaitExhausted(long atLeast) throws AdminException {
        long startNs = System.nanoTime();
        while (exhausted() < atLeast) {
            assertTrue(System.nanoTime() - startNs < PATIENCE.toNanos(), "never exhausted");
            DirectorLab.pause(50);
        }
    }
}

package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Checks through the forwarding path find what checks of the RIP do not: a VIP that is missing, a tunnel that is down. */
class HealthViaVipIT {
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
        if (director != null) {
            assertEquals(0, director.stop(), director::log);
        }
    }

    private static ConfigText config(String via) {
        return new ConfigText(lab.fixture(), "eth1").with("""
                  [[service.check]]
                  type = "http"
                  via = "%s"
                  interval = 0.5
                  retry_interval = 0.3
                  timeout = 0.5
                  rise = 2
                  fall = 2
                """.formatted(via));
    }

    private static HealthStats.RealServer real(DirectorStats stats, String vip, String host) {
        return stats.health().services().stream()
                .filter(service -> service.address().equals(vip))
                .flatMap(service -> service.realServers().stream())
                .filter(real -> real.address().equals(Topology.rip(host, vip)))
                .findFirst()
                .orElseThrow();
    }

    private static void awaitState(String vip, String host, String state) {
        lab.await(host + " is " + state, stats -> {
            HealthStats.RealServer real = real(stats, vip, host);
            return real.state().equals(state) && real.checks().getFirst().successes() > 0;
        });
    }

    private static void vip(String host, String command, String vip) {
        lab.on(host, "ip", "address", command, vip + (Topology.isInet6(vip) ? "/128" : "/32"), "dev", "lo");
    }

    @Test
    void a_vip_that_is_missing() {
        director = lab.fixture()
                .startDirector(config("vip")
                        .service("tcp", VIP4, 80, "rr", 1, 1)
                        .service("tcp", VIP6, 80, "rr", 1, 1)
                        .toString());
        for (String vip : Topology.VIPS) {
            awaitState(vip, "rs1", "up");
            awaitState(vip, "rs2", "up");
            vip("rs2", "del", vip);
            try {
                awaitState(vip, "rs2", "down");
                assertEquals("up", real(lab.stats(), vip, "rs1").state());
            } finally {
                vip("rs2", "add", vip);
            }
            awaitState(vip, "rs2", "up");
        }
        assertTrue(
                lab.stats().outcomes().getOrDefault("tcp_without_flow", 0L) == 0,
                () -> "no resets of the director's own: " + lab.stats().outcomes());
    }

    @Test
    void a_check_of_the_rip_does_not_see_it() {
        director = lab.fixture()
                .startDirector(
                        config("rip").service("tcp", VIP4, 80, "rr", 1, 1).toString());
        awaitState(VIP4, "rs2", "up");
        vip("rs2", "del", VIP4);
        try {
            await(stats -> real(stats, VIP4, "rs2").checks().getFirst().successes() > 10);
            assertEquals("up", real(lab.stats(), VIP4, "rs2").state());
        } finally {
            vip("rs2", "add", VIP4);
        }
    }

    @Test
    void a_tunnel_that_is_down() {
        List<String> tunnelled = List.of("rs1", "rs2");
        String[] tunnel = {"tun_type = \"gue\"", "tun_port = 6080"};
        Decapsulation first = Decapsulation.setUp(lab.fixture(), tunnelled, "--tun-type", "gue", "--tun-port", "6080");
        try {
            director = lab.fixture()
                    .startDirector(config("vip")
                            .tunnel(tunnel)
                            .service("tcp", VIP4, 80, "rr", 1, 1)
                            .service("tcp", VIP6, 80, "rr", 1, 1)
                            .toString());
            for (String vip : Topology.VIPS) {
                awaitState(vip, "rs1", "up");
                awaitState(vip, "rs2", "up");
            }
        } finally {
            first.close();
        }
        awaitState(VIP4, "rs1", "down");
        awaitState(VIP6, "rs2", "down");
    }

    private static void await(Predicate<DirectorStats> condition) {
        lab.await("checks made", condition);
    }
}

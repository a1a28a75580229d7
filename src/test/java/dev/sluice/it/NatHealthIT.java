package dev.sluice.it;

import static dev.sluice.it.DirectorLab.RIPS4;
import static dev.sluice.it.DirectorLab.RIPS6;
import static dev.sluice.it.DirectorLab.VIP4;
import static dev.sluice.it.DirectorLab.VIP6;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.testing.LabFixture;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Real servers whose packets are steered answer checks all the same: those are for the director's host. */
class NatHealthIT {
    private static final String MORE4 = "10.0.0.77";
    private static final String MORE6 = "fd00:51::77";

    /** One for each: of checks via the VIP a real server may say a last word long after, and it would be steered. */
    private final DirectorLab lab = DirectorLab.up();

    private LabFixture.@Nullable Director director;

    @AfterEach
    void down() {
        try (lab) {
            if (director != null) {
                assertEquals(0, director.stop(), director::log);
            }
        }
    }

    /** Port 8000 of both VIPs, translated to port 80; lines for each check of a family. */
    private String config(String check4, String check6) {
        return lab.config("", service(VIP4, RIPS4, check4), service("[" + VIP6 + "]", RIPS6, check6));
    }

    private static String service(String vip, List<String> rips, String check) {
        return """
                [[service]]
                protocol = "tcp"
                address = "%s:8000"
                scheduler = "rr"
                  [[service.check]]
                  type = "http"
                  initial = "down"
                  interval = 0.4
                  retry_interval = 0.3
                  timeout = 0.5
                  rise = 2
                  fall = 2
                  %s
                """.formatted(vip, check)
                + rips.stream()
                        .map(rip ->
                                "  [[service.real]]\n  address = \"" + rip + "\"\n  method = \"nat\"\n  port = 80\n")
                        .collect(Collectors.joining());
    }

    private static Stream<HealthStats.RealServer> all(DirectorStats stats) {
        return stats.health().services().stream().flatMap(service -> service.realServers().stream());
    }

    private void awaitHealthy() {
        DirectorStats stats = lab.await(
                "all are healthy",
                now -> all(now).allMatch(real ->
                        real.state().equals("up") && real.checks().getFirst().successes() >= 3));
        assertEquals(6, all(stats).count());
        assertEquals(
                0, stats.interfaces().getFirst().steering().get("steered_reply"), "answers to checks are the host's");
    }

    @Test
    void straightAndViaTheVip() {
        director = lab.fixture().startDirector(config("via = \"rip\"", "via = \"vip\""));
        awaitHealthy();
    }

    @Test
    void fromAnAddressThatTheHostGetsLater() {
        director = lab.fixture().startDirector(config("", ""));
        awaitHealthy();
        // They stay: what is left of a connection to an address that is gone would be steered.
        lab.on("director", "ip", "address", "add", MORE4 + "/24", "dev", "eth1");
        lab.on("director", "ip", "address", "add", MORE6 + "/64", "dev", "eth1", "nodad");
        lab.reload(config("source = \"" + MORE4 + "\"", "source = \"" + MORE6 + "\""));
        awaitHealthy();
    }
}

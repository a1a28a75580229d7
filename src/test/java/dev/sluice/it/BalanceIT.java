package dev.sluice.it;

import static dev.sluice.it.DirectorLab.VIP4;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.stats.PacketBalance;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** No packet's fate unknown: the sums of {@code sluice stats --balance} after what is hard on them. */
class BalanceIT {
    private static final int QUEUES = 2;

    private DirectorLab lab;

    @BeforeEach
    void up() {
        lab = DirectorLab.up("--queues", "" + QUEUES);
    }

    @AfterEach
    void down() {
        lab.close();
    }

    /** What a director answers, forwards, passes on and drops for many reasons, and how many there were of each. */
    @Test
    void odd_packets_are_accounted_for_one_by_one() {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices("icmp_echo = \"director\""));
        lab.ask("tcp", VIP4, 80, 30);
        PacketBalance before = exact();
        lab.on("client", "/usr/bin/python3", "-c", ODD_PACKETS);
        lab.on("client", "ping", "-c", "3", "-i", "0.2", VIP4);
        PacketBalance after = exact();

        assertEquals(ODD_ANSWERED, after.answered() - before.answered(), after::toString);
        assertEquals(
                ODD_DROPPED,
                after.dropped() - before.dropped(),
                () -> lab.stats().toString());
        assertTrue(after.passed() - before.passed() >= ODD_PASSED, after::toString);
        assertEquals(0, after.held());
        assertEquals(0, director.stop());
    }

    /** Killed in the middle of a flood, the next director accounts for all that its own program has seen. */
    @Test
    void a_flood_and_a_restart_in_it_are_accounted_for() throws Exception {
        LabFixture.Director director = lab.fixture().startDirector(lab.allServices());
        lab.flood("tcp", 80, 3, 100_000, 0);
        PacketBalance flooded = exact();
        assertTrue(flooded.received() > 50_000, flooded::toString);

        Path log = lab.fixture().state().resolve("flood.log");
        Process flood = lab.startFlood(log, "udp", 7, 8, 100_000, 0);
        DirectorLab.pause(2_000);
        director.kill9();
        director = lab.fixture().startDirector(lab.allServices());
        assertTrue(flood.waitFor(60, TimeUnit.SECONDS), "the flood does not end");
        PacketBalance restarted = exact();
        assertTrue(restarted.received() > 1_000, restarted::toString);
        lab.ask("tcp", VIP4, 80, 30);
        exact();
        assertEquals(0, director.stop());
    }

    /** By the command itself: its exit code says whether the sums come out, and so must the reading. */
    private PacketBalance exact() {
        CommandResult result = lab.fixture().sluiceOn("director", "stats", "--balance");
        assertEquals(0, result.exitCode(), () -> result + "\n" + lab.stats());
        assertFalse(result.out().contains("on their way"), result::toString);
        PacketBalance sums = PacketBalance.of(lab.stats());
        assertTrue(sums.isExact(), sums::toString);
        return sums;
    }

    private static final int ODD_ANSWERED = 3;
    private static final int ODD_DROPPED = 5;
    private static final int ODD_PASSED = 4;

    /**
     * Dropped by a worker: TTL 1 (an ICMP error is made), an ICMP error of no flow, three later fragments that wait in vain for the
     * first. Passed: no service, no protocol that a service can have, no IP.
     */
    private static final String ODD_PACKETS = """
            from scapy.all import Ether, IP, IPv6, TCP, UDP, ICMP, Raw, sendp
            eth = Ether(src="02:51:00:00:00:01", dst="02:51:00:00:00:02")
            vip = "10.0.0.100"
            me = "10.0.0.1"
            dropped = [
                eth / IP(src=me, dst=vip, ttl=1) / TCP(sport=4711, dport=80, flags="S"),
                eth / IP(src=me, dst=vip) / ICMP(type=3, code=1) / IP(src=vip, dst=me) / UDP(sport=7, dport=9),
            ]
            dropped += [eth / IP(src=me, dst=vip, id=i, frag=100, proto=17) / Raw(b"x" * 64) for i in (1, 2, 3)]
            passed = [
                eth / IP(src=me, dst=vip) / TCP(dport=81, flags="S"),
                eth / IP(src=me, dst=vip) / UDP(dport=81) / Raw(b"x"),
                eth / IP(src=me, dst=vip, proto=89) / Raw(b"x" * 20),
                eth / Raw(b"x" * 60),
            ]
            sendp(dropped + passed, iface="eth1", verbose=False)
            """;
}

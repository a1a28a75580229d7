package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.FwmarkKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Follows real servers on the loopback. */
final class HealthMonitorTest {
    private static final CheckSpec TCP =
            new CheckSpec(new Probe.Tcp(), null, 0, null, Via.RIP, new Timing(50, 20, 1_000, 2, 2, 10, true));

    private record Told(Target target, boolean up, String reason) {}

    private final BlockingQueue<Told> told = new LinkedBlockingQueue<>();
    private final HealthMonitor monitor =
            new HealthMonitor((target, up, reason) -> told.add(new Told(target, up, reason)), Sockets.DIRECT);

    @AfterEach
    void close() {
        monitor.close();
    }

    private static ServerSocket listen(int port) throws IOException {
        return new ServerSocket(port, 1000, InetAddress.getLoopbackAddress());
    }

    private Told nextTold() throws InterruptedException {
        Told next = told.poll(10, TimeUnit.SECONDS);
        if (next == null) {
            throw new AssertionError("nothing was told");
        }
        return next;
    }

    private TargetHealth health(Target target) {
        return monitor.of(target).orElseThrow();
    }

    private static void eventually(String what, BooleanSupplier condition) throws InterruptedException {
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < endNs, what);
            Thread.sleep(5);
        }
    }

    @Test
    void tellsOfDeathAndReturn() throws Exception {
        Target target;
        try (ServerSocket server = listen(0)) {
            target = Asking.target("127.0.0.1", server.getLocalPort());
            monitor.follow(Map.of(target, List.of(TCP)));
            assertTrue(health(target).up(), "known at once, as configured");
            eventually("success", () -> health(target).checks().getFirst().successes() >= 2);
            assertTrue(told.isEmpty(), "nothing has changed");
        }
        assertEquals(new Told(target, false, "tcp 127.0.0.1:" + target.port() + ": connection refused"), nextTold());
        assertFalse(health(target).up());
        try (ServerSocket server = listen(target.port())) {
            assertEquals(
                    new Told(target, true, "tcp 127.0.0.1:" + server.getLocalPort() + ": connection accepted"),
                    nextTold());
        }
        TargetHealth health = health(target);
        assertEquals(2, health.history().size());
        assertTrue(health.since().isAfter(Instant.now().minusSeconds(30)));
    }

    @Test
    void whatStaysKeepsItsStateAndWhatIsLeftOutIsForgotten() throws Exception {
        Target down = Asking.target("127.0.0.1", 9);
        Target other = Asking.target("127.0.0.2", 9);
        monitor.follow(Map.of(down, List.of(TCP), other, List.of(TCP)));
        assertFalse(nextTold().up());
        assertFalse(nextTold().up());
        long failures = health(down).checks().getFirst().failures();
        monitor.follow(Map.of(down, List.of(TCP)));
        assertFalse(health(down).up());
        assertTrue(health(down).checks().getFirst().failures() >= failures);
        assertTrue(monitor.of(other).isEmpty());
        assertEquals(1, monitor.progress().targets());
        // Another timing is another check, which begins anew; the one beside it goes on.
        Timing slow = new Timing(60_000, 60_000, 1_000, 1, 1, 0, true);
        CheckSpec slowTcp = new CheckSpec(new Probe.Tcp(), null, 9, null, Via.RIP, slow);
        monitor.follow(Map.of(down, List.of(slowTcp, TCP)));
        List<TargetHealth.CheckHealth> checks = health(down).checks();
        assertEquals(
                List.of(slowTcp, TCP),
                checks.stream().map(TargetHealth.CheckHealth::spec).toList());
        assertTrue(checks.get(1).failures() >= failures);
        assertFalse(health(down).up());
        monitor.follow(Map.of());
        assertEquals(0, monitor.progress().checks());
        Thread.sleep(100);
        assertTrue(told.isEmpty(), "nothing is told of what is not followed: " + told);
        assertEquals(0, monitor.progress().running());
    }

    @Test
    void losingItsOnlyFailedCheckBringsATargetUp() throws Exception {
        try (ServerSocket server = listen(0)) {
            Target target = Asking.target("127.0.0.1", server.getLocalPort());
            CheckSpec wrongPort = new CheckSpec(new Probe.Tcp(), null, 9, null, Via.RIP, TCP.timing());
            monitor.follow(Map.of(target, List.of(TCP, wrongPort)));
            assertFalse(nextTold().up());
            monitor.follow(Map.of(target, List.of(TCP)));
            assertEquals(new Told(target, true, "the checks were changed"), nextTold());
        }
    }

    @Test
    void aListenerThatHangsHoldsUpNeitherFollowNorOtherTargets() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger others = new AtomicInteger();
        Target hanging = Asking.target("127.0.0.1", 9);
        HealthListener listener = (target, _, _) -> {
            if (target.equals(hanging)) {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            } else {
                others.incrementAndGet();
            }
        };
        try (HealthMonitor busy = new HealthMonitor(listener, Sockets.DIRECT)) {
            busy.follow(Map.of(hanging, List.of(TCP), Asking.target("127.0.0.2", 9), List.of(TCP)));
            eventually("the other target's failure", () -> others.get() == 1);
            CheckSpec other = new CheckSpec(new Probe.Tcp(), null, 10, null, Via.RIP, TCP.timing());
            busy.follow(Map.of(hanging, List.of(other)));
            assertTrue(busy.of(hanging).isPresent());
            release.countDown();
        }
    }

    @Test
    void closeEndsChecksUnderWay() throws Exception {
        try (ScriptedServer silent = new ScriptedServer((in, _) -> in.readAllBytes())) {
            Timing patient = new Timing(1_000, 1_000, 60_000, 1, 1, 0, true);
            CheckSpec http = new CheckSpec(Asking.http("/"), null, 0, null, Via.RIP, patient);
            Map<Target, List<CheckSpec>> wanted = new HashMap<>();
            for (int i = 1; i <= 50; i++) {
                wanted.put(Asking.target("127.0.0." + i, silent.port()), List.of(http));
            }
            // Only one of the addresses has the server; the others fail at once.
            monitor.follow(wanted);
            eventually("a check under way", () -> silent.connections() == 1);
            long beganNs = System.nanoTime();
            monitor.close();
            assertTrue(System.nanoTime() - beganNs < TimeUnit.SECONDS.toNanos(4), "close waits for no timeout");
            assertEquals(0, monitor.progress().running());
            assertThrows(IllegalStateException.class, () -> monitor.follow(Map.of()));
        }
    }

    @Test
    void checksThatComeTogetherAreSpreadOverTheirInterval() throws Exception {
        try (ServerSocket server = listen(0)) {
            Timing timing = new Timing(2_000, 2_000, 1_000, 1, 1, 0, true);
            CheckSpec spec = new CheckSpec(new Probe.Tcp(), null, 0, null, Via.RIP, timing);
            Map<Target, List<CheckSpec>> wanted = new HashMap<>();
            for (int i = 0; i < 100; i++) {
                wanted.put(
                        new Target(
                                new FwmarkKey(AddressFamily.INET, i + 1),
                                IpAddress.parse("127.0.0.1"),
                                server.getLocalPort()),
                        List.of(spec));
            }
            long beganNs = System.nanoTime();
            monitor.follow(wanted);
            eventually("25 checks", () -> monitor.progress().made() >= 25);
            assertTrue(System.nanoTime() - beganNs >= TimeUnit.MILLISECONDS.toNanos(400), "not all at once");
            eventually("all checks", () -> monitor.progress().made() >= 100);
            assertTrue(System.nanoTime() - beganNs >= TimeUnit.MILLISECONDS.toNanos(1_800));
            assertEquals(100, monitor.progress().checks());
        }
    }
}

package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** Two thousand real servers, each an address of 127.0.0.0/8, checked each second: is the schedule kept, and what does it cost? */
final class HealthMonitorIT {
    private static final int TARGETS = 2_000;
    private static final int SECONDS = 10;
    private static final int WARM_UP_SECONDS = 5;
    private static final Timing EACH_SECOND = new Timing(1_000, 1_000, 900, 2, 3, 10, true);

    /** Accepts and closes: what a process of its own would do, at a cost that is counted with the rest. */
    private static void acceptAll(ServerSocketChannel listener) {
        while (true) {
            try {
                listener.accept().close();
            } catch (IOException e) {
                return;
            }
        }
    }

    private static Map<Target, List<CheckSpec>> targets(Probe probe, int port) {
        Map<Target, List<CheckSpec>> wanted = new HashMap<>();
        CheckSpec spec = new CheckSpec(probe, null, 0, null, Via.RIP, EACH_SECOND);
        for (int i = 0; i < TARGETS; i++) {
            IpAddress address = IpAddress.ofInet(0x7f01_0001 + ((i / 250) << 8) + i % 250);
            wanted.put(new Target(Asking.SERVICE, address, port), List.of(spec));
        }
        return wanted;
    }

    private static double cpuSeconds(long threadId) {
        return ManagementFactory.getThreadMXBean().getThreadCpuTime(threadId) / 1e9;
    }

    private static double processCpuSeconds() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                        .getProcessCpuTime()
                / 1e9;
    }

    @Test
    void keepsTheScheduleOfTwoThousandTcpChecksASecond() throws Exception {
        Queue<String> changes = new ConcurrentLinkedQueue<>();
        HealthListener listener = (target, up, reason) -> changes.add(target + " " + up + " " + reason);
        try (ServerSocketChannel server = ServerSocketChannel.open();
                HealthMonitor monitor = new HealthMonitor(listener, Sockets.DIRECT)) {
            server.bind(new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0), 4096);
            Thread accepting = Thread.ofPlatform().daemon().start(() -> acceptAll(server));
            monitor.follow(targets(new Probe.Tcp(), server.socket().getLocalPort()));
            Thread.sleep(WARM_UP_SECONDS * 1_000L);
            long made = monitor.progress().made();
            double cpu = processCpuSeconds() - cpuSeconds(accepting.threadId());
            double worstMean = 0;
            long worst = 0;
            for (int i = 0; i < SECONDS; i++) {
                Thread.sleep(1_000);
                HealthChecks.Progress progress = monitor.progress();
                worstMean = Math.max(worstMean, progress.lateMs());
                worst = Math.max(worst, progress.maxLateMs());
            }
            made = monitor.progress().made() - made;
            cpu = processCpuSeconds() - cpuSeconds(accepting.threadId()) - cpu;
            System.out.printf(
                    Locale.ROOT,
                    "%d TCP checks in %d s: late by %.1f ms in the mean of the worst second, by %d ms at most; "
                            + "%.0f µs of processor time a check, %.1f %% of one processor%n",
                    made,
                    SECONDS,
                    worstMean,
                    worst,
                    cpu / made * 1e6,
                    cpu / SECONDS * 100);
            assertEquals(List.of(), List.copyOf(changes));
            assertTrue(made > TARGETS * SECONDS * 0.9, made + " checks were made");
            assertTrue(worstMean < 250, "late by " + worstMean + " ms");
        }
    }

    @Test
    void twoThousandThatDoNotAnswerHoldUpNobody() throws Exception {
        try (ServerSocketChannel silent = ServerSocketChannel.open();
                HealthMonitor monitor = new HealthMonitor((_, _, _) -> {}, Sockets.DIRECT)) {
            silent.bind(new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0), 4096);
            Queue<SocketChannel> held = new ConcurrentLinkedQueue<>();
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    while (true) {
                        held.add(silent.accept());
                    }
                } catch (IOException e) {
                    // The test is over.
                }
            });
            Map<Target, List<CheckSpec>> wanted =
                    targets(Asking.http("/"), silent.socket().getLocalPort());
            monitor.follow(wanted);
            Thread.sleep(3_000);
            for (int i = 0; i < 3; i++) {
                Thread.sleep(1_000);
                HealthChecks.Progress progress = monitor.progress();
                System.out.println(progress);
                assertTrue(progress.running() > TARGETS / 2, "each waits nine tenths of its interval");
                assertTrue(progress.lateMs() < 250, "late by " + progress.lateMs() + " ms");
                for (SocketChannel channel = held.poll(); channel != null; channel = held.poll()) {
                    channel.close();
                }
            }
            Thread.sleep(2_000);
            for (Target target : wanted.keySet()) {
                TargetHealth health = monitor.of(target).orElseThrow();
                assertTrue(health.checks().getFirst().failures() >= 2, health.toString());
            }
        }
    }
}

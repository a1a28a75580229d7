package dev.sluice.health;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Makes single checks as the monitor does, on virtual threads. */
final class Asking {
    static final AddressKey SERVICE = new AddressKey(Protocol.TCP, IpAddress.parse("192.0.2.100"), 80);

    private static final int BUSY_MACHINE_MS = 10_000;

    private Asking() {}

    static Timing timing(int intervalMs, int timeoutMs) {
        return new Timing(intervalMs, intervalMs, timeoutMs, 1, 1, 0, true);
    }

    static Target target(String address, int port) {
        return new Target(SERVICE, IpAddress.parse(address), port);
    }

    static CheckSpec spec(Probe probe, int timeoutMs, @Nullable String source, Via via) {
        return new CheckSpec(
                probe, null, 0, source == null ? null : IpAddress.parse(source), via, timing(1_000, timeoutMs));
    }

    /** The result of one check; one that does not end some time after its timeout is an error. */
    static CheckResult ask(Probe probe, String address, int port, int timeoutMs) {
        return ask(spec(probe, timeoutMs, null, Via.RIP), address, port);
    }

    static CheckResult ask(CheckSpec spec, String address, int port) {
        return ask(spec, target(address, port));
    }

    static CheckResult ask(CheckSpec spec, Target target) {
        CompletableFuture<CheckResult> result = new CompletableFuture<>();
        Thread asking = Thread.ofVirtual().start(() -> {
            try (CheckFactory factory = new CheckFactory()) {
                Destination destination = Destination.of(target, spec, Sockets.DIRECT);
                Deadline deadline = Deadline.in(spec.timing().timeoutMs());
                result.complete(factory.of(spec.probe()).result(destination, deadline));
            } catch (InterruptedException | RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        });
        try {
            return result.get(spec.timing().timeoutMs() + BUSY_MACHINE_MS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            StackTraceElement[] where = asking.getStackTrace();
            asking.interrupt();
            throw new AssertionError("the check does not end, it is in " + Arrays.toString(where), e);
        } catch (ExecutionException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static Probe.Http http(String path) {
        return new Probe.Http(path, null, Probe.StatusRanges.SUCCESS, null, null, false, null);
    }

    static Probe.Http http(Probe.@Nullable BodyPattern body, boolean absent, @Nullable String digest) {
        return new Probe.Http("/", null, Probe.StatusRanges.SUCCESS, digest, body, absent, null);
    }

    static Probe.Http https(@Nullable String serverName, boolean verify, @Nullable String caFile) {
        return new Probe.Http(
                "/", null, Probe.StatusRanges.SUCCESS, null, null, false, new Probe.Tls(serverName, verify, caFile));
    }
}

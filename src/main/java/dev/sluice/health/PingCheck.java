package dev.sluice.health;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** {@link Probe.Ping}: one echo request. */
final class PingCheck implements Check {
    private final EchoSockets sockets;

    PingCheck(EchoSockets sockets) {
        this.sockets = sockets;
    }

    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException, InterruptedException {
        deadline.expect("echo reply");
        EchoSocket socket =
                sockets.of(destination.address().family(), destination.spec().source());
        Future<CheckResult> answer = socket.ask(destination.address());
        try {
            return answer.get(deadline.remainingMs(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return CheckResult.unhealthy(deadline.text());
        } catch (ExecutionException e) {
            throw new AssertionError("an echo's answer is a result, whatever it is", e);
        } finally {
            answer.cancel(false);
        }
    }
}

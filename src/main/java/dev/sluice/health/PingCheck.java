package dev.sluice.health;

import java.io.IOException;

/** {@link Probe.Ping}: one echo request. */
final class PingCheck implements Check {
    private final EchoSockets sockets;

    PingCheck(EchoSockets sockets) {
        this.sockets = sockets;
    }

    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException, InterruptedException {
        deadline.expect("echo reply");
        return sockets.of(destination.address().family(), destination.spec().source())
                .ask(destination.address(), deadline);
    }
}

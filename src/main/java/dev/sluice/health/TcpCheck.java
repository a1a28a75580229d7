package dev.sluice.health;

import java.io.IOException;

/** {@link Probe.Tcp}: connects, and closes at once. */
final class TcpCheck implements Check {
    @Override
    public CheckResult make(Destination destination, Deadline deadline) throws IOException {
        destination.connect(deadline).close();
        return CheckResult.healthy("connection accepted");
    }
}

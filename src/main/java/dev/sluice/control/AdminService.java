package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.admin.AdminSocket;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The commands of the admin socket; {@code docs/admin-protocol.md} describes them. Any thread. */
final class AdminService implements AdminSocket.Handler {
    private final String version;
    private @Nullable StatsReader stats;

    /** Answers {@code not_ready} to everything but {@code ping} until {@link #ready}. */
    AdminService(String version) {
        this.version = version;
    }

    /** The director steers traffic from now on. */
    synchronized void ready(StatsReader reader) {
        stats = reader;
    }

    /** The director is about to release what {@link StatsReader} reads; waits for a reading that is under way. */
    synchronized void notReady() {
        stats = null;
    }

    @Override
    public synchronized Object answer(String command, JsonNode request) throws AdminException {
        StatsReader reader = stats;
        return switch (command) {
            case "ping" -> Map.of("version", version, "ready", reader != null);
            case "stats" -> {
                if (reader == null) {
                    throw new AdminException("not_ready", "the director is starting or stopping");
                }
                yield reader.read();
            }
            default ->
                throw new AdminException("unknown_command", "no such command: " + command + "; there are: ping, stats");
        };
    }
}

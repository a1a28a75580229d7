package dev.sluice.cli.observe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A capture or trace of a running director, which ends with it. One thread's. */
final class Reading implements AutoCloseable {
    private final AdminClient director;
    private final String kind;
    private final JsonNode started;
    private final Map<String, Object> session;
    private boolean stopped;
    private long captured;
    private long lost;
    private long suppressed;

    private Reading(AdminClient director, String kind, JsonNode started) {
        this.director = director;
        this.kind = kind;
        this.started = started;
        session = Map.of("session", started.path("session").asText());
    }

    /**
     * Begins one.
     *
     * @param kind {@code capture} or {@code trace}
     */
    static Reading start(AdminClient director, String kind, Map<String, ?> request) throws AdminException {
        return new Reading(director, kind, director.askTree(kind + "-start", request));
    }

    /** What the director said at the beginning. */
    JsonNode started() {
        return started;
    }

    List<String> interfaces() {
        List<String> names = new ArrayList<>();
        started.path("interfaces").forEach(name -> names.add(name.asText()));
        return names;
    }

    /** The packets that have come, after a while at the latest. */
    JsonNode next(int waitMs) throws AdminException {
        JsonNode answer = director.askTree(
                kind + "-read", Map.of("session", started.path("session").asText(), "wait_ms", waitMs));
        count(answer);
        return answer.path("packets");
    }

    /** Ends it. */
    void stop() throws AdminException {
        if (!stopped) {
            stopped = true;
            count(director.askTree(kind + "-stop", session));
        }
    }

    private void count(JsonNode answer) {
        captured = answer.path("captured").asLong(captured);
        lost = answer.path("lost").asLong(lost);
        suppressed = answer.path("suppressed").asLong(suppressed);
    }

    /** Packets that the director has handed on. */
    long captured() {
        return captured;
    }

    /** Packets for which there was no room. */
    long lost() {
        return lost;
    }

    /** Packets that were too many for their second. */
    long suppressed() {
        return suppressed;
    }

    @Override
    public void close() {
        try {
            stop();
        } catch (AdminException e) {
            // It has ended already, or does so by itself when nobody reads.
            stopped = true;
        }
    }
}

package dev.sluice.control.observe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import java.util.List;
import java.util.Set;

/** The commands of the admin socket by which packets are looked at. Any thread but the workers'. */
public final class ObserveCommands {
    /** All of them. */
    public static final List<String> COMMANDS = List.of(
            "capture-start", "capture-read", "capture-stop", "trace-start", "trace-read", "trace-stop", "trace-inject");

    /** Those that come several times a second. */
    public static final Set<String> REPEATED = Set.of("capture-read", "trace-read");

    private final CaptureCommands capture;
    private final TraceCommands trace;

    /**
     * The commands of a director.
     *
     * @param interfaces the director's, in the order of the workers' ports
     * @param facts what else is known of what a packet meets
     */
    public ObserveCommands(Observatory observatory, List<String> interfaces, TraceFacts facts) {
        capture = new CaptureCommands(observatory, interfaces);
        trace = new TraceCommands(observatory, interfaces, facts);
    }

    /** Answers one of {@link #COMMANDS}. */
    public Object answer(String command, JsonNode request) throws AdminException {
        return switch (command) {
            case "capture-start" -> capture.start(request);
            case "capture-read" -> capture.read(request);
            case "capture-stop", "trace-stop" -> capture.stop(request);
            case "trace-start" -> trace.start(request);
            case "trace-read" -> trace.read(request);
            case "trace-inject" -> trace.inject(request);
            default -> throw new AdminException(AdminException.UNKNOWN_COMMAND, "no such command: " + command);
        };
    }
}

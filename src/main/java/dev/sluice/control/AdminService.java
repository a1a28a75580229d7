package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.admin.AdminSocket;
import dev.sluice.control.observe.ObserveCommands;
import dev.sluice.stats.ConnectionPage;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The commands of the admin socket; {@code docs/admin-protocol.md} describes them. Any thread. */
final class AdminService implements AdminSocket.Handler {
    private static final List<String> COMMANDS = Stream.of(
                    List.of("ping", "stats", "table", "connections", "timeouts", "set-timeouts", "config", "reload"),
                    ServiceCommands.COMMANDS,
                    ObserveCommands.COMMANDS)
            .flatMap(List::stream)
            .toList();

    /** What only tells, and names no file that the director would read with its own rights. */
    private static final Set<String> READ_ONLY =
            Set.of("ping", "stats", "services", "config", "table", "timeouts", "connections");

    private final String version;
    private volatile @Nullable Ready ready;
    private volatile @Nullable ObserveCommands observe;

    /** What answers when the director steers traffic. */
    private record Ready(
            StatsReader stats,
            ConnectionReader connections,
            TimeoutCommands timeouts,
            ServiceCommands services,
            Reload reload) {}

    /** Answers {@code not_ready} to everything but {@code ping} until {@link #ready}. */
    AdminService(String version) {
        this.version = version;
    }

    /** The director steers traffic from now on. */
    void ready(
            StatsReader stats,
            ConnectionReader connections,
            TimeoutCommands timeouts,
            ServiceCommands services,
            Reload reload) {
        ready = new Ready(stats, connections, timeouts, services, reload);
    }

    /** Packets can be looked at from now on. */
    void observable(ObserveCommands commands) {
        observe = commands;
    }

    /** The director is about to release what {@link StatsReader} reads; waits for a reading that is under way. */
    synchronized void notReady() {
        ready = null;
        observe = null;
    }

    @Override
    public boolean isReadOnly(String command) {
        return READ_ONLY.contains(command);
    }

    @Override
    public boolean isLogged(String command) {
        return !isReadOnly(command) && !ObserveCommands.REPEATED.contains(command);
    }

    @Override
    public Object answer(String command, JsonNode request) throws AdminException {
        if (command.equals("ping")) {
            return Map.of("version", version, "ready", ready != null);
        }
        if (!COMMANDS.contains(command)) {
            throw new AdminException(
                    AdminException.UNKNOWN_COMMAND,
                    "no such command: " + command + "; there are: "
                            + COMMANDS.stream().collect(Collectors.joining(", ")));
        }
        if (ObserveCommands.COMMANDS.contains(command)) {
            return observe(command, request);
        }
        return switch (command) {
            case "stats" -> read(StatsReader::read);
            case "table" -> read(StatsReader::table);
            case "connections" -> connections(request);
            case "timeouts" -> now().timeouts().show();
            case "set-timeouts" -> now().timeouts().set(request);
            case "config" -> now().reload().running();
            case "reload" -> now().reload().answer(request);
            // Not under the lock: they wait for the control thread, which may be the one that waits in notReady.
            default -> now().services().answer(command, request);
        };
    }

    /** Not under the lock either: some wait for packets. */
    private Object observe(String command, JsonNode request) throws AdminException {
        ObserveCommands commands = observe;
        if (commands == null) {
            throw notReadyYet();
        }
        return commands.answer(command, request);
    }

    private Object connections(JsonNode request) throws AdminException {
        Supplier<ConnectionPage> page = now().connections().prepare(request);
        return read(_ -> page.get());
    }

    /** Reads what must not be released meanwhile. */
    synchronized <T> T read(Function<StatsReader, T> reading) throws AdminException {
        return reading.apply(now().stats());
    }

    private Ready now() throws AdminException {
        Ready current = ready;
        if (current == null) {
            throw notReadyYet();
        }
        return current;
    }

    private static AdminException notReadyYet() {
        return new AdminException("not_ready", "the director is starting or stopping");
    }
}

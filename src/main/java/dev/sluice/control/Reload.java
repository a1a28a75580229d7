package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.ConfigException;
import dev.sluice.control.config.ConfigProblem;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.LogConfig;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.http.Reading;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the configuration file again and applies what differs from what runs, or only says what would. The file is read and
 * checked on the caller's thread, so that a large one does not hold up the control thread. Any thread but control.
 */
final class Reload {
    private static final Logger LOG = System.getLogger(Reload.class.getName());

    private final ControlQueue queue;
    private final Reconfigurer reconfigurer;
    private final ConfigSource source;
    private final DirectorConfig running;
    private final ServiceManager manager;
    private final LoadedState loaded;
    private volatile Reading.Load load;

    /**
     * What came of it.
     *
     * @param file the file that was read
     * @param changes what changed, or would, a line each
     * @param undoes which of them undo or override changes made by command since the last load
     * @param restart what of {@code [director]} differs and waits for a restart, a line each
     */
    record Outcome(String file, List<String> changes, List<String> undoes, List<String> restart) {}

    Reload(
            ControlQueue queue,
            Reconfigurer reconfigurer,
            ConfigSource source,
            DirectorConfig running,
            ServiceManager manager,
            LoadedState loaded) {
        this.queue = queue;
        this.reconfigurer = reconfigurer;
        this.source = source;
        this.running = running;
        this.manager = manager;
        this.loaded = loaded;
        Instant now = Instant.now();
        load = new Reading.Load(source.file().toString(), now, true, now);
    }

    /** What came of the latest file. */
    Reading.Load load() {
        return load;
    }

    /** The command {@code reload}: {@code config} is another file than at the start, {@code dry_run} changes nothing. */
    Outcome answer(JsonNode request) throws AdminException {
        JsonNode file = request.path("config");
        JsonNode dryRun = request.path("dry_run");
        if (!(file.isMissingNode() || (file.isTextual() && isAbsolute(file.textValue())))) {
            throw new AdminException("bad_request", "\"config\" is not an absolute path");
        }
        if (!(dryRun.isMissingNode() || dryRun.isBoolean())) {
            throw new AdminException("bad_request", "\"dry_run\" is not true or false");
        }
        return reload(file.isTextual() ? Path.of(file.textValue()) : source.file(), dryRun.booleanValue());
    }

    private static boolean isAbsolute(String path) {
        return path.startsWith("/") && path.indexOf('\0') < 0;
    }

    /** The command {@code config}: all that runs. */
    ObjectNode running() throws AdminException {
        return queue.call(loaded::config);
    }

    /** SIGHUP. */
    void onSignal() {
        try {
            Outcome outcome = reload(source.file(), false);
            LOG.log(
                    Level.INFO,
                    "reloaded {0}: {1} changes",
                    outcome.file(),
                    outcome.changes().size());
            outcome.undoes().forEach(line -> LOG.log(Level.INFO, "undid a change made by command: {0}", line));
            outcome.restart().forEach(line -> LOG.log(Level.WARNING, "{0}", line));
        } catch (AdminException e) {
            List<String> lines = e.problems().isEmpty() ? List.of(String.valueOf(e.getMessage())) : e.problems();
            LOG.log(Level.ERROR, "not reloaded, nothing changed");
            lines.forEach(line -> LOG.log(Level.ERROR, "{0}", line));
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "reloading failed", e);
        }
    }

    private Outcome reload(Path file, boolean dryRun) throws AdminException {
        if (dryRun) {
            return read(file, true);
        }
        manager.reloading();
        Instant now = Instant.now();
        try {
            Outcome outcome = read(file, false);
            load = new Reading.Load(outcome.file(), now, true, now);
            return outcome;
        } catch (AdminException e) {
            Reading.Load before = load;
            load = new Reading.Load(before.file(), before.at(), false, now);
            throw e;
        } finally {
            manager.reloaded();
        }
    }

    private Outcome read(Path file, boolean dryRun) throws AdminException {
        SluiceConfig wanted;
        try {
            wanted = source.load(file);
        } catch (ConfigException e) {
            throw new AdminException(
                    AdminException.CONFIG,
                    file + " is wrong; nothing changed",
                    e.problems().stream().map(ConfigProblem::toString).toList());
        }
        return queue.call(() -> {
            List<Edit> edits = ConfigDifference.edits(reconfigurer.registry(), wanted);
            try {
                List<String> undoes = loaded.undone(reconfigurer.preview(edits), wanted);
                List<String> changes =
                        new ArrayList<>(dryRun ? reconfigurer.preview(edits) : reconfigurer.change(edits));
                LogConfig log = wanted.director().log();
                changes.addAll(dryRun ? LogSettings.differences(log) : LogSettings.apply(log));
                if (!dryRun) {
                    loaded.loadedFrom(file.toString());
                }
                return new Outcome(
                        file.toString(), changes, undoes, DirectorDifference.lines(running, wanted.director()));
            } catch (ChangeException e) {
                throw ServiceCommands.failure(e);
            }
        });
    }
}

package dev.sluice.control.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.control.RunningConfig;
import dev.sluice.control.admin.AdminClient;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.stats.DirectorStats;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** Where a {@link Subject} comes from: a running director, which is asked twice, or a file. */
public interface Patient {
    /** The first reading. */
    Subject first() throws AdminException;

    /** The same with the counters of some seconds later. */
    Subject later(Subject first) throws AdminException;

    /** In a line what it is. */
    String describe(Subject subject);

    /** A configuration file whose director does not run. */
    static Patient ofFile(Path file, SluiceConfig config, Path socket) {
        return new Patient() {
            @Override
            public Subject first() {
                return Subject.ofFile(config);
            }

            @Override
            public Subject later(Subject first) {
                return first;
            }

            @Override
            public String describe(Subject subject) {
                return "the configuration file " + file + "; no director answers on " + socket;
            }
        };
    }

    /** A running director. */
    static Patient ofDirector(Path socket) {
        AdminClient client = new AdminClient(socket);
        return new Patient() {
            @Override
            public Subject first() throws AdminException {
                JsonNode config = client.askTree("config");
                DirectorStats stats = client.ask("stats", DirectorStats.class);
                return new Subject(RunningConfig.of(config), Optional.of(stats), Optional.of(stats));
            }

            @Override
            public Subject later(Subject first) throws AdminException {
                return new Subject(
                        first.config(), first.before(), Optional.of(client.ask("stats", DirectorStats.class)));
            }

            @Override
            public String describe(Subject subject) {
                DirectorStats stats = subject.after().orElseThrow();
                return String.format(
                        Locale.ROOT,
                        "the director on %s (Sluice %s, pid %d, up %d s, configuration %d)",
                        socket,
                        stats.version(),
                        stats.pid(),
                        stats.uptimeMs() / 1000,
                        stats.generation());
            }
        };
    }
}

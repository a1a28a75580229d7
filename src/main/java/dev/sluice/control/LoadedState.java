package dev.sluice.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.admin.AdminException;
import dev.sluice.control.config.ConfigSource;
import dev.sluice.control.config.ConnectionConfig.Timeouts;
import dev.sluice.control.config.DirectorConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.control.config.SluiceConfig;
import dev.sluice.control.config.TomlWriter;
import dev.sluice.control.config.TranslationRules;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.RealServer;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.VirtualService;
import dev.sluice.stats.TimeoutStats;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * What was last loaded from a file, beside what runs: the difference is what has been changed by command since.
 *
 * <p>Owned by: control thread.
 */
final class LoadedState {
    private final DirectorConfig director;
    private final Supplier<Registry> running;
    private final Supplier<TimeoutStats> timeouts;
    private String file;
    private Registry loaded;

    /**
     * @param director as it was started
     * @param running what runs: at the moment, what was loaded
     * @param timeouts those that hold, which a command can set
     */
    LoadedState(
            DirectorConfig director, Supplier<Registry> running, Supplier<TimeoutStats> timeouts, ConfigSource source) {
        this.director = director;
        this.running = running;
        this.timeouts = timeouts;
        file = source.file().toString();
        loaded = running.get();
    }

    /** A file has been loaded: what runs is what it says. */
    void loadedFrom(String name) {
        file = name;
        loaded = running.get();
    }

    /**
     * Which of a reload's changes undo, or override, what was changed by command: those that would not come about if what was
     * last loaded still ran.
     *
     * @param changes what turns what runs into the file's, a line each
     */
    List<String> undone(List<String> changes, SluiceConfig wanted) {
        Set<String> fromTheFile = new HashSet<>(lines(loaded, wanted));
        return changes.stream().filter(line -> !fromTheFile.contains(line)).toList();
    }

    /** The weight that a real server has by what was last loaded; empty when it was not there. */
    OptionalInt weight(ServiceKey key, RealServer real) {
        return loaded.services().stream()
                .filter(service -> service.key().equals(key))
                .flatMap(service -> Registry.find(service, real.address(), real.port()).stream())
                .mapToInt(RealServer::weight)
                .findFirst();
    }

    /** What has been changed by command, a line each. */
    private List<String> changedByCommand() throws AdminException {
        List<String> lines = new ArrayList<>();
        TimeoutStats before = startTimeouts();
        TimeoutStats now = timeouts.get();
        if (!now.equals(before)) {
            lines.add("timeouts: tcp " + before.tcp() + " -> " + now.tcp() + ", tcpfin " + before.tcpfin() + " -> "
                    + now.tcpfin() + ", udp " + before.udp() + " -> " + now.udp());
        }
        lines.addAll(lines(loaded, runningConfig()));
        return lines;
    }

    private TimeoutStats startTimeouts() {
        Timeouts configured = director.connections().timeouts();
        return new TimeoutStats(configured.tcp(), configured.tcpfin(), configured.udp());
    }

    /** A command may set longer ones than a file. */
    private ObjectNode directorTable() {
        ObjectNode table = DirectorJson.of(
                director.withLocalPool(running.get().localPool()).withLog(LogSettings.current()));
        TimeoutStats now = timeouts.get();
        table.withObjectProperty("timeouts")
                .put("tcp", Math.min(now.tcp(), DirectorConfig.MAX_TIMEOUT_S))
                .put("tcpfin", Math.min(now.tcpfin(), DirectorConfig.MAX_TIMEOUT_S))
                .put("udp", Math.min(now.udp(), DirectorConfig.MAX_TIMEOUT_S));
        return table;
    }

    private SluiceConfig runningConfig() throws AdminException {
        Registry registry = running.get();
        List<ServiceConfig> services = new ArrayList<>();
        for (VirtualService service : registry.services()) {
            services.add(ServiceJson.service(ServiceJson.of(service, registry.health(service.key()))));
        }
        return new SluiceConfig(director.withLocalPool(registry.localPool()), services, registry.fwmarkRules());
    }

    private static List<String> lines(Registry from, SluiceConfig to) {
        List<String> lines = new ArrayList<>();
        Registry draft = from.copy();
        try {
            for (Edit edit : ConfigDifference.edits(from, to)) {
                lines.addAll(edit.applyTo(draft));
            }
        } catch (ChangeException e) {
            // No room in what was loaded, where ids of what was removed are still taken: then it is not told what
            // differs.
            return List.of();
        }
        return lines;
    }

    /** The answer to the command {@code config}: all that runs, as the file that would lead to it, with comments. */
    ObjectNode config() throws AdminException {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ArrayNode comments = json.putArray(TomlWriter.COMMENT);
        List<String> changed = changedByCommand();
        if (changed.isEmpty()) {
            comments.add("As loaded from " + file + "; nothing has been changed by command since.");
        } else {
            comments.add("Loaded from " + file + "; changed by command since:");
            changed.forEach(line -> comments.add("  " + line));
        }
        ObjectNode table = directorTable();
        json.set("director", table);
        if (director.hashKey().isPresent()) {
            table.putArray(TomlWriter.COMMENT).add("hash_key is set; it is a secret and not shown.");
        }
        Registry registry = running.get();
        if (!registry.fwmarkRules().isEmpty()) {
            ArrayNode rules = json.putArray("fwmark");
            registry.fwmarkRules().stream().map(ServiceJson::of).forEach(rules::add);
        }
        if (registry.services().isEmpty()) {
            return json;
        }
        ArrayNode services = json.putArray("service");
        Set<ServiceKey> marked =
                registry.fwmarkRules().stream().map(FwmarkRule::key).collect(Collectors.toSet());
        for (VirtualService service : registry.services()) {
            ObjectNode one = ServiceJson.of(service, registry.health(service.key()));
            services.add(one);
            if (TranslationCheck.subject(registry, service).tellsNobody()) {
                one.remove("client_address");
                one.putArray(TomlWriter.COMMENT)
                        .add(TranslationRules.tellsNobody(
                                        service.key(), service.translation().clientAddress())
                                + ". A file with it would be refused.");
            }
            if (service.key() instanceof FwmarkKey && !marked.contains(service.key())) {
                one.put(TomlWriter.DISABLED, true)
                        .withArrayProperty(TomlWriter.COMMENT)
                        .add("No rule gives packets this mark, so no packet reaches the service, and a file with it"
                                + " would be refused.");
            }
        }
        return json;
    }
}

package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.TomlWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Turns a configuration of keepalived into one of Sluice. Nothing is dropped silently: whatever is not carried over is in
 * {@link Result#notes}, and in the file as a comment. Any thread.
 */
public final class KeepalivedImport {
    private static final Set<String> NOT_OURS = Set.of(
            "vrrp_instance",
            "vrrp_sync_group",
            "vrrp_script",
            "vrrp_track_process",
            "vrrp_track_file",
            "track_process",
            "track_file",
            "track_bfd",
            "bfd_instance",
            "static_ipaddress",
            "static_routes",
            "static_rules",
            "static_track_group",
            "garp_group",
            "linkbeat_interfaces",
            "linkbeat_use_polling",
            "interface_up_down_delays",
            "net_namespace",
            "net_namespace_ipvs",
            "namespace_with_ipsets",
            "instance",
            "use_pid_dir",
            "child_wait_time",
            "config_save_dir",
            "reload_file",
            "SSL");

    private final JsonNodeFactory json = JsonNodeFactory.instance;
    private final Notes notes = new Notes();
    private final ObjectNode file = json.objectNode();
    private final ObjectNode director = json.objectNode();
    private final Map<String, Statement> groups = new LinkedHashMap<>();
    private final Map<String, Statement> localGroups = new LinkedHashMap<>();
    private final Set<String> vrrpInterfaces = new LinkedHashSet<>();

    /**
     * What came of it.
     *
     * @param toml a configuration of Sluice
     * @param notes what is not carried over, a line each, with file and line
     */
    public record Result(String toml, List<String> notes) {}

    private KeepalivedImport() {}

    /**
     * Reads a configuration and what it includes.
     *
     * @param interfaces the director's; empty: those of VRRP
     * @throws IOException when the file cannot be read
     */
    public static Result read(Path file, List<String> interfaces) throws IOException {
        KeepalivedImport self = new KeepalivedImport();
        return self.write(new KeepalivedReader(self.notes, self.file).read(file), file.toString(), interfaces);
    }

    /** As {@link #read}, from text that includes nothing. */
    static Result parse(String name, String text, List<String> interfaces) {
        KeepalivedImport self = new KeepalivedImport();
        return self.write(new KeepalivedReader(self.notes, self.file).read(name, text), name, interfaces);
    }

    private Result write(List<Statement> statements, String name, List<String> interfaces) {
        ArrayNode comments = json.arrayNode();
        comments.add(
                "Imported from " + name + " by sluice import. Below stands at its place what was not carried over.");
        ArrayNode services = json.arrayNode();
        for (Statement statement : statements) {
            if (statement.keyword().equals("virtual_server_group")) {
                groups.put(statement.argument(), statement);
            } else if (statement.keyword().equals("local_address_group")) {
                localGroups.put(statement.argument(), statement);
            }
        }
        LocalAddressImport locals = new LocalAddressImport(notes, file, localGroups);
        ServiceImport reader = new ServiceImport(notes, file, new ServiceKeys(notes, file, groups), locals);
        Set<String> used = new LinkedHashSet<>();
        for (Statement statement : statements) {
            switch (statement.keyword()) {
                case "virtual_server" -> {
                    if (statement.argument().equals("group")
                            && statement.words().size() > 2) {
                        used.add(statement.words().get(2));
                    }
                    reader.addTo(services, statement);
                }
                case "virtual_server_group", "local_address_group" -> {}
                case "global_defs" -> readGlobal(statement);
                default -> readOther(statement);
            }
        }
        groups.forEach((group, statement) -> {
            if (!used.contains(group)) {
                notes.add(file, statement, "no virtual_server uses it");
            }
        });
        locals.noteUnused();
        file.withArrayProperty(TomlWriter.COMMENT).forEach(comments::add);
        ObjectNode whole = json.objectNode();
        whole.set(TomlWriter.COMMENT, comments);
        whole.set("director", director(name, interfaces));
        if (!services.isEmpty()) {
            whole.set("service", services);
        }
        return new Result(TomlWriter.write(whole), notes.lines());
    }

    private ObjectNode director(String name, List<String> interfaces) {
        ObjectNode table = json.objectNode();
        List<String> names = interfaces.isEmpty() ? new ArrayList<>(vrrpInterfaces) : interfaces;
        ArrayNode written = table.putArray("interfaces");
        names.forEach(written::add);
        if (interfaces.isEmpty()) {
            notes.add(
                    director,
                    name + ": does not say which interfaces the director serves; "
                            + (names.isEmpty()
                                    ? "name them here or with --interfaces"
                                    : "these are those of VRRP, see whether they are right"));
        }
        director.properties().forEach(member -> table.set(member.getKey(), member.getValue()));
        return table;
    }

    private void readGlobal(Statement global) {
        List<String> others = new ArrayList<>();
        for (Statement statement : global.body()) {
            if (statement.keyword().equals("lvs_timeouts")) {
                readTimeouts(statement);
            } else {
                others.add(statement.keyword());
            }
        }
        if (!others.isEmpty() || global.body().isEmpty()) {
            notes.add(
                    director,
                    new Statement(global.file(), global.line(), List.of("global_defs"), null),
                    "not Sluice's" + (others.isEmpty() ? "" : ": " + String.join(", ", new LinkedHashSet<>(others))));
        }
    }

    /** {@code lvs_timeouts tcp 7200 tcpfin 120 udp 60}. */
    private void readTimeouts(Statement statement) {
        List<String> words = statement.arguments();
        for (int i = 0; i < words.size(); i += 2) {
            OptionalInt seconds =
                    i + 1 < words.size() ? Values.integer(words.get(i + 1), 1, 604_800) : OptionalInt.empty();
            if (seconds.isEmpty() || !Set.of("tcp", "tcpfin", "udp").contains(words.get(i))) {
                notes.add(director, statement, "\"" + words.get(i) + "\" is no timeout of tcp, tcpfin or udp");
            } else {
                director.withObjectProperty("timeouts").put(words.get(i), seconds.getAsInt());
            }
        }
    }

    private void readOther(Statement statement) {
        if (statement.keyword().equals("vrrp_instance")) {
            new Scope(null, statement.body())
                    .own("interface")
                    .filter(found -> found.argument().matches("[A-Za-z0-9_.@-]{1,15}"))
                    .ifPresent(found -> vrrpInterfaces.add(found.argument()));
        }
        notes.add(
                file,
                statement,
                NOT_OURS.contains(statement.keyword())
                        ? "not Sluice's" + (statement.block() == null ? "" : ", with all that stands in it")
                        : "unknown keyword");
    }
}

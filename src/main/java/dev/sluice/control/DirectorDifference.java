package dev.sluice.control;

import dev.sluice.control.config.DirectorConfig;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What differs between two {@code [director]} tables and waits for a restart, which is all but local addresses and the log. Goes by the records' components, so that
 * no key can be forgotten; {@code DirectorDifferenceTest} sees to it that each has its name from the file.
 */
final class DirectorDifference {
    /** Keys that are not their component's name in snake case. */
    private static final Map<String, String> KEYS = Map.ofEntries(
            Map.entry("frameSizeBytes", "frame_size"),
            Map.entry("hugePages", "hugepages"),
            Map.entry("rx", "rx_ring"),
            Map.entry("tx", "tx_ring"),
            Map.entry("fill", "fill_ring"),
            Map.entry("completion", "completion_ring"),
            Map.entry("reuseMode", "conn_reuse_mode"),
            Map.entry("expireNodest", "expire_nodest_conn"),
            Map.entry("flowTableShared", "flow_table_memory"),
            Map.entry("outgoing", "interface"),
            Map.entry("firstLocalPort", "local_ports"),
            Map.entry("lastLocalPort", "local_ports"));

    /** Components that change while the director runs. */
    private static final Set<String> AT_ONCE =
            Set.of("localAddresses", "firstLocalPort", "lastLocalPort", "logLevel", "logFormat");

    /** Records whose components stand in a table of their own. */
    private static final Map<String, String> TABLES = Map.of(
            "timeouts",
            "timeouts.",
            "busyPoll",
            "busy_poll.",
            "tunnel",
            "tunnel.",
            "fullnat",
            "fullnat.",
            "snat",
            "snat.",
            "http",
            "http.");

    private DirectorDifference() {}

    /** A line for each key that differs, none with a value that may be secret. */
    static List<String> lines(DirectorConfig running, DirectorConfig wanted) {
        return keys(running, wanted).stream()
                .map(key -> "director." + key + " differs; it takes effect with the next start")
                .toList();
    }

    /** The keys that differ. */
    static List<String> keys(DirectorConfig running, DirectorConfig wanted) {
        List<String> keys = new ArrayList<>();
        compare(keys, "", DirectorConfig.class, running, wanted);
        return keys;
    }

    /** The keys of all components. */
    static List<String> allKeys() {
        List<String> keys = new ArrayList<>();
        collect(keys, "", DirectorConfig.class);
        return keys;
    }

    private static void compare(List<String> keys, String prefix, Class<?> type, Object before, Object after) {
        for (RecordComponent component : type.getRecordComponents()) {
            Object was = read(component, before);
            Object is = read(component, after);
            if (was.equals(is) || AT_ONCE.contains(component.getName())) {
                continue;
            }
            if (component.getType().isRecord()) {
                compare(keys, prefixOf(component, prefix), component.getType(), was, is);
            } else {
                keys.add(prefix + key(component));
            }
        }
    }

    private static void collect(List<String> keys, String prefix, Class<?> type) {
        for (RecordComponent component : type.getRecordComponents()) {
            if (component.getType().isRecord()) {
                collect(keys, prefixOf(component, prefix), component.getType());
            } else {
                keys.add(prefix + key(component));
            }
        }
    }

    private static String prefixOf(RecordComponent component, String prefix) {
        return TABLES.getOrDefault(component.getName(), prefix);
    }

    private static String key(RecordComponent component) {
        String name = component.getName();
        return KEYS.getOrDefault(name, name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT));
    }

    private static Object read(RecordComponent component, Object record) {
        try {
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("components of public records are readable", e);
        }
    }
}

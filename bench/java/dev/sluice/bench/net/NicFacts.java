package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What there is to say about an interface, by ethtool: what it leaves unsaid, and what an interface has not, is left out. */
final class NicFacts {
    private static final List<String> OFFLOADS = List.of(
            "rx-checksumming",
            "tx-checksumming",
            "scatter-gather",
            "tcp-segmentation-offload",
            "generic-segmentation-offload",
            "generic-receive-offload",
            "large-receive-offload",
            "rx-vlan-offload",
            "tx-vlan-offload",
            "receive-hashing",
            "ntuple-filters");

    private NicFacts() {}

    /** Driver, firmware, bus, speed, queues, rings, offloads and interrupt coalescing, in one line. */
    static String of(NetworkNamespace namespace, String interfaceName) {
        List<String> facts = new ArrayList<>();
        Map<String, String> driver = fields(ethtool(namespace, "-i", interfaceName));
        String name = driver.getOrDefault("driver", "unknown");
        facts.add("driver " + name + " " + driver.getOrDefault("version", ""));
        add(facts, "firmware ", driver.get("firmware-version"));
        add(facts, "bus ", driver.get("bus-info"));
        add(facts, "speed ", fields(ethtool(namespace, "", interfaceName)).get("Speed"));
        add(facts, "queues ", text(current(ethtool(namespace, "-l", interfaceName))));
        add(facts, "ring sizes ", text(current(ethtool(namespace, "-g", interfaceName))));
        add(facts, "offloads on: ", offloads(ethtool(namespace, "-k", interfaceName)));
        Map<String, String> coalescing = fields(ethtool(namespace, "-c", interfaceName));
        coalescing.keySet().retainAll(List.of("Adaptive RX", "rx-usecs", "tx-usecs", "rx-frames"));
        add(facts, "coalescing ", text(coalescing));
        if (name.equals("veth")) {
            facts.add(
                    "a veth is no NIC: no DMA, no interrupts, no queue of its own memory; its rates say nothing of one");
        }
        return interfaceName + ": " + facts.stream().map(String::strip).collect(Collectors.joining("; "));
    }

    private static String ethtool(NetworkNamespace namespace, String option, String interfaceName) {
        NetworkNamespace.Result result =
                namespace.tryRun("sh", "-c", "ethtool " + option + " \"$1\" 2>/dev/null", "sh", interfaceName);
        return result.output();
    }

    private static void add(List<String> facts, String label, @Nullable String value) {
        if (value != null && !value.isBlank() && !value.equals("n/a") && !value.equals("Unknown!")) {
            facts.add(label + value);
        }
    }

    private static String text(Map<String, String> fields) {
        return fields.entrySet().stream()
                .filter(field -> !field.getValue().equals("n/a"))
                .map(field -> field.getKey() + " " + field.getValue())
                .collect(Collectors.joining(", "));
    }

    /** Lines {@code name: value}. */
    static Map<String, String> fields(String text) {
        Map<String, String> fields = new TreeMap<>();
        text.lines().forEach(line -> {
            int colon = line.indexOf(':');
            if (colon > 0 && colon + 1 < line.length()) {
                fields.put(
                        line.substring(0, colon).strip(),
                        line.substring(colon + 1).strip());
            }
        });
        return fields;
    }

    /** Fields of the second half of {@code ethtool -l} and {@code -g}, zeros left out. */
    static Map<String, String> current(String text) {
        int at = text.indexOf("Current hardware settings");
        Map<String, String> fields = at < 0 ? new TreeMap<>() : fields(text.substring(at));
        fields.values().removeIf(value -> value.equals("0") || value.equals("off"));
        return fields;
    }

    private static String offloads(String text) {
        Map<String, String> features = fields(text);
        return OFFLOADS.stream()
                .filter(each ->
                        features.getOrDefault(each, "").toLowerCase(Locale.ROOT).startsWith("on"))
                .collect(Collectors.joining(", "));
    }
}

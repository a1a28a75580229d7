package dev.sluice.bench.net;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.testing.NetworkNamespace;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the kernel and the driver count of an interface: {@code ip -s -s link}, and the driver's own by {@code ethtool -S}.
 *
 * @param link as {@code rx_packets}, {@code rx_missed_errors}
 * @param driver by the driver's own names; empty without ethtool
 */
record InterfaceCounters(Map<String, Long> link, Map<String, Long> driver) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern DRIVER = Pattern.compile("^\\s*(\\S.*?): (-?[0-9]+)$");
    /** What drivers call packets that they lost. */
    private static final Pattern LOSS = Pattern.compile("drop|miss|discard|no_?buf|err|fail|fifo|over(flow|run)|full");

    /** What drivers call the packets of a receive queue. */
    private static final Pattern QUEUE =
            Pattern.compile("rx[_-]?(?:queue_)?([0-9]+)[._](?:xdp_)?packets|queue_([0-9]+)_rx_cnt");

    /** Copies its maps. */
    InterfaceCounters {
        link = Map.copyOf(link);
        driver = Map.copyOf(driver);
    }

    /** A reading. Throws {@link IllegalStateException} for an interface that is not there. */
    static InterfaceCounters of(NetworkNamespace namespace, String interfaceName) {
        String json = namespace.run("ip", "-s", "-s", "-j", "link", "show", "dev", interfaceName);
        NetworkNamespace.Result ethtool = namespace.tryRun("sh", "-c", "ethtool -S " + interfaceName + " 2>/dev/null");
        return new InterfaceCounters(link(json), driver(ethtool.exitCode() == 0 ? ethtool.output() : ""));
    }

    static Map<String, Long> link(String json) {
        Map<String, Long> counters = new TreeMap<>();
        try {
            JsonNode stats = JSON.readTree(json).path(0).path("stats64");
            for (String way : new String[] {"rx", "tx"}) {
                stats.path(way)
                        .properties()
                        .forEach(counter -> counters.put(
                                way + "_" + counter.getKey(), counter.getValue().asLong()));
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("ip -s -j link: " + e.getOriginalMessage(), e);
        }
        return counters;
    }

    static Map<String, Long> driver(String ethtool) {
        Map<String, Long> counters = new TreeMap<>();
        ethtool.lines().forEach(line -> {
            Matcher matcher = DRIVER.matcher(line);
            if (matcher.matches()) {
                counters.merge(matcher.group(1), Long.parseLong(matcher.group(2)), Long::sum);
            }
        });
        return counters;
    }

    /** A counter of the kernel's, 0 where it has none. */
    long get(String name) {
        return link.getOrDefault(name, 0L);
    }

    /** By how much a counter of the kernel's has grown since an earlier reading. */
    long since(InterfaceCounters earlier, String name) {
        return get(name) - earlier.get(name);
    }

    /** Packets by receive queue since an earlier reading, as far as the driver counts them. */
    Map<Integer, Long> queuesSince(InterfaceCounters earlier) {
        Map<Integer, Long> queues = new TreeMap<>();
        driver.forEach((name, count) -> {
            Matcher matcher = QUEUE.matcher(name);
            if (matcher.matches()) {
                String queue = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
                // Some count what XDP took apart, some together with the rest, some both ways.
                queues.merge(Integer.valueOf(queue), count - earlier.driver.getOrDefault(name, 0L), Math::max);
            }
        });
        return queues;
    }

    /** Whatever counts losses and has grown since an earlier reading: the kernel's names, and the driver's after {@code ethtool:}. */
    Map<String, Long> lossesSince(InterfaceCounters earlier) {
        Map<String, Long> grown = new TreeMap<>();
        link.forEach((name, count) -> add(grown, name, name, count - earlier.get(name)));
        driver.forEach(
                (name, count) -> add(grown, name, "ethtool:" + name, count - earlier.driver.getOrDefault(name, 0L)));
        return grown;
    }

    private static void add(Map<String, Long> grown, String name, String label, long count) {
        if (count > 0 && LOSS.matcher(name.toLowerCase(Locale.ROOT)).find()) {
            grown.put(label, count);
        }
    }
}

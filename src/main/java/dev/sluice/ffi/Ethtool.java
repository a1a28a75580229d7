package dev.sluice.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code SIOCETHTOOL} (linux/ethtool.h) tells of an interface of the calling thread's network namespace: features, counters of the
 * driver, and how received packets are spread over queues. Read only. Where a driver does not tell, answers are empty. Any thread.
 */
public final class Ethtool {
    // linux/ethtool.h
    private static final int ETHTOOL_GSTRINGS = 0x1b;
    private static final int ETHTOOL_GSTATS = 0x1d;
    private static final int ETHTOOL_GRXCLSRLCNT = 0x2e;
    private static final int ETHTOOL_GRXCLSRULE = 0x2f;
    private static final int ETHTOOL_GRXCLSRLALL = 0x30;
    private static final int ETHTOOL_GSSET_INFO = 0x37;
    private static final int ETHTOOL_GRXFHINDIR = 0x38;
    private static final int ETHTOOL_GFEATURES = 0x3a;
    private static final int ETH_SS_STATS = 1;
    private static final int ETH_SS_FEATURES = 4;
    private static final int ETH_GSTRING_LEN = 32;

    /** {@code struct ethtool_rxnfc}: offsets of data, of fs.ring_cookie and fs.location, of rule_cnt and rule_locs. */
    private static final int RXNFC_RING_COOKIE = 16 + 152;

    private static final int RXNFC_LOCATION = 16 + 160;
    private static final int RXNFC_RULE_COUNT = 184;
    private static final int RXNFC_LOCATIONS = 188;
    private static final int RXNFC_BYTES = 192;

    /** No driver has more; what one claims beyond is not believed. */
    private static final int MAX_COUNT = 65_536;

    private Ethtool() {}

    /**
     * A rule by which the device picks a queue ({@code ethtool -n}).
     *
     * @param location its number
     * @param queue the queue; negative for one that drops
     */
    public record FlowRule(int location, long queue) {}

    /** Features by the kernel's name ({@code rx-gro}, {@code tx-checksum-ip-generic}) and whether they are on. */
    public static Map<String, Boolean> features(String interfaceName) {
        try (Arena arena = Arena.ofConfined()) {
            List<String> names = names(arena, interfaceName, ETH_SS_FEATURES);
            int blocks = (names.size() + 31) / 32;
            // struct ethtool_gfeatures: cmd, size in blocks, blocks of available, requested, active, never_changed.
            MemorySegment command = arena.allocate(8 + 16L * blocks, Long.BYTES);
            command.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GFEATURES);
            command.set(ValueLayout.JAVA_INT, 4, blocks);
            if (names.isEmpty() || !ask(interfaceName, command)) {
                return Map.of();
            }
            Map<String, Boolean> features = new LinkedHashMap<>();
            for (int i = 0; i < names.size(); i++) {
                int active = command.get(ValueLayout.JAVA_INT, 8 + 16L * (i / 32) + 8);
                features.put(names.get(i), (active >>> i % 32 & 1) != 0);
            }
            return features;
        }
    }

    /** The driver's own counters ({@code ethtool -S}). */
    public static Map<String, Long> statistics(String interfaceName) {
        try (Arena arena = Arena.ofConfined()) {
            List<String> names = names(arena, interfaceName, ETH_SS_STATS);
            MemorySegment command = arena.allocate(8 + 8L * names.size(), Long.BYTES);
            command.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GSTATS);
            command.set(ValueLayout.JAVA_INT, 4, names.size());
            if (names.isEmpty() || !ask(interfaceName, command)) {
                return Map.of();
            }
            Map<String, Long> statistics = new LinkedHashMap<>();
            for (int i = 0; i < names.size(); i++) {
                statistics.put(names.get(i), command.get(ValueLayout.JAVA_LONG, 8 + 8L * i));
            }
            return statistics;
        }
    }

    /** The queues in the RSS indirection table ({@code ethtool -x}), slot by slot; empty where there is none. */
    public static List<Integer> indirection(String interfaceName) {
        try (Arena arena = Arena.ofConfined()) {
            // struct ethtool_rxfh_indir: cmd, size, ring_index[]; size 0 asks for the size.
            MemorySegment size = arena.allocate(8, Long.BYTES);
            size.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GRXFHINDIR);
            if (!ask(interfaceName, size)) {
                return List.of();
            }
            int slots = count(size.get(ValueLayout.JAVA_INT, 4));
            MemorySegment command = arena.allocate(8 + 4L * slots, Long.BYTES);
            command.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GRXFHINDIR);
            command.set(ValueLayout.JAVA_INT, 4, slots);
            if (slots == 0 || !ask(interfaceName, command)) {
                return List.of();
            }
            List<Integer> queues = new ArrayList<>(slots);
            for (int i = 0; i < slots; i++) {
                queues.add(command.get(ValueLayout.JAVA_INT, 8 + 4L * i));
            }
            return queues;
        }
    }

    /** The rules by which the device picks queues itself ({@code ethtool -n}). */
    public static List<FlowRule> flowRules(String interfaceName) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(RXNFC_BYTES, Long.BYTES);
            size.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GRXCLSRLCNT);
            if (!ask(interfaceName, size)) {
                return List.of();
            }
            int count = count(size.get(ValueLayout.JAVA_INT, RXNFC_RULE_COUNT));
            MemorySegment all = arena.allocate(RXNFC_BYTES + 4L * count, Long.BYTES);
            all.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GRXCLSRLALL);
            all.set(ValueLayout.JAVA_INT, RXNFC_RULE_COUNT, count);
            if (count == 0 || !ask(interfaceName, all)) {
                return List.of();
            }
            List<FlowRule> rules = new ArrayList<>();
            for (int i = 0; i < Math.min(count, count(all.get(ValueLayout.JAVA_INT, RXNFC_RULE_COUNT))); i++) {
                int location = all.get(ValueLayout.JAVA_INT, RXNFC_LOCATIONS + 4L * i);
                MemorySegment rule = arena.allocate(RXNFC_BYTES, Long.BYTES);
                rule.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GRXCLSRULE);
                rule.set(ValueLayout.JAVA_INT, RXNFC_LOCATION, location);
                if (ask(interfaceName, rule)) {
                    rules.add(new FlowRule(location, rule.get(ValueLayout.JAVA_LONG, RXNFC_RING_COOKIE)));
                }
            }
            return rules;
        }
    }

    private static List<String> names(Arena arena, String interfaceName, int set) {
        // struct ethtool_sset_info: cmd, reserved, a mask of 64 bits, one number for each bit.
        MemorySegment info = arena.allocate(24, Long.BYTES);
        info.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GSSET_INFO);
        info.set(ValueLayout.JAVA_LONG, 8, 1L << set);
        if (!ask(interfaceName, info) || info.get(ValueLayout.JAVA_LONG, 8) == 0) {
            return List.of();
        }
        int count = count(info.get(ValueLayout.JAVA_INT, 16));
        // struct ethtool_gstrings: cmd, string_set, len, strings of 32 bytes.
        MemorySegment strings = arena.allocate(12 + (long) ETH_GSTRING_LEN * count, Long.BYTES);
        strings.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GSTRINGS);
        strings.set(ValueLayout.JAVA_INT, 4, set);
        strings.set(ValueLayout.JAVA_INT, 8, count);
        if (count == 0 || !ask(interfaceName, strings)) {
            return List.of();
        }
        List<String> names = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            byte[] text = strings.asSlice(12 + (long) ETH_GSTRING_LEN * i, ETH_GSTRING_LEN)
                    .toArray(ValueLayout.JAVA_BYTE);
            int length = 0;
            while (length < text.length && text[length] != 0) {
                length++;
            }
            names.add(new String(text, 0, length, StandardCharsets.US_ASCII));
        }
        return names;
    }

    private static int count(int claimed) {
        return claimed < 0 || claimed > MAX_COUNT ? 0 : claimed;
    }

    private static boolean ask(String interfaceName, MemorySegment command) {
        try {
            NetworkDevice.ethtool(interfaceName, command);
            return true;
        } catch (NativeException e) {
            return false;
        }
    }
}

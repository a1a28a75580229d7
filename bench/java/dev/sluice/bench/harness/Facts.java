package dev.sluice.bench.harness;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where a run took place, so that it can be repeated and compared: facts by name, in the order in which they are shown.
 *
 * @param source commit, and whether the tree differed from it
 * @param machine processor, memory, kernel
 * @param interfaces network interfaces by name, each in one line
 * @param jvm the harness's, whose version the measured ones share
 */
record Facts(
        Map<String, String> source,
        Map<String, String> machine,
        Map<String, String> interfaces,
        Map<String, String> jvm) {
    Facts {
        source = new LinkedHashMap<>(source);
        machine = new LinkedHashMap<>(machine);
        interfaces = new LinkedHashMap<>(interfaces);
        jvm = new LinkedHashMap<>(jvm);
    }
}

package dev.sluice.stats;

import java.util.Map;

/**
 * Connections that have something in common.
 *
 * @param by what they have in common, by the words that were asked for
 * @param count how many they are
 * @param packets their clients' packets
 * @param bytes their bytes, in both directions
 */
public record ConnectionGroup(Map<String, String> by, long count, long packets, long bytes) {}

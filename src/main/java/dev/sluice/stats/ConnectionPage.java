package dev.sluice.stats;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some of the connections that a director knows.
 *
 * @param connections they
 * @param next the cursor that asks for the ones after them; null when there are none
 */
public record ConnectionPage(
        List<ConnectionStats> connections, @Nullable String next) {}

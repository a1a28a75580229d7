package dev.sluice.stats;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some of the connections that a director knows.
 *
 * @param connections they
 * @param groups how many there are by what was asked for; null when they are listed
 * @param matched how many of those looked at for this answer were asked for
 * @param next the cursor that asks for the ones after them; null when there are none
 */
public record ConnectionPage(
        List<ConnectionStats> connections,
        @Nullable List<ConnectionGroup> groups,
        long matched,
        @Nullable String next) {}

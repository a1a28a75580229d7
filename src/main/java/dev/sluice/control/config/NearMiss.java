package dev.sluice.control.config;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Guesses what a misspelt word was meant to be. */
final class NearMiss {
    private NearMiss() {}

    /** The candidate that a few typing mistakes lead from, if there is one. */
    static Optional<String> of(String word, Collection<String> candidates) {
        // Longer words leave room for more mistakes; a word half wrong is another word.
        int tolerated = Math.min(3, Math.max(1, word.length() / 3));
        String lower = word.toLowerCase(Locale.ROOT).replace('-', '_');
        return candidates.stream()
                .filter(candidate -> distance(lower, candidate) <= tolerated)
                .min(Comparator.comparingInt(candidate -> distance(lower, candidate)));
    }

    /** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
    private static int distance(String a, String b) {
        int[][] costs = new int[a.length() + 1][b.length() + 1];
        Arrays.setAll(costs[0], j -> j);
        for (int i = 1; i <= a.length(); i++) {
            costs[i][0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substitution = costs[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                costs[i][j] = Math.min(substitution, Math.min(costs[i - 1][j], costs[i][j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    costs[i][j] = Math.min(costs[i][j], costs[i - 2][j - 2] + 1);
                }
            }
        }
        return costs[a.length()][b.length()];
    }
}

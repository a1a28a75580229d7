package dev.sluice.cli.observe;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When a capture ends by itself, as dumpcap's {@code -a} says it.
 *
 * @param durationS seconds
 * @param fileBytes octets written
 * @param packets packets captured
 */
record Limits(long durationS, long fileBytes, long packets) {
    static final Limits DEFAULT = new Limits(600, 100_000_000, Long.MAX_VALUE);

    private static final Pattern CONDITION = Pattern.compile("(duration|filesize|packets):([1-9][0-9]{0,11})");
    private static final long KB = 1000;

    /**
     * These, but for what is said.
     *
     * @param conditions {@code duration:SECONDS}, {@code filesize:KB}, {@code packets:COUNT}
     * @throws IllegalArgumentException for anything else
     */
    Limits with(List<String> conditions) {
        Limits limits = this;
        for (String condition : conditions) {
            Matcher matcher = CONDITION.matcher(condition);
            if (!matcher.matches()) {
                throw new IllegalArgumentException("-a " + condition
                        + " is none of duration:SECONDS, filesize:KB, packets:COUNT with a number of 1 or more");
            }
            long value = Long.parseLong(matcher.group(2));
            limits = switch (matcher.group(1)) {
                case "duration" -> new Limits(value, limits.fileBytes, limits.packets);
                case "filesize" -> new Limits(limits.durationS, value * KB, limits.packets);
                default -> new Limits(limits.durationS, limits.fileBytes, value);
            };
        }
        return limits;
    }
}

package dev.sluice.control.realserver;

import java.util.regex.Pattern;

/**
 * A value that a setup needs, before it is known what is there.
 *
 * @param kind what it is
 * @param target which one
 * @param value the value to give it
 * @param orMore whether a greater number does as well
 */
record Wanted(Kind kind, String target, String value, boolean orMore) {
    private static final Pattern NUMBER = Pattern.compile("\\d{1,9}");

    static Wanted exactly(Kind kind, String target, String value) {
        return new Wanted(kind, target, value, false);
    }

    static Wanted atLeast(Kind kind, String target, int value) {
        return new Wanted(kind, target, Integer.toString(value), true);
    }

    static Wanted present(Kind kind, String target) {
        return exactly(kind, target, Kind.PRESENT);
    }

    /** What has to be there in the end, where this is there now. */
    String after(String before) {
        boolean enough =
                orMore && NUMBER.matcher(before).matches() && Integer.parseInt(before) >= Integer.parseInt(value);
        return enough ? before : value;
    }
}

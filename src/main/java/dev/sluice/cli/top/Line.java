package dev.sluice.cli.top;

/**
 * A line of a frame.
 *
 * @param text without control characters
 * @param style how it looks where the terminal can show it; its meaning is in the text as well
 */
record Line(String text, Style style) {
    /** What a line is. */
    enum Style {
        /** Most lines. */
        PLAIN,
        /** Column names. */
        HEADER,
        /** What stands above others. */
        STRONG,
        /** What is of less interest. */
        FAINT,
        /** What somebody should look at. */
        ALARM
    }

    static Line plain(String text) {
        return new Line(text, Style.PLAIN);
    }

    /** No wider than a terminal. */
    Line fit(int width) {
        return text.length() <= width ? this : new Line(text.substring(0, Math.max(0, width)), style);
    }
}

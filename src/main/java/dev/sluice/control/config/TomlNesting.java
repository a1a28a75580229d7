package dev.sluice.control.config;

import org.jspecify.annotations.Nullable;
import org.tomlj.TomlPosition;

/**
 * Looks how deep arrays and inline tables of a text lie in each other. The TOML parser descends into them on the stack, so this
 * comes first.
 */
final class TomlNesting {
    static final int MAX_DEPTH = 32;

    private final String text;
    private int at;
    private int line = 1;
    private int lineStart;

    private TomlNesting(String text) {
        this.text = text;
    }

    /** Where the text is deeper than {@link #MAX_DEPTH}; null when it is nowhere. */
    static @Nullable TomlPosition tooDeep(String text) {
        return new TomlNesting(text).scan();
    }

    private @Nullable TomlPosition scan() {
        int depth = 0;
        for (; at < text.length(); at++) {
            switch (text.charAt(at)) {
                case '[', '{' -> {
                    if (++depth > MAX_DEPTH) {
                        return TomlPosition.positionAt(line, at - lineStart + 1);
                    }
                }
                case ']', '}' -> depth = Math.max(0, depth - 1);
                case '"', '\'' -> skipString(text.charAt(at));
                case '#' -> skipComment();
                case '\n' -> newLine();
                default -> {}
            }
        }
        return null;
    }

    private void newLine() {
        line++;
        lineStart = at + 1;
    }

    private void skipComment() {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end - 1;
    }

    /** Goes to the end of the string that begins here; one of a single line ends with it. */
    private void skipString(char quote) {
        String three = String.valueOf(quote).repeat(3);
        boolean multiline = text.startsWith(three, at);
        at += multiline ? 3 : 1;
        for (; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '\n') {
                if (!multiline) {
                    at--;
                    return;
                }
                newLine();
            } else if (c == '\\' && quote == '"' && at + 1 < text.length() && text.charAt(at + 1) != '\n') {
                at++;
            } else if (c == quote && (!multiline || text.startsWith(three, at))) {
                at += multiline ? 2 : 0;
                return;
            }
        }
    }
}

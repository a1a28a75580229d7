package dev.sluice.control.keepalived;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A line of a keepalived configuration, with the block that follows it if there is one. Immutable; any thread.
 *
 * @param file the file as the user, or another file, named it
 * @param line from 1
 * @param words at least the keyword, without quotes and escapes
 * @param block what stands between braces; null without any
 */
record Statement(
        String file, int line, List<String> words, @Nullable List<Statement> block) {
    Statement {
        words = List.copyOf(words);
    }

    String keyword() {
        return words.getFirst();
    }

    /** The words behind the keyword. */
    List<String> arguments() {
        return words.subList(1, words.size());
    }

    /** The first word behind the keyword, empty when there is none. */
    String argument() {
        return words.size() < 2 ? "" : words.get(1);
    }

    /** What stands in the block, nothing without one. */
    List<Statement> body() {
        return block == null ? List.of() : block;
    }

    /** {@code keepalived.conf:12}. */
    String where() {
        return file + ":" + line;
    }

    /** The line as it would be written without quotes. */
    String text() {
        return String.join(" ", words);
    }
}

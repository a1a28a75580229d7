package dev.sluice.control.keepalived;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** The kinds of values that keepalived's keywords take; empty for what is none. */
final class Values {
    private Values() {}

    /** A whole number within bounds. */
    static OptionalInt integer(String text, int min, int max) {
        if (!text.matches("[0-9]{1,10}")) {
            return OptionalInt.empty();
        }
        long number = Long.parseLong(text);
        return number < min || number > max ? OptionalInt.empty() : OptionalInt.of((int) number);
    }

    /** Seconds, with decimals or without. */
    static OptionalDouble seconds(String text) {
        return text.matches("[0-9]{1,9}(\\.[0-9]{0,9})?")
                ? OptionalDouble.of(Double.parseDouble(text))
                : OptionalDouble.empty();
    }

    /** A switch; a keyword alone switches on. */
    static Optional<Boolean> flag(Statement statement) {
        return switch (statement.argument().toLowerCase(Locale.ROOT)) {
            case "", "on", "true", "yes" -> Optional.of(true);
            case "off", "false", "no" -> Optional.of(false);
            default -> Optional.empty();
        };
    }

    /** A program and its arguments: parted at spaces, those in single quotes apart. */
    static List<String> command(String text) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\'') {
                quoted = !quoted;
                inWord = true;
            } else if (!quoted && Character.isWhitespace(c)) {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                }
                inWord = false;
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }
}

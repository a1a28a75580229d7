package dev.sluice.control.config;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/**
 * Typed, strict access to one TOML table. Every getter reports what is wrong and goes on with a value of the right type,
 * so that one pass finds everything; {@link #finish} then reports the keys that nobody asked for.
 */
final class TableReader {
    private final TomlTable table;
    private final String name;
    private final TomlPosition position;
    private final Problems problems;
    private final Set<String> known = new LinkedHashSet<>();
    private final Set<String> bad = new HashSet<>();

    /**
     * @param name the table as users write it, {@code [director]}
     * @param position where it starts
     */
    TableReader(TomlTable table, String name, TomlPosition position, Problems problems) {
        this.table = table;
        this.name = name;
        this.position = position;
        this.problems = problems;
    }

    TomlPosition position() {
        return position;
    }

    boolean has(String key) {
        return table.contains(List.of(key));
    }

    /** Where the key stands; the table itself when it does not. */
    TomlPosition positionOf(String key) {
        return has(key) ? table.inputPositionOf(List.of(key)) : position;
    }

    /** The value as the parser gives it. */
    @Nullable
    Object value(String key) {
        known.add(key);
        return table.get(List.of(key));
    }

    /** Whether none of these keys has been found wrong: only then a rule that spans them makes sense. */
    boolean sound(String... keys) {
        return Arrays.stream(keys).noneMatch(bad::contains);
    }

    /** The key's value is wrong: {@code key = value why; allowed: ...}. */
    void wrong(String key, String why, String allowed) {
        wrong(key, positionOf(key), show(table.get(List.of(key))), why, allowed);
    }

    /** As {@link #wrong(String, String, String)}, for a value that must not show in output. */
    void wrongSecret(String key, String why, String allowed) {
        bad.add(key);
        problems.value(positionOf(key), key + " " + why + "; allowed: " + allowed);
    }

    private void wrong(String key, TomlPosition where, String shown, String why, String allowed) {
        bad.add(key);
        problems.value(where, key + " = " + shown + " " + why + "; allowed: " + allowed);
    }

    private <T> @Nullable T typed(String key, Class<T> type, String allowed) {
        Object value = value(key);
        if (value == null || type.isInstance(value)) {
            return value == null ? null : type.cast(value);
        }
        wrong(key, "is " + typeOf(value), allowed);
        return null;
    }

    /** A string, or null when there is none or it is wrong. */
    @Nullable
    String text(String key, String allowed) {
        return typed(key, String.class, allowed);
    }

    /** As {@link #text}, for a key that must be there. */
    @Nullable
    String requiredText(String key, String allowed) {
        if (!has(key)) {
            known.add(key);
            missing(key, allowed);
            return null;
        }
        return text(key, allowed);
    }

    void missing(String key, String allowed) {
        known.add(key);
        bad.add(key);
        problems.missing(position, name + " has no " + key + "; required: " + allowed);
    }

    boolean flag(String key, boolean fallback) {
        Boolean value = typed(key, Boolean.class, "true, false");
        return value == null ? fallback : value;
    }

    int integer(String key, int min, int max, int fallback) {
        return integer(key, min, max, fallback, "an integer " + min + "-" + max);
    }

    int integer(String key, int min, int max, int fallback, String allowed) {
        return (int) number(key, min, max, fallback, allowed);
    }

    /** As {@link #integer(String, int, int, int, String)}, for numbers beyond an int. */
    long number(String key, long min, long max, long fallback, String allowed) {
        Long value = typed(key, Long.class, allowed);
        if (value == null) {
            return fallback;
        }
        if (value < min || value > max) {
            wrong(key, "is out of range", allowed);
            return fallback;
        }
        return value;
    }

    /** Seconds, with decimals or without: in milliseconds. */
    int seconds(String key, int minMs, int maxMs, int fallbackMs) {
        String allowed =
                "seconds " + BigDecimal.valueOf(minMs, 3).stripTrailingZeros().toPlainString() + "-"
                        + BigDecimal.valueOf(maxMs, 3).stripTrailingZeros().toPlainString();
        Object value = value(key);
        double seconds;
        switch (value) {
            case null -> {
                return fallbackMs;
            }
            case Long whole -> seconds = whole;
            case Double decimal -> seconds = decimal;
            default -> {
                wrong(key, "is " + typeOf(value), allowed);
                return fallbackMs;
            }
        }
        // Said so that it is false for what is not a number.
        if (!(seconds * 1000 >= minMs && seconds * 1000 <= maxMs)) {
            wrong(key, "is out of range", allowed);
            return fallbackMs;
        }
        return (int) Math.round(seconds * 1000);
    }

    /** One word of an enum. */
    <E extends Enum<E>> E choice(String key, Class<E> type, Function<E, String> keyword, E fallback) {
        return optionalChoice(key, type, keyword).orElse(fallback);
    }

    /** As {@link #choice(String, Class, Function, Enum)}, for a key whose absence means something. */
    <E extends Enum<E>> Optional<E> optionalChoice(String key, Class<E> type, Function<E, String> keyword) {
        String value = text(key, words(type, keyword));
        return value == null ? Optional.empty() : choice(key, value, type, keyword);
    }

    /** As {@link #choice(String, Class, Function, Enum)}, for a key that must be there. */
    <E extends Enum<E>> Optional<E> requiredChoice(String key, Class<E> type, Function<E, String> keyword) {
        String value = requiredText(key, words(type, keyword));
        return value == null ? Optional.empty() : choice(key, value, type, keyword);
    }

    private <E extends Enum<E>> Optional<E> choice(
            String key, String value, Class<E> type, Function<E, String> keyword) {
        for (E constant : type.getEnumConstants()) {
            if (keyword.apply(constant).equals(value)) {
                return Optional.of(constant);
            }
        }
        List<String> words = Arrays.stream(type.getEnumConstants()).map(keyword).toList();
        String hint = NearMiss.of(value, words)
                .map(word -> ", did you mean \"" + word + "\"?")
                .orElse("");
        wrong(key, "is not supported by this version" + hint, words(type, keyword));
        return Optional.empty();
    }

    private static <E extends Enum<E>> String words(Class<E> type, Function<E, String> keyword) {
        return String.join(
                ", ",
                Arrays.stream(type.getEnumConstants())
                        .map(constant -> "\"" + keyword.apply(constant) + "\"")
                        .toList());
    }

    /** The elements of an array, all of one type; those of another are reported and left out. */
    <T> List<Element<T>> list(String key, Class<T> type, String allowed) {
        TomlArray array = typed(key, TomlArray.class, allowed);
        List<Element<T>> elements = new ArrayList<>();
        for (int i = 0; array != null && i < array.size(); i++) {
            Object value = array.get(i);
            TomlPosition where = array.inputPositionOf(i);
            if (type.isInstance(value)) {
                elements.add(new Element<>(type.cast(value), where));
            } else {
                wrongElement(key, new Element<>(value, where), "is " + typeOf(value), allowed);
            }
        }
        return elements;
    }

    /** An element of an array, and where it stands. */
    record Element<T>(T value, TomlPosition position) {}

    /** One element of the key's array is wrong. */
    void wrongElement(String key, Element<?> element, String why, String allowed) {
        wrong(key, element.position(), "[" + show(element.value()) + "]", why, allowed);
    }

    /** A table inside this one, if it is there. */
    Optional<TableReader> table(String key, String shownName) {
        TomlTable inner = typed(key, TomlTable.class, "a table " + shownName);
        return Optional.ofNullable(inner).map(found -> new TableReader(found, shownName, positionOf(key), problems));
    }

    /** The tables of an array of tables, none if it is not there. */
    List<TableReader> tables(String key, String shownName) {
        return list(key, TomlTable.class, "tables " + shownName).stream()
                .map(element -> new TableReader(element.value(), shownName, element.position(), problems))
                .toList();
    }

    /** Reports every key that no getter has asked for. Comes last. */
    void finish() {
        for (String key : table.keySet()) {
            if (known.contains(key)) {
                continue;
            }
            String hint = NearMiss.of(key, known)
                    .map(word -> "did you mean \"" + word + "\"?")
                    .orElse("allowed: " + String.join(", ", known));
            problems.misplaced(positionOf(key), "unknown key \"" + key + "\" in " + name + "; " + hint);
        }
    }

    private static String typeOf(Object value) {
        return switch (value) {
            case String text -> "a string";
            case Long number -> "an integer";
            case Double number -> "a floating-point number";
            case Boolean flag -> "a boolean";
            case TomlArray array -> "an array";
            case TomlTable inner -> "a table";
            default -> "a date or time";
        };
    }

    private static String show(@Nullable Object value) {
        return switch (value) {
            case String text -> "\"" + Toml.tomlEscape(text) + "\"";
            case TomlArray array -> "[...]";
            case TomlTable inner -> "{...}";
            case null -> "nothing";
            default -> value.toString();
        };
    }
}

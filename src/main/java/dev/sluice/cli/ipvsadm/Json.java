package dev.sluice.cli.ipvsadm;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON (RFC 8259) as the admin socket speaks it, in and out. The library that the director uses would take most of the time of
 * a short command line to start.
 *
 * @param value a Map, List, String, Number or Boolean; null for JSON's null and for what is not there
 */
public record Json(@Nullable Object value) {
    private static final Json NOTHING = new Json(null);

    /**
     * Reads one value.
     *
     * @throws IllegalArgumentException for text that is no JSON, or nested a hundred deep
     */
    public static Json parse(String text) {
        Reader reader = new Reader(text);
        Object value = reader.value(0);
        reader.end();
        return new Json(value);
    }

    /** What stands under a key; nothing where that is not there. */
    Json path(String key) {
        return value instanceof Map<?, ?> map ? new Json(map.get(key)) : NOTHING;
    }

    /** The elements of an array; none of anything else. */
    List<Json> elements() {
        if (!(value instanceof List<?> list)) {
            return List.of();
        }
        List<Json> elements = new ArrayList<>();
        list.forEach(element -> elements.add(new Json(element)));
        return elements;
    }

    /** The text of a string, null of anything else. */
    @Nullable
    String string() {
        return value instanceof String string ? string : null;
    }

    /** The text of a string, or empty. */
    String text() {
        return value instanceof String string ? string : "";
    }

    /** The low 64 bits of a number, or 0. */
    long number() {
        return value instanceof Number number ? number.longValue() : 0;
    }

    boolean isTrue() {
        return Boolean.TRUE.equals(value);
    }

    /** Writes maps, lists, strings, numbers and truth values. */
    static String write(@Nullable Object value) {
        StringBuilder text = new StringBuilder();
        write(value, text);
        return text.toString();
    }

    private static void write(@Nullable Object value, StringBuilder text) {
        switch (value) {
            case Map<?, ?> map -> {
                String separator = "{";
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    text.append(separator);
                    writeString(String.valueOf(entry.getKey()), text);
                    text.append(':');
                    write(entry.getValue(), text);
                    separator = ",";
                }
                text.append(map.isEmpty() ? "{}" : "}");
            }
            case List<?> list -> {
                String separator = "[";
                for (Object element : list) {
                    text.append(separator);
                    write(element, text);
                    separator = ",";
                }
                text.append(list.isEmpty() ? "[]" : "]");
            }
            case String string -> writeString(string, text);
            case null, default -> text.append(value);
        }
    }

    private static void writeString(String string, StringBuilder text) {
        text.append('"');
        for (int i = 0; i < string.length(); i++) {
            char c = string.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < ' ') {
                text.append(c < 16 ? "\\u000" : "\\u00").append(Integer.toHexString(c));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }

    /** A recursive descent over the text. */
    private static final class Reader {
        private static final int MAX_DEPTH = 100;
        private static final String ESCAPES = "\"\\/bfnrt";
        private static final String ESCAPED = "\"\\/\b\f\n\r\t";

        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        @Nullable
        Object value(int depth) {
            if (depth == MAX_DEPTH) {
                throw wrong();
            }
            char first = peek();
            return switch (first) {
                case '{' -> object(depth);
                case '[' -> array(depth);
                case '"' -> string();
                case 't' -> word("true", true);
                case 'f' -> word("false", false);
                case 'n' -> word("null", null);
                default -> number();
            };
        }

        void end() {
            space();
            if (at < text.length()) {
                throw wrong();
            }
        }

        private Map<String, @Nullable Object> object(int depth) {
            Map<String, @Nullable Object> map = new LinkedHashMap<>();
            at++;
            if (peek() == '}') {
                at++;
                return map;
            }
            while (true) {
                if (peek() != '"') {
                    throw wrong();
                }
                String key = string();
                take(':');
                map.put(key, value(depth + 1));
                if (peek() == '}') {
                    at++;
                    return map;
                }
                take(',');
            }
        }

        private List<@Nullable Object> array(int depth) {
            List<@Nullable Object> list = new ArrayList<>();
            at++;
            if (peek() == ']') {
                at++;
                return list;
            }
            while (true) {
                list.add(value(depth + 1));
                if (peek() == ']') {
                    at++;
                    return list;
                }
                take(',');
            }
        }

        private String string() {
            StringBuilder string = new StringBuilder();
            at++;
            while (true) {
                char c = next();
                if (c == '"') {
                    return string.toString();
                }
                if (c != '\\') {
                    string.append(c);
                    continue;
                }
                char escape = next();
                if (escape == 'u') {
                    int end = Math.min(at + 4, text.length());
                    try {
                        string.append((char) Integer.parseInt(text, at, end, 16));
                    } catch (NumberFormatException e) {
                        throw wrong();
                    }
                    at = end;
                } else if (ESCAPES.indexOf(escape) >= 0) {
                    string.append(ESCAPED.charAt(ESCAPES.indexOf(escape)));
                } else {
                    throw wrong();
                }
            }
        }

        private Number number() {
            int start = at;
            while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            String number = text.substring(start, at);
            try {
                if (number.indexOf('.') >= 0 || number.indexOf('e') >= 0 || number.indexOf('E') >= 0) {
                    return Double.valueOf(number);
                }
                return number.length() < 19 ? (Number) Long.valueOf(number) : new BigInteger(number);
            } catch (NumberFormatException e) {
                throw wrong();
            }
        }

        private @Nullable Object word(String word, @Nullable Object meaning) {
            if (!text.startsWith(word, at)) {
                throw wrong();
            }
            at += word.length();
            return meaning;
        }

        private void take(char wanted) {
            if (peek() != wanted) {
                throw wrong();
            }
            at++;
        }

        private char peek() {
            space();
            if (at == text.length()) {
                throw wrong();
            }
            return text.charAt(at);
        }

        private char next() {
            if (at == text.length()) {
                throw wrong();
            }
            return text.charAt(at++);
        }

        private void space() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        private IllegalArgumentException wrong() {
            return new IllegalArgumentException("no JSON at character " + (at + 1));
        }
    }
}

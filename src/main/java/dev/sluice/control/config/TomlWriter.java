package dev.sluice.control.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tomlj.Toml;

/**
 * Writes what is built as JSON as the TOML file that it stands for: objects become tables, arrays of objects arrays of
 * tables. Within a table its values come first, in the order given, then its tables, a step further in. Any thread.
 *
 * <p>Comments stand in the tree: member {@link #COMMENT} of an object holds lines, which come before its table; with a true
 * member {@link #DISABLED} all of the table is written as a comment.
 */
public final class TomlWriter {
    /** The member that holds lines of comment. */
    public static final String COMMENT = "#";

    /** The member that turns a table into a comment. */
    public static final String DISABLED = "#off";

    private static final int COMMENT_WIDTH = 118;

    private final StringBuilder out = new StringBuilder();

    private TomlWriter() {}

    /** The text of a file. */
    public static String write(ObjectNode file) {
        TomlWriter writer = new TomlWriter();
        writer.comment(file, "");
        writer.values(file, "");
        writer.tables("", file, "", "");
        return writer.out.toString();
    }

    private void tables(String path, ObjectNode table, String margin, String indent) {
        for (Map.Entry<String, JsonNode> member : table.properties()) {
            String name = path.isEmpty() ? key(member.getKey()) : path + "." + key(member.getKey());
            if (member.getValue() instanceof ObjectNode inner) {
                table("[" + name + "]", name, inner, margin, indent);
            } else if (isTables(member.getValue())) {
                for (JsonNode inner : member.getValue()) {
                    table("[[" + name + "]]", name, (ObjectNode) inner, margin, indent);
                }
            }
        }
    }

    private void table(String header, String path, ObjectNode table, String margin, String indent) {
        String inner = table.path(DISABLED).booleanValue() ? "# " : margin;
        if (!out.isEmpty()) {
            out.append('\n');
        }
        comment(table, indent);
        out.append(inner).append(indent).append(header).append('\n');
        values(table, inner + indent);
        tables(path, table, inner, indentOf(path));
    }

    /** As the documentation has it: what belongs to a service is a step further in, what belongs to the director is not. */
    private static String indentOf(String path) {
        return "  ".repeat(path.startsWith("director") ? 0 : path.split("\\.", -1).length);
    }

    private void comment(ObjectNode table, String indent) {
        for (JsonNode line : table.path(COMMENT)) {
            for (String part : wrapped(line.asText(), COMMENT_WIDTH - indent.length())) {
                out.append(indent)
                        .append('#')
                        .append(part.isEmpty() ? "" : " " + part)
                        .append('\n');
            }
        }
    }

    private void values(ObjectNode table, String margin) {
        for (Map.Entry<String, JsonNode> member : table.properties()) {
            JsonNode value = member.getValue();
            if (!member.getKey().startsWith(COMMENT) && !value.isObject() && !isTables(value)) {
                out.append(margin).append(key(member.getKey())).append(" = ");
                value(value);
                out.append('\n');
            }
        }
    }

    private void value(JsonNode value) {
        switch (value.getNodeType()) {
            case STRING ->
                out.append('"').append(Toml.tomlEscape(value.textValue())).append('"');
            case NUMBER, BOOLEAN -> out.append(value.asText());
            case ARRAY -> {
                out.append('[');
                String separator = "";
                for (JsonNode element : value) {
                    out.append(separator);
                    value(element);
                    separator = ", ";
                }
                out.append(']');
            }
            default -> throw new IllegalArgumentException("TOML has no " + value.getNodeType());
        }
    }

    private static boolean isTables(JsonNode value) {
        return value.isArray() && !value.isEmpty() && value.get(0).isObject();
    }

    private static String key(String name) {
        return name.matches("[A-Za-z0-9_-]+")
                ? name
                : '"' + Toml.tomlEscape(name).toString() + '"';
    }

    /** Lines without control characters, broken at spaces; what is longer than a line and has none stays whole. */
    private static List<String> wrapped(String text, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        String separator = "";
        for (String word : text.replaceAll("\\p{Cntrl}", " ").split(" ", -1)) {
            if (!line.isEmpty() && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
                separator = "";
            }
            line.append(separator).append(word);
            separator = " ";
        }
        lines.add(line.toString());
        return lines;
    }
}

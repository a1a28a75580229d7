package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.config.TomlWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What is not carried over, in the order in which it was found. Each is told, and stands as a comment where it belongs. */
final class Notes {
    /** Enough to see what is wrong; a file of garbage has one in every line. */
    private static final int MAX = 1000;

    private final Set<String> lines = new LinkedHashSet<>();
    private int more;

    /** Something of a table is not carried over. */
    void add(ObjectNode table, Statement statement, String why) {
        add(table, statement.where() + ": " + shown(statement) + ": " + why);
    }

    /** Something of a table is not carried over. */
    void add(ObjectNode table, String line) {
        if (lines.size() >= MAX) {
            more++;
            return;
        }
        // A group's services have the same lines; each has its comment.
        lines.add(line);
        table.withArrayProperty(TomlWriter.COMMENT).add(line);
    }

    /** All of them, a line each. */
    List<String> lines() {
        List<String> all = new ArrayList<>(lines);
        if (more > 0) {
            all.add("and " + more + " more");
        }
        return all;
    }

    /** The statement without what could be long. */
    private static String shown(Statement statement) {
        String text = statement.text().replaceAll("\\p{Cntrl}", "?");
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }
}

package dev.sluice.cli.observe;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;

/** Prints the ways of packets, for people or as JSON. */
final class TracePrinter {
    private static final int NAME_WIDTH = 12;

    private final PrintWriter out;
    private final boolean json;
    private int printed;

    TracePrinter(PrintWriter out, boolean json) {
        this.out = out;
        this.json = json;
    }

    /** One packet's. */
    void print(JsonNode packet) {
        if (json) {
            out.println(packet);
        } else {
            text(packet);
        }
        out.flush();
    }

    private void text(JsonNode packet) {
        if (printed++ > 0) {
            out.println();
        }
        out.println(packet.path("time").asText() + "  " + packet.path("summary").asText()
                + (packet.path("injected").asBoolean() ? "  (made)" : ""));
        // What was rewritten comes before the verdict, as it did.
        for (JsonNode step : packet.path("steps")) {
            if (step.path("step").asText().equals("verdict")) {
                rewritten(packet);
            }
            line(step.path("step").asText(), step.path("text").asText());
        }
    }

    private void rewritten(JsonNode packet) {
        int image = 0;
        for (JsonNode after : packet.path("after")) {
            String name = image++ == 0 ? "rewritten" : "and";
            if (image > 1) {
                line(
                        name,
                        "another packet out of " + after.path("egress").asText() + ": "
                                + after.path("summary").asText());
                name = "";
            }
            for (JsonNode change : after.path("rewritten")) {
                line(name, text(change.path("layer").asText(), change));
                name = "";
            }
        }
    }

    private static String text(String layer, JsonNode change) {
        String field = change.path("field").asText();
        String what = field.isEmpty() ? layer + " header" : layer + " " + field;
        if (!change.path("before").isTextual()) {
            return what + " added: " + change.path("after").asText();
        }
        if (!change.path("after").isTextual()) {
            return what + " removed: " + change.path("before").asText();
        }
        return what + " " + change.path("before").asText() + " -> "
                + change.path("after").asText();
    }

    private void line(String name, String text) {
        out.println("  " + name + " ".repeat(Math.max(NAME_WIDTH - name.length(), 1)) + text);
    }
}

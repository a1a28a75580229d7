package dev.sluice.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.testing.CommandResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What {@code sluice doctor --json} came to. */
record Diagnosis(int exitCode, JsonNode report, String text) {
    /** Exit code when there is nothing worse than warnings. */
    static final int WARNINGS = 8;
    /** Exit code when there are errors. */
    static final int ERRORS = 9;

    /** The command's arguments, for a reading that takes a second. */
    static String[] command(String... arguments) {
        List<String> command = new ArrayList<>(List.of("doctor", "--json", "--seconds", "1"));
        command.addAll(Arrays.asList(arguments));
        return command.toArray(String[]::new);
    }

    static Diagnosis of(CommandResult result) {
        return read(result.exitCode(), result.out(), result.err());
    }

    static Diagnosis read(int exitCode, String out, String err) {
        try {
            JsonNode report = new ObjectMapper().readTree(out);
            return new Diagnosis(exitCode, report, report.toPrettyString() + err);
        } catch (JsonProcessingException e) {
            throw new AssertionError(out + err, e);
        }
    }

    /** Ids of what does not follow from something else, each as often as it was found. */
    List<String> causes() {
        List<String> ids = new ArrayList<>();
        report.path("findings").forEach(finding -> {
            if (!finding.has("follows")) {
                ids.add(finding.path("id").asText());
            }
        });
        return ids;
    }

    JsonNode first() {
        return report.path("findings").path(0);
    }

    boolean hasEvidence(String part) {
        for (JsonNode line : first().path("evidence")) {
            if (line.asText().contains(part)) {
                return true;
            }
        }
        return false;
    }

    /** Exactly these causes. */
    Diagnosis assertFound(int exitCode, String... ids) {
        assertEquals(List.of(ids), causes(), text);
        assertEquals(exitCode, exitCode(), text);
        return this;
    }
}

package dev.sluice.cli.ipvsadm;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.cli.ipvsadm.Recording.Outcome;
import dev.sluice.cli.ipvsadm.Recording.Runner;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Replays recorded cases and tells what came out otherwise. */
final class Replay {
    private final List<String> differences = new ArrayList<>();
    private final List<String> deviating = new ArrayList<>();
    private int cases;

    /** How many cases were replayed. */
    int cases() {
        return cases;
    }

    /** The cases that differ on purpose. */
    List<String> deviating() {
        return deviating;
    }

    /** What came out otherwise, and not on purpose. */
    List<String> differences() {
        return differences;
    }

    /** Replays a case on a table without services. */
    void run(JsonNode recorded, Runner runner) {
        cases++;
        String id = recorded.path("id").asText();
        Deviations deviations = new Deviations();
        for (JsonNode line : recorded.path("setup")) {
            step(id, new Outcome(line.asText(), "", "", 0), "", deviations, runner);
        }
        step(id, Outcome.of(recorded), recorded.path("stdin").asText(""), deviations, runner);
        for (JsonNode check : recorded.path("checks")) {
            step(id, Outcome.of(check), "", deviations, runner);
        }
        if (deviations.any()) {
            deviating.add(id);
        }
    }

    private void step(String id, Outcome recorded, String in, Deviations deviations, Runner runner) {
        Outcome outcome = runner.run(recorded.command(), in);
        Optional<Outcome> expected = deviations.expected(recorded, in);
        if (expected.isPresent() && !expected.get().equals(outcome)) {
            differences.add(id + "\n  expected " + expected.get() + "\n  but was  " + outcome);
        }
    }
}

package dev.sluice.cli.ipvsadm;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.cli.ipvsadm.Recording.Outcome;
import dev.sluice.cli.ipvsadm.Recording.Runner;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Replays recorded cases and tells what came out otherwise. */
final class Replay {
    private final boolean datapath;
    private final List<String> differences = new ArrayList<>();
    private final List<String> deviating = new ArrayList<>();
    private int cases;

    /**
     * @param datapath whether they are replayed to a director that forwards
     */
    Replay(boolean datapath) {
        this.datapath = datapath;
    }

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
        run(recorded, runner, runner);
    }

    /** As {@link #run(JsonNode, Runner)}, with another runner for what stands around the command line itself. */
    void run(JsonNode recorded, Runner runner, Runner around) {
        cases++;
        String id = recorded.path("id").asText();
        Deviations deviations = new Deviations(datapath);
        for (JsonNode line : recorded.path("setup")) {
            step(id, new Outcome(line.asText(), "", "", 0), "", deviations, around);
        }
        step(id, Outcome.of(recorded), recorded.path("stdin").asText(""), deviations, runner);
        for (JsonNode check : recorded.path("checks")) {
            step(id, Outcome.of(check), "", deviations, around);
        }
        if (deviations.any()) {
            deviating.add(id);
        }
    }

    private void step(String id, Outcome recorded, String in, Deviations deviations, Runner runner) {
        Outcome outcome = runner.run(recorded.command(), in);
        Optional<Outcome> expected = deviations.expected(recorded, in);
        if (expected.isPresent() && !matches(expected.get(), outcome)) {
            differences.add(id + "\n  expected " + expected.get() + "\n  but was  " + outcome);
        }
    }

    private static boolean matches(Outcome expected, Outcome outcome) {
        if (!expected.err().equals(Deviations.ANY_LINE)) {
            return expected.equals(outcome);
        }
        return outcome.err().lines().count() == 1
                && expected.out().equals(outcome.out())
                && expected.exitCode() == outcome.exitCode();
    }
}

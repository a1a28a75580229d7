package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class SteeringOutcomeTest {
    @Test
    void namesAndIndexesAreThoseOfTheProgram() throws IOException {
        String header = Files.readString(Path.of("bpf/counters.h"));
        Matcher body = Pattern.compile("enum steering_outcome \\{(.*?)}", Pattern.DOTALL)
                .matcher(header);
        assertEquals(true, body.find());
        List<String> inC = new ArrayList<>();
        Matcher name = Pattern.compile("([A-Z_]+),").matcher(body.group(1));
        while (name.find()) {
            inC.add(name.group(1));
        }
        assertEquals("STEERING_OUTCOMES", inC.removeLast());
        List<String> inJava = new ArrayList<>();
        for (SteeringOutcome outcome : SteeringOutcome.values()) {
            assertEquals(inJava.size(), outcome.index());
            inJava.add(outcome.name());
        }
        assertEquals(inJava, inC);
    }
}

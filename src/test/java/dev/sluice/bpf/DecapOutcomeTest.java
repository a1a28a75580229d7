package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class DecapOutcomeTest {
    @Test
    void namesAndIndexesAreThoseOfTheProgram() throws IOException {
        String header = Files.readString(Path.of("bpf/decap_maps.h"));
        Matcher body =
                Pattern.compile("enum decap_outcome \\{(.*?)}", Pattern.DOTALL).matcher(header);
        assertTrue(body.find());
        List<String> inC = new ArrayList<>();
        Matcher name = Pattern.compile("([A-Z_]+),").matcher(body.group(1));
        while (name.find()) {
            inC.add(name.group(1));
        }
        assertEquals("DECAP_OUTCOMES", inC.removeLast());
        List<String> inJava = new ArrayList<>();
        for (DecapOutcome outcome : DecapOutcome.values()) {
            assertEquals(inJava.size(), outcome.index());
            inJava.add(outcome.name());
        }
        assertEquals(inJava, inC);
    }
}

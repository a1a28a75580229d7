package dev.sluice.cli.ipvsadm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.sluice.control.RegistryDirector;
import dev.sluice.testing.Fuzz;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Command lines of ipvsadm, one after the other against one table: a line of input each, its words apart by spaces. Whatever they
 * are, they are carried out or refused, and the table that comes of them can be saved and restored.
 */
class IpvsadmFuzzTest {
    /** What ipvsadm's exit codes are, as a shell sees them. */
    private static final Set<Integer> EXIT_CODES = Set.of(0, 1, 2, 255);

    private static final int MAX_LINES = 50;

    private record Done(int exitCode, String out, String err) {}

    private static Done run(RegistryDirector director, List<String> words, String in) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = Ipvsadm.run(
                words,
                "ipvsadm",
                director,
                new RecordedNames(RecordedNames.HOSTS),
                new ByteArrayInputStream(in.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        return new Done(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @FuzzTest(maxDuration = "2m")
    void commandLines(byte[] bytes) throws Exception {
        if (bytes == null || bytes.length > Fuzz.MAX_BYTES) {
            return;
        }
        RegistryDirector director = new RegistryDirector(4096, Set.of());
        String text = new String(bytes, StandardCharsets.UTF_8);
        for (String line : text.lines().limit(MAX_LINES).toList()) {
            List<String> words = Arrays.asList(line.split(" ", -1));
            Done done = Fuzz.inTime(() -> run(director, words, ""));
            assertTrue(EXIT_CODES.contains(done.exitCode()), () -> words + ": " + done);
            assertFalse(
                    done.exitCode() != 0 && done.err().isBlank(),
                    () -> "refused without a word: " + words + ": " + done);
        }
        String saved = run(director, List.of("-S", "-n"), "").out();
        assertEquals(0, run(director, List.of("-C"), "").exitCode());
        Done restored = Fuzz.inTime(() -> run(director, List.of("-R"), saved));
        assertEquals("", restored.err(), saved);
        assertEquals(saved, run(director, List.of("-S", "-n"), "").out());
    }
}

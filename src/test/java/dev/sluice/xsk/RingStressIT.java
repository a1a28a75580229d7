package dev.sluice.xsk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.stress.RingStress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs {@link RingStress} by jcstress in a short mode; its report lies in target/jcstress. */
final class RingStressIT {
    @Test
    @Timeout(120)
    void protocolHoldsUnderStress() throws Exception {
        Path folder = Path.of(System.getProperty("sluice.basedir", ""), "target", "jcstress")
                .toAbsolutePath();
        Files.createDirectories(folder);
        Path log = folder.resolve("output.txt");
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "org.openjdk.jcstress.Main",
                "-t",
                Pattern.quote(RingStress.class.getName()),
                "-f",
                "1",
                "-iters",
                "2",
                "-fsm",
                "1",
                "-time",
                "200",
                "-sc",
                "false",
                "-af",
                "NONE",
                "-v",
                "-r",
                folder.toString());
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertTrue(process.waitFor(100, TimeUnit.SECONDS), "jcstress timed out");
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        String output = Files.readString(log);
        assertEquals(0, process.exitValue(), output);
        assertTrue(output.contains("All remaining tests: 2 matching test results"), output);
        for (String outcome : List.of("Failed tests: No matches", "Error tests: No matches")) {
            assertTrue(output.contains(outcome), output);
        }
        for (Class<?> test : RingStress.class.getClasses()) {
            assertTrue(output.contains("[OK] " + RingStress.class.getName() + "." + test.getSimpleName()), output);
        }
        // Not vacuous: the outcomes in which the threads did meet were seen.
        String results = output.substring(output.indexOf("RUN RESULTS:"));
        assertTrue(results.contains("the whole entry") && results.contains("then reused"), results);
    }
}

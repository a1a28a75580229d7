package dev.sluice;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** Recordings of what real IPVS did, outside the repository: {@code SLUICE_GOLDEN}, else {@code ../shared/golden}. */
public final class Golden {
    private Golden() {}

    /** The lines of a file, parsed; skips the calling test, with a message, when the recordings are not there. */
    public static List<JsonNode> lines(String name) throws IOException {
        String configured = System.getenv("SLUICE_GOLDEN");
        Path base = Path.of(System.getProperty("basedir", ""));
        Path file = (configured == null ? base.resolve("../shared/golden") : base.resolve(configured)).resolve(name);
        Assumptions.assumeTrue(
                Files.exists(file),
                () -> "SKIPPED: no recordings at " + file.toAbsolutePath().normalize()
                        + "; set SLUICE_GOLDEN to the directory that holds " + name);
        ObjectMapper mapper = new ObjectMapper();
        List<JsonNode> nodes = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            nodes.add(mapper.readTree(line));
        }
        return nodes;
    }
}

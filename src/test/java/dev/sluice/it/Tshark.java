package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What tshark, which knows nothing of the director, says of a capture. */
final class Tshark {
    private Tshark() {}

    /**
     * The fields of all packets of a capture that a display filter lets through: a line each, with tabs between them and commas
     * between several occurrences of a field, outermost first.
     */
    static List<String> fields(LabFixture lab, Path capture, String filter, String... fields) {
        List<String> command = new ArrayList<>(List.of("tshark", "-n", "-r", capture.toString()));
        for (String protocol : List.of("ip", "udp", "tcp")) {
            command.addAll(List.of("-o", protocol + ".check_checksum:TRUE"));
        }
        command.addAll(List.of("-Y", filter, "-T", "fields"));
        for (String field : fields) {
            command.addAll(List.of("-e", field));
        }
        return lab.exec("client", command.toArray(String[]::new))
                .orFail()
                .lines()
                .toList();
    }
}

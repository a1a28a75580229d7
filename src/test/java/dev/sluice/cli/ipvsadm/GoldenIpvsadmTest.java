package dev.sluice.cli.ipvsadm;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.control.RegistryDirector;
import dev.sluice.packet.IpAddress;
import java.io.IOException;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What Debian's ipvsadm 1.31 did on Linux IPVS, command line by command line, against a registry without datapath. */
class GoldenIpvsadmTest {
    private static final IpAddress BROADCAST = IpAddress.parse("10.9.0.255");

    @Test
    void everyCommandLineDoesWhatItDidWithIpvs() throws IOException {
        Replay replay = new Replay(false);
        for (JsonNode recorded : Golden.lines("ipvsadm/ipvsadm-golden.jsonl")) {
            RegistryDirector director = new RegistryDirector(4096, Set.of(BROADCAST));
            replay.run(recorded, Recording.inProcess(director, new RecordedNames(RecordedNames.HOSTS)));
        }
        assertTrue(replay.cases() > 0, "no cases");
        assertTrue(
                replay.deviating().size() * 10 < replay.cases(),
                () -> "too many differ on purpose: " + replay.deviating());
        assertTrue(
                replay.differences().isEmpty(),
                () -> replay.differences().size() + " differences:\n" + String.join("\n", replay.differences()));
    }
}

package dev.sluice.control.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.sluice.control.config.ConfigFile;
import dev.sluice.testing.Fuzz;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Configurations of keepalived: whatever is in them, something comes out that Sluice reads. */
class KeepalivedFuzzTest {
    @FuzzTest(maxDuration = "2m")
    void file(byte[] bytes) throws Exception {
        if (bytes == null || bytes.length > Fuzz.MAX_BYTES) {
            return;
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        KeepalivedImport.Result result = Fuzz.inTime(() -> KeepalivedImport.parse("k", text, List.of("eth1")));
        assertEquals(
                List.of("eth1"),
                ConfigFile.parse("result", result.toml()).director().interfaces());
    }
}

package dev.sluice.control.realserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The command as users have it, killed on its way. */
class RealServerKilledIT {
    /** How many things the setup below looks after. */
    private static final int CHANGES = 9;

    private static final String[] SETUP = {
        "env",
        "SLUICE_JAVA=" + Path.of(System.getProperty("java.home"), "bin/java"),
        Path.of(System.getProperty("sluice.home"), "bin/sluice").toString(),
        "real-server",
        "setup",
        "--vip",
        "10.0.0.100",
        "--vip",
        "2001:db8::100",
        "--method",
        "tun",
        "--interface",
        "eth1",
    };

    private final RealServerLab lab = new RealServerLab();

    @AfterEach
    void leave() {
        lab.close();
    }

    /** Killed as soon as its state file tells of so many changes, the last of which may be made by then or not. */
    @Test
    void aKilledSetupCanBeUndoneOrFinished() throws Exception {
        String before = lab.snapshot();
        RealServerSetup here = new RealServerSetup(RealServerSetup.DEFAULT_FOLDER);
        int interrupted = 0;
        for (int changes = 2; changes < CHANGES; changes += 3) {
            Process process = lab.real.start(SETUP);
            try {
                awaitChanges(changes, process);
            } finally {
                process.destroyForcibly().waitFor();
            }
            interrupted += here.show("eth1").getFirst().agrees() ? 0 : 1;
            if (changes == 5) {
                assertEquals(0, lab.real.tryRun(SETUP).exitCode());
                assertTrue(here.show("eth1").getFirst().agrees());
            }
            here.undo("eth1", null, false);
            assertEquals(before, lab.snapshot(), "killed at change " + changes);
        }
        assertTrue(interrupted >= 2, "only " + interrupted + " were interrupted");
    }

    private static void awaitChanges(int changes, Process process) throws Exception {
        Path state = new StateFiles(RealServerSetup.DEFAULT_FOLDER).path("eth1");
        long deadlineNs = System.nanoTime() + 30_000_000_000L;
        while (System.nanoTime() - deadlineNs < 0 && process.isAlive()) {
            if (Files.exists(state) && Files.readString(state).split("\"kind\"", -1).length > changes) {
                return;
            }
            LockSupport.parkNanos(200_000);
        }
        assertTrue(Files.exists(state), "no setup in time");
    }
}

package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Protocol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands are run in their order and for a limited time, and nobody waits for them. */
@Timeout(60)
class QuorumCommandsTest {
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.100"), 80);

    @TempDir
    Path folder;

    private static List<String> shell(String script) {
        return List.of("/bin/sh", "-c", script);
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        while (!condition.call()) {
            Thread.sleep(10);
        }
    }

    private List<String> lines(Path file) throws IOException {
        return Files.exists(file) ? Files.readAllLines(file) : List.of();
    }

    @Test
    void thoseOfAServiceAreRunOneAfterTheOther() throws Exception {
        Path log = folder.resolve("log");
        try (QuorumCommands commands = new QuorumCommands()) {
            commands.run(HTTP, false, shell("sleep 0.3; echo $SLUICE_QUORUM $SLUICE_PROTOCOL $SLUICE_VIP >> " + log));
            commands.run(HTTP, true, shell("echo $SLUICE_QUORUM $SLUICE_VIP_PORT >> " + log));
            commands.run(HTTP, false, List.of());
            await(() -> lines(log).size() == 2);
        }
        assertEquals(List.of("down TCP 10.0.0.100", "up 80"), lines(log));
    }

    @Test
    void anotherServiceDoesNotWait() throws Exception {
        Path log = folder.resolve("log");
        try (QuorumCommands commands = new QuorumCommands()) {
            commands.run(
                    HTTP, false, shell("while ! grep -q 4294967295 " + log + "; do sleep 0.05; done; echo >> " + log));
            commands.run(new FwmarkKey(AddressFamily.INET, -1), true, shell("echo $SLUICE_FWMARK >> " + log));
            await(() -> lines(log).size() == 2);
        }
    }

    @Test
    void oneThatHangsIsKilledWithItsChildren() throws Exception {
        Path pids = folder.resolve("pids");
        try (QuorumCommands commands = new QuorumCommands(500)) {
            commands.run(HTTP, false, shell("sleep 600 & echo $! > " + pids + "; echo $$ >> " + pids + "; wait"));
            await(() -> lines(pids).size() == 2);
            for (String pid : lines(pids)) {
                await(() -> ProcessHandle.of(Long.parseLong(pid)).isEmpty()
                        || !ProcessHandle.of(Long.parseLong(pid)).get().isAlive());
            }
            Path after = folder.resolve("after");
            commands.run(HTTP, true, shell("touch " + after));
            await(() -> Files.exists(after));
        }
    }

    @Test
    void oneThatIsNotThereDoesNotStopTheNext() throws Exception {
        Path after = folder.resolve("after");
        try (QuorumCommands commands = new QuorumCommands()) {
            commands.run(HTTP, false, List.of(folder.resolve("none").toString()));
            commands.run(HTTP, true, shell("touch " + after));
            await(() -> Files.exists(after));
        }
    }

    @Test
    void closingKillsWhatRunsAndStartsNothingMore() throws Exception {
        Path pid = folder.resolve("pid");
        Path next = folder.resolve("next");
        try (QuorumCommands commands = new QuorumCommands()) {
            commands.run(HTTP, false, shell("echo $$ > " + pid + "; sleep 600"));
            commands.run(HTTP, true, shell("touch " + next));
            await(() -> lines(pid).size() == 1);
        }
        await(() -> !ProcessHandle.of(Long.parseLong(lines(pid).getFirst()))
                .map(ProcessHandle::isAlive)
                .orElse(false));
        Thread.sleep(200);
        assertFalse(Files.exists(next));
        assertTrue(Files.exists(pid));
    }
}

package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.FwmarkKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scripts: what they find, whose rights they have, and that they end. Needs root to become another user. */
final class ScriptCheckIT {
    private static final int TIMEOUT_MS = 20_000;

    @TempDir
    private Path directory;

    private static CheckResult ask(@Nullable String user, int timeoutMs, String... command) {
        return Asking.ask(new Probe.Script(List.of(command), user), "10.0.0.11", 8080, timeoutMs);
    }

    @Test
    void theExitCodeDecidesAndTheFirstLineIsTheReason() {
        assertEquals(
                CheckResult.healthy("script ended with 0: all is well"),
                ask(null, TIMEOUT_MS, "/bin/sh", "-c", "echo all is well; echo more >&2"));
        assertEquals(
                CheckResult.unhealthy("script ended with 3: no disk"),
                ask(null, TIMEOUT_MS, "/bin/sh", "-c", "echo no disk >&2; exit 3"));
        assertEquals(CheckResult.unhealthy("script ended with 1"), ask(null, TIMEOUT_MS, "/bin/false"));
        assertEquals(
                CheckResult.unhealthy("script was ended by signal 15"),
                ask(null, TIMEOUT_MS, "/bin/sh", "-c", "kill $$"));
        assertEquals(
                CheckResult.healthy(
                        "script ended with 0: x".concat("x".repeat(99)).concat("...")),
                ask(null, TIMEOUT_MS, "/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"),
                "a megabyte of output blocks nobody");
    }

    @Test
    void whatCannotBeRunIsNotHeldAgainstTheRealServer() {
        assertEquals(
                CheckResult.notMade("/no/such/program is not a program that can be run"),
                ask(null, TIMEOUT_MS, "/no/such/program"));
        assertEquals(
                CheckResult.notMade("no user \"nobody-of-that-name\""),
                ask("nobody-of-that-name", TIMEOUT_MS, "/bin/true"));
    }

    @Test
    void findsTheRealServerInItsEnvironmentAndNothingElse() {
        CheckResult result = ask(null, TIMEOUT_MS, "/bin/sh", "-c", "env | grep -v ^_= | sort | tr '\\n' ' '; pwd");
        assertTrue(result.text().startsWith("script ended with 0: PATH=/usr/local/sbin:"), result.text());
        Destination destination = Destination.of(
                Asking.target("10.0.0.11", 8080),
                Asking.spec(new Probe.Ping(), 3_000, "10.0.0.2", Via.RIP),
                Sockets.DIRECT);
        assertEquals(
                "{PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin, SLUICE_ADDRESS=10.0.0.11,"
                        + " SLUICE_PORT=8080, SLUICE_PROTOCOL=TCP, SLUICE_RIP=10.0.0.11, SLUICE_SOURCE=10.0.0.2,"
                        + " SLUICE_TIMEOUT_MS=3000, SLUICE_VIP=192.0.2.100, SLUICE_VIP_PORT=80}",
                new TreeMap<>(ScriptCheck.environment(destination)).toString());
        Target marked = new Target(new FwmarkKey(AddressFamily.INET, 7), IpAddress.parse("10.0.0.11"), 0);
        CheckSpec spec = Asking.spec(new Probe.Ping(), 3_000, null, Via.RIP);
        assertEquals(
                "7",
                ScriptCheck.environment(Destination.of(marked, spec, Sockets.DIRECT))
                        .get("SLUICE_FWMARK"));
        CheckResult tested = ask(
                null,
                TIMEOUT_MS,
                "/bin/sh",
                "-c",
                "test $SLUICE_RIP = 10.0.0.11 && test $SLUICE_PORT = 8080 && test $(env | grep -c SLUICE) = 7"
                        + " && test $PWD = / && ! read x");
        assertEquals(CheckResult.healthy("script ended with 0"), tested);
    }

    @Test
    void hasTheRightsOfItsUserAndNoOthers() {
        assertEquals(
                CheckResult.healthy("script ended with 0: nobody nogroup nogroup"),
                ask("nobody", TIMEOUT_MS, "/bin/sh", "-c", "echo $(id -un) $(id -gn) $(id -Gn)"));
        assertEquals(
                CheckResult.unhealthy("script ended with 1: /bin/cat: /etc/shadow: Permission denied"),
                ask("nobody", TIMEOUT_MS, "/bin/cat", "/etc/shadow"));
    }

    @Test
    void aTimeoutEndsItWithAllThatItHasStarted() throws Exception {
        Path file = directory.resolve("processes");
        // A child in the background, one that has left the session, and one that ignores what can be ignored.
        String command = "trap '' TERM INT HUP; sleep 300 & echo $! >> " + file + "; setsid sleep 300 & echo $! >> "
                + file + "; echo $$ >> " + file + "; echo busy; wait";
        assertEquals(
                CheckResult.unhealthy("no end of the script within 1500 ms"),
                ask(null, 1_500, "/bin/sh", "-c", command));
        List<String> processes = Files.readAllLines(file);
        assertEquals(3, processes.size());
        for (String process : processes) {
            assertEnds(Long.parseLong(process));
        }
    }

    @Test
    void aProcessThatItLeavesBehindDoesNotHoldUpTheResult() throws Exception {
        Path file = directory.resolve("process");
        long beganNs = System.nanoTime();
        assertEquals(
                CheckResult.healthy("script ended with 0: started"),
                ask(null, TIMEOUT_MS, "/bin/sh", "-c", "sleep 300 & echo $! > " + file + "; echo started"));
        assertTrue(System.nanoTime() - beganNs < TimeUnit.SECONDS.toNanos(10));
        Optional<ProcessHandle> left =
                ProcessHandle.of(Long.parseLong(Files.readString(file).strip()));
        assertTrue(left.isPresent(), "a script may start something that stays");
        left.get().destroyForcibly();
    }

    private static void assertEnds(long processId) throws InterruptedException, IOException {
        for (int i = 0; i < 200; i++) {
            Path status = Path.of("/proc", Long.toString(processId), "stat");
            // A zombie whose parent has not looked yet is over as well.
            if (!Files.exists(status) || readOrEmpty(status).contains(") Z ")) {
                return;
            }
            Thread.sleep(20);
        }
        assertFalse(ProcessHandle.of(processId).isPresent(), "process " + processId + " is still there");
    }

    private static String readOrEmpty(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return ") Z ";
        }
    }
}

package dev.sluice.cli.ipvsadm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.Golden;
import dev.sluice.cli.ipvsadm.Recording.Outcome;
import dev.sluice.cli.ipvsadm.Recording.Runner;
import dev.sluice.testing.CommandResult;
import dev.sluice.testing.LabFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What Debian's ipvsadm 1.31 did on Linux IPVS, command line by command line, against a running director. */
class GoldenIpvsadmIT {
    /** Every so many cases go through the launcher. */
    private static final int LAUNCHED = 23;

    private static LabFixture lab;
    private static LabFixture.Director director;
    private static Runner inProcess;

    @BeforeAll
    static void up() {
        lab = LabFixture.up();
        // The recording machine's interface, with the addresses that it had.
        on("ip", "link", "add", "eth0", "type", "bridge");
        on("ip", "address", "add", "10.9.0.1/24", "broadcast", "10.9.0.255", "dev", "eth0");
        on("ip", "address", "add", "2001:db8:9::1/64", "dev", "eth0", "nodad");
        on("ip", "link", "set", "eth0", "up");
        director = lab.startDirector("""
                [director]
                interfaces = ["eth1"]
                socket = "%s"
                hash_key = "000102030405060708090a0b0c0d0e0f"
                flow_table_size = 4096
                """.formatted(lab.socket()));
        inProcess = Recording.inProcess(new SocketDirector(lab.socket()), new RecordedNames(RecordedNames.HOSTS));
    }

    @AfterAll
    static void down() {
        lab.close();
    }

    private static void on(String... command) {
        lab.exec("director", command).orFail();
    }

    /** As every case of the recordings began. */
    private static void reset() {
        for (String command : List.of("ipvsadm -C", "ipvsadm --set 900 120 300")) {
            assertEquals(new Outcome(command, "", "", 0), inProcess.run(command, ""));
        }
    }

    private static void assertSame(Replay replay) {
        assertTrue(replay.cases() > 0, "no cases");
        assertTrue(
                replay.differences().isEmpty(),
                () -> replay.differences().size() + " differences:\n" + String.join("\n", replay.differences()));
    }

    @Test
    void everyCommandLineDoesWhatItDidWithIpvs() throws IOException {
        Replay replay = new Replay(true);
        for (JsonNode recorded : Golden.lines("ipvsadm/ipvsadm-golden.jsonl")) {
            reset();
            replay.run(recorded, inProcess);
        }
        assertSame(replay);
    }

    @Test
    void soItDoesThroughTheLauncherUnderTheNameOfIpvsadm() throws IOException {
        Path ipvsadm = lab.state().resolve("ipvsadm");
        Files.createSymbolicLink(ipvsadm, home().resolve("bin/sluice-ipvsadm"));
        Runner launched = (command, in) -> {
            List<String> words = new ArrayList<>(Recording.words(command));
            words.set(0, ipvsadm.toString());
            CommandResult result = lab.exec("director", words.toArray(String[]::new));
            return new Outcome(command, result.out(), result.err(), result.exitCode());
        };
        Replay replay = new Replay(true);
        List<JsonNode> all = Golden.lines("ipvsadm/ipvsadm-golden.jsonl").stream()
                .filter(recorded -> recorded.path("stdin").isNull()
                        && !recorded.path("group").asText().equals("names"))
                .toList();
        for (int i = 0; i < all.size(); i += LAUNCHED) {
            reset();
            replay.run(all.get(i), launched, inProcess);
        }
        assertSame(replay);
    }

    @Test
    void saveAndRestoreAreTheirOwnInverse() throws IOException {
        reset();
        String rules = """
                -A -t 10.0.0.1:80 -s wrr -p 60 -M 255.255.255.0
                -a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 3
                -a -t 10.0.0.1:80 -r 10.1.0.2:0 -m -w 1
                -a -t 10.0.0.1:80 -r 10.1.0.2:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
                -a -t 10.0.0.1:80 -r 10.1.0.2:8080 -m -w 2
                -A -f 7 -6 -s mh -b mh-port
                """;
        Path file = Files.writeString(lab.state().resolve("rules"), "# a comment\n" + rules);
        inProcess.run("ipvsadm -A -u 10.0.0.9:53", "");
        String bin = home().resolve("bin").toString();
        on("sh", "-c", bin + "/sluice-ipvsadm-restore < " + file);
        assertEquals(
                rules, lab.exec("director", bin + "/sluice-ipvsadm-save", "-n").orFail());
        CommandResult misused = lab.exec("director", bin + "/sluice-ipvsadm-save", "-x");
        assertEquals(2, misused.exitCode());
        assertEquals("Usage: sluice-ipvsadm-save [-n]\n", misused.err());
    }

    @Test
    void withoutADirectorTheSocketIsNamed() {
        Path nobody = lab.state().resolve("nobody.sock");
        String launcher = home().resolve("bin/sluice-ipvsadm").toString();
        CommandResult result = lab.exec("director", "env", "SLUICE_SOCKET=" + nobody, launcher, "-Ln");
        assertEquals(2, result.exitCode());
        assertEquals("", result.out());
        assertTrue(
                result.err().startsWith("Can't initialize ipvs: no director answers on " + nobody + ": "),
                result.err());
        assertEquals(1, result.err().lines().count());
        assertTrue(
                lab.exec("director", launcher, "-Q").err().startsWith("Try `sluice-ipvsadm -h' or "),
                "the hint names the command");
        assertTrue(lab.sluice("ipvsadm", "-h").orFail().contains("  sluice ipvsadm -C\n"));
        assertTrue(director.isAlive());
    }

    private static Path home() {
        return Path.of(System.getProperty("sluice.home"));
    }
}

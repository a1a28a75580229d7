package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Command lines of {@code sluice real-server} that cannot be understood, and its help. */
class RealServerCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int execute(String... arguments) {
        CommandLine command = Main.commandLine(
                (config, source, release) -> {
                    throw new AssertionError("real-server starts no director");
                },
                Map.of());
        return command.setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "setup --interface eth1 --vip 10.0.0.100 | Missing required option: '--method=METHOD'",
                "setup --interface eth1 --method dr | Missing required option: '--vip=VIP'",
                "setup --method dr --vip 10.0.0.100 | Missing required option: '--interface=IF'",
                "setup -i eth1 --method dr --vip 10.0.0 | \"10.0.0\" is not an IPv4 or IPv6 address",
                "setup -i eth1 --method nat --vip 10.0.0.1 | \"nat\" is none of dr, tun",
                "setup -i eth1 --method dr --tun-type gre --vip 10.0.0.1 | --tun-type is for --method tun",
                "setup -i eth1 --method tun --tun-port 9 --vip 10.0.0.1 | --tun-port is for --tun-type gue",
                "setup -i eth1 --method tun --tun-type gue --tun-port 0 --vip 10.0.0.1 | allowed: 1-65535",
                "setup -i eth1 --method tun --tun-type l2tp --vip 10.0.0.1 | \"l2tp\" is none of ipip, gue, gre",
                "undo | Missing required option: '--interface=IF'",
            })
    void misuse(String arguments, String problem) {
        assertEquals(ExitCode.USAGE.code(), execute(("real-server " + arguments).split(" ", -1)));
        assertTrue(err.toString().startsWith("sluice: "), err::toString);
        assertTrue(err.toString().contains(problem), err::toString);
    }

    @Test
    void aCommandIsMissing() {
        assertEquals(ExitCode.USAGE.code(), execute("real-server"));
        assertTrue(err.toString().startsWith("sluice: a command is missing"), err::toString);
    }

    @Test
    void helpHasExamples() {
        assertEquals(ExitCode.OK.code(), execute("help", "real-server"));
        assertTrue(out.toString().contains("sluice real-server undo --interface eth1"), out::toString);
        assertTrue(out.toString().contains("setup"), out::toString);
    }
}

package dev.sluice.cli.ipvsadm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cli.ipvsadm.Recording.Outcome;
import dev.sluice.control.RegistryDirector;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The words of DPVS's ipvsadm for FULLNAT, beside those of ipvsadm. */
class FullnatCommandsTest {
    private final RegistryDirector director = new RegistryDirector(4096, Set.of());
    private final Recording.Runner runner = Recording.inProcess(director, new RecordedNames(RecordedNames.HOSTS));

    private String run(String command) {
        Outcome outcome = runner.run(command, "");
        assertEquals(new Outcome(command, outcome.out(), "", 0), outcome);
        return outcome.out();
    }

    private String refused(String command, int exitCode) {
        Outcome outcome = runner.run(command, "");
        assertEquals(exitCode, outcome.exitCode(), outcome::toString);
        assertEquals("", outcome.out());
        return outcome.err().strip();
    }

    @Test
    void asInDpvs() {
        run("ipvsadm -A -t 10.0.0.100:80 -s rr -j enable");
        run("ipvsadm --add-laddr -z 10.9.0.5 -t 10.0.0.100:80 -F dpdk0");
        run("ipvsadm -P -t 10.0.0.100:80 --laddr fd09::7-fd09::9");
        run("ipvsadm -a -t 10.0.0.100:80 -r 10.7.0.11:8080 -b -w 3");
        run("ipvsadm --add-server -t 10.0.0.100:80 -r [fd07::11]:80 --fullnat");
        run("ipvsadm -a -t 10.0.0.100:80 -r 10.7.0.12:80 -mw2");
        assertEquals("""
                IP Virtual Server version 1.2.1 (size=4096)
                Prot LocalAddress:Port Scheduler Flags
                  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
                TCP  10.0.0.100:80 rr synproxy
                  -> [fd07::11]:80                FullNat 1      0          0
                  -> 10.7.0.11:8080               FullNat 3      0          0
                  -> 10.7.0.12:80                 Masq    2      0          0
                """, run("ipvsadm -Ln").replaceAll("(?m) +$", ""));
        String rules = """
                -A -t 10.0.0.100:80 -s rr -j enable
                -P -t 10.0.0.100:80 -z 10.9.0.5
                -P -t 10.0.0.100:80 -z fd09::7-fd09::9
                -a -t 10.0.0.100:80 -r [fd07::11]:80 -b -w 1
                -a -t 10.0.0.100:80 -r 10.7.0.11:8080 -b -w 3
                -a -t 10.0.0.100:80 -r 10.7.0.12:80 -m -w 2
                """;
        assertEquals(rules, run("ipvsadm -Sn"));
        run("ipvsadm -C");
        assertEquals(new Outcome("ipvsadm -R", "", "", 0), runner.run("ipvsadm -R", rules));
        assertEquals(rules, run("ipvsadm -Sn"));
        assertEquals("""
                VIP:VPORT            TOTAL    SNAT_IP
                10.0.0.100:80        4
                                              10.9.0.5
                                              fd09::7
                                              fd09::8
                                              fd09::9
                """, run("ipvsadm -G -n -t 10.0.0.100:80"));
        run("ipvsadm -Q -t 10.0.0.100:80 -z fd09::8");
        run("ipvsadm -E -t 10.0.0.100:80 -s wlc -j disable");
        run("ipvsadm -e -t 10.0.0.100:80 -r 10.7.0.12:80 -b -w 4");
        assertEquals("""
                -A -t 10.0.0.100:80 -s wlc
                -P -t 10.0.0.100:80 -z 10.9.0.5
                -P -t 10.0.0.100:80 -z fd09::7
                -P -t 10.0.0.100:80 -z fd09::9
                -a -t 10.0.0.100:80 -r [fd07::11]:80 -b -w 1
                -a -t 10.0.0.100:80 -r 10.7.0.11:8080 -b -w 3
                -a -t 10.0.0.100:80 -r 10.7.0.12:80 -b -w 4
                """, run("ipvsadm -Sn"));
    }

    @Test
    void anEditOfAnotherSettingLeavesTheSynProxyAlone() {
        run("ipvsadm -A -t 10.0.0.100:80 -s rr -j enable");
        run("ipvsadm -E -t 10.0.0.100:80 -s wlc -p 60");
        assertEquals("-A -t 10.0.0.100:80 -s wlc -p 60 -j enable\n", run("ipvsadm -Sn"));
    }

    @Test
    void schedulerFlagsStayWhatTheyAre() {
        run("ipvsadm -A -t 10.0.0.100:80 -s sh -b sh-port");
        assertEquals("-A -t 10.0.0.100:80 -s sh -b sh-port\n", run("ipvsadm -Sn"));
        assertEquals(
                "Illegal 'sched-flags' option with the 'add-server' command",
                refused("ipvsadm -a -t 10.0.0.100:80 -r 10.7.0.11 -b flag-1", 2));
        assertEquals("-b: missing argument", refused("ipvsadm -A -t 10.0.0.101:80 -b", 255));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            -P                                      | 255 | Try `ipvsadm -h' or 'ipvsadm --help' for more information.
            -Q                                      | 255 | Try `ipvsadm -h' or 'ipvsadm --help' for more information.
            -G                                      | 255 | Try `ipvsadm -h' or 'ipvsadm --help' for more information.
            -P -t 10.0.0.100:80                     | 2   | You need to supply the 'laddr' option for the 'add-laddr' command
            -P -z 10.9.0.5                          | 2   | You need to supply the 'service-address' option for the 'add-laddr' command
            -Q -t 10.0.0.100:80                     | 2   | You need to supply the 'laddr' option for the 'del-laddr' command
            -P -t 10.0.0.100:80 -z 127.0.0.1        | 2   | illegal local address specified: 127.0.0.1 is a loopback address
            -P -t 10.0.0.100:80 -z 10.9.0.9-10.9.0.8 | 2  | illegal local address specified: 10.9.0.9-10.9.0.8 is a range that ends before it begins
            -P -t 10.0.0.100:80 -z 10.9.0.5 -w 1    | 2   | Illegal 'weight' option with the 'add-laddr' command
            -A -t 10.0.0.101:80 -j on               | 2   | illegal synproxy specified: enable or disable
            -a -t 10.0.0.100:80 -r 10.7.0.11 -b -j enable | 2 | Illegal 'synproxy' option with the 'add-server' command
            -a -t 10.0.0.100:80 -r 10.7.0.11 -b -m  | 2   | multiple 'forwarding-method' options specified
            -A -u 10.0.0.101:53 -j enable           | 255 | syn_proxy = true does not go with protocol "udp"; allowed: with protocol "tcp", and with fwmark, for TCP connections
            -P -t 10.0.0.99:80 -z 10.9.0.5          | 255 | No such service
            -Q -t 10.0.0.100:80 -z 10.9.0.5         | 255 | service TCP 10.0.0.100:80 has no local address 10.9.0.5 of its own
            -G -t 10.0.0.99:80                      | 1   | No such service
            """)
    void whatMakesNoSenseIsRefused(String words, int exitCode, String text) {
        run("ipvsadm -A -t 10.0.0.100:80 -s rr");
        assertEquals(text, refused("ipvsadm " + words, exitCode));
    }

    @Test
    void aRealServerWithoutLocalAddressIsRefusedWithWhatToDo() {
        run("ipvsadm -A -t 10.0.0.100:80 -s rr");
        assertTrue(refused("ipvsadm -a -t 10.0.0.100:80 -r 10.7.0.11 -b", 255)
                .endsWith("by command, ipvsadm -P before -a"));
    }

    @Test
    void onlyThoseWhoAskUnderAnotherNameHearOfIt() {
        assertFalse(run("ipvsadm -h").contains("fullnat"));
        String help = run("sluice-ipvsadm -h");
        assertTrue(help.contains("  sluice-ipvsadm -P|Q virtual-service -z local-address"), help);
        assertTrue(help.startsWith(run("ipvsadm -h").replace("  ipvsadm ", "  sluice-ipvsadm ")), help);
    }
}

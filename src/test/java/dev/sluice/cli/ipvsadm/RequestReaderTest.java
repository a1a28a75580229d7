package dev.sluice.cli.ipvsadm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the recordings do not have: which of several errors is told, and what depends on the order of options. */
class RequestReaderTest {
    private static Request read(String command) throws IpvsadmException {
        return RequestReader.read(Recording.words(command), "ipvsadm", false, new RecordedNames(RecordedNames.HOSTS));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -A -t 10.0.0.1 -b foo | 2 | invalid scheduler flag `foo'
            -A -t 10.0.0.1 -o | 2 | Zero port specified for non-persistent service
            -E -t 10.0.0.1:80 -s x -b sh-port | 2 | incompatible scheduler flag `sh-port'
            -Z -b mh-port | 2 | incompatible scheduler flag `mh-port'
            -C -i - -b flag-4 | 2 | unexpected argument -
            -C --mcast-group 224.0.0.1 --sync-maxlen 7 | 2 | Illegal 'mcast-group' option with the 'flush' command
            --set 1.5 2 -n | 2 | --set option requires 3 timeout values
            --set 1 2 3 4 | 2 | unexpected argument 4
            -e -f 3 -r 2001:db8::1 --tun-type ipip | 2 | Different address family is allowed only for tunneling servers
            -a -t 1.2.3.4:5 -r 1.1.1.1 -i --tun-type gue --tun-port 1 --tun-csum --tun-nocsum | 2 | The option 'tun-csum' conflicts with the 'tun-nocsum' option in the 'gue' tunnel type
            -a -t 10.0.0.1:80 -r 1.1.1.1 -i --tun-type gue --tun-port 0 | 2 | illegal tunnel port specified
            -a -r 10.1.0.1:http -t 10.0.0.1:80 | 2 | illegal real server address[:port] specified
            -D -t 80 | 2 | illegal virtual server address[:port] specified
            -A -t 10.0.0.08:1 | 2 | illegal virtual server address[:port] specified
            -A -t 10.0.0.1:80 -p 0 | 2 | invalid timeout value `0' specified
            -A -t 10.0.0.1:80 -p -5 | 255 | -5: unknown option
            -A -t 10.0.0.1:80 -o=1 | 255 | -o=1: option does not take an argument
            -L --sync-maxlen 1 | 2 | Illegal 'sync-maxlen' option with the 'list' command
            -L --timeout --persistent-conn | 2 | options conflicts in the list command
            --start-daemon master --mcast-group 0xe0.1 | 2 | invalid IPv4 mcast-group `0xe0.1'
            -R -h | 2 | invalid option `-h'
            """)
    void theFirstErrorIsTold(String command, int exitCode, String text) {
        IpvsadmException refused = assertThrows(IpvsadmException.class, () -> read(command));
        assertEquals(text, refused.text());
        assertEquals(exitCode, refused.exitCode());
    }

    @ParameterizedTest
    @CsvSource({"--stop-daemon master --syncid 1", "-L -c --persistent-conn", "-L --timeout --tun-info", "-L --syncid 3"
    })
    void whatLooksWrongPasses(String command) throws IpvsadmException {
        read(command);
    }

    @Test
    void aMaskBeforeTheAddressIsOneOfIpv4() throws IpvsadmException {
        assertEquals(
                IpAddress.parse("255.255.0.0"),
                service(read("-A -M 255.255.0.0 -p 60 -t 10.0.0.1:80")).netmask());
        assertEquals(
                IpAddress.netmask(AddressFamily.INET6, 128),
                service(read("-A -M 64 -p 60 -t [2001:db8::1]:80")).netmask());
    }

    @Test
    void aRealServerWithoutPortTakesTheServicesIfThatStandsBeforeIt() throws IpvsadmException {
        assertEquals(80, real(read("-a -t 10.0.0.1:80 -r 10.1.0.1 -m")).port());
        assertEquals(0, real(read("-a -r 10.1.0.1 -m -t 10.0.0.1:80")).port());
        assertEquals(80, real(read("-a -r 10.1.0.1:9 -g -t 10.0.0.1:80")).port());
        assertEquals(9, real(read("-d -r 10.1.0.1:9 -t 10.0.0.1:80")).port());
        assertEquals(80, real(read("-a -f 1 -r 10.1.0.1:http -m")).port());
    }

    private static Request.Service service(Request request) {
        return Objects.requireNonNull(request.service());
    }

    private static Request.Real real(Request request) {
        return Objects.requireNonNull(request.real());
    }
}

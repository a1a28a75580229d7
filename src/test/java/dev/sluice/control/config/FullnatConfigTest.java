package dev.sluice.control.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.IpAddress;
import dev.sluice.service.ClientAddress;
import dev.sluice.service.LocalPool;
import dev.sluice.service.TranslationOptions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** FULLNAT in the configuration file: local addresses, what tells the client's, and what does not go together. */
class FullnatConfigTest {
    private static final String DIRECTOR = "[director]\ninterfaces = [\"eth1\"]\n";
    private static final String POOL = DIRECTOR + "fullnat.local_addresses = [\"10.9.0.5\", \"fd09::5\"]\n";
    private static final String SERVICE = "[[service]]\nprotocol = \"tcp\"\naddress = \"10.0.0.100:80\"\n";

    private static SluiceConfig parse(String text) throws ConfigException {
        return ConfigFile.parse("f", text.replace('~', '\n').replace('\'', '"'));
    }

    private static List<String> problems(String text) {
        return assertThrows(ConfigException.class, () -> parse(text)).problems().stream()
                .map(problem -> problem.line() + ": " + problem.text())
                .toList();
    }

    private static List<IpAddress> addresses(String... texts) {
        return List.of(texts).stream().map(IpAddress::parse).toList();
    }

    @Test
    void aServiceHasItsOwnAddressesOrTheDirectors() throws ConfigException {
        SluiceConfig config = parse(POOL + SERVICE + """
                local_addresses = ['10.9.1.1-10.9.1.3']
                client_address = 'toa'
                syn_proxy = true
                real = [{ address = '10.7.0.11', port = 8080, method = 'fullnat' }]
                [[service]]
                protocol = 'udp'
                address = '10.0.0.100:53'
                real = [{ address = 'fd07::11', method = 'fullnat' }, { address = '10.7.0.11', method = 'dr' }]
                """);
        assertEquals(
                new TranslationOptions(
                        new LocalPool(addresses("10.9.1.1", "10.9.1.2", "10.9.1.3"), 1024, 65535),
                        ClientAddress.TOA,
                        true),
                config.services().getFirst().translation());
        assertEquals(TranslationOptions.NONE, config.services().getLast().translation());
        assertEquals(
                new LocalPool(addresses("10.9.0.5", "fd09::5"), 1024, 65535),
                config.director().fullnat().pool());
    }

    @Test
    void aSorryServerNeedsALocalAddressLikeAnyOther() {
        List<String> found = problems(DIRECTOR + SERVICE + "sorry = { address = '10.7.0.99', method = 'fullnat' }");
        assertEquals(1, found.size(), found::toString);
        assertTrue(found.getFirst().contains("reaches real server 10.7.0.99 by fullnat"), found::toString);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            fullnat.local_addresses = ['10.9.0.5-10.9.0.4'] | is a range that ends before it begins
            fullnat.local_addresses = ['10.9.0.5-fd00::1']  | is a range from one family into the other
            fullnat.local_addresses = ['10.9.0.0-10.9.16.0'] | is a range of more than 4096 addresses
            fullnat.local_addresses = ['fd00::-fd01::']     | is a range of more than 4096 addresses
            fullnat.local_addresses = ['::1:0:0:0:0-::1:8000:0:0:0'] | is a range of more than 4096 addresses
            fullnat.local_addresses = ['10.9.0.0-10.9.15.255', '10.8.0.1'] | brings them to 4097 addresses
            fullnat.local_addresses = ['10.9.0.5', '10.9.0.4-10.9.0.6'] | holds 10.9.0.5, which is listed already
            fullnat.local_addresses = ['10.9.0']            | is no IPv4 or IPv6 address
            fullnat.local_addresses = ['10.9.0.1/24']       | is no IPv4 or IPv6 address
            fullnat.local_addresses = ['127.0.0.1']         | is a loopback address
            fullnat.local_addresses = ['224.0.0.1']         | is a multicast address
            fullnat.local_addresses = ['223.255.255.254-224.0.0.1'] | contains 224.0.0.0, a multicast address
            fullnat.local_addresses = [5]                   | is an integer
            fullnat.local_ports = '0-5'                     | is no range of ports
            fullnat.local_ports = '5-4'                     | is no range of ports
            fullnat.local_ports = '1024-65536'              | is no range of ports
            fullnat.local_ports = '1024'                    | is no range of ports
            fullnat.toa_ipv6_kind = 252                     | is out of range; allowed: 253, 254
            fullnat.toa_ipv6_kind = 255                     | is out of range; allowed: 253, 254
            fullnat.local_address = '10.9.0.5'              | unknown key "local_address" in [director.fullnat]; did you mean "local_addresses"?
            """)
    void theDirectorsTable(String line, String why) {
        List<String> found = problems(DIRECTOR + line);
        assertEquals(1, found.size(), found::toString);
        assertTrue(found.getFirst().startsWith("3: ") && found.getFirst().contains(why), found::toString);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            client_address = 'tao'   | is not supported by this version, did you mean "toa"?; allowed: "none", "toa", "proxy"
            local_addresses = '10.9.0.5' | is a string
            real = [{ address = 'fd07::11', method = 'nat' }] | methods tun and fullnat take either
            local_addresses = ['10.7.0.11']~real = [{ address = '10.7.0.11', method = 'fullnat' }] | local address 10.7.0.11 is a real server of service TCP 10.0.0.100:80
            local_addresses = ['10.0.0.99-10.0.0.101'] | local address 10.0.0.100 is the VIP of service TCP 10.0.0.100:80
            syn_proxy = true~real = [{ address = '10.7.0.11', method = 'nat' }, { address = '10.7.0.12' }] | service TCP 10.0.0.100:80 has a SYN proxy, and real server 10.7.0.12 of method dr
            syn_proxy = true~real = [{ address = '10.7.0.12', method = 'tun' }] | real server 10.7.0.12 of method tun, whose answers do not pass the director
            syn_proxy = true~sorry = { address = '10.7.0.12' } | real server 10.7.0.12 of method dr
            client_address = 'proxy'~real = [{ address = '10.7.0.12', method = 'nat' }] | has client_address = "proxy", but no real server of method fullnat: the others see the client's own address anyway
            """)
    void theServicesKeys(String lines, String why) {
        List<String> found = problems(POOL + SERVICE + lines);
        assertEquals(1, found.size(), found::toString);
        assertTrue(found.getFirst().contains(why), found::toString);
    }

    @Test
    void whatIsForTcpAlone() throws ConfigException {
        for (String key : List.of("client_address = 'toa'", "client_address = 'proxy'", "syn_proxy = true")) {
            for (String protocol : List.of("udp", "sctp")) {
                String udp = "[[service]]~protocol = '" + protocol + "'~address = '10.0.0.100:80'~" + key + "~"
                        + "real = [{ address = '10.7.0.11', method = 'fullnat' }]";
                List<String> found = problems(POOL + udp);
                assertEquals(1, found.size(), found::toString);
                assertTrue(
                        found.getFirst()
                                .contains("does not go with protocol \"" + protocol
                                        + "\"; allowed: with protocol \"tcp\", and with fwmark"),
                        found::toString);
            }
            String mark = "[[fwmark]]~mark = 1~destination = '10.0.0.101'~[[service]]~fwmark = 1~" + key + "~"
                    + "real = [{ address = '10.7.0.11', method = 'fullnat' }]";
            assertEquals(1, parse(POOL + mark).services().size());
        }
    }

    @Test
    void aRealServerNeedsALocalAddressOfItsFamily() throws ConfigException {
        String real =
                "real = [{ address = '10.7.0.11', method = 'fullnat' }, { address = 'fd07::11', method = 'fullnat' }]";
        assertEquals(1, parse(POOL + SERVICE + real).services().size());
        assertEquals(
                List.of(
                        "3: service TCP 10.0.0.100:80 reaches real server fd07::11 by fullnat, but has no IPv6 local address;"
                                + " required: local_addresses = [\"fd00::5\"], for example, in the service or in"
                                + " [director.fullnat]; by command, ipvsadm -P before -a"),
                problems(DIRECTOR + SERVICE + "local_addresses = ['10.9.0.6']~" + real));
        assertEquals(2, problems(DIRECTOR + SERVICE + real).size());
    }

    @Test
    void localAddressesAreNobodyElsesInTheWholeFile() {
        List<String> found = problems(POOL + SERVICE + "[[service]]~protocol = 'tcp'~address = '10.9.0.5:443'~"
                + "real = [{ address = 'fd09::5', method = 'tun' }]");
        assertEquals(
                List.of(
                        "1: local address 10.9.0.5 is the VIP of service TCP 10.9.0.5:443; allowed: addresses of the"
                                + " director's that nothing else is reached by",
                        "1: local address fd09::5 is a real server of service TCP 10.9.0.5:443; allowed: addresses of the"
                                + " director's that nothing else is reached by"),
                found);
        String rule = "[[fwmark]]~mark = 1~destination = '10.9.0.0/24'~ports = ";
        assertEquals(1, problems(POOL + rule + "'1024-2000'").size());
        assertEquals(1, problems(POOL + rule + "'80-1024'").size());
    }

    @Test
    void aRuleOnOtherPortsIsNoneOfItsBusiness() throws ConfigException {
        assertEquals(
                1,
                parse(POOL + "[[fwmark]]~mark = 1~destination = '10.9.0.0/24'~ports = '80-1023'")
                        .fwmarkRules()
                        .size());
    }

    @Test
    void noMoreThanSoManyOverAllPools() {
        List<String> found = problems(DIRECTOR + "fullnat.local_addresses = ['10.9.0.0-10.9.15.255']~" + SERVICE
                + "local_addresses = ['10.8.0.1', '10.9.0.1']");
        assertEquals(List.of("1: there are 4097 local addresses in all pools; allowed: at most 4096"), found);
    }

    @Test
    void consecutiveAddressesAreWrittenAsRanges() {
        List<IpAddress> mixed =
                addresses("10.0.0.1", "10.0.0.2", "10.0.0.9", "10.0.0.8", "fd00::fffe", "fd00::ffff", "fd00::1:0");
        assertEquals(
                List.of("10.0.0.1", "10.0.0.2", "10.0.0.9", "10.0.0.8", "fd00::fffe-fd00::1:0"),
                LocalAddresses.texts(mixed));
        assertEquals(
                List.of("255.255.255.255", "::", "::1"),
                LocalAddresses.texts(addresses("255.255.255.255", "::", "::1")));
        assertEquals(addresses("fd00::fffe", "fd00::ffff", "fd00::1:0"), LocalAddresses.parse("fd00::fffe-fd00::1:0"));
        assertEquals(List.of(), LocalAddresses.texts(List.of()));
    }
}

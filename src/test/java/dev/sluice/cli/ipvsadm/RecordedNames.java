package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** The names that the machines of the recordings knew: files in the formats of hosts(5) and services(5), no DNS. */
final class RecordedNames implements Names {
    static final String HOSTS = """
            127.0.0.1 localhost
            ::1 localhost ip6-localhost ip6-loopback
            192.0.2.80 vip.lab.example vip
            2001:db8::80 vip6.lab.example vip6
            10.0.1.1 rs1.lab.example rs1
            10.0.1.2 rs2.lab.example rs2
            10.0.1.99 longname.real-server-with-a-very-long-host-name.department.lab.example longname
            2001:db8:1::101 rs1v6.lab.example rs1v6
            192.0.2.90 dual.lab.example dual
            2001:db8::90 dual.lab.example dual
            192.0.2.91 multi.lab.example multi
            192.0.2.92 multi.lab.example multi
            """;
    static final String TRAFFIC_HOSTS = """
            10.20.0.100 vip.lab.example
            10.20.0.101 nat.lab.example
            10.30.0.11 rs1.lab.example
            10.30.0.12 rs2.lab.example
            10.20.0.2 client-dr.lab.example
            10.20.0.3 client-nat.lab.example
            """;
    static final String SERVICES = """
            tcpmux 1/tcp
            ftp 21/tcp
            ssh 22/tcp
            domain 53/tcp
            domain 53/udp
            http 80/tcp www
            ntp 123/udp
            https 443/tcp
            https 443/udp
            shell 514/tcp cmd syslog
            syslog 514/udp
            mysql 3306/tcp
            sip 5060/tcp
            sip 5060/udp
            http-alt 8080/tcp webcache
            """;

    private final List<Host> hosts = new ArrayList<>();
    private final List<String[]> services =
            SERVICES.lines().map(line -> line.split("[ /]")).toList();

    private record Host(IpAddress address, List<String> names) {}

    RecordedNames(String hostsFile) {
        hostsFile.lines().forEach(line -> {
            List<String> words = List.of(line.split(" "));
            hosts.add(new Host(IpAddress.parse(words.getFirst()), words.subList(1, words.size())));
        });
    }

    @Override
    public Optional<IpAddress> addressOf(String host) {
        return hosts.stream()
                .filter(known -> known.address().family() == AddressFamily.INET
                        && known.names().contains(host.toLowerCase(Locale.ROOT)))
                .map(Host::address)
                .findFirst();
    }

    @Override
    public Optional<String> hostOf(IpAddress address) {
        return hosts.stream()
                .filter(known -> known.address().equals(address))
                .map(known -> known.names().getFirst())
                .findFirst();
    }

    @Override
    public OptionalInt portOf(String service, Protocol protocol) {
        return services.stream()
                .filter(entry -> entry[2].equalsIgnoreCase(protocol.name())
                        && (entry[0].equals(service)
                                || List.of(entry).subList(3, entry.length).contains(service)))
                .mapToInt(entry -> Integer.parseInt(entry[1]))
                .findFirst();
    }

    @Override
    public Optional<String> serviceOf(int port, @Nullable Protocol protocol) {
        return services.stream()
                .filter(entry -> protocol != null
                        && entry[2].equalsIgnoreCase(protocol.name())
                        && entry[1].equals(Integer.toString(port)))
                .map(entry -> entry[0])
                .findFirst();
    }
}

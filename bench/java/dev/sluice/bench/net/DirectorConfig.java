package dev.sluice.bench.net;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A director's configuration file: for every VIP and protocol a service, with those real servers that are of its family.
 *
 * @param interfaces what it steers from
 * @param director lines of {@code [director]} beside the interfaces, each with its end of line
 */
record DirectorConfig(
        List<String> interfaces,
        String director,
        List<IpAddress> vips,
        List<Protocol> protocols,
        int port,
        ForwardingMethod method,
        List<IpAddress> realServers) {
    String text() {
        StringBuilder text = new StringBuilder("[director]\ninterfaces = [")
                .append(interfaces.stream().map(name -> "\"" + name + "\"").collect(Collectors.joining(", ")))
                .append("]\n")
                .append(director);
        for (IpAddress vip : vips) {
            boolean is4 = vip.family() == AddressFamily.INET;
            for (Protocol protocol : protocols) {
                text.append("\n[[service]]\nprotocol = \"")
                        .append(protocol.name().toLowerCase(Locale.ROOT))
                        .append("\"\naddress = \"")
                        .append(is4 ? vip : "[" + vip + "]")
                        .append(':')
                        .append(port)
                        .append("\"\nscheduler = \"rr\"\n");
                realServers.stream()
                        .filter(real -> real.family() == vip.family())
                        .forEach(real -> text.append("  [[service.real]]\n  address = \"")
                                .append(real)
                                .append("\"\n  method = \"")
                                .append(method.keyword())
                                .append("\"\n"));
            }
        }
        return text.toString();
    }
}

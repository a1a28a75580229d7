package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.control.config.TunnelConfig;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.neighbour.NextHop;
import dev.sluice.neighbour.TooBig;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import dev.sluice.service.VirtualService;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Only a router that quotes what the director sends is believed. */
class PathMtuDiscoveryTest {
    private static final IpAddress DIP = IpAddress.parse("10.0.0.1");
    private static final IpAddress IPIP = IpAddress.parse("10.9.0.1");
    private static final IpAddress IPIP_OF_INET6 = IpAddress.parse("10.9.0.2");
    private static final IpAddress GUE = IpAddress.parse("10.9.0.3");
    private static final IpAddress GRE = IpAddress.parse("10.9.0.4");
    private static final IpAddress DIRECT = IpAddress.parse("10.9.0.5");

    private static final SnapshotCompiler.Compiled COMPILED = new SnapshotCompiler.Compiled(
            ForwardingSnapshot.empty(),
            List.of(
                    service(
                            0,
                            "10.0.0.100",
                            real(0, IPIP, Tunnel.IPIP),
                            real(1, GUE, new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.NONE)),
                            real(2, GRE, new Tunnel(TunnelType.GRE, 0, Tunnel.Checksum.NONE)),
                            new RealServer(3, DIRECT, 80, ForwardingMethod.DR, 1)),
                    service(1, "2001:db8::100", real(4, IPIP_OF_INET6, Tunnel.IPIP))),
            List.of(),
            Map.of(
                    new Way(IPIP, ForwardingMethod.TUN), hop(IPIP),
                    new Way(IPIP_OF_INET6, ForwardingMethod.TUN), hop(IPIP_OF_INET6),
                    new Way(GUE, ForwardingMethod.TUN), hop(GUE),
                    new Way(GRE, ForwardingMethod.TUN), hop(GRE),
                    new Way(DIRECT, ForwardingMethod.DR), hop(DIRECT)),
            List.of());

    private static VirtualService service(int id, String vip, RealServer... realServers) {
        AddressKey key = new AddressKey(Protocol.TCP, IpAddress.parse(vip), 80);
        return new VirtualService(id, key, SchedulerKind.RR, Set.of(), null, false, List.of(realServers));
    }

    private static RealServer real(int id, IpAddress rip, Tunnel tunnel) {
        return new RealServer(id, rip, 80, ForwardingMethod.TUN, 1, 0, 0, tunnel, RealServer.VLAN_KEEP);
    }

    private static NextHop hop(IpAddress rip) {
        return new NextHop.Resolved(
                rip, List.of(new NextHop.Path(2, "eth1", 1, 2, 1500, NextHop.Path.NO_VLAN, null, 1)), DIP);
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.1, 10.9.0.1, 4, 0, true",
        "10.0.0.1, 10.9.0.1, 41, 0, false",
        "10.0.0.1, 10.9.0.2, 41, 0, true",
        "10.0.0.1, 10.9.0.2, 4, 0, false",
        "10.0.0.1, 10.9.0.3, 17, 6080, true",
        "10.0.0.1, 10.9.0.3, 17, 6081, false",
        "10.0.0.1, 10.9.0.3, 4, 0, false",
        "10.0.0.1, 10.9.0.4, 47, 0, true",
        "10.0.0.1, 10.9.0.4, 6, 0, false",
        "10.0.0.2, 10.9.0.1, 4, 0, false",
        "10.0.0.1, 10.9.0.5, 4, 0, false",
        "10.0.0.1, 10.9.0.6, 4, 0, false",
    })
    void whatIsBelieved(String source, String destination, int protocol, int port, boolean believed) {
        PathMtuDiscovery discovery = new PathMtuDiscovery(new HopChoice(List.of("eth1"), TunnelConfig.DEFAULT));
        TooBig tooBig = new TooBig(IpAddress.parse(source), IpAddress.parse(destination), protocol, port, 1400);
        assertEquals(believed, discovery.believes(tooBig, COMPILED));
    }
}

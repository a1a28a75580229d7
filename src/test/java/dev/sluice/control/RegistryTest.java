package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RegistryTest {
    private static final IpAddress VIP = IpAddress.parse("10.0.0.100");
    private static final IpAddress RIP1 = IpAddress.parse("10.0.0.11");
    private static final IpAddress RIP2 = IpAddress.parse("10.0.0.12");

    private static ServiceConfig service(int port, RealServerConfig... realServers) {
        return new ServiceConfig(
                new AddressKey(Protocol.TCP, VIP, port), SchedulerKind.MAGLEV, Set.of(), List.of(realServers));
    }

    private static RealServerConfig real(IpAddress rip, int weight) {
        return new RealServerConfig(rip, ForwardingMethod.DR, weight);
    }

    @Test
    void oneMachineBehindTwoServicesIsTwoRealServersAndOneAddress() {
        Registry registry = new Registry(KnownIds.NONE);
        VirtualService http = registry.add(service(80, real(RIP1, 2), real(RIP2, 1)));
        VirtualService https = registry.add(service(443, real(RIP2, 5)));
        assertEquals(
                List.of(
                        new RealServer(0, RIP1, 80, ForwardingMethod.DR, 2),
                        new RealServer(1, RIP2, 80, ForwardingMethod.DR, 1)),
                http.realServers());
        assertEquals(List.of(new RealServer(2, RIP2, 443, ForwardingMethod.DR, 5)), https.realServers());
        assertEquals(List.of(http, https), registry.services());
        assertEquals(Set.of(RIP1, RIP2), registry.realServerAddresses());
        assertEquals(0, http.id());
        assertEquals(1, https.id());
    }

    @Test
    void whatIsKnownFromEarlierHasItsIdsAndNobodyElseGetsThem() {
        Registry earlier = new Registry(KnownIds.NONE);
        earlier.add(service(80, real(RIP1, 1), real(RIP2, 1)));
        earlier.add(service(443, real(RIP1, 1)));
        assertEquals(
                new KnownIds(
                        Map.of(key(80), 0, key(443), 1),
                        Map.of(place(80, RIP1), 0, place(80, RIP2), 1, place(443, RIP1), 2)),
                earlier.ids());

        Registry later = new Registry(earlier.ids());
        VirtualService https = later.add(service(443, real(RIP2, 1), real(RIP1, 1)));
        VirtualService dns = later.add(service(53, real(RIP1, 1)));
        assertEquals(1, https.id());
        assertEquals(2, dns.id());
        assertEquals(
                List.of(3, 2), https.realServers().stream().map(RealServer::id).toList());
        assertEquals(4, dns.realServers().getFirst().id());
        assertEquals(0, later.ids().realServers().get(place(80, RIP1)));
        assertEquals(3, later.ids().realServers().get(place(443, RIP2)));
    }

    private static AddressKey key(int port) {
        return new AddressKey(Protocol.TCP, VIP, port);
    }

    private static KnownIds.Place place(int port, IpAddress rip) {
        return new KnownIds.Place(key(port), rip, port);
    }
}

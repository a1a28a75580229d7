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
        Registry registry = new Registry();
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
}

package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Persistence;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerFlag;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import dev.sluice.service.Tunnel;
import dev.sluice.service.TunnelType;
import dev.sluice.service.VirtualService;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class RegistryTest {
    private static final IpAddress VIP = IpAddress.parse("10.0.0.100");
    private static final IpAddress RIP1 = IpAddress.parse("10.0.0.11");
    private static final IpAddress RIP2 = IpAddress.parse("10.0.0.12");
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, VIP, 80);
    private static final AddressKey HTTPS = new AddressKey(Protocol.TCP, VIP, 443);
    private static final FwmarkKey MARK = new FwmarkKey(AddressFamily.INET, 7);
    private static final int MAGLEV_TABLE_SIZE = 251;

    private Registry registry = new Registry(MAGLEV_TABLE_SIZE, KnownIds.NONE);

    private static ServiceConfig service(ServiceKey key, RealServerConfig... realServers) {
        return service(key, SchedulerKind.RR, realServers);
    }

    private static ServiceConfig service(ServiceKey key, SchedulerKind scheduler, RealServerConfig... realServers) {
        return new ServiceConfig(key, scheduler, Set.of(), null, false, List.of(realServers));
    }

    private static RealServerConfig real(IpAddress rip, int port, int weight) {
        return new RealServerConfig(rip, port, ForwardingMethod.DR, weight, 0, 0);
    }

    private static RealServer server(int id, IpAddress rip, int port, int weight) {
        return new RealServer(id, rip, port, ForwardingMethod.DR, weight);
    }

    private static void assertRefused(Code code, Executable edit) {
        assertEquals(code, assertThrows(ChangeException.class, edit).code());
    }

    private List<RealServer> realServers(ServiceKey key) throws ChangeException {
        return registry.get(key).realServers();
    }

    @Test
    void oneMachineBehindTwoServicesIsTwoRealServersAndOneAddress() throws ChangeException {
        VirtualService http = registry.addService(service(HTTP, real(RIP1, 80, 2), real(RIP2, 80, 1)));
        VirtualService https = registry.addService(service(HTTPS, real(RIP2, 443, 5)));
        assertEquals(List.of(server(0, RIP1, 80, 2), server(1, RIP2, 80, 1)), http.realServers());
        assertEquals(List.of(server(2, RIP2, 443, 5)), https.realServers());
        assertEquals(List.of(http, https), registry.services());
        assertEquals(Set.of(RIP1, RIP2), registry.realServerAddresses());
        assertEquals(0, http.id());
        assertEquals(1, https.id());
    }

    @Test
    void editsHaveThePreconditionsOfIpvsadm() throws ChangeException {
        assertRefused(Code.SERVICE_NOT_FOUND, () -> registry.editService(service(HTTP)));
        assertRefused(Code.SERVICE_NOT_FOUND, () -> registry.deleteService(HTTP));
        assertRefused(Code.SERVICE_NOT_FOUND, () -> registry.addRealServer(HTTP, real(RIP1, 80, 1)));
        assertRefused(Code.SERVICE_NOT_FOUND, () -> registry.editRealServer(HTTP, real(RIP1, 80, 1)));
        assertRefused(Code.SERVICE_NOT_FOUND, () -> registry.deleteRealServer(HTTP, RIP1, 80));
        registry.addService(service(HTTP, real(RIP1, 80, 1)));
        assertRefused(Code.SERVICE_EXISTS, () -> registry.addService(service(HTTP)));
        assertRefused(Code.REAL_EXISTS, () -> registry.addRealServer(HTTP, real(RIP1, 80, 9)));
        assertRefused(Code.REAL_NOT_FOUND, () -> registry.editRealServer(HTTP, real(RIP2, 80, 9)));
        assertRefused(Code.REAL_NOT_FOUND, () -> registry.deleteRealServer(HTTP, RIP2, 80));
        assertRefused(Code.REAL_NOT_FOUND, () -> registry.deleteRealServer(HTTP, RIP1, 81));
        assertEquals(List.of(server(0, RIP1, 80, 1)), realServers(HTTP));
    }

    @Test
    void anEditReplacesEverySettingButTheRealServers() throws ChangeException {
        registry.addService(new ServiceConfig(
                HTTP,
                SchedulerKind.SH,
                Set.of(SchedulerFlag.SH_PORT),
                new Persistence(600, IpAddress.parse("255.255.255.0")),
                false,
                List.of(real(RIP1, 80, 3))));
        registry.editService(service(HTTP, SchedulerKind.WLC));
        VirtualService after = registry.get(HTTP);
        assertEquals(
                new VirtualService(0, HTTP, SchedulerKind.WLC, Set.of(), null, false, List.of(server(0, RIP1, 80, 3))),
                after);
        registry.editRealServer(HTTP, new RealServerConfig(RIP1, 80, ForwardingMethod.DR, 0, 100, 50));
        assertEquals(List.of(new RealServer(0, RIP1, 80, ForwardingMethod.DR, 0, 100, 50)), realServers(HTTP));
        registry.editRealServer(HTTP, real(RIP1, 80, 1));
        assertEquals(List.of(server(0, RIP1, 80, 1)), realServers(HTTP));
    }

    @Test
    void aTunnelBridgesFamiliesAndAnEditExchangesIt() throws ChangeException {
        IpAddress inet6 = IpAddress.parse("2001:db8::1");
        Tunnel gue = new Tunnel(TunnelType.GUE, 6080, Tunnel.Checksum.CSUM);
        registry.addService(service(HTTP, new RealServerConfig(inet6, 80, ForwardingMethod.TUN, 1, 0, 0, gue, 12)));
        registry.addService(service(MARK, new RealServerConfig(inet6, 0, ForwardingMethod.TUN, 1, 0, 0)));
        assertEquals(List.of(new RealServer(0, inet6, 80, ForwardingMethod.TUN, 1, 0, 0, gue, 12)), realServers(HTTP));
        assertEquals(Set.of(new Way(inet6, ForwardingMethod.TUN)), registry.ways());
        registry.editRealServer(HTTP, new RealServerConfig(inet6, 80, ForwardingMethod.TUN, 1, 0, 0));
        assertEquals(List.of(new RealServer(0, inet6, 80, ForwardingMethod.TUN, 1)), realServers(HTTP));
        assertRefused(Code.INVALID, () -> registry.editRealServer(HTTP, real(inet6, 80, 1)));
        registry.addRealServer(MARK, real(RIP1, 0, 1));
        assertEquals(Set.of(new Way(inet6, ForwardingMethod.TUN), new Way(RIP1, ForwardingMethod.DR)), registry.ways());
    }

    @Test
    void natTellsRealServersApartByTheirPorts() throws ChangeException {
        RealServerConfig nat = new RealServerConfig(RIP1, 8080, ForwardingMethod.NAT, 1, 0, 0);
        registry.addService(service(HTTP, nat, real(RIP1, 80, 1)));
        registry.addRealServer(HTTP, new RealServerConfig(RIP1, 8081, ForwardingMethod.NAT, 1, 0, 0));
        assertRefused(Code.REAL_EXISTS, () -> registry.addRealServer(HTTP, nat));
        registry.deleteRealServer(HTTP, RIP1, 8080);
        assertEquals(
                List.of(80, 8081),
                realServers(HTTP).stream().map(RealServer::port).toList());
        registry.orderRealServers(
                HTTP, List.of(new RealServerConfig(RIP1, 8081, ForwardingMethod.NAT, 1, 0, 0), real(RIP1, 80, 1)));
        assertEquals(
                List.of(8081, 80),
                realServers(HTTP).stream().map(RealServer::port).toList());
    }

    @Test
    void whatIpvsTakesIsTaken() throws ChangeException {
        AddressKey loopback = new AddressKey(Protocol.TCP, IpAddress.parse("127.0.0.1"), 80);
        registry.addService(service(loopback, real(IpAddress.parse("127.0.0.1"), 80, Integer.MAX_VALUE)));
        registry.addService(service(MARK, real(RIP1, 0, 1), real(RIP1, 80, 1)));
        assertEquals(2, realServers(MARK).size());
    }

    @Test
    void whatMakesNoSenseIsRefused() throws ChangeException {
        registry.addService(service(HTTP));
        registry.addService(service(MARK));
        IpAddress inet6 = IpAddress.parse("2001:db8::1");
        assertRefused(Code.INVALID, () -> registry.addRealServer(HTTP, real(inet6, 80, 1)));
        assertRefused(Code.INVALID, () -> registry.addRealServer(MARK, real(inet6, 0, 1)));
        RealServerConfig otherPort = new RealServerConfig(RIP1, 8080, ForwardingMethod.TUN, 1, 0, 0);
        assertRefused(Code.INVALID, () -> registry.addRealServer(HTTP, otherPort));
        for (String address : List.of("0.1.2.3", "224.0.0.1", "255.255.255.255")) {
            IpAddress rip = IpAddress.parse(address);
            assertRefused(Code.NOT_UNICAST, () -> registry.addRealServer(HTTP, real(rip, 80, 1)));
        }
        assertRefused(Code.INVALID, () -> registry.addRealServer(HTTP, real(RIP1, 8080, 1)));
        assertRefused(Code.OUT_OF_RANGE, () -> registry.addRealServer(HTTP, real(RIP1, 80, -1)));
        assertRefused(
                Code.OUT_OF_RANGE,
                () -> registry.addRealServer(HTTP, new RealServerConfig(RIP1, 80, ForwardingMethod.DR, 1, 0, 5)));
        assertRefused(
                Code.INVALID,
                () -> registry.addService(new ServiceConfig(HTTPS, SchedulerKind.RR, Set.of(), null, true, List.of())));
        assertEquals(List.of(), realServers(HTTP));
        assertEquals(List.of(), realServers(MARK));
        assertEquals(2, registry.services().size());
    }

    @Test
    void aRealServerThatComesBackHasItsIdAgainAsFromIpvssTrash() throws ChangeException {
        registry.addService(service(HTTP, real(RIP1, 80, 1), real(RIP2, 80, 1)));
        registry.addService(service(MARK, real(RIP1, 0, 1)));
        registry.deleteRealServer(HTTP, RIP1, 80);
        registry.addService(service(HTTPS, real(RIP1, 443, 1)));
        registry.addRealServer(HTTP, real(RIP1, 80, 4));
        assertEquals(List.of(server(1, RIP2, 80, 1), server(0, RIP1, 80, 4)), realServers(HTTP));
        registry.deleteService(HTTP);
        registry.addService(service(HTTP, real(RIP2, 80, 1), real(RIP1, 80, 1)));
        assertEquals(List.of(server(1, RIP2, 80, 1), server(0, RIP1, 80, 1)), realServers(HTTP));
        assertEquals(0, registry.get(HTTP).id());
    }

    @Test
    void anIdIsAnothersOnlyWhenNobodyHoldsIt() throws ChangeException {
        registry.addService(service(HTTP, real(RIP1, 80, 1)));
        registry.deleteService(HTTP);
        registry.reclaim(id -> true);
        VirtualService https = registry.addService(service(HTTPS, real(RIP1, 443, 1)));
        assertEquals(1, https.id(), "the service's id is kept for its real server's flows");
        assertEquals(1, https.realServers().getFirst().id());
        registry.reclaim(id -> id == 1);
        VirtualService mark = registry.addService(service(MARK, real(RIP1, 0, 1)));
        assertEquals(0, mark.id());
        assertEquals(0, mark.realServers().getFirst().id());
    }

    @Test
    void whatIsThereKeepsItsIdWhateverIsReclaimed() throws ChangeException {
        registry.addService(service(HTTP, real(RIP1, 80, 1)));
        registry.reclaim(id -> false);
        registry.addRealServer(HTTP, real(RIP2, 80, 1));
        assertEquals(List.of(server(0, RIP1, 80, 1), server(1, RIP2, 80, 1)), realServers(HTTP));
    }

    @Test
    void churnUsesUpNoIds() throws ChangeException {
        registry.addService(service(HTTP));
        for (int i = 0; i < 2 * ForwardingSnapshot.MAX_REAL_SERVERS; i++) {
            IpAddress rip = IpAddress.ofInet(0x0a01_0000 + i);
            registry.addRealServer(HTTP, real(rip, 80, 1));
            assertEquals(0, realServers(HTTP).getFirst().id());
            registry.deleteRealServer(HTTP, rip, 80);
            registry.reclaim(id -> false);
        }
    }

    @Test
    void thereAreAsManyIdsAsTheDatapathHasAndHeldOnesCount() throws ChangeException {
        int most = ForwardingSnapshot.MAX_REAL_SERVERS;
        RealServerConfig[] all = IntStream.range(0, most)
                .mapToObj(i -> real(IpAddress.ofInet(0x0a01_0000 + i), 80, 1))
                .toArray(RealServerConfig[]::new);
        registry.addService(service(HTTP, all));
        registry.deleteService(HTTP);
        registry.addService(service(HTTPS));
        assertRefused(Code.FULL, () -> registry.addRealServer(HTTPS, real(RIP1, 443, 1)));
        registry.reclaim(id -> id != 4711);
        registry.addRealServer(HTTPS, real(RIP1, 443, 1));
        assertEquals(4711, realServers(HTTPS).getFirst().id());
    }

    /** What a service's flows must be able to rely on, over random edits: an id that is held never changes its meaning. */
    @Test
    void heldIdsNeverChangeTheirMeaning() throws ChangeException {
        Random random = new Random(42);
        Map<Integer, String> meaning = new HashMap<>();
        BitSet held = new BitSet();
        for (int step = 0; step < 20_000; step++) {
            AddressKey key = new AddressKey(Protocol.TCP, VIP, random.nextInt(5));
            IpAddress rip = IpAddress.ofInet(0x0a00_0001 + random.nextInt(8));
            try {
                switch (random.nextInt(6)) {
                    case 0 -> registry.addService(service(key));
                    case 1 -> registry.deleteService(key);
                    case 2, 3 -> registry.addRealServer(key, real(rip, key.port(), 1));
                    case 4 -> registry.deleteRealServer(key, rip, key.port());
                    default -> registry.reclaim(held::get);
                }
            } catch (ChangeException e) {
                assertTrue(
                        Set.of(Code.SERVICE_EXISTS, Code.SERVICE_NOT_FOUND, Code.REAL_EXISTS, Code.REAL_NOT_FOUND)
                                .contains(e.code()),
                        e::toString);
            }
            Set<Integer> present = new HashSet<>();
            for (VirtualService service : registry.services()) {
                for (RealServer real : service.realServers()) {
                    assertTrue(present.add(real.id()), "two real servers with one id");
                    String now = service.key() + " " + real.address();
                    String before = meaning.put(real.id(), now);
                    assertTrue(
                            before == null || before.equals(now) || !held.get(real.id()),
                            "a held id was " + before + " and is " + now);
                }
            }
            // Flows come for real servers that are there, and go at any time.
            for (int id : held.stream().toArray()) {
                if (random.nextInt(10) == 0) {
                    held.clear(id);
                }
            }
            present.stream().filter(id -> random.nextInt(3) == 0).forEach(held::set);
        }
    }

    @Test
    void maglevTablesHaveAnEnd() throws ChangeException {
        RealServerConfig[] all = IntStream.range(0, MAGLEV_TABLE_SIZE)
                .mapToObj(i -> real(IpAddress.ofInet(0x0a01_0000 + i), 80, 1))
                .toArray(RealServerConfig[]::new);
        registry.addService(service(HTTP, SchedulerKind.MAGLEV, all));
        assertRefused(Code.FULL, () -> registry.addRealServer(HTTP, real(RIP1, 80, 1)));
        registry.editService(service(HTTP, SchedulerKind.RR));
        registry.addRealServer(HTTP, real(RIP1, 80, 1));
        assertRefused(Code.FULL, () -> registry.editService(service(HTTP, SchedulerKind.MAGLEV)));
    }

    @Test
    void schedulersAreToldOfWhatIpvsTellsThem() throws ChangeException {
        registry.addService(service(HTTP, real(RIP1, 80, 1)));
        assertTrue(registry.isAdded(0) && registry.isRescheduled(0) && registry.isNewRealServer(0));
        registry = registry.copy();
        assertFalse(registry.isAdded(0) || registry.isRescheduled(0) || registry.isNewRealServer(0));
        registry.editService(new ServiceConfig(
                HTTP,
                SchedulerKind.RR,
                Set.of(),
                new Persistence(300, IpAddress.parse("255.255.255.255")),
                false,
                List.of()));
        assertFalse(registry.isRescheduled(0), "the scheduler stays");
        registry.editRealServer(HTTP, real(RIP1, 80, 1));
        assertTrue(registry.isRescheduled(0), "an edit that changes nothing is one");
        assertFalse(registry.isNewRealServer(0));
        registry = registry.copy();
        registry.editService(service(HTTP, SchedulerKind.WRR));
        assertTrue(registry.isRescheduled(0));
        assertFalse(registry.isAdded(0));
        registry = registry.copy();
        registry.deleteRealServer(HTTP, RIP1, 80);
        registry.addRealServer(HTTP, real(RIP1, 80, 1));
        assertFalse(registry.isNewRealServer(0), "it has been there before");
    }

    @Test
    void aCopyGoesItsOwnWay() throws ChangeException {
        registry.addService(service(HTTP, real(RIP1, 80, 1)));
        Registry copy = registry.copy();
        copy.deleteService(HTTP);
        copy.addService(service(HTTPS, real(RIP1, 443, 1)));
        assertEquals(List.of(server(0, RIP1, 80, 1)), realServers(HTTP));
        assertEquals(1, registry.services().size());
        registry.addRealServer(HTTP, real(RIP2, 80, 1));
        assertEquals(1, realServers(HTTP).getLast().id());
    }

    @Test
    void rulesStayWhileServicesComeAndGo() throws ChangeException {
        FwmarkRule rule = new FwmarkRule(7, null, IpPrefix.parse("10.0.0.100"), 80, 80, null);
        registry.setFwmarkRules(List.of(rule));
        registry.addService(service(MARK));
        registry.deleteService(MARK);
        assertEquals(List.of(rule), registry.copy().fwmarkRules());
    }

    @Test
    void whatIsKnownFromEarlierHasItsIdsAndNobodyElseGetsThem() throws ChangeException {
        registry.addService(service(HTTP, real(RIP1, 80, 1), real(RIP2, 80, 1)));
        registry.addService(service(HTTPS, real(RIP1, 443, 1)));
        KnownIds earlier = new KnownIds(
                Map.of(HTTP, 0, HTTPS, 1), Map.of(place(HTTP, RIP1), 0, place(HTTP, RIP2), 1, place(HTTPS, RIP1), 2));
        assertEquals(earlier, registry.ids());

        Registry later = new Registry(MAGLEV_TABLE_SIZE, earlier);
        VirtualService https = later.addService(service(HTTPS, real(RIP2, 443, 1), real(RIP1, 443, 1)));
        VirtualService mark = later.addService(service(MARK, real(RIP1, 0, 1)));
        assertEquals(1, https.id());
        assertEquals(2, mark.id());
        assertEquals(List.of(server(3, RIP2, 443, 1), server(2, RIP1, 443, 1)), https.realServers());
        assertEquals(4, mark.realServers().getFirst().id());
        assertEquals(0, later.ids().realServers().get(place(HTTP, RIP1)));
        assertEquals(3, later.ids().realServers().get(place(HTTPS, RIP2)));
        later.reclaim(id -> id == 1);
        assertEquals(Map.of(HTTP, 0, HTTPS, 1, MARK, 2), later.ids().services());
        assertEquals(4, later.ids().realServers().size());
    }

    private static KnownIds.Place place(AddressKey key, IpAddress rip) {
        return new KnownIds.Place(key, rip, key.port());
    }
}

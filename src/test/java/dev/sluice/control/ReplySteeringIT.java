package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.control.config.FailureMode;
import dev.sluice.control.config.HealthConfig;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.IpPrefix;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.ServiceKey;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which real servers' packets are steered, from before a snapshot has them until no connection has them any more. */
class ReplySteeringIT {
    private static final IpAddress VIP = IpAddress.parse("10.0.0.100");
    private static final IpAddress RIP = IpAddress.parse("10.20.0.11");
    private static final IpAddress RIP2 = IpAddress.parse("10.20.0.12");
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, VIP, 80);
    private static final AddressKey ALL = new AddressKey(Protocol.UDP, VIP, 0);
    private static final FwmarkKey MARK = new FwmarkKey(AddressFamily.INET, 7);

    private final SteeringMaps maps = SteeringMaps.create();
    private final ServiceSteering steering = new ServiceSteering(maps, new LocalAddressScan(List.of()));
    private final Set<Integer> held = new HashSet<>();
    private Registry registry = new Registry(251, KnownIds.NONE);

    @AfterEach
    void close() {
        maps.close();
    }

    private static RealServerConfig real(IpAddress rip, int port, ForwardingMethod method) {
        return new RealServerConfig(rip, port, method, 1, 0, 0);
    }

    private static RealServerConfig nat(IpAddress rip, int port) {
        return real(rip, port, ForwardingMethod.NAT);
    }

    private static ServiceConfig service(ServiceKey key, RealServerConfig... realServers) {
        return new ServiceConfig(key, SchedulerKind.RR, Set.of(), null, false, List.of(realServers));
    }

    private interface Change {
        void applyTo(Registry registry) throws ChangeException;
    }

    /** As the reconfigurer makes a change; before the workers know it, the replies that are steered are told. */
    private Set<String> change(Change... changes) throws ChangeException {
        Registry draft = registry.copy();
        draft.reclaim(held::contains);
        steering.release(held::contains);
        for (Change change : changes) {
            change.applyTo(draft);
        }
        steering.narrow(draft);
        Set<String> early = steered();
        steering.widen(draft);
        registry = draft;
        return early;
    }

    /** {@code TCP 10.20.0.11:8080}. */
    private Set<String> steered() {
        return maps.realServers().stream().map(AddressKey::toString).collect(Collectors.toSet());
    }

    private Set<String> released() {
        steering.release(held::contains);
        return steered();
    }

    private int id(ServiceKey key, IpAddress rip, int port) throws ChangeException {
        return Registry.find(registry.get(key), rip, port).orElseThrow().id();
    }

    @Test
    void whatComesIsSteeredBeforeWorkersKnowItAndWhatGoesUntilNothingHoldsIt() throws ChangeException {
        Set<String> both = Set.of("TCP 10.20.0.11:8080", "TCP 10.20.0.12:80");
        assertEquals(both, change(r -> r.addService(service(HTTP, nat(RIP, 8080), nat(RIP2, 80)))));
        assertEquals(both, released());
        held.add(id(HTTP, RIP, 8080));
        assertEquals(both, change(r -> r.deleteRealServer(HTTP, RIP, 8080)));
        assertEquals(both, released());
        assertEquals(both, change(r -> r.addService(service(ALL))), "other changes leave it alone");
        held.clear();
        assertEquals(Set.of("TCP 10.20.0.12:80"), released());
        change(r -> r.deleteService(HTTP));
        assertEquals(Set.of("TCP 10.20.0.12:80"), steered(), "nobody has asked yet");
        assertEquals(Set.of(), released());
    }

    @Test
    void oneThatComesBackStays() throws ChangeException {
        change(r -> r.addService(service(HTTP, nat(RIP, 8080))));
        held.add(id(HTTP, RIP, 8080));
        change(r -> r.deleteRealServer(HTTP, RIP, 8080));
        change(r -> r.addRealServer(HTTP, nat(RIP, 8080)));
        held.clear();
        assertEquals(Set.of("TCP 10.20.0.11:8080"), released());
    }

    @Test
    void anIdThatIsAnothersKeepsNothingOfTheOneBefore() throws ChangeException {
        change(r -> r.addService(service(HTTP, nat(RIP, 8080))));
        int id = id(HTTP, RIP, 8080);
        change(r -> r.deleteRealServer(HTTP, RIP, 8080));
        change(r -> r.addRealServer(HTTP, nat(RIP2, 8080)));
        assertEquals(id, id(HTTP, RIP2, 8080));
        held.add(id);
        assertEquals(Set.of("TCP 10.20.0.12:8080"), released());
    }

    @Test
    void twoServicesMayShareARealServer() throws ChangeException {
        AddressKey other = new AddressKey(Protocol.TCP, VIP, 8080);
        change(r -> r.addService(service(HTTP, nat(RIP, 8080))), r -> r.addService(service(other, nat(RIP, 8080))));
        assertEquals(Set.of("TCP 10.20.0.11:8080"), released());
        change(r -> r.deleteService(HTTP));
        assertEquals(Set.of("TCP 10.20.0.11:8080"), released());
        change(r -> r.deleteService(other));
        assertEquals(Set.of(), released());
    }

    @Test
    void onlyWhatIsTranslatedIsSteered() throws ChangeException {
        change(r -> r.addService(service(HTTP, real(RIP, 80, ForwardingMethod.DR), nat(RIP2, 80))));
        assertEquals(Set.of("TCP 10.20.0.12:80"), released());
        held.add(id(HTTP, RIP2, 80));
        change(r -> r.editRealServer(HTTP, real(RIP2, 80, ForwardingMethod.TUN)));
        assertEquals(Set.of("TCP 10.20.0.12:80"), released(), "connections from before");
        held.clear();
        assertEquals(Set.of(), released());
        change(r -> r.editRealServer(HTTP, nat(RIP, 80)));
        assertEquals(Set.of("TCP 10.20.0.11:80"), released());
    }

    @Test
    void portZeroIsTheServicesPortOrEveryPort() throws ChangeException {
        change(r -> r.addService(service(HTTP, nat(RIP, 0))), r -> r.addService(service(ALL, nat(RIP, 0))));
        assertEquals(Set.of("TCP 10.20.0.11:80", "UDP 10.20.0.11:0"), released());
    }

    @Test
    void markedServicesByTheProtocolsOfTheirRules() throws ChangeException {
        FwmarkRule udp = new FwmarkRule(7, Protocol.UDP, IpPrefix.parse("10.0.0.0/24"), 1, 65_535, null);
        FwmarkRule any = new FwmarkRule(7, null, IpPrefix.parse("10.0.0.0/24"), 1, 65_535, null);
        FwmarkRule others = new FwmarkRule(8, Protocol.SCTP, IpPrefix.parse("10.0.0.0/24"), 1, 65_535, null);
        change(r -> r.addService(service(MARK, nat(RIP, 53))), r -> r.setFwmarkRules(List.of(others)));
        assertEquals(Set.of(), released());
        change(r -> r.setFwmarkRules(List.of(others, udp)));
        assertEquals(Set.of("UDP 10.20.0.11:53"), released());
        change(r -> r.setFwmarkRules(List.of(udp, any)));
        assertEquals(Set.of("UDP 10.20.0.11:53", "TCP 10.20.0.11:53", "SCTP 10.20.0.11:53"), released());
        held.add(id(MARK, RIP, 53));
        change(r -> r.setFwmarkRules(List.of()));
        assertEquals(3, released().size());
        held.clear();
        assertEquals(Set.of(), released());
    }

    @Test
    void sorryServersAsWell() throws ChangeException {
        ServiceConfig plain = service(HTTP);
        HealthConfig sorry =
                new HealthConfig(FailureMode.REMOVE, 0, 1, 0, List.of(), List.of(), nat(RIP, 8080), List.of());
        change(r -> r.addService(new ServiceConfig(HTTP, SchedulerKind.RR, Set.of(), null, false, List.of(), sorry)));
        assertEquals(Set.of("TCP 10.20.0.11:8080"), released());
        RealServer server = Objects.requireNonNull(registry.health(HTTP).sorry());
        held.add(server.id());
        change(r -> r.editService(plain));
        assertEquals(Set.of("TCP 10.20.0.11:8080"), released());
        held.clear();
        assertEquals(Set.of(), released());
    }

    @Test
    void aChangeThatIsTakenBackLeavesNothing() throws ChangeException {
        change(r -> r.addService(service(HTTP, nat(RIP, 80))));
        Registry draft = registry.copy();
        draft.addRealServer(HTTP, nat(RIP2, 80));
        steering.narrow(draft);
        assertEquals(2, steered().size());
        steering.narrow(registry);
        steering.widen(registry);
        assertEquals(Set.of("TCP 10.20.0.11:80"), released());
    }
}

package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bpf.SteeringMaps;
import dev.sluice.control.config.LocalAddresses;
import dev.sluice.control.config.RealServerConfig;
import dev.sluice.control.config.ServiceConfig;
import dev.sluice.flow.FlowHasher;
import dev.sluice.flow.FlowTable;
import dev.sluice.flow.Translation;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.HashKey;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.LocalPool;
import dev.sluice.service.Protocol;
import dev.sluice.service.SchedulerKind;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which local addresses are steered, from before a worker gives one to a connection until no connection has it. */
class LocalSteeringIT {
    private static final AddressKey HTTP = new AddressKey(Protocol.TCP, IpAddress.parse("10.0.0.100"), 80);
    private static final AddressKey DNS = new AddressKey(Protocol.UDP, IpAddress.parse("10.0.0.100"), 53);
    private static final IpAddress RIP = IpAddress.parse("10.20.0.11");
    private static final IpAddress FIRST = IpAddress.parse("10.9.0.5");
    private static final IpAddress SECOND = IpAddress.parse("10.9.0.6");
    private static final FlowHasher HASHER = new FlowHasher(new HashKey(1, 2));

    private final SteeringMaps maps = SteeringMaps.create();
    private final List<FlowTable> tables =
            List.of(new FlowTable(64, 64, Arena.ofAuto()), new FlowTable(64, 64, Arena.ofAuto()));
    private final ServiceSteering steering = new ServiceSteering(
            maps, new LocalAddressScan(tables.stream().map(FlowTable::reader).toList()));
    private Registry registry = new Registry(251, KnownIds.NONE);

    @AfterEach
    void close() {
        maps.close();
    }

    private static RealServerConfig fullnat(IpAddress rip) {
        return new RealServerConfig(rip, 8080, ForwardingMethod.FULLNAT, 1, 0, 0);
    }

    private static ServiceConfig service(AddressKey key, RealServerConfig... realServers) {
        return new ServiceConfig(key, SchedulerKind.RR, Set.of(), null, false, List.of(realServers));
    }

    private static LocalPool pool(int firstPort, int lastPort, String... addresses) {
        return new LocalPool(List.of(addresses).stream().map(IpAddress::parse).toList(), firstPort, lastPort);
    }

    /** As the reconfigurer makes a change; what is steered before workers know it is told. */
    private Set<String> change(Edit... edits) throws ChangeException {
        Registry draft = registry.copy();
        for (Edit edit : edits) {
            edit.applyTo(draft);
        }
        TranslationCheck.check(draft);
        steering.narrow(draft);
        Set<String> early = steered();
        steering.widen(draft);
        registry = draft;
        return early;
    }

    private Set<String> steered() {
        return maps.localAddresses().stream().map(IpAddress::toString).collect(Collectors.toSet());
    }

    /** What is steered when the control thread has had time to go through all connections. */
    private Set<String> released() {
        for (int tick = 0; tick < 4; tick++) {
            steering.releaseLocalAddresses(0);
        }
        return steered();
    }

    /** Opens a connection in a worker's table that has a local address and port. */
    private int open(FlowTable table, int client, IpAddress local, int port) {
        if (!table.keepsTranslations()) {
            table.keepTranslations(Arena.ofAuto());
        }
        PacketView packet = new PacketView();
        packet.setFlow(false, Transport.TCP, 0, client, 1000, 0, 0x0a00_0064, 80);
        PacketView reply = new PacketView();
        reply.setFlow(false, Transport.TCP, 0, RIP.low(), 8080, 0, local.low(), port);
        int slot = table.insert(packet, HASHER.hash(packet), 1, FlowTable.FLAG_TRANSLATED, 0);
        Translation translation = new Translation();
        translation.setClientSide(packet);
        translation.setRealSide(reply, 1);
        table.translate(slot, translation, HASHER.hash(reply), false);
        table.touch(slot, packet, 0);
        return slot;
    }

    @Test
    void theAddressesOfServicesThatUseThemAreSteeredBeforeWorkersKnowThem() throws ChangeException {
        assertEquals(Set.of(), change(new Edit.SetLocalPool(pool(1024, 65535, "10.9.0.5", "10.9.0.6"))));
        assertEquals(Set.of(), change(new Edit.AddService(service(HTTP))), "no real server needs them");
        assertEquals(Set.of("10.9.0.5", "10.9.0.6"), change(new Edit.AddRealServer(HTTP, fullnat(RIP))));
        assertEquals(Set.of(new AddressKey(Protocol.TCP, RIP, 0)), maps.peers());
        assertEquals(Set.of(), maps.realServers(), "what else it sends is the kernel's");
        assertEquals(
                Set.of("10.9.0.5", "10.9.0.6", "10.9.1.1"),
                change(new Edit.AddLocalAddresses(HTTP, LocalAddresses.parse("10.9.1.1"))));
        assertEquals(Set.of("10.9.1.1"), released(), "the service has its own now");
        change(new Edit.AddService(service(DNS, fullnat(RIP))));
        assertEquals(Set.of("10.9.0.5", "10.9.0.6", "10.9.1.1"), released());
        change(new Edit.DeleteService(HTTP));
        assertEquals(Set.of("10.9.0.5", "10.9.0.6"), released());
        change(new Edit.DeleteService(DNS));
        assertEquals(Set.of(), released());
        steering.release(_ -> false);
        assertEquals(Set.of(), maps.peers());
    }

    @Test
    void oneThatGoesStaysUntilNoConnectionHasIt() throws ChangeException {
        change(
                new Edit.SetLocalPool(pool(1024, 65535, "10.9.0.5", "10.9.0.6", "10.9.0.7")),
                new Edit.AddService(service(HTTP, fullnat(RIP))));
        open(tables.getFirst(), 1, SECOND, 5000);
        int slot = open(tables.getLast(), 2, FIRST, 5000);
        change(new Edit.SetLocalPool(pool(1024, 65535, "10.9.0.6")));
        assertEquals(Set.of("10.9.0.5", "10.9.0.6"), released());
        tables.getLast().remove(slot);
        assertEquals(Set.of("10.9.0.6"), released());
    }

    @Test
    void oneThatComesBackStays() throws ChangeException {
        Edit.SetLocalPool both = new Edit.SetLocalPool(pool(1024, 65535, "10.9.0.5", "10.9.0.6"));
        change(both, new Edit.AddService(service(HTTP, fullnat(RIP))));
        int slot = open(tables.getFirst(), 1, FIRST, 5000);
        change(new Edit.SetLocalPool(pool(1024, 65535, "10.9.0.6")));
        change(both);
        tables.getFirst().remove(slot);
        assertEquals(Set.of("10.9.0.5", "10.9.0.6"), released());
    }

    @Test
    void portsThatGoAreSteeredAsLongAsAConnectionHasOne() throws ChangeException {
        LocalSteering locals = new LocalSteering(maps);
        registry.setLocalPool(pool(1024, 65535, "10.9.0.5"));
        registry.addService(service(HTTP, fullnat(RIP)));
        locals.widen(registry);
        assertFalse(locals.follow(registry));
        registry.setLocalPool(pool(40000, 50000, "10.9.0.5"));
        locals.widen(registry);
        assertTrue(locals.follow(registry));
        assertFalse(locals.follow(registry), "nothing more");
        assertTrue(locals.isLeaving(FIRST, 1024) && locals.isLeaving(FIRST, 50001));
        assertFalse(locals.isLeaving(FIRST, 40000) || locals.isLeaving(SECOND, 1024));
        locals.narrow(Set.of(FIRST));
        assertTrue(locals.isAnyLeaving());
        locals.narrow(Set.of());
        assertFalse(locals.isAnyLeaving());
        assertEquals(Set.of("10.9.0.5"), steered(), "with the ports that it has");
    }

    @Test
    void aChangeThatIsTakenBackLeavesNothing() throws ChangeException {
        change(new Edit.SetLocalPool(pool(1024, 65535, "10.9.0.5")), new Edit.AddService(service(HTTP, fullnat(RIP))));
        Registry draft = registry.copy();
        draft.setLocalPool(pool(1024, 65535, "10.9.0.5", "10.9.0.6"));
        steering.narrow(draft);
        assertEquals(2, steered().size());
        steering.narrow(registry);
        steering.widen(registry);
        assertEquals(Set.of("10.9.0.5"), released());
    }
}

package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.PacketCases;
import dev.sluice.bench.PacketCases.PacketCase;
import dev.sluice.bench.ProgramRun;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.AddressKey;
import dev.sluice.service.Protocol;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.function.Executable;

/** Packet by packet: what the program in the kernel answers, and which one counter it moves. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SteeringVerdictIT {
    private static final int SMALLEST_RUN_BYTES = 14;

    private final VerdictLab lab = new VerdictLab();
    private final SteeringMaps maps = lab.maps;

    @BeforeAll
    void addServices() {
        PacketCases.SERVICES.forEach(service -> maps.addService(service, 7));
    }

    @AfterAll
    void close() {
        lab.close();
    }

    @Test
    void everyCaseOfTheTable() {
        List<Executable> checks = new ArrayList<>();
        int run = 0;
        for (PacketCase packet : PacketCases.all()) {
            int length = packet.frame().length;
            if (length >= SMALLEST_RUN_BYTES && length <= ProgramRun.MAX_FRAME_BYTES) {
                run++;
                checks.add(() -> expect(packet.name(), packet.frame(), packet.outcome()));
            }
        }
        assertTrue(run > 600, "only " + run + " cases could be run");
        assertAll(checks);
    }

    @Test
    void damagedPacketsMoveOneCounterEach() {
        Map<SteeringOutcome, Integer> seen = new EnumMap<>(SteeringOutcome.class);
        for (byte[] frame : PacketCases.damaged(20261121, 5000)) {
            if (frame.length <= ProgramRun.MAX_FRAME_BYTES) {
                seen.merge(lab.run("damaged", frame), 1, Integer::sum);
            }
        }
        assertTrue(seen.size() >= 5, "too little variety: " + seen);
    }

    @Test
    void withoutDirectorServicesPacketsAreDroppedOrPassedAndNoOthers() {
        PacketCase steered = named("tcp4 to the service");
        PacketCase fragment = named("udp6 fragment, middle");
        lab.takeSocket();
        try {
            expect("dropped", steered.frame(), SteeringOutcome.DROP_NO_DIRECTOR);
            expect("fragment dropped", fragment.frame(), SteeringOutcome.DROP_NO_DIRECTOR);
            expect("arp", named("arp").frame(), SteeringOutcome.PASS_NOT_IP);
            expect("other port", named("tcp4 to another port").frame(), SteeringOutcome.PASS_NO_SERVICE);
            lab.nic().setWithoutDirector(InterfaceMaps.WithoutDirector.PASS);
            expect("passed", steered.frame(), SteeringOutcome.PASS_NO_SOCKET);
            expect("fragment passed", fragment.frame(), SteeringOutcome.PASS_NO_SOCKET);
            lab.nic().setStationAddress(PacketBuilder.DEFAULT_SOURCE_MAC);
            expect("another station's", steered.frame(), SteeringOutcome.PASS_OTHER_HOST);
            lab.nic().setStationAddress(0);
            lab.nic().setWithoutDirector(InterfaceMaps.WithoutDirector.DROP);
            expect("dropped again", steered.frame(), SteeringOutcome.DROP_NO_DIRECTOR);
            lab.takeSocket();
        } finally {
            lab.giveSocket();
        }
        expect("with socket again", steered.frame(), SteeringOutcome.STEERED);
    }

    @Test
    void framesForAnotherStationPass() {
        PacketCase steered = named("tcp4 to the service");
        InterfaceMaps own = lab.nic();
        try {
            own.setStationAddress(PacketBuilder.DEFAULT_DESTINATION_MAC);
            expect("own address", steered.frame(), SteeringOutcome.STEERED);
            for (int octet = 0; octet < 6; octet++) {
                own.setStationAddress(PacketBuilder.DEFAULT_DESTINATION_MAC ^ 0x10L << (8 * octet));
                expect("address differs in octet " + octet, steered.frame(), SteeringOutcome.PASS_OTHER_HOST);
            }
            expect("arp", named("arp").frame(), SteeringOutcome.PASS_NOT_IP);
            expect("other port", named("tcp4 to another port").frame(), SteeringOutcome.PASS_NO_SERVICE);
        } finally {
            own.setStationAddress(0);
        }
    }

    @Test
    void anAddressStaysAsLongAsItHasServices() {
        IpAddress vip = IpAddress.parse("10.9.9.9");
        AddressKey http = new AddressKey(Protocol.TCP, vip, 80);
        AddressKey https = new AddressKey(Protocol.TCP, vip, 443);
        byte[] syn = PacketBuilder.tcp(PacketCases.CLIENT4, 1, vip, 80).build();
        byte[] fragment = PacketBuilder.ethernet()
                .ip(PacketCases.CLIENT4, vip)
                .raw(PacketBuilder.TCP)
                .fragment(8, true)
                .payloadLength(8)
                .build();
        expect("no service yet", fragment, SteeringOutcome.PASS_NO_SERVICE);
        maps.addService(http, 1);
        maps.addService(http, 2);
        maps.addService(https, 3);
        expect("service", syn, SteeringOutcome.STEERED);
        expect("fragment", fragment, SteeringOutcome.STEERED_FRAGMENT);
        maps.removeService(http);
        maps.removeService(http);
        expect("service gone", syn, SteeringOutcome.PASS_NO_SERVICE);
        expect("address still has one", fragment, SteeringOutcome.STEERED_FRAGMENT);
        maps.removeService(https);
        expect("address gone", fragment, SteeringOutcome.PASS_NO_SERVICE);
        assertEquals(PacketCases.SERVICES.size(), maps.services().size());
    }

    @Test
    void theExactPortWinsOverNothingAndTheWildcardServesTheRest() {
        IpAddress vip = IpAddress.parse("2001:db8::9");
        AddressKey all = new AddressKey(Protocol.TCP, vip, 0);
        AddressKey one = new AddressKey(Protocol.TCP, vip, 80);
        byte[] syn = PacketBuilder.tcp(PacketCases.CLIENT6, 1, vip, 80).build();
        maps.addService(all, 1);
        maps.addService(one, 2);
        maps.removeService(one);
        expect("by the wildcard", syn, SteeringOutcome.STEERED);
        maps.removeService(all);
        expect("by nothing", syn, SteeringOutcome.PASS_NO_SERVICE);
    }

    private static PacketCase named(String name) {
        return PacketCases.all().stream()
                .filter(packet -> packet.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private void expect(String name, byte[] frame, SteeringOutcome outcome) {
        lab.expect(name, frame, outcome);
    }
}

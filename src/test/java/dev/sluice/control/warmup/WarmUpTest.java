package dev.sluice.control.warmup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.forward.ConnectionPolicy;
import dev.sluice.forward.ForwardingSnapshot;
import dev.sluice.forward.PacketPolicy;
import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.schedule.HashKey;
import dev.sluice.schedule.MaglevParameters;
import dev.sluice.schedule.SchedulerParameters;
import dev.sluice.service.AddressKey;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.FwmarkKey;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.SchedulerKind;
import dev.sluice.service.VirtualService;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A rehearsal directs packets, to whatever services there are, and on as many ports and workers as there will be. */
class WarmUpTest {
    private static final HashKey KEY = new HashKey(1, 2);
    private static final SchedulerParameters PARAMETERS = SchedulerParameters.of(new MaglevParameters(251, KEY));
    private static final long PACKETS = 2_000;
    private static final long PATIENCE_MS = 60_000;

    private static WarmUp.Setting setting(int ports, int workers) {
        return new WarmUp.Setting(
                ports, workers, 64, false, false, ConnectionPolicy.DEFAULT, PacketPolicy.DEFAULT, PARAMETERS, KEY);
    }

    private static long rehearse(WarmUp.Setting setting, List<VirtualService> services) throws InterruptedException {
        ForwardingSnapshot.Builder builder = new ForwardingSnapshot.Builder(1);
        services.forEach(service -> builder.add(service, null, PARAMETERS));
        return new WarmUp(setting, builder.build(), services).run(PATIENCE_MS, PACKETS);
    }

    private static VirtualService service(int id, Protocol protocol, String vip, String rip, ForwardingMethod method) {
        RealServer real = new RealServer(id, IpAddress.parse(rip), 80, method, 1);
        return new VirtualService(
                id, new AddressKey(protocol, IpAddress.parse(vip), 80), SchedulerKind.MAGLEV, List.of(real));
    }

    @Test
    void usualServicesWithoutAConfiguredOne() throws InterruptedException {
        assertTrue(rehearse(setting(1, 1), List.of()) >= PACKETS);
    }

    @Test
    void configuredServicesOfAllKinds() throws InterruptedException {
        List<VirtualService> services = List.of(
                service(0, Protocol.TCP, "10.0.0.100", "10.0.0.11", ForwardingMethod.DR),
                service(1, Protocol.UDP, "10.0.0.100", "10.9.0.11", ForwardingMethod.TUN),
                service(2, Protocol.TCP, "fd00::100", "fd00::11", ForwardingMethod.DR),
                service(3, Protocol.UDP, "fd00::100", "fd00:9::11", ForwardingMethod.TUN),
                service(4, Protocol.SCTP, "10.0.0.100", "10.0.0.11", ForwardingMethod.DR),
                new VirtualService(5, new FwmarkKey(AddressFamily.INET, 1), SchedulerKind.RR, List.of()));
        assertTrue(rehearse(setting(2, 3), services) >= PACKETS);
    }

    @Test
    void servicesOutOfReachAreReplacedByUsualOnes() throws InterruptedException {
        assertTrue(rehearse(
                        setting(1, 1),
                        List.of(service(0, Protocol.SCTP, "10.0.0.100", "10.0.0.11", ForwardingMethod.DR)))
                >= PACKETS);
    }

    @Test
    void timeIsBounded() throws InterruptedException {
        long startNs = System.nanoTime();
        long packets = new WarmUp(setting(1, 1), ForwardingSnapshot.empty(), List.of()).run(1, Long.MAX_VALUE);
        assertTrue(packets < 10_000_000, () -> packets + " packets");
        assertTrue(System.nanoTime() - startNs < PATIENCE_MS * 1_000_000);
    }

    @Test
    void framesAreAsClientsSendThem() {
        AddressKey key = new AddressKey(Protocol.UDP, IpAddress.parse("10.0.0.100"), 53);
        byte[] frame = new MadeUpFrames(List.of(key)).next();
        byte[] expected = PacketBuilder.udp(IpAddress.parse("198.18.0.0"), 40_000, IpAddress.parse("10.0.0.100"), 53)
                .payloadLength(18)
                .build();
        // But for stations, identification with its checksum, and the UDP checksum, which IPv4 lets be 0.
        assertEquals(expected.length, frame.length);
        assertEquals(
                Arrays.toString(Arrays.copyOfRange(expected, 26, 40)),
                Arrays.toString(Arrays.copyOfRange(frame, 26, 40)));
    }
}

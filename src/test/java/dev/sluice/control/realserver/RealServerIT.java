package dev.sluice.control.realserver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bpf.AttachMode;
import dev.sluice.bpf.DecapProgram;
import dev.sluice.bpf.SteeringMaps;
import dev.sluice.bpf.SteeringProgram;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.control.realserver.RealServerRequest.Decapsulation;
import dev.sluice.ffi.NetworkDevice;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.ForwardingMethod;
import dev.sluice.service.TunnelType;
import dev.sluice.testing.NetworkNamespace;
import dev.sluice.testing.PacketSocket;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real servers set up in namespaces, and what is left of it after undo: nothing. */
class RealServerIT {
    private static final IpAddress VIP4 = IpAddress.parse("10.0.0.100");
    private static final IpAddress VIP6 = IpAddress.parse("2001:db8::100");
    private static final IpAddress CLIENT4 = IpAddress.parse("192.0.2.1");
    private static final IpAddress DIRECTOR4 = IpAddress.parse("10.0.0.2");
    private static final IpAddress REAL4 = IpAddress.parse("10.0.0.11");

    @TempDir
    private Path folder;

    private final RealServerLab lab = new RealServerLab();
    private final NetworkNamespace director = lab.director;
    private final NetworkNamespace real = lab.real;

    @AfterEach
    void leave() {
        lab.close();
    }

    private RealServerSetup setup() throws EnvironmentException {
        return new RealServerSetup(folder);
    }

    private static RealServerRequest dr(IpAddress... vips) {
        return new RealServerRequest("eth1", List.of(vips), ForwardingMethod.DR, null, 0, Decapsulation.AUTO);
    }

    private static RealServerRequest tun(TunnelType type, int port, IpAddress... vips) {
        return new RealServerRequest("eth1", List.of(vips), ForwardingMethod.TUN, type, port, Decapsulation.XDP);
    }

    private String snapshot() {
        return lab.snapshot();
    }

    @Test
    void undoLeavesEverythingAsItWas() throws Exception {
        List<RealServerRequest> requests = List.of(
                dr(VIP4),
                dr(VIP6),
                dr(VIP4, VIP6),
                tun(TunnelType.IPIP, 0, VIP4),
                tun(TunnelType.IPIP, 0, VIP6),
                tun(TunnelType.GUE, 6080, VIP4, VIP6),
                tun(TunnelType.GRE, 0, VIP4, VIP6));
        for (RealServerRequest request : requests) {
            // With and without a strict filter, which some of them have to get past.
            real.run(
                    "sysctl",
                    "-qw",
                    "net.ipv4.conf.all.rp_filter=" + request.vips().size() % 2);
            String before = snapshot();
            List<String> wouldDo = setup().setup(request, true);
            assertEquals(before, snapshot(), request + ": dry run");
            List<String> did = setup().setup(request, false);
            assertEquals(did, wouldDo, request.toString());
            assertFalse(did.isEmpty());
            String during = snapshot();
            assertNotEquals(before, during);
            RealServerSetup.Status status = setup().show(null).getFirst();
            assertTrue(status.agrees(), status::toString);
            assertEquals(request, status.request());
            assertEquals(List.of(), setup().setup(request, false), "twice");
            assertEquals(during, snapshot());
            assertEquals(did.size(), setup().undo("eth1", request, true).size());
            assertEquals(during, snapshot(), request + ": dry run of undo");
            assertEquals(did.size(), setup().undo("eth1", null, false).size());
            assertEquals(before, snapshot(), request.toString());
            assertEquals(List.of(), setup().undo("eth1", null, false));
            assertEquals(List.of(), setup().show(null));
        }
    }

    @Test
    void whatItSaysAndDoes() throws Exception {
        real.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1");
        assertEquals(
                List.of(
                        "set net.ipv4.conf.all.arp_ignore = 1 (is 0)",
                        "set net.ipv4.conf.all.arp_announce = 2 (is 0)",
                        "set net.ipv4.conf.eth1.arp_ignore = 1 (is 0)",
                        "set net.ipv4.conf.eth1.arp_announce = 2 (is 0)",
                        "add address 10.0.0.100/32 to lo",
                        "set net.ipv4.conf.eth1.rp_filter = 2 (is 0)",
                        "attach XDP program sluice_decap to eth1"),
                setup().setup(tun(TunnelType.IPIP, 0, VIP4), false));
        assertTrue(real.run("ip", "address", "show", "dev", "lo").contains("inet 10.0.0.100/32 scope host lo"));
        String other = refusal(() -> setup().setup(dr(VIP4), false));
        assertEquals(
                "eth1 is set up for tun ipip by xdp for 10.0.0.100 already; before it can be for dr for 10.0.0.100:"
                        + " sluice real-server undo --interface eth1",
                other);
        assertTrue(refusal(() -> setup().undo("eth1", dr(VIP4), false)).contains("not for dr for 10.0.0.100"));
        real.run("sysctl", "-qw", "net.ipv4.conf.eth1.arp_ignore=2");
        RealServerSetup.Status status = setup().show("eth1").getFirst();
        assertFalse(status.agrees());
        assertTrue(
                status.lines().contains("differs  net.ipv4.conf.eth1.arp_ignore = 2, should be 1"), status::toString);
        assertTrue(refusal(() -> setup().setup(tun(TunnelType.IPIP, 0, VIP4), false))
                .contains("the host was changed since"));
        List<String> undone = setup().undo("eth1", null, false);
        assertTrue(
                undone.contains("leave as somebody set it since: net.ipv4.conf.eth1.arp_ignore = 2"), undone::toString);
        assertEquals(
                "2", real.run("sysctl", "-n", "net.ipv4.conf.eth1.arp_ignore").strip());
        assertEquals(
                "0", real.run("sysctl", "-n", "net.ipv4.conf.all.arp_ignore").strip());
    }

    @Test
    void whatWasThereBeforeStays() throws Exception {
        real.run("ip", "address", "add", "10.0.0.100/32", "dev", "lo");
        real.run("sysctl", "-qw", "net.ipv4.conf.all.arp_announce=2", "net.ipv4.conf.eth1.arp_ignore=2");
        String before = snapshot();
        assertEquals(
                List.of(
                        "set net.ipv4.conf.all.arp_ignore = 1 (is 0)",
                        "set net.ipv4.conf.eth1.arp_announce = 2 (is 0)"),
                setup().setup(dr(VIP4), false));
        setup().undo("eth1", null, false);
        assertEquals(before, snapshot());
    }

    @Test
    void anErrorHalfWayRollsBack() throws Exception {
        real.run("sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=1");
        String before = snapshot();
        String problem = refusal(() -> setup().setup(dr(VIP4, VIP6), false));
        assertTrue(problem.startsWith("ip address add 2001:db8::100/128 dev lo preferred_lft 0: "), problem);
        assertEquals(before, snapshot());
        assertEquals(List.of(), setup().show(null));
    }

    @Test
    void interfacesShareWhatTheyBothNeed() throws Exception {
        String before = snapshot();
        RealServerRequest second =
                new RealServerRequest("eth2", List.of(VIP4), ForwardingMethod.DR, null, 0, Decapsulation.AUTO);
        setup().setup(dr(VIP4), false);
        setup().setup(second, false);
        List<String> undone = setup().undo("eth1", null, false);
        assertTrue(undone.contains("leave for eth2: net.ipv4.conf.all.arp_ignore = 1"), undone::toString);
        assertTrue(undone.contains("leave for eth2: address 10.0.0.100/32 on lo: present"), undone::toString);
        assertTrue(setup().show("eth2").getFirst().agrees());
        setup().undo("eth2", null, false);
        assertEquals(before, snapshot());
    }

    @Test
    void refusals() throws Exception {
        String before = snapshot();
        RealServerRequest nowhere =
                new RealServerRequest("eth7", List.of(VIP4), ForwardingMethod.DR, null, 0, Decapsulation.AUTO);
        assertEquals(
                "interface \"eth7\" does not exist in this network namespace; there are lo, eth1, eth2",
                refusal(() -> setup().setup(nowhere, false)));
        assertTrue(refusal(() -> setup().setup(dr(REAL4), false))
                .startsWith("VIP 10.0.0.11 is an address of eth1 as /24"));
        assertTrue(refusal(() -> setup().setup(dr(IpAddress.parse("224.0.0.1")), false))
                .startsWith("--vip 224.0.0.1: a VIP is a unicast address"));
        assertEquals(before, snapshot());
    }

    @Test
    void programsOfOthersStay() throws Exception {
        DecapProgram.Tunnels tunnels = new DecapProgram.Tunnels(true, false, 0);
        try (DecapProgram foreign = DecapProgram.load(List.of(), List.of(), tunnels)) {
            foreign.attach("eth1");
            String before = snapshot();
            String problem = refusal(() -> setup().setup(tun(TunnelType.IPIP, 0, VIP4), false));
            assertTrue(
                    problem.startsWith("eth1: XDP program \"sluice_decap\" (id " + foreign.id()
                            + ") is attached already and there can be one only"),
                    problem);
            assertEquals(before, snapshot());
            setup().setup(dr(VIP4), false);
            setup().undo("eth1", null, false);
            assertEquals(before, snapshot());
            DecapProgram.detach("eth1", foreign.id());
        }
        try (SteeringMaps maps = SteeringMaps.create();
                SteeringProgram _ = SteeringProgram.attach("eth1", maps, AttachMode.AUTO)) {
            for (RealServerRequest request : List.of(dr(VIP4), tun(TunnelType.IPIP, 0, VIP4))) {
                String problem = refusal(() -> setup().setup(request, false));
                assertTrue(problem.startsWith("eth1: a director's XDP program is attached"), problem);
            }
        }
    }

    @Test
    void aProgramThatSomebodyReplacedIsLeft() throws Exception {
        setup().setup(tun(TunnelType.IPIP, 0, VIP4), false);
        real.run("ip", "link", "set", "dev", "eth1", "xdp", "off");
        assertFalse(setup().show("eth1").getFirst().agrees());
        DecapProgram.Tunnels tunnels = new DecapProgram.Tunnels(true, false, 0);
        try (DecapProgram other = DecapProgram.load(List.of(), List.of(), tunnels)) {
            other.attach("eth1");
            List<String> undone = setup().undo("eth1", null, false);
            assertEquals(
                    "leave as somebody set it since: XDP program sluice_decap on eth1: id " + other.id(),
                    undone.getFirst());
            assertEquals(1, DecapProgram.programsOn("eth1").size());
        }
    }

    /** From the director's tunnel packet to a reply from the VIP, with a strict reverse path filter and another way back. */
    @Test
    void aTunnelledRequestIsAnswered() throws Exception {
        real.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1");
        real.run("ip", "address", "add", "10.1.0.11/24", "dev", "eth2");
        real.run("ip", "route", "add", "192.0.2.0/24", "via", "10.1.0.1", "dev", "eth2");
        real.run("ip", "neigh", "add", "10.1.0.1", "lladdr", "02:00:00:00:00:99", "dev", "eth2");
        setup().setup(tun(TunnelType.IPIP, 0, VIP4), false);
        long mac = NetworkDevice.macBe("eth1");
        byte[] inner = PacketBuilder.udp(CLIENT4, 40000, VIP4, 5353)
                .payload((byte) 'h', (byte) 'i')
                .build();
        byte[] packet = PacketBuilder.ethernet()
                .macs(0x02_00_00_00_00_01L, mac)
                .ip(DIRECTOR4, REAL4)
                .raw(4)
                .payload(Arrays.copyOfRange(inner, 14, inner.length))
                .build();
        try (PacketSocket from = in(director, "eth1");
                PacketSocket back = in(director, "eth2");
                DatagramSocket server = new DatagramSocket(new InetSocketAddress("10.0.0.100", 5353))) {
            server.setSoTimeout(5000);
            from.send(packet);
            DatagramPacket request = new DatagramPacket(new byte[16], 16);
            server.receive(request);
            assertArrayEquals(new byte[] {'h', 'i'}, Arrays.copyOf(request.getData(), request.getLength()));
            assertEquals("/192.0.2.1:40000", request.getSocketAddress().toString());
            server.send(request);
            byte[] reply = back.receive(PacketBuilder.ETHERTYPE_IPV4, 3000);
            assertNotNull(reply, "no reply");
            assertEquals(VIP4, IpAddress.ofBytes(Arrays.copyOfRange(reply, 26, 30)));
        }
        List<String> lines = setup().show("eth1").getFirst().lines();
        assertTrue(lines.contains("packets  decapsulated: 1"), lines::toString);
    }

    private static PacketSocket in(NetworkNamespace netns, String interfaceName) throws Exception {
        return netns.in(() -> new PacketSocket(interfaceName));
    }

    private interface Attempt {
        void run() throws Exception;
    }

    /** The one line with which an attempt is refused. */
    private static String refusal(Attempt attempt) {
        List<String> problems =
                assertThrows(EnvironmentException.class, attempt::run).problems();
        assertEquals(1, problems.size(), problems::toString);
        return problems.getFirst();
    }
}

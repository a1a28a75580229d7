package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.PacketBuilder;
import dev.sluice.bench.PacketCases;
import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.NativeLog;
import dev.sluice.ffi.NetworkDevice;
import dev.sluice.ffi.generated.Native;
import dev.sluice.testing.NetworkNamespace;
import dev.sluice.testing.PacketSocket;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Attaching, detaching, and everything that can be in the way, on a veth of a fresh namespace. */
class SteeringProgramIT {
    private static final String SEND = """
            import socket, sys
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            s.bind((sys.argv[1], 0))
            s.send(bytes.fromhex(sys.argv[2]))
            """;

    private final NetworkNamespace netns = NetworkNamespace.create("sluice-attach");
    private final SteeringMaps maps = SteeringMaps.create();
    private NetworkNamespace.Entered entered;

    @BeforeEach
    void enter() {
        netns.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        netns.veth("in", netns, "out");
        entered = netns.enter();
    }

    @AfterEach
    void leave() {
        entered.close();
        maps.close();
        netns.close();
    }

    @Test
    void autoIsNativeOnVeth() {
        SteeringProgram program = SteeringProgram.attach("in", maps, AttachMode.AUTO);
        assertEquals(AttachMode.NATIVE, program.mode());
        assertEquals(List.of(), program.takenOver());
        assertTrue(link("in").contains("xdp"), link("in"));
        assertTrue(link("in").contains("prog/xdp id"), link("in"));
        program.detach();
        assertFalse(link("in").contains("prog/xdp"), link("in"));
        program.detach();
    }

    @Test
    void genericWhenAskedFor() {
        try (SteeringProgram program = SteeringProgram.attach("in", maps, AttachMode.GENERIC)) {
            assertEquals(AttachMode.GENERIC, program.mode());
            assertTrue(link("in").contains("xdpgeneric"), link("in"));
        }
        assertFalse(link("in").contains("prog/xdp"), link("in"));
    }

    @Test
    void autoFallsBackToGenericWhereTheDriverHasNoXdp() {
        try (SteeringProgram program = SteeringProgram.attach("lo", maps, AttachMode.AUTO)) {
            assertEquals(AttachMode.GENERIC, program.mode());
        }
        SteeringException e =
                assertThrows(SteeringException.class, () -> SteeringProgram.attach("lo", maps, AttachMode.NATIVE));
        assertTrue(
                e.getMessage().startsWith("lo: its driver has no native XDP: use mode auto or generic")
                        || e.getMessage().startsWith("lo: MTU 65536 is too large for its driver's native XDP"),
                e.getMessage());
    }

    @Test
    void nativeModeTakesPacketsOfSeveralBuffers() {
        netns.run("ip", "link", "set", "in", "mtu", "9000");
        netns.run("ip", "link", "set", "out", "mtu", "9000");
        try (SteeringProgram program = SteeringProgram.attach("in", maps, AttachMode.AUTO)) {
            assertEquals(AttachMode.NATIVE, program.mode());
        }
    }

    @Test
    void interfacesWithoutAddressAreKnown() {
        netns.run("ip", "link", "set", "in", "address", "02:11:22:33:44:55", "mtu", "1400");
        assertEquals(0x02_11_22_33_44_55L, NetworkDevice.macBe("in"));
        assertEquals(1400, NetworkDevice.mtu("in"));
        assertEquals(
                Native.ENODEV(),
                assertThrows(NativeException.class, () -> NetworkDevice.mtu("nosuch0"))
                        .errno());
    }

    @Test
    void anInterfaceThatDoesNotExistIsNamed() {
        SteeringException e =
                assertThrows(SteeringException.class, () -> SteeringProgram.attach("nosuch0", maps, AttachMode.AUTO));
        assertEquals("nosuch0: no such network interface", e.getMessage());
    }

    @Test
    void theProgramOfAKilledDirectorIsTakenOver() {
        for (AttachMode mode : List.of(AttachMode.NATIVE, AttachMode.GENERIC)) {
            // Never detached, as by a process that is gone; all that stays of it is the kernel's attachment.
            SteeringProgram killed = SteeringProgram.attach("in", maps, mode);
            try (SteeringProgram program = SteeringProgram.attach("in", maps, AttachMode.AUTO)) {
                assertEquals(List.of("\"sluice_steer\" (id " + killed.id() + ")"), program.takenOver());
                assertTrue(program.id() != killed.id());
                assertTrue(link("in").contains("id " + program.id()), link("in"));
                assertEquals(mode, program.mode(), "auto stays in the mode it finds: another one would leave a gap");
                assertEquals(program.id(), AttachedPrograms.idInMode(index("in"), mode(mode)));
            }
            assertFalse(link("in").contains("prog/xdp"), link("in"));
            // What the killed one would have done is done already.
            killed.detach();
        }
    }

    @Test
    void whatIsLeftStaysAttachedUntilItIsRemoved() {
        SteeringProgram program = SteeringProgram.attach("in", maps, AttachMode.AUTO);
        program.leave();
        program.detach();
        assertTrue(link("in").contains("id " + program.id()), link("in"));
        assertEquals(List.of("\"sluice_steer\" (id " + program.id() + ")"), SteeringProgram.on("in"));
        assertEquals(SteeringProgram.on("in"), SteeringProgram.removeLeftovers("in"));
        assertFalse(link("in").contains("prog/xdp"), link("in"));
        assertEquals(List.of(), SteeringProgram.removeLeftovers("in"));
    }

    @Test
    void aTakeoverIntoAnotherModeComesOffOrChangesNothing() {
        SteeringProgram.attach("in", maps, AttachMode.NATIVE).leave();
        SteeringProgram generic = SteeringProgram.attach("in", maps, AttachMode.GENERIC);
        assertEquals(AttachMode.GENERIC, generic.mode());
        assertTrue(link("in").contains("xdpgeneric"), link("in"));
        generic.leave();
        assertEquals(List.of("\"sluice_steer\" (id " + generic.id() + ")"), SteeringProgram.on("in"));

        // The driver of a veth refuses native XDP where its peer sends on more queues than it receives on.
        netns.veth("narrow", netns, "wide", 2);
        netns.run("ethtool", "-L", "narrow", "rx", "1");
        SteeringProgram kept = SteeringProgram.attach("narrow", maps, AttachMode.GENERIC);
        kept.leave();
        assertThrows(SteeringException.class, () -> SteeringProgram.attach("narrow", maps, AttachMode.NATIVE));
        assertEquals(List.of("\"sluice_steer\" (id " + kept.id() + ")"), SteeringProgram.on("narrow"));
        assertTrue(link("narrow").contains("xdpgeneric"), link("narrow"));
    }

    @Test
    void aTakeoverLetsNoPacketThrough() throws Exception {
        maps.addService(PacketCases.SERVICES.getFirst(), 1);
        InterfaceMaps own = maps.ofInterface("in");
        byte[] syn = frame("tcp4 to the service");
        AtomicBoolean done = new AtomicBoolean();
        try (TestSocket socket = new TestSocket("in", 0);
                PacketSocket kernel = new PacketSocket("in");
                PacketSocket sender = new PacketSocket("out")) {
            own.putSocket(0, socket.fd());
            own.removeSocket(0);
            SteeringProgram.attach("in", maps, AttachMode.NATIVE).leave();
            Thread flood = Thread.ofPlatform().start(() -> {
                while (!done.get()) {
                    sender.send(syn);
                }
            });
            long before = own.counters().total();
            for (int i = 0; i < 30; i++) {
                SteeringProgram.attach("in", maps, AttachMode.AUTO).leave();
            }
            long seen = own.counters().total() - before;
            done.set(true);
            flood.join();
            assertTrue(seen > 1000, "only " + seen + " packets in the meantime");
            assertNull(kernel.receive(0x0800, 0), "a packet for a service reached the kernel");
        }
    }

    private static int index(String interfaceName) {
        return LibC.ifNameToIndex(CallState.current(), interfaceName);
    }

    private static int mode(AttachMode mode) {
        return mode == AttachMode.NATIVE ? Native.XDP_MODE_NATIVE() : Native.XDP_MODE_SKB();
    }

    @Test
    void detachingDoesNotTouchASuccessor() {
        SteeringProgram first = SteeringProgram.attach("in", maps, AttachMode.AUTO);
        try (SteeringProgram second = SteeringProgram.attach("in", maps, AttachMode.AUTO)) {
            first.detach();
            assertTrue(link("in").contains("id " + second.id()), link("in"));
        }
    }

    @Test
    void detachAfterTheInterfaceIsGone() {
        SteeringProgram program = SteeringProgram.attach("in", maps, AttachMode.AUTO);
        netns.run("ip", "link", "delete", "in");
        program.detach();
    }

    @Test
    void aForeignProgramIsNamedAndLeftAlone() throws IOException {
        int index = LibC.ifNameToIndex(CallState.current(), "in");
        MemorySegment object = loadFlood();
        try {
            int fd = LibBpf.programFd(object, "sluice_flood");
            for (int flag : new int[] {Native.XDP_FLAGS_DRV_MODE(), Native.XDP_FLAGS_SKB_MODE()}) {
                NativeException.check(
                        Native.bpf_xdp_attach(index, fd, flag, MemorySegment.NULL), "bpf_xdp_attach(sluice_flood)");
                SteeringException e = assertThrows(
                        SteeringException.class, () -> SteeringProgram.attach("in", maps, AttachMode.AUTO));
                assertTrue(
                        e.getMessage().matches("in: XDP program \"sluice_flood\" \\(id \\d+\\) is attached already.*"),
                        e.getMessage());
                assertTrue(e.getMessage().contains("ip link set dev in xdp off"), e.getMessage());
                assertTrue(link("in").contains("prog/xdp"), "the foreign program is gone");
                assertEquals(List.of(), SteeringProgram.removeLeftovers("in"));
                NativeException.check(Native.bpf_xdp_detach(index, flag, MemorySegment.NULL), "bpf_xdp_detach()");
            }
        } finally {
            LibBpf.objectClose(object);
        }
    }

    @Test
    void realFramesAreCountedFromTheFirstOn() {
        PacketCases.SERVICES.forEach(service -> maps.addService(service, 1));
        InterfaceMaps own = maps.ofInterface("in");
        byte[] syn = frame("tcp4 to the service");
        byte[] jumbo = frame("jumbo frame of 9000 bytes");
        netns.run("ip", "link", "set", "in", "mtu", "9000");
        netns.run("ip", "link", "set", "out", "mtu", "9000");
        try (SteeringProgram _ = SteeringProgram.attach("in", maps, AttachMode.GENERIC);
                TestSocket socket = new TestSocket("in", 0)) {
            send(syn);
            assertEquals(1, own.counters().count(SteeringOutcome.PASS_NO_SOCKET), own.counters()::toString);
            own.putSocket(0, socket.fd());
            send(syn);
            send(jumbo);
            assertEquals(2, own.counters().count(SteeringOutcome.STEERED), own.counters()::toString);
            own.setStationAddress(PacketBuilder.DEFAULT_SOURCE_MAC);
            send(syn);
            assertEquals(1, own.counters().count(SteeringOutcome.PASS_OTHER_HOST), own.counters()::toString);
            assertEquals(4, own.counters().total(), own.counters()::toString);
        }
        // The socket is closed, and the map has forgotten it by itself: no director is there.
        try (SteeringProgram _ = SteeringProgram.attach("in", maps, AttachMode.GENERIC)) {
            own.setStationAddress(0);
            send(syn);
            assertEquals(1, own.counters().count(SteeringOutcome.DROP_NO_DIRECTOR), own.counters()::toString);
        }
    }

    @Test
    void theVerifierAsksForNoMoreThanCapBpfAndCapNetAdmin(@TempDir Path folder) throws IOException {
        Path object = folder.resolve("steer.bpf.o");
        Files.write(object, resource("/bpf/steer.bpf.o"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        // Pinning fails, nobody may do that; what counts is that loading comes first and does not.
        String output = netns.tryRun(
                        "setpriv",
                        "--reuid=65534",
                        "--regid=65534",
                        "--clear-groups",
                        "--inh-caps=-all,+net_admin,+bpf",
                        "--ambient-caps=-all,+net_admin,+bpf",
                        "bpftool",
                        "--debug",
                        "prog",
                        "load",
                        object.toString(),
                        "/sys/fs/bpf/sluice-no-such-folder/steer")
                .output();
        assertTrue(output.contains("processed "), output);
        assertFalse(output.contains("failed to load"), output);
    }

    @Test
    void whatTheVerifierSaysLastIsKept() throws IOException {
        NativeLog.listen();
        // The number of a helper that no kernel has, in place of bpf_redirect_map's.
        byte[] broken = resource("/bpf/steer.bpf.o");
        int call = indexOf(broken, HexFormat.of().parseHex("8500000033000000"));
        broken[call + 4] = (byte) 0xff;
        broken[call + 5] = (byte) 0xff;
        MemorySegment object = LibBpf.objectOpen(broken, "broken");
        try {
            NativeException e = assertThrows(NativeException.class, () -> LibBpf.objectLoad(object));
            assertEquals(Native.EINVAL(), e.errno());
            assertEquals("invalid func unknown#65535", NativeLog.reason().orElse(""));
        } finally {
            LibBpf.objectClose(object);
        }
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int i = 0; i + wanted.length <= bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        throw new AssertionError("not found");
    }

    private static byte[] frame(String name) {
        return PacketCases.all().stream()
                .filter(packet -> packet.name().equals(name))
                .findFirst()
                .orElseThrow()
                .frame();
    }

    private void send(byte[] frame) {
        long before = maps.ofInterface("in").counters().total();
        netns.run("/usr/bin/python3", "-c", SEND, "out", HexFormat.of().formatHex(frame));
        long giveUp = System.nanoTime() + 5_000_000_000L;
        while (maps.ofInterface("in").counters().total() == before && System.nanoTime() < giveUp) {
            Thread.onSpinWait();
        }
    }

    private String link(String interfaceName) {
        return netns.run("ip", "-details", "link", "show", "dev", interfaceName);
    }

    private static MemorySegment loadFlood() throws IOException {
        MemorySegment object = LibBpf.objectOpen(resource("/bpf/flood.bpf.o"), "flood");
        LibBpf.objectLoad(object);
        return object;
    }

    private static byte[] resource(String path) throws IOException {
        try (InputStream in = SteeringProgramIT.class.getResourceAsStream(path)) {
            return Objects.requireNonNull(in, path).readAllBytes();
        }
    }
}

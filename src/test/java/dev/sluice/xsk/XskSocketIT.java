package dev.sluice.xsk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.generated.Native;
import dev.sluice.testing.NetnsFixture;
import dev.sluice.testing.NetworkNamespace;
import dev.sluice.testing.PacketSocket;
import dev.sluice.xsk.UmemOptions.Hugepages;
import dev.sluice.xsk.XskOptions.BindMode;
import dev.sluice.xsk.XskOptions.BusyPoll;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Sockets on veth pairs: the director's namespace has {@code left0} and {@code right0}, whose peers {@code left1} and
 * {@code right1} send and receive raw frames.
 */
@Timeout(60)
final class XskSocketIT {
    /** An EtherType for local experiments (IEEE 802), which nothing else sends. */
    private static final int ETHER_TYPE = 0x88b5;

    private static final long WAIT_MS = 5000;

    /** The RX ring twice as long as the fill ring: it cannot overflow, so that no frame stays in the kernel's hands. */
    private static final XskOptions ROOMY = XskOptions.defaults().withRings(4096, 2048);

    @TempDir
    Path folder;

    private final NetnsFixture fixture = new NetnsFixture();
    private NetworkNamespace director;
    private NetworkNamespace outside;
    private PacketSocket left;
    private PacketSocket right;

    @BeforeEach
    void connect() throws Exception {
        director = fixture.add("director");
        outside = fixture.add("outside");
        for (NetworkNamespace namespace : List.of(director, outside)) {
            // No router solicitations and the like among the frames that are counted.
            namespace.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
        }
        fixture.veth(director, "left0", outside, "left1");
        fixture.veth(director, "right0", outside, "right1");
        left = outside.in(() -> new PacketSocket("left1"));
        right = outside.in(() -> new PacketSocket("right1"));
    }

    @AfterEach
    void disconnect() {
        try {
            left.close();
            right.close();
        } finally {
            fixture.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"2048,false,COPY", "4096,false,COPY", "2048,true,COPY", "4096,true,AUTO", "2048,false,AUTO"})
    void receivesAndSendsTheRightBytes(int frameSizeBytes, boolean generic, BindMode mode) throws Exception {
        XskOptions options = ROOMY.withBindMode(mode).withGenericXdp(generic);
        try (Umem umem = umem(UmemOptions.of(4096, frameSizeBytes));
                XskSocket socket = open(umem, "left0", 0, options);
                RedirectProgram program = attach(socket, generic)) {
            assertNotNull(program);
            FramePool pool = umem.newFramePool();
            assertEquals(2048, socket.fill().refill(pool, 4096));
            Random random = new Random(frameSizeBytes);
            for (int lengthBytes : new int[] {60, 61, 64, 590, 1500, 1514}) {
                byte[] sent = frame(random, lengthBytes);
                left.send(sent);
                long address = awaitFrame(umem, socket, sent);
                assertTrue(address % frameSizeBytes >= UmemOptions.KERNEL_HEADROOM_BYTES, "headroom at " + address);
                // Back out again, changed in place.
                byte[] changed = frame(random, lengthBytes);
                MemorySegment.copy(changed, 0, umem.frames(), ValueLayout.JAVA_BYTE, address, lengthBytes);
                assertEquals(1, socket.tx().reserve(1));
                socket.tx().set(0, address, lengthBytes);
                socket.tx().submit(1);
                assertEquals(0, socket.kickTx());
                assertArrayEquals(changed, left.receive(ETHER_TYPE, WAIT_MS));
                awaitCompletion(socket, pool);
            }
            assertConserved(umem, pool, socket);
            assertEquals(new XskStatistics(0, 0, 0, 0, 0, socket.statistics().txRingEmptyDescs()), socket.statistics());
            assertFalse(socket.isZeroCopy(), "veth has no zero-copy");
        }
    }

    @ParameterizedTest
    @CsvSource({"2048,false", "4096,false", "2048,true"})
    void packetsOfSeveralFramesComeInAndGoOut(int frameSizeBytes, boolean generic) throws Exception {
        for (String name : List.of("left", "right")) {
            director.run("ip", "link", "set", name + "0", "mtu", "9000");
            outside.run("ip", "link", "set", name + "1", "mtu", "9000");
        }
        XskOptions options = ROOMY.withGenericXdp(generic).withMultiBuffer(true);
        try (Umem umem = umem(UmemOptions.of(4096, frameSizeBytes));
                XskSocket in = open(umem, "left0", 0, options);
                // Its own flags do not count: it does as the first.
                XskSocket out = open(umem, "right0", 0, options);
                RedirectProgram program = attach(in, generic)) {
            assertNotNull(program);
            assertTrue(in.isMultiBuffer());
            FramePool pool = umem.newFramePool();
            assertEquals(2048, in.fill().refill(pool, 4096));
            Random random = new Random(frameSizeBytes);
            int room = umem.options().roomBytes();
            for (int lengthBytes : new int[] {60, room - 1, room, room + 1, 2 * room, 2 * room + 1, 8999, 9014}) {
                byte[] sent = frame(random, lengthBytes);
                left.send(sent);
                int entries = (lengthBytes - 1) / room + 1;
                assertEquals(entries, awaitEntries(in), "entries of " + lengthBytes + " bytes");
                byte[] received = new byte[lengthBytes];
                assertEquals(entries, out.tx().reserve(entries));
                for (int i = 0, at = 0; i < entries; i++) {
                    long address = in.rx().address(i);
                    int length = in.rx().length(i);
                    MemorySegment.copy(umem.frames(), ValueLayout.JAVA_BYTE, address, received, at, length);
                    at += length;
                    assertEquals(i < entries - 1, in.rx().isContinued(i));
                    if (i < entries - 1) {
                        out.tx().setContinued(i, address, length);
                    } else {
                        assertEquals(lengthBytes, at);
                        out.tx().set(i, address, length);
                    }
                }
                in.rx().release(entries);
                assertArrayEquals(sent, received);
                out.tx().submit(entries);
                assertEquals(0, out.kickTx());
                assertArrayEquals(sent, right.receive(ETHER_TYPE, WAIT_MS));
                for (int i = 0; i < entries; i++) {
                    awaitCompletion(out, pool);
                }
            }
            assertConserved(umem, pool, in, out);
        }
    }

    /** Waits for a packet, peeks at all of its entries: how many. */
    private static int awaitEntries(XskSocket socket) {
        long deadlineNs = System.nanoTime() + WAIT_MS * 1_000_000;
        while (System.nanoTime() < deadlineNs) {
            int peeked = socket.rx().peek(64);
            int entries = socket.rx().entriesOfPacket(0, peeked);
            socket.rx().cancel(peeked - entries);
            if (entries > 0) {
                return entries;
            }
            assertTrue(socket.wakeRx() <= 0);
        }
        throw new AssertionError("no packet on " + socket + ": " + socket.statistics());
    }

    @ParameterizedTest
    @CsvSource({"2048,false", "4096,true"})
    void twoInterfacesForwardOverOneUmem(int frameSizeBytes, boolean generic) throws Exception {
        XskOptions options = ROOMY.withGenericXdp(generic);
        try (Umem umem = umem(UmemOptions.of(8192, frameSizeBytes));
                XskSocket in = open(umem, "left0", 0, options);
                XskSocket out = open(umem, "right0", 0, options);
                RedirectProgram leftProgram = attach(in, generic);
                RedirectProgram rightProgram = attach(out, generic)) {
            assertNotNull(leftProgram);
            assertNotNull(rightProgram);
            FramePool pool = umem.newFramePool();
            Forwarder forwarder = new Forwarder(pool, in, out);
            Random random = new Random(1);
            int batch = 100;
            byte[][] frames = new byte[batch][];
            for (int i = 0; i < batch; i++) {
                frames[i] = frame(random, 60 + random.nextInt(200));
            }
            long arrived = 0;
            for (int round = 0; round < 1000; round++) {
                for (byte[] bytes : frames) {
                    left.send(bytes);
                }
                long target = forwarder.sent + batch;
                long deadlineNs = System.nanoTime() + WAIT_MS * 1_000_000;
                while (forwarder.sent < target || out.tx().pending() > 0) {
                    forwarder.work();
                    assertTrue(System.nanoTime() < deadlineNs, "stuck in round " + round + ": " + in.statistics());
                }
                for (byte[] bytes : frames) {
                    assertArrayEquals(bytes, right.receive(ETHER_TYPE, WAIT_MS));
                    arrived++;
                }
            }
            assertEquals(100_000, arrived);
            forwarder.settle();
            assertConserved(umem, pool, in, out);
        }
    }

    @Test
    void oneKickSendsAWholeBacklogAsFarAsCompletionsGo() throws Exception {
        try (Umem umem = umem(UmemOptions.of(1024, 2048).withRings(256, 256));
                XskSocket socket = open(umem, "left0", 0, ROOMY)) {
            FramePool pool = umem.newFramePool();
            byte[] bytes = frame(new Random(7), 60);
            int backlog = 600;
            assertEquals(backlog, socket.tx().reserve(backlog));
            for (int i = 0; i < backlog; i++) {
                long address = pool.alloc();
                MemorySegment.copy(bytes, 0, umem.frames(), ValueLayout.JAVA_BYTE, address, bytes.length);
                socket.tx().set(i, address, bytes.length);
            }
            socket.tx().submit(backlog);
            // The completion ring holds 256: the kernel takes no more until it is drained.
            for (int left : new int[] {344, 88}) {
                assertEquals(-Native.EAGAIN(), socket.kickTx());
                assertEquals(left, socket.tx().pending());
                assertEquals(256, socket.completion().drain(pool, 1024));
            }
            assertEquals(0, socket.kickTx());
            assertEquals(0, socket.tx().pending());
            assertEquals(88, socket.completion().drain(pool, 1024));
            for (int i = 0; i < backlog; i++) {
                assertArrayEquals(bytes, left.receive(ETHER_TYPE, WAIT_MS));
            }
            assertConserved(umem, pool, socket);
        }
    }

    @Test
    void floodLosesPacketsButNoFrames() throws Exception {
        try (Umem umem = umem(UmemOptions.of(1024, 2048).withRings(256, 256));
                XskSocket in = open(umem, "left0", 0, XskOptions.defaults().withRings(512, 256));
                XskSocket out = open(umem, "right0", 0, XskOptions.defaults().withRings(512, 256));
                RedirectProgram program = attach(in, false)) {
            assertNotNull(program);
            FramePool pool = umem.newFramePool();
            Forwarder forwarder = new Forwarder(pool, in, out);
            byte[] bytes = frame(new Random(5), 60);
            Thread flood = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 200_000; i++) {
                    left.send(bytes);
                }
            });
            while (flood.isAlive()) {
                forwarder.work();
            }
            flood.join();
            forwarder.settle();
            assertTrue(forwarder.sent > 1000, "sent " + forwarder.sent);
            assertConserved(umem, pool, in, out);
            while (right.receive() != null) {
                assertTrue(forwarder.sent > 0);
            }
            byte[] after = frame(new Random(6), 80);
            left.send(after);
            long deadlineNs = System.nanoTime() + WAIT_MS * 1_000_000;
            byte[] received = null;
            while (received == null && System.nanoTime() < deadlineNs) {
                forwarder.work();
                received = right.receive();
            }
            assertArrayEquals(after, received);
        }
    }

    @Test
    void interfaceDownAndUpSurvives() throws Exception {
        try (Umem umem = umem(UmemOptions.of(4096, 2048));
                XskSocket socket = open(umem, "left0", 0, ROOMY);
                RedirectProgram program = attach(socket, false)) {
            assertNotNull(program);
            FramePool pool = umem.newFramePool();
            socket.fill().refill(pool, 2048);
            director.run("ip", "link", "set", "left0", "down");
            byte[] sent = frame(new Random(2), 100);
            long address = pool.alloc();
            MemorySegment.copy(sent, 0, umem.frames(), ValueLayout.JAVA_BYTE, address, sent.length);
            socket.tx().reserve(1);
            socket.tx().set(0, address, sent.length);
            socket.tx().submit(1);
            assertEquals(-Native.ENETDOWN(), socket.kickTx());
            assertEquals(1, socket.tx().pending());
            assertTrue(socket.wakeRx() <= 0);
            director.run("ip", "link", "set", "left0", "up");
            assertEquals(0, socket.kickTx());
            assertArrayEquals(sent, left.receive(ETHER_TYPE, WAIT_MS));
            awaitCompletion(socket, pool);
            byte[] back = frame(new Random(3), 200);
            left.send(back);
            pool.free(awaitFrame(umem, socket, back));
            assertConserved(umem, pool, socket);

            director.run("ip", "link", "del", "left0");
            socket.tx().reserve(1);
            socket.tx().set(0, pool.alloc(), 60);
            socket.tx().submit(1);
            int result = socket.kickTx();
            assertTrue(result == -Native.ENXIO() || result == -Native.ENETDOWN(), "kick: " + result);
            assertTrue(socket.wakeRx() <= 0);
        }
    }

    @Test
    void queueInUseIsToldAfterABoundedWait() throws Exception {
        try (Umem umem = umem(UmemOptions.of(4096, 2048));
                Umem other = umem(UmemOptions.of(4096, 2048));
                XskSocket socket = open(umem, "left0", 0, ROOMY)) {
            assertTrue(socket.fd() >= 0);
            long startNs = System.nanoTime();
            XskException e = assertThrows(XskException.class, () -> open(other, "left0", 0, ROOMY));
            long tookMs = (System.nanoTime() - startNs) / 1_000_000;
            assertEquals("queue 0 of left0 is in use by another AF_XDP socket", e.getMessage());
            assertEquals(Native.EBUSY(), e.errno());
            assertTrue(tookMs >= 450 && tookMs < 3000, "took " + tookMs + " ms");
            // The failure spoils neither UMEM: for the first socket of one, nor for the second of the other.
            try (XskSocket second = open(other, "right0", 0, ROOMY)) {
                assertThrows(XskException.class, () -> open(umem, "right0", 0, ROOMY));
                assertTrue(second.fd() != socket.fd());
            }
            assertEquals(
                    "queue 0 of left0 already has a socket on this UMEM",
                    assertThrows(IllegalStateException.class, () -> open(umem, "left0", 0, ROOMY))
                            .getMessage());
        }
    }

    @Test
    void closedQueuesReopenAtOnce() throws Exception {
        for (int i = 0; i < 20; i++) {
            try (Umem umem = umem(UmemOptions.of(512, 4096))) {
                XskSocket first = open(umem, "left0", 0, ROOMY);
                XskSocket second = open(umem, "right0", 0, ROOMY);
                FramePool pool = umem.newFramePool();
                first.fill().refill(pool, 100);
                second.fill().refill(pool, 100);
                if (i % 2 == 0) {
                    second.close();
                    assertThrows(
                            IllegalStateException.class, () -> second.fill().refill(pool, 100));
                }
            }
        }
    }

    @Test
    void secondSocketReopensOnTheSameUmem() throws Exception {
        try (Umem umem = umem(UmemOptions.of(4096, 2048));
                XskSocket first = open(umem, "left0", 0, ROOMY);
                RedirectProgram leftProgram = attach(first, false)) {
            assertNotNull(leftProgram);
            open(umem, "right0", 0, ROOMY).close();
            try (XskSocket again = open(umem, "right0", 0, ROOMY);
                    RedirectProgram program = attach(again, false)) {
                assertNotNull(program);
                FramePool pool = umem.newFramePool();
                again.fill().refill(pool, 2048);
                byte[] sent = frame(new Random(9), 60);
                right.send(sent);
                pool.free(awaitFrame(umem, again, sent));
            }
        }
    }

    @Test
    void refusalsSayWhatIsWrong() throws Exception {
        try (Umem umem = umem(UmemOptions.of(512, 2048))) {
            assertEquals(
                    "interface nosuch0 does not exist",
                    assertThrows(XskException.class, () -> open(umem, "nosuch0", 0, ROOMY))
                            .getMessage());
            assertEquals(
                    "queue 7 of left0 does not exist: the interface has 1 (ethtool -l)",
                    assertThrows(XskException.class, () -> open(umem, "left0", 7, ROOMY))
                            .getMessage());
            assertEquals(
                    "queue 0 of left0: its driver offers no zero-copy; choose mode copy or auto",
                    assertThrows(
                                    XskException.class,
                                    () -> open(umem, "left0", 0, ROOMY.withBindMode(BindMode.ZEROCOPY)))
                            .getMessage());
            try (XskSocket socket = open(umem, "left0", 0, ROOMY)) {
                XskException e = assertThrows(
                        XskException.class, () -> open(umem, "right0", 0, ROOMY.withBindMode(BindMode.ZEROCOPY)));
                assertEquals(
                        "right0 queue 0: no zero-copy, because the first socket on this UMEM runs in copy mode",
                        e.getMessage());
                assertTrue(socket.fd() >= 0);
            }
            assertThrows(IllegalStateException.class, () -> open(umem, "left0", 0, ROOMY));
        }
    }

    @Test
    void busyPollingReceives() throws Exception {
        try (Umem umem = umem(UmemOptions.of(4096, 2048));
                XskSocket socket = open(umem, "left0", 0, ROOMY.withBusyPoll(new BusyPoll(20, 64)));
                RedirectProgram program = attach(socket, false)) {
            assertNotNull(program);
            FramePool pool = umem.newFramePool();
            socket.fill().refill(pool, 2048);
            byte[] sent = frame(new Random(8), 60);
            left.send(sent);
            pool.free(awaitFrame(umem, socket, sent));
            assertConserved(umem, pool, socket);
        }
    }

    @Test
    void severalQueuesAndTheDriverAreSeen() throws Exception {
        director.veth("wide0", outside, "wide1", 2);
        director.in(() -> {
            assertEquals(2, InterfaceQueues.count("wide0"));
            assertEquals(1, InterfaceQueues.count("left0"));
            assertEquals(1, InterfaceQueues.count("lo"));
            assertEquals(1, InterfaceQueues.count("nosuch0"));
            assertEquals(Optional.of("veth"), InterfaceQueues.driver("wide0"));
            assertEquals(Optional.empty(), InterfaceQueues.driver("nosuch0"));
            try (Umem umem = Umem.open(UmemOptions.of(512, 2048));
                    XskSocket first = XskSocket.open(umem, "wide0", 0, ROOMY);
                    XskSocket second = XskSocket.open(umem, "wide0", 1, ROOMY)) {
                assertEquals(0, first.queue());
                assertEquals(1, second.queue());
            }
            return true;
        });
    }

    @Test
    void plainPagesWhereHugePagesAreOff() throws Exception {
        try (Umem umem = umem(UmemOptions.of(512, 2048).withHugepages(Hugepages.OFF))) {
            assertFalse(umem.inHugepages());
            assertEquals(512 * 2048, umem.frames().byteSize());
        }
    }

    /** A worker in small: receives on one socket, sends on the other, drops and frees what does not fit. */
    private static final class Forwarder {
        private final FramePool pool;
        private final XskSocket in;
        private final XskSocket out;
        private final long[] addresses = new long[4096];
        private final int[] lengths = new int[4096];
        private long sent;

        Forwarder(FramePool pool, XskSocket in, XskSocket out) {
            this.pool = pool;
            this.in = in;
            this.out = out;
            work();
        }

        int work() {
            out.completion().drain(pool, 4096);
            int received = in.rx().receive(addresses, lengths, addresses.length);
            int room = Math.min(received, out.tx().free(received));
            out.tx().reserve(room);
            for (int i = 0; i < room; i++) {
                out.tx().set(i, addresses[i], lengths[i]);
            }
            out.tx().submit(room);
            pool.free(addresses, room, received - room);
            sent += room;
            int kicked = out.kickTx();
            assertTrue(
                    kicked == 0
                            || kicked == -Native.EAGAIN()
                            || kicked == -Native.EBUSY()
                            || kicked == -Native.ENOBUFS(),
                    "kick: " + kicked);
            in.fill().refill(pool, in.fill().size());
            in.wakeRx();
            return received;
        }

        /** Until nothing moves any more. */
        void settle() throws InterruptedException {
            for (int idle = 0; idle < 20; ) {
                idle = work() == 0 && out.tx().pending() == 0 ? idle + 1 : 0;
                Thread.sleep(1);
            }
        }
    }

    /** Every frame is in the pool or waits in a fill ring: none was lost, none counted twice. */
    private static void assertConserved(Umem umem, FramePool pool, XskSocket... sockets) {
        int inFill = 0;
        for (XskSocket socket : sockets) {
            assertEquals(0, socket.tx().pending(), socket + ": TX ring");
            assertEquals(0, socket.rx().available(1), socket + ": RX ring");
            assertEquals(0, socket.completion().available(1), socket + ": completion ring");
            assertEquals(0, socket.statistics().rxRingFull(), socket + ": RX ring overflowed");
            inFill += socket.fill().pending();
        }
        assertEquals(umem.options().frameCount(), pool.available() + inFill, "frames");
    }

    /** In the namespace as well, for the first socket of a UMEM is the one that registered it. */
    private Umem umem(UmemOptions options) throws Exception {
        return director.in(() -> Umem.open(options));
    }

    private XskSocket open(Umem umem, String interfaceName, int queue, XskOptions options) throws Exception {
        return director.in(() -> XskSocket.open(umem, interfaceName, queue, options));
    }

    private RedirectProgram attach(XskSocket socket, boolean generic) throws Exception {
        return director.in(() -> new RedirectProgram(folder, socket, generic));
    }

    /** Waits for the test's next frame, compares it, and returns its address. */
    private static long awaitFrame(Umem umem, XskSocket socket, byte[] expected) {
        long deadlineNs = System.nanoTime() + WAIT_MS * 1_000_000;
        long[] addresses = new long[1];
        int[] lengths = new int[1];
        while (System.nanoTime() < deadlineNs) {
            if (socket.rx().receive(addresses, lengths, 1) == 1) {
                byte[] bytes = umem.frames().asSlice(addresses[0], lengths[0]).toArray(ValueLayout.JAVA_BYTE);
                assertArrayEquals(expected, bytes);
                return addresses[0];
            }
            assertTrue(socket.wakeRx() <= 0);
        }
        throw new AssertionError("no frame on " + socket + ": " + socket.statistics());
    }

    private static void awaitCompletion(XskSocket socket, FramePool pool) {
        long deadlineNs = System.nanoTime() + WAIT_MS * 1_000_000;
        while (socket.completion().drain(pool, 1) == 0) {
            assertTrue(System.nanoTime() < deadlineNs, "no completion");
        }
    }

    private static byte[] frame(Random random, int lengthBytes) {
        byte[] frame = new byte[lengthBytes];
        random.nextBytes(frame);
        // Broadcast, so that no end's MAC address matters.
        Arrays.fill(frame, 0, 6, (byte) 0xff);
        frame[6] = 2;
        frame[12] = (byte) (ETHER_TYPE >> 8);
        frame[13] = (byte) ETHER_TYPE;
        return frame;
    }
}

package dev.sluice.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.UnixDatagrams;
import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServiceManagerTest {
    private static final long PID = 4711;

    @TempDir
    private Path folder;

    private int listener = -1;

    @AfterEach
    void close() {
        if (listener >= 0) {
            LibC.close(CallState.current(), listener);
        }
    }

    /** Listens as sd_notify(3) says that a service manager does. */
    private void listen(String name) {
        CallState state = CallState.current();
        listener =
                NativeException.check(LibC.socket(state, 1, Native.SOCK_DGRAM() | Native.SOCK_NONBLOCK(), 0), "socket");
        byte[] path = name.replaceFirst("^@", "\0").getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(2 + path.length, 2);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) 1);
            MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, 2, path.length);
            NativeException.check(LibC.bind(state, listener, address), "bind");
        }
    }

    private List<String> heard() {
        List<String> heard = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(4096);
            while (true) {
                long count = LibC.receive(CallState.current(), listener, buffer, 4096, 0);
                if (count < 0) {
                    return heard;
                }
                byte[] bytes = buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
                heard.add(new String(bytes, StandardCharsets.UTF_8));
            }
        }
    }

    private static ServiceManager of(String... environment) {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < environment.length; i += 2) {
            map.put(environment[i], environment[i + 1]);
        }
        return ServiceManager.of(map, PID);
    }

    private void tellsEverything(String socket) {
        listen(socket);
        try (ServiceManager manager = of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "2000000")) {
            manager.ready("2 services");
            manager.status("2 services");
            manager.status("3 services ü");
            manager.beat();
            manager.stopping();
        }
        assertEquals(
                List.of(
                        "READY=1\nSTATUS=2 services",
                        "STATUS=3 services ü",
                        "WATCHDOG=1",
                        "STOPPING=1\nSTATUS=stopping"),
                heard());
    }

    @Test
    void aSocketInAFolder() {
        tellsEverything(folder.resolve("notify").toString());
    }

    @Test
    void aSocketOfTheAbstractNamespace() {
        tellsEverything("@sluice-test-" + UUID.randomUUID());
    }

    @Test
    void twoReloadsAtOnceAreOne() {
        listen(folder.resolve("notify").toString());
        try (ServiceManager manager =
                of("NOTIFY_SOCKET", folder.resolve("notify").toString())) {
            manager.reloading();
            manager.reloading();
            manager.reloaded();
            assertEquals(1, heard().size(), "the second is not over");
            manager.reloaded();
            assertEquals(List.of("READY=1"), heard());
        }
    }

    @Test
    void theWatchdogIsThisProcess() {
        String socket = folder.resolve("notify").toString();
        assertEquals(
                2_000_000_000L,
                of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "2000000").watchdogNs());
        assertEquals(
                2_000_000_000L,
                of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "2000000", "WATCHDOG_PID", "" + PID)
                        .watchdogNs());
        assertEquals(
                0,
                of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "2000000", "WATCHDOG_PID", "1")
                        .watchdogNs());
        assertEquals(0, of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "soon").watchdogNs());
        assertEquals(0, of("NOTIFY_SOCKET", socket).watchdogNs());
        assertEquals(0, of("WATCHDOG_USEC", "2000000").watchdogNs(), "nobody listens");
    }

    @Test
    void nobodyThereIsNoReasonToStop() {
        try (ServiceManager none = of();
                ServiceManager gone = of("NOTIFY_SOCKET", folder.resolve("gone").toString());
                ServiceManager wrong = of("NOTIFY_SOCKET", "vsock:2:1234")) {
            for (ServiceManager manager : List.of(none, gone, wrong)) {
                manager.ready("x");
                manager.beat();
            }
        }
    }

    @Test
    void aNameThatIsNoneIsRefused() {
        for (String name : List.of("", "@", "/", "notify", "@" + "x".repeat(107))) {
            IllegalArgumentException refused =
                    assertThrows(IllegalArgumentException.class, () -> UnixDatagrams.to(name));
            assertTrue(String.valueOf(refused.getMessage()).contains("absolute path"), refused::toString);
        }
        UnixDatagrams.to("@" + "x".repeat(106)).close();
    }
}

package dev.sluice.xsk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testing.NetworkNamespace;
import dev.sluice.xsk.UmemOptions.Hugepages;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** UMEMs against the limits of the machine: huge pages, locked memory, privileges. */
@Timeout(60)
final class UmemIT {
    private static final Path NR_HUGEPAGES = Path.of("/proc/sys/vm/nr_hugepages");
    private static final UmemOptions OPTIONS = UmemOptions.of(4096, 2048);

    /** Opens a UMEM in a JVM of its own and prints what came of it; arguments: frame count, frame size. */
    static final class Main {
        private Main() {}

        public static void main(String[] args) {
            try (Umem umem = Umem.open(UmemOptions.of(Integer.parseInt(args[0]), Integer.parseInt(args[1])))) {
                System.out.println("OPEN " + umem.frames().byteSize());
            } catch (MemlockException e) {
                System.out.println("MEMLOCK " + e.neededBytes() + " " + e.limitBytes() + " " + e.getMessage());
            } catch (XskException e) {
                System.out.println("XSK " + e.getMessage());
            }
        }
    }

    @Test
    void hugePagesWhereReserved() throws Exception {
        String before = Files.readString(NR_HUGEPAGES).trim();
        Files.writeString(NR_HUGEPAGES, Integer.toString(Integer.parseInt(before) + 8));
        try {
            for (Hugepages mode : Hugepages.values()) {
                try (Umem umem = Umem.open(OPTIONS.withHugepages(mode))) {
                    assertEquals(mode != Hugepages.OFF, umem.inHugepages(), mode.toString());
                    umem.frames().set(ValueLayout.JAVA_LONG, umem.frames().byteSize() - 8, 42);
                }
            }
        } finally {
            Files.writeString(NR_HUGEPAGES, before);
        }
    }

    @Test
    void plainPagesWhereNoneAreReserved() {
        // More than any test machine reserves: 64 GiB, which plain pages would not give either.
        UmemOptions huge = UmemOptions.of(1 << 25, 2048).withHugepages(Hugepages.ON);
        XskException e = assertThrows(XskException.class, () -> Umem.open(huge));
        assertEquals(
                "no huge pages for a UMEM of 68719476736 bytes: reserve them (sysctl vm.nr_hugepages)"
                        + " or set huge pages to auto or off",
                e.getMessage());
        try (Umem umem = Umem.open(OPTIONS.withHugepages(Hugepages.OFF))) {
            assertFalse(umem.inHugepages());
            assertEquals(4096 * 2048, umem.frames().byteSize());
        }
    }

    @Test
    void framesAreGoneAfterClose() {
        Umem umem = Umem.open(OPTIONS);
        umem.close();
        umem.close();
        assertThrows(IllegalStateException.class, () -> umem.frames().get(ValueLayout.JAVA_LONG, 0));
    }

    @Test
    void memlockLimitIsNamed() {
        String limited =
                fork("prlimit", "--memlock=1048576", "setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock");
        assertEquals(
                "MEMLOCK 8388608 1048576 memlock limit too small: a UMEM needs 8388608 bytes of locked memory and the"
                        + " limit is 1048576 bytes for all UMEMs of the user; raise `ulimit -l` (systemd:"
                        + " LimitMEMLOCK=) or grant CAP_IPC_LOCK",
                limited);
        // CAP_IPC_LOCK lifts the limit.
        assertEquals("OPEN 8388608", fork("prlimit", "--memlock=1048576"));
    }

    @Test
    void missingCapabilityIsNamed() {
        String output = fork("setpriv", "--bounding-set=-net_raw,-ipc_lock", "--inh-caps=-net_raw,-ipc_lock");
        assertEquals("XSK no permission to open an AF_XDP socket: run as root or grant CAP_NET_RAW", output);
    }

    @Test
    void optionsRefuseWhatTheKernelWould() {
        for (int frameSize : new int[] {0, 1024, 3000, 8192}) {
            assertThrows(IllegalArgumentException.class, () -> UmemOptions.of(16, frameSize));
        }
        assertThrows(IllegalArgumentException.class, () -> UmemOptions.of(0, 2048));
        assertThrows(IllegalArgumentException.class, () -> OPTIONS.withRings(100, 64));
        assertThrows(IllegalArgumentException.class, () -> XskOptions.defaults().withRings(64, 3));
        assertThrows(
                IllegalArgumentException.class,
                () -> XskOptions.defaults()
                        .withBindMode(XskOptions.BindMode.ZEROCOPY)
                        .withGenericXdp(true));
    }

    private static String fork(String... wrapper) {
        List<String> command = new ArrayList<>(Arrays.asList(wrapper));
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "4096",
                "2048"));
        String output = NetworkNamespace.runHere(command.toArray(String[]::new)).trim();
        assertTrue(output.startsWith("OPEN") || output.startsWith("MEMLOCK") || output.startsWith("XSK"), output);
        return output;
    }
}

package dev.sluice.control;

import dev.sluice.bpf.SteeringException;
import dev.sluice.bpf.SteeringProgram;
import dev.sluice.control.preflight.EnvironmentException;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import dev.sluice.xsk.Umem;
import dev.sluice.xsk.UmemOptions;
import dev.sluice.xsk.XskException;
import dev.sluice.xsk.XskOptions;
import dev.sluice.xsk.XskSocket;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The steering programs that directors have left on interfaces, and their removal. One thread at a time. */
public final class Leftovers {
    private static final int FRAMES = 256;
    private static final int RING = 64;

    private Leftovers() {}

    /**
     * Takes what earlier directors left off interfaces of the calling thread's network namespace.
     *
     * @return by interface what was removed, each as {@code "sluice_steer" (id 17)}; an empty list where nothing was
     * @throws EnvironmentException when one of the interfaces does not exist or has a director, before anything is removed; or
     *     when the kernel refuses
     */
    public static Map<String, List<String>> remove(List<String> interfaces) throws EnvironmentException {
        List<String> problems = new ArrayList<>();
        Map<String, List<String>> removed = new LinkedHashMap<>();
        try {
            for (String name : interfaces) {
                if (!SteeringProgram.on(name).isEmpty() && hasSocket(name)) {
                    problems.add(name + ": a director is running on it; stop it first, \"sluice run --release\" leaves"
                            + " nothing behind");
                }
            }
            if (problems.isEmpty()) {
                for (String name : interfaces) {
                    removed.put(name, SteeringProgram.removeLeftovers(name));
                }
            }
        } catch (SteeringException | NativeException e) {
            problems.add(String.valueOf(e.getMessage()));
        }
        if (!problems.isEmpty()) {
            throw new EnvironmentException(problems);
        }
        return removed;
    }

    /**
     * Whether queue 0, which every director serves, has an AF_XDP socket: a second one is refused. What stands in {@code xsks}
     * the kernel tells nobody.
     */
    private static boolean hasSocket(String interfaceName) {
        UmemOptions small = new UmemOptions(FRAMES, 2048, 0, RING, RING, UmemOptions.Hugepages.OFF);
        XskOptions options = new XskOptions(RING, RING, XskOptions.BindMode.COPY, false, null, false);
        try (Umem umem = Umem.open(small);
                XskSocket _ = XskSocket.open(umem, interfaceName, 0, options)) {
            return false;
        } catch (XskException e) {
            // An interface that is down takes no socket, and no packets either.
            return e.errno() == Native.EBUSY();
        }
    }
}

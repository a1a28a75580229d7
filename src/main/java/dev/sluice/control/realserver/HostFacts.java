package dev.sluice.control.realserver;

import dev.sluice.control.preflight.EnvironmentException;
import java.util.List;

/** What a {@link Plan} has to know of the host. */
interface HostFacts {
    /** A value, or {@link Kind#ABSENT}. */
    String read(Kind kind, String target) throws EnvironmentException;

    /** Whether the network namespace has a device of this name. */
    boolean hasDevice(String name) throws EnvironmentException;

    /** Whether the module can be had: it is built in, loaded, or on the disk. */
    boolean hasModule(String name);

    /** The module behind all that it depends on, as modprobe would load them; only what is not built in. */
    List<String> modulesOf(String name);
}

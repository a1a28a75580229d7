package dev.sluice.bench.net;

import java.io.IOException;
import java.util.Optional;

/** Something that forwards packets, to be measured: told to start, given packets, told to end. */
interface Subject {
    /** As named in reports and in {@code --subjects}. */
    String name();

    /** Why it cannot run here and what would help, empty when it can. */
    Optional<String> missing();

    /** Why it cannot do what is asked of all, empty when it can. */
    default Optional<String> unfit(Topology.Shape shape, Scenario scenario) {
        return Optional.empty();
    }

    /** The command that it runs by, for somebody else to repeat. */
    String command(Topology topology, Scenario scenario);

    /** Starts it. It may take a moment more until it forwards. */
    Running start(Topology topology, Scenario scenario) throws IOException;

    /** Whether it works in the kernel's receive path, so that it has a CPU of its own only with a NAPI thread. */
    default boolean isInKernel() {
        return false;
    }

    /** What must have become of frames that it forwarded. */
    default ArrivedFrame.Way way() {
        return ArrivedFrame.Way.ROUTED;
    }

    /** A subject that runs, until it is closed. */
    interface Running extends AutoCloseable {
        /** Throws {@link IllegalStateException} with the reason when it has ended by itself. */
        void check();

        @Override
        void close();
    }
}

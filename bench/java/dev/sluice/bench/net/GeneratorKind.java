package dev.sluice.bench.net;

import dev.sluice.bench.Generator;
import dev.sluice.bench.LiveFrames;
import dev.sluice.bench.OfferedTraffic;
import dev.sluice.testing.NetworkNamespace;
import java.nio.file.Path;
import java.util.Optional;

/** The generators that the harness starts, ends and counts itself. */
enum GeneratorKind {
    /** XDP live frames, {@link LiveFrames}. */
    OURS,
    /** The kernel's. */
    PKTGEN,
    /** Of netsniff-ng. */
    TRAFGEN;

    /** Why it cannot be had here and what would help, empty when it can. */
    Optional<String> missing() {
        return switch (this) {
            case OURS -> Optional.empty();
            case PKTGEN -> Pktgen.missing();
            case TRAFGEN -> Trafgen.missing();
        };
    }

    /**
     * Makes one, which sends nothing yet. Throws {@link IllegalArgumentException} for traffic that it cannot send. Called on the
     * thread that shall own it, inside the namespace and pinned to the CPU.
     *
     * @param folder for what it has to write down
     */
    Generator open(OfferedTraffic traffic, NetworkNamespace namespace, int cpu, Path folder) {
        return switch (this) {
            case OURS -> LiveFrames.open(traffic);
            case PKTGEN -> new Pktgen(traffic, namespace, cpu);
            case TRAFGEN -> new Trafgen(traffic, namespace, cpu, folder);
        };
    }
}

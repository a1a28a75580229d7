package dev.sluice.bench.net;

import dev.sluice.bench.LiveFrames;
import dev.sluice.service.Protocol;
import java.nio.file.Path;

/**
 * What every subject of a run is asked to do, and where.
 *
 * @param port of the virtual service
 * @param flows in the generator's frames
 * @param frameBytes whole frame without frame check sequence
 * @param generatorCpu what the generator is pinned to
 * @param subjectCpu what the subject's datapath is pinned to
 * @param receive whose CPU takes packets off the ingress interface
 * @param isBusy whether a subject that has the choice spins when no packet is there
 * @param folder for configurations and logs
 */
record Scenario(
        Protocol protocol,
        int port,
        int flows,
        int frameBytes,
        int generatorCpu,
        int subjectCpu,
        Receive receive,
        boolean isBusy,
        Path folder) {
    /**
     * Whose CPU runs the receive softirq of the ingress interface, and with it an XDP program there and the copy into a UMEM.
     */
    enum Receive {
        /** The CPU that sends, as is a veth's way. */
        GENERATOR,
        /** The subject's: a NAPI thread pinned to it. */
        SUBJECT
    }

    /** What the generator sends to the topology's director. */
    LiveFrames.Traffic traffic(Topology topology) {
        return new LiveFrames.Traffic(
                Topology.GENERATOR,
                Topology.GENERATOR_MAC,
                Topology.INGRESS_MAC,
                topology.clients(),
                topology.vip(),
                protocol,
                port,
                flows,
                frameBytes);
    }
}

package dev.sluice.bench.net;

import dev.sluice.bench.FrameSizes;
import dev.sluice.bench.OfferedTraffic;
import dev.sluice.service.Protocol;
import java.nio.file.Path;
import java.util.List;

/**
 * What every subject of a run is asked to do, and where.
 *
 * @param protocols of the virtual services, and of the generator's frames
 * @param port of the virtual services
 * @param flows in the generator's frames
 * @param sizes of whole frames without frame check sequence
 * @param generator what sends
 * @param generatorCpus what streams of the generator are pinned to, one for each
 * @param subjectCpus what the subject's datapath is pinned to, one CPU for each queue
 * @param receive whose CPU takes packets off the ingress interface
 * @param isBusy whether a subject that has the choice spins when no packet is there
 * @param folder for configurations and logs
 */
record Scenario(
        List<Protocol> protocols,
        int port,
        int flows,
        FrameSizes sizes,
        GeneratorKind generator,
        List<Integer> generatorCpus,
        List<Integer> subjectCpus,
        Receive receive,
        boolean isBusy,
        Path folder) {
    /** Streams have so many source addresses each, which is more than 16 million flows take. */
    private static final int ADDRESSES_OF_A_STREAM = 1 << 10;

    /**
     * Whose CPU runs the receive softirq of the ingress interface, and with it an XDP program there and the copy into a UMEM.
     */
    enum Receive {
        /** The CPU that sends, as is a veth's way. */
        GENERATOR,
        /** The subject's: a NAPI thread pinned to it. */
        SUBJECT
    }

    /** Copies its lists. */
    Scenario {
        protocols = List.copyOf(protocols);
        generatorCpus = List.copyOf(generatorCpus);
        subjectCpus = List.copyOf(subjectCpus);
    }

    /** One protocol, size, and stream of our generator; a datapath on one CPU. */
    Scenario(
            Protocol protocol,
            int port,
            int flows,
            int frameBytes,
            int generatorCpu,
            int subjectCpu,
            Receive receive,
            boolean isBusy,
            Path folder) {
        this(
                List.of(protocol),
                port,
                flows,
                FrameSizes.of(frameBytes),
                GeneratorKind.OURS,
                List.of(generatorCpu),
                List.of(subjectCpu),
                receive,
                isBusy,
                folder);
    }

    /** The CPU of the generator's first stream. */
    int generatorCpu() {
        return generatorCpus.getFirst();
    }

    /** The CPU of the subject's first queue. */
    int subjectCpu() {
        return subjectCpus.getFirst();
    }

    /** What a stream of the generator sends to the topology's director: flows of its own, by their source addresses. */
    OfferedTraffic traffic(Topology topology, int stream) {
        int streams = generatorCpus.size();
        return new OfferedTraffic(
                Topology.GENERATOR,
                Topology.GENERATOR_MAC,
                Topology.INGRESS_MAC,
                topology.shape().families().stream()
                        .map(family -> new OfferedTraffic.Ends(
                                topology.clients(family, stream * ADDRESSES_OF_A_STREAM), topology.vip(family)))
                        .toList(),
                protocols,
                port,
                Math.max(flows / streams, 1),
                sizes);
    }
}

package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** The kernel's own ceiling: {@code bench/bpf/reflect.bpf.c} writes both stations and sends on, without leaving the driver. */
final class XdpTransmit implements Subject {
    @Override
    public String name() {
        return "xdp-tx";
    }

    @Override
    public Optional<String> missing() {
        return Optional.empty();
    }

    @Override
    public boolean isInKernel() {
        return true;
    }

    @Override
    public ArrivedFrame.Way way() {
        return ArrivedFrame.Way.SWITCHED;
    }

    @Override
    public String command(Topology topology, Scenario scenario) {
        return "bench/bpf/reflect.bpf.c on " + topology.ingress()
                + (topology.shape().arms() == 2 ? ", bpf_redirect() to " + topology.egress() : ", XDP_TX");
    }

    @Override
    public Running start(Topology topology, Scenario scenario) {
        NetworkNamespace director = topology.director();
        XdpObject program = XdpObject.attach("/bpf/reflect.bpf.o", "sluice_reflect", director, topology.ingress());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment config = arena.allocate(16, Integer.BYTES);
            if (topology.shape().arms() == 2) {
                try (var _ = director.enter()) {
                    config.set(ValueLayout.JAVA_INT, 0, XdpObject.indexOf(topology.egress()));
                }
            }
            station(config, 4, topology.realServerMac(0));
            station(config, 10, topology.egressMac());
            program.update("config", 0, config);
        }
        return new Running() {
            @Override
            public void check() {}

            @Override
            public void close() {
                program.close();
            }
        };
    }

    private static void station(MemorySegment config, int offset, long mac) {
        for (int octet = 0; octet < 6; octet++) {
            config.set(ValueLayout.JAVA_BYTE, offset + octet, (byte) (mac >> (40 - 8 * octet)));
        }
    }
}

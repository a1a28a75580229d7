package dev.sluice.bench.net;

import dev.sluice.testing.NetworkNamespace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** The kernel's own ceiling: {@code bench/bpf/reflect.bpf.c} writes both stations and sends on, without leaving the driver. */
final class XdpTransmit implements Subject {
    /** Where the configuration says that frames leave by another interface. */
    private static final int ELSEWHERE = 13;

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
                + (topology.shape().arms() == 2 ? ", bpf_redirect_map() to " + topology.egress() : ", XDP_TX");
    }

    @Override
    public Running start(Topology topology, Scenario scenario) {
        NetworkNamespace director = topology.director();
        XdpObject program = XdpObject.attach("/bpf/reflect.bpf.o", "sluice_reflect", director, topology.ingress());
        try (Arena arena = Arena.ofConfined();
                var _ = director.enter()) {
            MemorySegment config = arena.allocate(16);
            station(config, 0, topology.realServerMac(0));
            station(config, 6, topology.egressMac());
            if (topology.shape().arms() == 2) {
                config.set(ValueLayout.JAVA_BYTE, ELSEWHERE, (byte) 1);
                program.update(
                        "egress", 0, arena.allocateFrom(ValueLayout.JAVA_INT, XdpObject.indexOf(topology.egress())));
            }
            program.update("config", 0, config);
        } catch (RuntimeException e) {
            program.close();
            throw e;
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

package dev.sluice.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.ProgramRun;
import dev.sluice.ffi.generated.Native;
import dev.sluice.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.List;

/** The program, loaded and attached to a silent interface with one XSK, to be run on one frame after the other. */
final class VerdictLab implements AutoCloseable {
    final SteeringMaps maps = SteeringMaps.create();
    private final NetworkNamespace netns = NetworkNamespace.create("sluice-verdict");
    private final SteeringProgram program;
    private final TestSocket socket;

    VerdictLab() {
        // Neighbour discovery on a live interface would move counters of its own.
        netns.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        netns.veth("in", netns, "out");
        try (var _ = netns.enter()) {
            socket = new TestSocket("in", 0);
            maps.ofInterface("in").putSocket(0, socket.fd());
            program = SteeringProgram.attach("in", maps, AttachMode.AUTO);
        }
    }

    InterfaceMaps nic() {
        return maps.ofInterface("in");
    }

    void takeSocket() {
        nic().removeSocket(0);
    }

    void giveSocket() {
        nic().putSocket(0, socket.fd());
    }

    void expect(String name, byte[] frame, SteeringOutcome outcome) {
        assertEquals(outcome, run(name, frame), name);
    }

    /** Runs one frame and returns the outcome that counted it, once verdict and counters agree. */
    SteeringOutcome run(String name, byte[] frame) {
        SteeringCounters before = nic().counters();
        int verdict = ProgramRun.verdict(program.fd(), frame);
        SteeringCounters after = nic().counters();
        List<SteeringOutcome> moved = new ArrayList<>();
        for (SteeringOutcome outcome : SteeringOutcome.values()) {
            for (long i = before.count(outcome); i < after.count(outcome); i++) {
                moved.add(outcome);
            }
        }
        assertEquals(1, moved.size(), () -> name + " moved " + moved);
        assertEquals(before.total() + 1, after.total(), name);
        SteeringOutcome outcome = moved.getFirst();
        int expected = switch (outcome.verdict()) {
            case REDIRECT -> Native.XDP_REDIRECT();
            case PASS -> Native.XDP_PASS();
            case DROP -> Native.XDP_DROP();
        };
        assertEquals(expected, verdict, name);
        return outcome;
    }

    /** Runs one frame many times over; not counted against {@link #run}'s expectations. */
    int verdict(byte[] frame) {
        return ProgramRun.verdict(program.fd(), frame);
    }

    @Override
    public void close() {
        try (var _ = netns.enter()) {
            program.detach();
            socket.close();
        }
        maps.close();
        netns.close();
    }
}

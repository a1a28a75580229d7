package dev.sluice.bpf;

import dev.sluice.ffi.CallState;
import dev.sluice.ffi.LibBpf;
import dev.sluice.ffi.LibC;
import dev.sluice.ffi.NativeException;
import dev.sluice.ffi.generated.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The maps of one interface's steering program: which XSK takes the packets of a queue, the station address that
 * frames must bear, what happens to packets while no director is there, whose echo requests are, and what became of every
 * packet.
 *
 * <p>Owned by: control, but for {@link #counters()}, which any thread may call until the maps are closed.
 */
public final class InterfaceMaps implements AutoCloseable {
    /** Queues 0 to this less one can have an XSK. */
    public static final int MAX_QUEUES = 1024;

    private static final int OUTCOMES = SteeringOutcome.values().length;
    private static final int NIC_BYTES = 16;

    private final int xsksFd;
    private final int countersFd;
    private final int nicFd;
    private long stationAddressBe;
    private WithoutDirector withoutDirector = WithoutDirector.DROP;
    private boolean answersEcho;
    private int queues;
    private boolean translates;

    private InterfaceMaps(int xsksFd, int countersFd, int nicFd) {
        this.xsksFd = xsksFd;
        this.countersFd = countersFd;
        this.nicFd = nicFd;
    }

    static InterfaceMaps create() {
        int xsks = -1;
        int counters = -1;
        try {
            xsks = LibBpf.mapCreate(Native.BPF_MAP_TYPE_XSKMAP(), "xsks", Integer.BYTES, Integer.BYTES, MAX_QUEUES, 0);
            counters = LibBpf.mapCreate(
                    Native.BPF_MAP_TYPE_PERCPU_ARRAY(), "counters", Integer.BYTES, Long.BYTES, OUTCOMES, 0);
            int nic = LibBpf.mapCreate(Native.BPF_MAP_TYPE_ARRAY(), "nic", Integer.BYTES, NIC_BYTES, 1, 0);
            return new InterfaceMaps(xsks, counters, nic);
        } catch (NativeException e) {
            closeIfOpen(xsks);
            closeIfOpen(counters);
            throw e;
        }
    }

    /** What happens to packets for a service while no director's sockets are there. */
    public enum WithoutDirector {
        /** They are dropped, so that clients try again and find the next director. */
        DROP,
        /** They go to the kernel, which answers for a VIP that it has and that nothing listens on with a reset. */
        PASS
    }

    /** Packets of a receive queue go to this XSK from now on; another one in its place is replaced. */
    public void putSocket(int queue, int xskFd) {
        if (queue >= queues) {
            queues = queue + 1;
            updateNic();
        }
        try (Arena arena = Arena.ofConfined()) {
            int result = LibBpf.mapUpdate(xsksFd, integer(arena, queue), integer(arena, xskFd));
            NativeException.check(result, "bpf_map_update_elem(xsks, queue=" + queue + ", fd=" + xskFd + ")");
        }
    }

    /**
     * Takes a queue's XSK away, as the kernel does when a socket closes; nothing happens for a queue without. Packets meet
     * {@link #setWithoutDirector} from then on.
     */
    public void removeSocket(int queue) {
        try (Arena arena = Arena.ofConfined()) {
            int result = LibBpf.mapDelete(xsksFd, integer(arena, queue));
            if (result != -Native.ENOENT()) {
                NativeException.check(result, "bpf_map_delete_elem(xsks, queue=" + queue + ")");
            }
        }
    }

    /**
     * Steers only frames sent to this station address; to be repeated when the interface's changes.
     *
     * @param macBe 48 bits, first octet most significant; 0 steers frames to any address
     */
    public void setStationAddress(long macBe) {
        stationAddressBe = macBe;
        updateNic();
    }

    /**
     * Says what happens to packets for a service on a queue whose socket is gone; {@link WithoutDirector#DROP} until the first
     * call. Packets on queues above the highest that ever had a socket go to the kernel in any case.
     */
    public void setWithoutDirector(WithoutDirector setting) {
        withoutDirector = setting;
        updateNic();
    }

    /**
     * Says whether echo requests to the address of a service by address are the director's to answer; until the first call
     * they are the kernel's.
     */
    public void setAnswersEcho(boolean answers) {
        answersEcho = answers;
        updateNic();
    }

    /** Says whether packets that are for no service have to be looked at for whether they are replies to one. */
    void setTranslates(boolean anyReplies) {
        if (translates != anyReplies) {
            translates = anyReplies;
            updateNic();
        }
    }

    /** {@code struct nic} of {@code bpf/maps.h}. */
    private void updateNic() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(NIC_BYTES, 4);
            for (int i = 0; i < 6; i++) {
                value.set(ValueLayout.JAVA_BYTE, i, (byte) (stationAddressBe >>> (40 - 8 * i)));
            }
            value.set(ValueLayout.JAVA_BYTE, 6, (byte) (withoutDirector == WithoutDirector.PASS ? 1 : 0));
            value.set(ValueLayout.JAVA_BYTE, 7, (byte) (answersEcho ? 1 : 0));
            value.set(ValueLayout.JAVA_INT, 8, queues);
            value.set(ValueLayout.JAVA_INT, 12, translates ? 1 : 0);
            int result = LibBpf.mapUpdate(nicFd, integer(arena, 0), value);
            NativeException.check(result, "bpf_map_update_elem(nic)");
        }
    }

    /** Packets by outcome since the maps were created, summed over all processors. */
    public SteeringCounters counters() {
        long[] packets = new long[OUTCOMES];
        try (Arena arena = Arena.ofConfined()) {
            int cpus = LibBpf.possibleCpus();
            MemorySegment values = arena.allocate(ValueLayout.JAVA_LONG, cpus);
            for (SteeringOutcome outcome : SteeringOutcome.values()) {
                int result = LibBpf.mapLookup(countersFd, integer(arena, outcome.index()), values);
                NativeException.check(result, "bpf_map_lookup_elem(counters, " + outcome + ")");
                for (int cpu = 0; cpu < cpus; cpu++) {
                    packets[outcome.index()] += values.getAtIndex(ValueLayout.JAVA_LONG, cpu);
                }
            }
        }
        return new SteeringCounters(packets);
    }

    int xsksFd() {
        return xsksFd;
    }

    int countersFd() {
        return countersFd;
    }

    int nicFd() {
        return nicFd;
    }

    @Override
    public void close() {
        closeIfOpen(xsksFd);
        closeIfOpen(countersFd);
        closeIfOpen(nicFd);
    }

    private static void closeIfOpen(int fd) {
        if (fd >= 0) {
            LibC.close(CallState.current(), fd);
        }
    }

    private static MemorySegment integer(Arena arena, int value) {
        return arena.allocateFrom(ValueLayout.JAVA_INT, value);
    }
}

package dev.sluice.forward;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One worker's counters: of the worker, of every real server and of every service. Owned by: worker, which alone adds; any
 * thread may read, and sees values that are a little old but never torn.
 */
public final class Counters {
    private static final VarHandle CELL =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    /** Longs before and behind the values, so that another worker's lines are not written. */
    private static final int PADDING = 16;

    private static final int CONNECTIONS = 0;
    private static final int PACKETS = 1;
    private static final int BYTES = 2;
    private static final int OUT_PACKETS = 3;
    private static final int OUT_BYTES = 4;
    /** Longs an id: a cache line. */
    private static final int STRIDE = 8;

    private final long[] worker = new long[PADDING + Counter.values().length + PADDING];
    private final long[] realServers = new long[PADDING + STRIDE * ForwardingSnapshot.MAX_REAL_SERVERS + PADDING];
    private final long[] services = new long[PADDING + STRIDE * ForwardingSnapshot.MAX_SERVICES + PADDING];

    // Where the worker counts: these, but for a packet that is to be counted apart.
    private long[] workerCells = worker;
    private long[] realServerCells = realServers;
    private long[] serviceCells = services;

    /** All zero. */
    public Counters() {}

    /** Has all that follows counted by others, which nobody else adds to, until {@link #countHere}. Worker only. */
    public void countApart(Counters apart) {
        workerCells = apart.worker;
        realServerCells = apart.realServers;
        serviceCells = apart.services;
    }

    /** Ends {@link #countApart}. Worker only. */
    public void countHere() {
        countApart(this);
    }

    /** Counts one. Worker only. */
    public void increment(Counter counter) {
        add(counter, 1);
    }

    /** Counts {@code amount}. Worker only. */
    public void add(Counter counter, long amount) {
        add(workerCells, PADDING + counter.index(), amount);
    }

    /** A new flow for a real server of a service. Worker only. */
    void connection(int service, int realServer) {
        add(serviceCells, PADDING + STRIDE * service + CONNECTIONS, 1);
        add(realServerCells, PADDING + STRIDE * realServer + CONNECTIONS, 1);
    }

    /** A packet on its way to a real server of a service. Worker only. */
    void packet(int service, int realServer, int ipBytes) {
        int at = PADDING + STRIDE * service;
        add(serviceCells, at + PACKETS, 1);
        add(serviceCells, at + BYTES, ipBytes);
        at = PADDING + STRIDE * realServer;
        add(realServerCells, at + PACKETS, 1);
        add(realServerCells, at + BYTES, ipBytes);
    }

    /** A reply on its way to a client of a service. Worker only. */
    void reply(int service, int realServer, int ipBytes) {
        int at = PADDING + STRIDE * service;
        add(serviceCells, at + OUT_PACKETS, 1);
        add(serviceCells, at + OUT_BYTES, ipBytes);
        at = PADDING + STRIDE * realServer;
        add(realServerCells, at + OUT_PACKETS, 1);
        add(realServerCells, at + OUT_BYTES, ipBytes);
    }

    /** The value of a counter. Any thread. */
    public long get(Counter counter) {
        return read(worker, PADDING + counter.index());
    }

    /** The sum of all drop reasons. Any thread; exact when the worker rests. */
    public long dropped() {
        long sum = 0;
        for (Counter counter : Counter.values()) {
            sum += counter.kind() == Counter.Kind.DROP ? get(counter) : 0;
        }
        return sum;
    }

    /** Flows given to a real server. Any thread. */
    public long realServerConnections(int realServer) {
        return read(realServers, PADDING + STRIDE * realServer + CONNECTIONS);
    }

    /** Packets rewritten for a real server. Any thread. */
    public long realServerPackets(int realServer) {
        return read(realServers, PADDING + STRIDE * realServer + PACKETS);
    }

    /** IP bytes of those packets. Any thread. */
    public long realServerBytes(int realServer) {
        return read(realServers, PADDING + STRIDE * realServer + BYTES);
    }

    /** Replies of a real server forwarded. Any thread. */
    public long realServerOutPackets(int realServer) {
        return read(realServers, PADDING + STRIDE * realServer + OUT_PACKETS);
    }

    /** IP bytes of those replies. Any thread. */
    public long realServerOutBytes(int realServer) {
        return read(realServers, PADDING + STRIDE * realServer + OUT_BYTES);
    }

    /** Flows scheduled for a service. Any thread. */
    public long serviceConnections(int service) {
        return read(services, PADDING + STRIDE * service + CONNECTIONS);
    }

    /** Packets rewritten for a service. Any thread. */
    public long servicePackets(int service) {
        return read(services, PADDING + STRIDE * service + PACKETS);
    }

    /** IP bytes of those packets. Any thread. */
    public long serviceBytes(int service) {
        return read(services, PADDING + STRIDE * service + BYTES);
    }

    /** Replies forwarded for a service. Any thread. */
    public long serviceOutPackets(int service) {
        return read(services, PADDING + STRIDE * service + OUT_PACKETS);
    }

    /** IP bytes of those replies. Any thread. */
    public long serviceOutBytes(int service) {
        return read(services, PADDING + STRIDE * service + OUT_BYTES);
    }

    private static void add(long[] cells, int at, long amount) {
        // Plain, for after an opaque store the compiler reads all fields anew, several times a packet. A long is stored
        // whole on the 64-bit machines that there are bindings for, and no store is put off beyond the cycle's volatile
        // accesses.
        cells[at] += amount;
    }

    private static long read(long[] cells, int at) {
        return (long) CELL.getOpaque(cells, at);
    }
}

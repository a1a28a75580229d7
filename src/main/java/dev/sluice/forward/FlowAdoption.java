package dev.sluice.forward;

import dev.sluice.flow.FlowCopy;
import dev.sluice.flow.FlowExchange;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;

/**
 * Takes flows over that receive-side scaling has moved here from another worker's queue, and lets those go that it has
 * moved away. Owned by: worker.
 *
 * <p>On a miss, a packet that may be of the middle of a connection is looked for in the other workers' tables. What is found
 * is entered here as it stands there, and from then on the packet is one of a known flow. A SYN opens a connection, so it is
 * not looked for: a flood of them costs no look-up elsewhere. But once any flow has moved, an entry of an earlier connection
 * between the same ports may have stayed behind on the queue to which the flow returns later; so for as long as such an entry
 * may live since the last adoption of any worker, a SYN is looked for as well, and a connection scheduled anew has its former
 * entries forgotten everywhere.
 */
final class FlowAdoption {
    /** {@link #adopt}: nobody knows the flow. */
    static final int NOT_FOUND = FlowTable.NOT_FOUND;
    /** {@link #adopt}: another worker knows it, at {@link #realServer()}, but here is no room for it. */
    static final int NO_ROOM = -2;
    /** {@link #adopt}: its real server was removed. */
    static final int GONE = -3;
    /** {@link #adopt}: a table changes too fast to tell. */
    static final int UNKNOWN = -4;

    /** Letters read from each other worker in a duty cycle. */
    private static final int COLLECT_BUDGET = 16;

    private final FlowExchange exchange;
    private final int worker;
    private final boolean alone;
    private final FlowTable flows;
    private final Counters counters;
    private final FlowCopy found = new FlowCopy();
    private final FlowCopy spare = new FlowCopy();

    /**
     * The adoption of one worker.
     *
     * @param exchange which all workers have joined before one runs
     * @param worker the number that {@code flows} has there
     */
    FlowAdoption(FlowExchange exchange, int worker, FlowTable flows, Counters counters) {
        this.exchange = exchange;
        this.worker = worker;
        this.alone = exchange.workers() == 1;
        this.flows = flows;
        this.counters = counters;
    }

    /**
     * Looks for a flow that the worker's own table misses, and takes it over: {@link FlowTable#touch} follows.
     *
     * @return its slot, or one of the negative codes
     */
    int adopt(ForwardingSnapshot snapshot, PacketView packet, long hash, long nowMs) {
        if (alone || (isOpening(packet) && !mayBeStale(nowMs))) {
            return NOT_FOUND;
        }
        int holder = exchange.find(worker, packet, hash, nowMs, found, spare);
        if (holder < 0) {
            return holder == FlowTable.NOT_FOUND ? NOT_FOUND : UNKNOWN;
        }
        // Once all workers run without a real server, no table may gain flows of it: its id is about to become free.
        if (snapshot.serviceOf(found.realServer()) == ForwardingSnapshot.NONE) {
            return GONE;
        }
        if (flows.isFull()) {
            return NO_ROOM;
        }
        int slot = flows.adopt(found, hash, FlowTable.FLAG_ADOPTED, nowMs);
        counters.increment(Counter.FLOW_ADOPTED);
        exchange.noteAdoption(nowMs);
        // Only now: the old entry may go when the new one is there.
        if (!exchange.handOver(worker, holder, found)) {
            counters.increment(Counter.FLOW_HANDOVER_DROPPED);
        }
        return slot;
    }

    /** The real server of a flow in another worker's table, which stays there; or {@link #NOT_FOUND}. */
    int peek(PacketView packet, long hash, long nowMs) {
        boolean isFound = !alone && exchange.find(worker, packet, hash, nowMs, found, spare) >= 0;
        return isFound ? found.realServer() : NOT_FOUND;
    }

    /** The flow that {@link #peek} found last. */
    FlowCopy peeked() {
        return found;
    }

    /** The real server of the flow found last. */
    int realServer() {
        return found.realServer();
    }

    /** A connection is scheduled anew: what others know of the former one between the same ports must not come back. */
    void forgetElsewhere(PacketView packet, long hash, long nowMs) {
        if (!alone && mayBeStale(nowMs)) {
            counters.add(Counter.FLOW_HANDOVER_DROPPED, exchange.forgetElsewhere(worker, packet, hash, nowMs, spare));
        }
    }

    /** Forgets what others have taken over; once a duty cycle. How many flows it was. */
    int collect() {
        if (alone) {
            return 0;
        }
        int forgotten = exchange.collect(worker, COLLECT_BUDGET, spare);
        if (forgotten > 0) {
            counters.add(Counter.FLOW_HANDED_OVER, forgotten);
        }
        return forgotten;
    }

    private boolean mayBeStale(long nowMs) {
        return exchange.adoptedWithin(flows.longestTimeoutMs(), nowMs);
    }

    private static boolean isOpening(PacketView packet) {
        return packet.opensConnection() && (packet.tcpFlags() & Transport.RST) == 0;
    }
}

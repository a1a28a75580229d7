package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * What a flow table counts of its flows: how many, in which kind of state, and for which real server. Owned by: worker; any
 * thread may read.
 */
final class FlowTally {
    private static final VarHandle COUNT =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();
    private static final VarHandle WORD =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    /** Ints before and behind the counts, so that they share no line with what other threads write. */
    private static final int PADDING = 32;

    private static final int SIZE = PADDING;
    private static final int EXPIRED = PADDING + 1;
    private static final int HALF_OPEN = PADDING + 2;
    private static final int HANDED_OVER = PADDING + 3;

    /** A bit for each code of a half-open state. */
    private static final int HALF_OPEN_STATES = Arrays.stream(FlowState.values())
            .filter(FlowState::isHalfOpen)
            .mapToInt(state -> 1 << state.code())
            .sum();

    private final int[] counts = new int[HANDED_OVER + 1 + PADDING];
    /** By real server: its flows, and in the upper half those of them that are active, so that one load gives both. */
    private final long[] flowsOf;
    /** By state code: what a flow in it adds to its real server's word. */
    private final long[] share;

    /**
     * @param realServers ids lie below this
     */
    FlowTally(int realServers) {
        flowsOf = new long[realServers];
        share = Arrays.stream(FlowState.values())
                .mapToLong(state -> state.isActive() ? 1L << 32 | 1 : 1)
                .toArray();
    }

    /** Flows there are. Any thread. */
    int size() {
        return (int) COUNT.getOpaque(counts, SIZE);
    }

    /** Flows in half-open states. Any thread. */
    int halfOpen() {
        return (int) COUNT.getOpaque(counts, HALF_OPEN);
    }

    /** Flows forgotten for silence, modulo 2³². Any thread. */
    int expired() {
        return (int) COUNT.getOpaque(counts, EXPIRED);
    }

    /** Flows handed over, modulo 2³². Any thread. */
    int handedOver() {
        return (int) COUNT.getAcquire(counts, HANDED_OVER);
    }

    /** A real server's flows. Any thread. */
    int flowsOf(int realServer) {
        return (int) (long) WORD.getOpaque(flowsOf, realServer);
    }

    /** A real server's flows in active states. Any thread. */
    int activeOf(int realServer) {
        return (int) ((long) WORD.getOpaque(flowsOf, realServer) >>> 32);
    }

    /** A real server's flows in other states. Any thread. */
    int inactiveOf(int realServer) {
        long word = (long) WORD.getOpaque(flowsOf, realServer);
        return (int) word - (int) (word >>> 32);
    }

    void entered(int realServer, int state) {
        addFlows(realServer, share[state]);
        add(SIZE, 1);
    }

    void removed(int realServer, int state) {
        addFlows(realServer, -share[state]);
        countHalfOpen(state, -1);
        add(SIZE, -1);
    }

    void moved(int realServer, int before, int after) {
        if (share[after] != share[before]) {
            addFlows(realServer, share[after] - share[before]);
        }
        countHalfOpen(before, -1);
        countHalfOpen(after, 1);
    }

    void countHalfOpen(int state, int delta) {
        if ((HALF_OPEN_STATES >>> state & 1) != 0) {
            add(HALF_OPEN, delta);
        }
    }

    void countExpired() {
        add(EXPIRED, 1);
    }

    /** Seen before what follows, by whoever sees that. */
    void countHandedOver() {
        COUNT.setRelease(counts, HANDED_OVER, counts[HANDED_OVER] + 1);
        VarHandle.storeStoreFence();
    }

    private void add(int index, int delta) {
        COUNT.setOpaque(counts, index, counts[index] + delta);
    }

    private void addFlows(int realServer, long delta) {
        WORD.setOpaque(flowsOf, realServer, flowsOf[realServer] + delta);
    }
}

package dev.sluice.flow;

import dev.sluice.packet.Transport;

/**
 * How far a flow has come, as far as the client's half shows: the input-only transitions and default timeouts of
 * ip_vs_proto_tcp.c and ip_vs_proto_udp.c. With DR replies bypass the director, so it only sees that half.
 *
 * <p>A state's code stands in flow entries; codes are dense and in order of declaration.
 */
public enum FlowState {
    /** No entry yet; never stored. */
    NONE(0, 0, true),
    /** The client has sent its SYN. */
    SYN_RECV(1, 60_000, true),
    /** The client has acknowledged. */
    ESTABLISHED(2, 900_000, true),
    /** The client has closed its half of an established connection. */
    FIN_WAIT(3, 120_000, false),
    /** The client closed before the connection was seen to be established. */
    TIME_WAIT(4, 120_000, false),
    /** Reset, or a segment that belongs to no connection. */
    CLOSE(5, 10_000, false),
    /** Datagrams seen. */
    UDP(6, 300_000, false);

    private static final FlowState[] BY_CODE = values();

    private static final int EVENT_SYN = 0;
    private static final int EVENT_FIN = 1;
    private static final int EVENT_ACK = 2;
    private static final int EVENT_RST = 3;
    private static final int EVENT_OTHER = 4;

    /** Next code at [event * states + code]. */
    private static final byte[] TCP_NEXT = transitions();

    private final int code;
    private final int timeoutMs;
    private final boolean active;

    FlowState(int code, int timeoutMs, boolean active) {
        this.code = code;
        this.timeoutMs = timeoutMs;
        this.active = active;
    }

    /** Whether a flow in this state is one of its real server's active connections (tcp_state_active); UDP never is. */
    public boolean isActive() {
        return active;
    }

    /** How long a flow in this state may be silent before it is forgotten, when nothing else is configured. */
    public int defaultTimeoutMs() {
        return timeoutMs;
    }

    /** The number that entries hold. */
    public int code() {
        return code;
    }

    /** The state of a number that {@link #code} gave. */
    public static FlowState ofCode(int code) {
        return BY_CODE[code];
    }

    /**
     * The state after a client's segment.
     *
     * @param code of the state before, {@link #NONE}'s for a new flow
     * @param tcpFlags the segment's flags
     * @return the code of the state after
     */
    public static int afterTcp(int code, int tcpFlags) {
        return TCP_NEXT[event(tcpFlags) * BY_CODE.length + code];
    }

    /** IPVS asks in this order, so that a SYN+ACK is a SYN, and anything with RST is an RST. */
    private static int event(int tcpFlags) {
        if ((tcpFlags & Transport.RST) != 0) {
            return EVENT_RST;
        }
        if ((tcpFlags & Transport.SYN) != 0) {
            return EVENT_SYN;
        }
        if ((tcpFlags & Transport.FIN) != 0) {
            return EVENT_FIN;
        }
        return (tcpFlags & Transport.ACK) != 0 ? EVENT_ACK : EVENT_OTHER;
    }

    private static byte[] transitions() {
        byte[] next = new byte[5 * values().length];
        put(next, EVENT_SYN, SYN_RECV, ESTABLISHED, SYN_RECV, SYN_RECV, SYN_RECV, SYN_RECV);
        put(next, EVENT_FIN, CLOSE, FIN_WAIT, TIME_WAIT, FIN_WAIT, TIME_WAIT, CLOSE);
        put(next, EVENT_ACK, ESTABLISHED, ESTABLISHED, ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE);
        put(next, EVENT_RST, CLOSE, CLOSE, SYN_RECV, CLOSE, CLOSE, CLOSE);
        put(next, EVENT_OTHER, CLOSE, CLOSE, CLOSE, CLOSE, CLOSE, CLOSE);
        return next;
    }

    private static void put(
            byte[] next,
            int event,
            FlowState fromNone,
            FlowState fromEstablished,
            FlowState fromSynRecv,
            FlowState fromFinWait,
            FlowState fromTimeWait,
            FlowState fromClose) {
        int row = event * values().length;
        next[row + NONE.code] = (byte) fromNone.code;
        next[row + ESTABLISHED.code] = (byte) fromEstablished.code;
        next[row + SYN_RECV.code] = (byte) fromSynRecv.code;
        next[row + FIN_WAIT.code] = (byte) fromFinWait.code;
        next[row + TIME_WAIT.code] = (byte) fromTimeWait.code;
        next[row + CLOSE.code] = (byte) fromClose.code;
    }
}

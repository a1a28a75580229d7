package dev.sluice.flow;

/**
 * How far a flow has come, as far as the client's half shows: the input-only transitions and default timeouts of
 * ip_vs_proto_tcp.c, ip_vs_proto_udp.c and ip_vs_proto_sctp.c. With DR replies bypass the director, so it only sees that
 * half. SCTP's other states in IPVS (C-SENT, C-REPLIED, C-WAIT, COOKIE, S-SENT, S-ACK-SENT, REJECTED) need a packet of the
 * server's to get into.
 *
 * <p>A state's code stands in flow entries; codes are dense and in order of declaration.
 */
public enum FlowState {
    /** No entry yet; never stored once a packet is accounted. */
    NONE(0, "NONE", 0, true),
    /** The client has sent its SYN. */
    SYN_RECV(1, "SYN_RECV", 60_000, true),
    /** The client has acknowledged. */
    ESTABLISHED(2, "ESTABLISHED", 900_000, true),
    /** The client has closed its half of an established connection. */
    FIN_WAIT(3, "FIN_WAIT", 120_000, false),
    /** The client closed before the connection was seen to be established. */
    TIME_WAIT(4, "TIME_WAIT", 120_000, false),
    /** Reset, or a segment that belongs to no connection. */
    CLOSE(5, "CLOSE", 10_000, false),
    /** Datagrams seen. */
    UDP(6, "UDP", 300_000, false),
    /** The client has sent its first INIT. */
    SCTP_INIT1(7, "INIT1", 4_000, false),
    /** The client has sent INIT again, or on a closed association. */
    SCTP_INIT(8, "INIT", 61_000, false),
    /** The client has answered an INIT of the server's. */
    SCTP_COOKIE_ECHOED(9, "C-ECHOED", 61_000, false),
    /** The client has sent a cookie, or data before anything else. */
    SCTP_ESTABLISHED(10, "ESTABLISHED", 900_000, true),
    /** The client shuts down. */
    SCTP_SHUTDOWN_RECEIVED(11, "S-RECEIVED", 61_000, false),
    /** Aborted, or shut down. */
    SCTP_CLOSED(12, "CLOSED", 61_000, false);

    private static final FlowState[] BY_CODE = values();

    /** Next code at [event * states + code]. */
    private static final byte[] NEXT = transitions();

    private final int code;
    private final String ipvsName;
    private final int timeoutMs;
    private final boolean active;

    FlowState(int code, String ipvsName, int timeoutMs, boolean active) {
        this.code = code;
        this.ipvsName = ipvsName;
        this.timeoutMs = timeoutMs;
        this.active = active;
    }

    /**
     * Whether a flow in this state is one of its real server's active connections (tcp_state_active; of SCTP's states
     * ESTABLISHED alone); UDP never is.
     */
    public boolean isActive() {
        return active;
    }

    /** Whether a flow in this state has not got beyond asking for a connection, as those of a SYN flood. */
    public boolean isHalfOpen() {
        return this == SYN_RECV || this == SCTP_INIT1 || this == SCTP_INIT;
    }

    /** How long a flow in this state may be silent before it is forgotten, when nothing else is configured. */
    public int defaultTimeoutMs() {
        return timeoutMs;
    }

    /** The name that {@code ipvsadm -Lc} shows, as {@code C-ECHOED}. */
    public String ipvsName() {
        return ipvsName;
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
     * The state after a client's packet.
     *
     * @param code of the state before, {@link #NONE}'s for a new flow
     * @param event the packet's, as {@link FlowEvent} gives it
     * @return the code of the state after
     */
    static int after(int code, int event) {
        return NEXT[event * BY_CODE.length + code];
    }

    private static byte[] transitions() {
        byte[] next = new byte[FlowEvent.COUNT * values().length];
        for (int i = 0; i < next.length; i++) {
            next[i] = (byte) (i % values().length);
        }
        tcp(next, FlowEvent.TCP_SYN, SYN_RECV, ESTABLISHED, SYN_RECV, SYN_RECV, SYN_RECV, SYN_RECV);
        tcp(next, FlowEvent.TCP_FIN, CLOSE, FIN_WAIT, TIME_WAIT, FIN_WAIT, TIME_WAIT, CLOSE);
        tcp(next, FlowEvent.TCP_ACK, ESTABLISHED, ESTABLISHED, ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE);
        tcp(next, FlowEvent.TCP_RST, CLOSE, CLOSE, SYN_RECV, CLOSE, CLOSE, CLOSE);
        tcp(next, FlowEvent.TCP_OTHER, CLOSE, CLOSE, CLOSE, CLOSE, CLOSE, CLOSE);
        put(next, FlowEvent.DATAGRAM, NONE, UDP);
        sctp(next);
        return next;
    }

    private static void tcp(
            byte[] next,
            int event,
            FlowState fromNone,
            FlowState fromEstablished,
            FlowState fromSynRecv,
            FlowState fromFinWait,
            FlowState fromTimeWait,
            FlowState fromClose) {
        put(next, event, NONE, fromNone);
        put(next, event, ESTABLISHED, fromEstablished);
        put(next, event, SYN_RECV, fromSynRecv);
        put(next, event, FIN_WAIT, fromFinWait);
        put(next, event, TIME_WAIT, fromTimeWait);
        put(next, event, CLOSE, fromClose);
    }

    /** What is not said here changes nothing. */
    private static void sctp(byte[] next) {
        put(next, FlowEvent.SCTP_DATA, NONE, SCTP_ESTABLISHED);
        put(next, FlowEvent.SCTP_INIT, NONE, SCTP_INIT1);
        put(next, FlowEvent.SCTP_INIT, SCTP_INIT1, SCTP_INIT);
        put(next, FlowEvent.SCTP_INIT, SCTP_CLOSED, SCTP_INIT);
        for (FlowState before : new FlowState[] {NONE, SCTP_INIT1, SCTP_INIT}) {
            put(next, FlowEvent.SCTP_INIT_ACK, before, SCTP_COOKIE_ECHOED);
            put(next, FlowEvent.SCTP_COOKIE_ECHO, before, SCTP_ESTABLISHED);
            put(next, FlowEvent.SCTP_SHUTDOWN_COMPLETE, before, SCTP_CLOSED);
        }
        put(next, FlowEvent.SCTP_COOKIE_ACK, NONE, SCTP_ESTABLISHED);
        put(next, FlowEvent.SCTP_COOKIE_ACK, SCTP_COOKIE_ECHOED, SCTP_ESTABLISHED);
        put(next, FlowEvent.SCTP_SHUTDOWN, NONE, SCTP_SHUTDOWN_RECEIVED);
        put(next, FlowEvent.SCTP_SHUTDOWN, SCTP_ESTABLISHED, SCTP_SHUTDOWN_RECEIVED);
        put(next, FlowEvent.SCTP_SHUTDOWN_ACK, NONE, SCTP_CLOSED);
        put(next, FlowEvent.SCTP_SHUTDOWN_ACK, SCTP_INIT1, SCTP_INIT);
        put(next, FlowEvent.SCTP_SHUTDOWN_ACK, SCTP_ESTABLISHED, SCTP_CLOSED);
        put(next, FlowEvent.SCTP_SHUTDOWN_COMPLETE, SCTP_SHUTDOWN_RECEIVED, SCTP_CLOSED);
        put(next, FlowEvent.SCTP_ERROR, NONE, SCTP_CLOSED);
        for (FlowState before : values()) {
            if (before == NONE || before.code >= SCTP_INIT1.code) {
                put(next, FlowEvent.SCTP_ABORT, before, SCTP_CLOSED);
            }
        }
    }

    private static void put(byte[] next, int event, FlowState before, FlowState after) {
        next[event * values().length + before.code] = (byte) after.code;
    }
}

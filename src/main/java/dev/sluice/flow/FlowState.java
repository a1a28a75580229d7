package dev.sluice.flow;

/**
 * How far a flow has come: the states and default timeouts of ip_vs_proto_tcp.c, ip_vs_proto_udp.c and ip_vs_proto_sctp.c. By
 * direct routing and tunneling replies bypass the director, so that the client's half must show it; {@link FlowTransitions} has
 * what packets do.
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
    SCTP_CLOSED(12, "CLOSED", 61_000, false),

    // What only a director that sees the server's half gets to know.

    /** The server has sent a SYN of its own. */
    SYN_SENT(13, "SYN_SENT", 120_000, true),
    /** The client has closed its half, the server not yet. */
    CLOSE_WAIT(14, "CLOSE_WAIT", 60_000, false),
    /** The server has closed as well; of IPVS's states, though no packet leads there. */
    LAST_ACK(15, "LAST_ACK", 30_000, false),
    /** Waiting for a peer; of IPVS's states, though no packet leads there. */
    LISTEN(16, "LISTEN", 120_000, false),
    /** Of IPVS's states, though no packet leads there. */
    SYNACK(17, "SYNACK", 120_000, true),
    /** The server has answered an INIT with its cookie. */
    SCTP_COOKIE_SENT(18, "C-SENT", 61_000, false),
    /** The client has sent the cookie back. */
    SCTP_COOKIE_REPLIED(19, "C-REPLIED", 61_000, false),
    /** The server has sent an INIT of its own. */
    SCTP_COOKIE_WAIT(20, "C-WAIT", 61_000, false),
    /** The client has answered an INIT of the server's with its cookie. */
    SCTP_COOKIE(21, "COOKIE", 61_000, false),
    /** The server shuts down. */
    SCTP_SHUTDOWN_SENT(22, "S-SENT", 61_000, false),
    /** The server has agreed to the shutdown. */
    SCTP_SHUTDOWN_ACK_SENT(23, "S-ACK-SENT", 61_000, false),
    /** The server has refused an INIT. */
    SCTP_REJECTED(24, "REJECTED", 4_000, false);

    private static final FlowState[] BY_CODE = values();

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
        return this == SYN_RECV || this == SCTP_INIT1 || this == SCTP_INIT || this == SCTP_COOKIE_SENT;
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
}

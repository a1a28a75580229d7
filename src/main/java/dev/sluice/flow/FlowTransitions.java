package dev.sluice.flow;

import static java.util.Map.entry;

import java.util.Map;

/**
 * Where a packet takes its flow's state, by the side that sent it: the tables of ip_vs_proto_tcp.c and ip_vs_proto_sctp.c. A
 * director that sees both halves goes by {@link #CLIENT} and {@link #SERVER}; one that real servers bypass guesses from the
 * client's half alone ({@link #CLIENT_ALONE}, IPVS's INPUT_ONLY).
 */
final class FlowTransitions {
    /** A packet of the client's, of a flow whose replies come here as well. */
    static final int CLIENT = 0;
    /** A reply. */
    static final int SERVER = 1;
    /** A packet of the client's, of a flow whose replies go by. */
    static final int CLIENT_ALONE = 2;

    private static final int SENDERS = 3;
    private static final int STATES = FlowState.values().length;

    /** The states before, in the order of every row below. */
    private static final String TCP_BEFORE = "-- ES SS SR FW TW CL CW LA LI SA";

    private static final Map<String, FlowState> TCP = Map.ofEntries(
            entry("--", FlowState.NONE),
            entry("ES", FlowState.ESTABLISHED),
            entry("SS", FlowState.SYN_SENT),
            entry("SR", FlowState.SYN_RECV),
            entry("FW", FlowState.FIN_WAIT),
            entry("TW", FlowState.TIME_WAIT),
            entry("CL", FlowState.CLOSE),
            entry("CW", FlowState.CLOSE_WAIT),
            entry("LA", FlowState.LAST_ACK),
            entry("LI", FlowState.LISTEN),
            entry("SA", FlowState.SYNACK));

    private static final String SCTP_BEFORE = "-- I1 IN CS CR CW CO CE ES SS SR SA RJ CL";

    private static final Map<String, FlowState> SCTP = Map.ofEntries(
            entry("--", FlowState.NONE),
            entry("I1", FlowState.SCTP_INIT1),
            entry("IN", FlowState.SCTP_INIT),
            entry("CS", FlowState.SCTP_COOKIE_SENT),
            entry("CR", FlowState.SCTP_COOKIE_REPLIED),
            entry("CW", FlowState.SCTP_COOKIE_WAIT),
            entry("CO", FlowState.SCTP_COOKIE),
            entry("CE", FlowState.SCTP_COOKIE_ECHOED),
            entry("ES", FlowState.SCTP_ESTABLISHED),
            entry("SS", FlowState.SCTP_SHUTDOWN_SENT),
            entry("SR", FlowState.SCTP_SHUTDOWN_RECEIVED),
            entry("SA", FlowState.SCTP_SHUTDOWN_ACK_SENT),
            entry("RJ", FlowState.SCTP_REJECTED),
            entry("CL", FlowState.SCTP_CLOSED));

    /** Next code at [(sender * events + event) * states + code]. */
    private static final byte[] NEXT = tables();

    private FlowTransitions() {}

    /**
     * The state after a packet.
     *
     * @param sender {@link #CLIENT}, {@link #SERVER} or {@link #CLIENT_ALONE}
     * @param code of the state before, {@link FlowState#NONE}'s for a new flow
     * @param event the packet's, as {@link FlowEvent} gives it
     * @return the code of the state after
     */
    static int after(int sender, int code, int event) {
        return NEXT[(sender * FlowEvent.COUNT + event) * STATES + code];
    }

    private static byte[] tables() {
        byte[] next = new byte[SENDERS * FlowEvent.COUNT * STATES];
        for (int i = 0; i < next.length; i++) {
            // What no row speaks of changes nothing.
            next[i] = (byte) (i % STATES);
        }
        for (int sender = 0; sender < SENDERS; sender++) {
            next[at(sender, FlowEvent.DATAGRAM, FlowState.NONE)] = (byte) FlowState.UDP.code();
            tcp(next, sender, FlowEvent.TCP_OTHER, "CL CL CL CL CL CL CL CL CL CL CL");
        }
        tcp(next, CLIENT, FlowEvent.TCP_SYN, "SR ES ES SR SR SR SR SR SR SR SR");
        tcp(next, CLIENT, FlowEvent.TCP_FIN, "CL CW SS TW TW TW CL CW LA LI TW");
        tcp(next, CLIENT, FlowEvent.TCP_ACK, "ES ES SS ES FW TW CL CW CL LI ES");
        tcp(next, CLIENT, FlowEvent.TCP_RST, "CL CL CL SR CL CL CL CL LA LI SR");
        tcp(next, SERVER, FlowEvent.TCP_SYN, "SS ES SS SR SS SS SS SS SS LI SR");
        tcp(next, SERVER, FlowEvent.TCP_FIN, "TW FW SS TW FW TW CL TW LA LI TW");
        tcp(next, SERVER, FlowEvent.TCP_ACK, "ES ES SS ES FW TW CL CW LA ES ES");
        tcp(next, SERVER, FlowEvent.TCP_RST, "CL CL SS CL CL TW CL CL CL CL CL");
        tcp(next, CLIENT_ALONE, FlowEvent.TCP_SYN, "SR ES ES SR SR SR SR SR SR SR SR");
        tcp(next, CLIENT_ALONE, FlowEvent.TCP_FIN, "CL FW SS TW FW TW CL CW LA LI TW");
        tcp(next, CLIENT_ALONE, FlowEvent.TCP_ACK, "ES ES SS ES FW TW CL CW CL LI ES");
        tcp(next, CLIENT_ALONE, FlowEvent.TCP_RST, "CL CL CL SR CL CL CL CL LA LI CL");
        sctpOfClient(next);
        sctpOfServer(next);
        sctpOfClientAlone(next);
        return next;
    }

    private static void sctpOfClient(byte[] next) {
        sctp(next, CLIENT, FlowEvent.SCTP_DATA, "ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL");
        sctp(next, CLIENT, FlowEvent.SCTP_INIT, "I1 IN IN CS CR CW CO CE ES SS SR SA IN IN");
        sctp(next, CLIENT, FlowEvent.SCTP_INIT_ACK, "CW CW CW CS CR CO CO CE ES SS SR SA RJ CL");
        sctp(next, CLIENT, FlowEvent.SCTP_COOKIE_ECHO, "CR IN IN CR CR CW CO CE ES SS SR SA RJ CL");
        sctp(next, CLIENT, FlowEvent.SCTP_COOKIE_ACK, "ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL");
        sctp(next, CLIENT, FlowEvent.SCTP_SHUTDOWN, "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL");
        sctp(next, CLIENT, FlowEvent.SCTP_SHUTDOWN_ACK, "CL IN IN CS CR CW CO CE ES CL SR CL RJ CL");
        sctp(next, CLIENT, FlowEvent.SCTP_SHUTDOWN_COMPLETE, "CL CL CL CS CR CW CO CE ES SS SR CL RJ CL");
        sctp(next, CLIENT, FlowEvent.SCTP_ERROR, "CL I1 IN CS CR CW CO CL ES SS SR SA RJ CL");
        sctp(next, CLIENT, FlowEvent.SCTP_ABORT, "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL");
    }

    private static void sctpOfServer(byte[] next) {
        sctp(next, SERVER, FlowEvent.SCTP_DATA, "ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL");
        sctp(next, SERVER, FlowEvent.SCTP_INIT, "CW CW CW CW CW CW CW CW ES CW CW CW CW CW");
        sctp(next, SERVER, FlowEvent.SCTP_INIT_ACK, "CS CS CS CS CR CW CO CE ES SS SR SA RJ CL");
        sctp(next, SERVER, FlowEvent.SCTP_COOKIE_ECHO, "CE CE CE CE CE CE CE CE ES SS SR SA RJ CL");
        sctp(next, SERVER, FlowEvent.SCTP_COOKIE_ACK, "ES ES ES ES ES ES ES ES ES SS SR SA RJ CL");
        sctp(next, SERVER, FlowEvent.SCTP_SHUTDOWN, "SS SS SS SS SS SS SS SS SS SS SR SA RJ CL");
        sctp(next, SERVER, FlowEvent.SCTP_SHUTDOWN_ACK, "SA SA SA SA SA CW CO CE ES SA SA SA RJ CL");
        sctp(next, SERVER, FlowEvent.SCTP_SHUTDOWN_COMPLETE, "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL");
        sctp(next, SERVER, FlowEvent.SCTP_ERROR, "CL CL CL CL CL CW CO CE ES SS SR SA RJ CL");
        sctp(next, SERVER, FlowEvent.SCTP_ABORT, "CL RJ CL CL CL CL CL CL CL CL CL CL CL CL");
    }

    private static void sctpOfClientAlone(byte[] next) {
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_DATA, "ES I1 IN CS CR ES CO CE ES SS SR SA RJ CL");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_INIT, "I1 IN IN IN IN IN CO CE ES SS SR SA IN IN");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_INIT_ACK, "CE CE CE CE CE CE CO CE ES SS SR SA RJ CL");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_COOKIE_ECHO, "ES ES ES ES ES ES CO CE ES SS SR SA RJ CL");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_COOKIE_ACK, "ES I1 IN ES ES CW ES ES ES SS SR SA RJ CL");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_SHUTDOWN, "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_SHUTDOWN_ACK, "CL IN IN CS CR CW CO CE CL CL SR CL RJ CL");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_SHUTDOWN_COMPLETE, "CL CL CL CL CL CW CO CE ES SS CL CL RJ CL");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_ERROR, "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL");
        sctp(next, CLIENT_ALONE, FlowEvent.SCTP_ABORT, "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL");
    }

    private static void tcp(byte[] next, int sender, int event, String after) {
        row(next, sender, event, TCP, TCP_BEFORE, after);
    }

    private static void sctp(byte[] next, int sender, int event, String after) {
        row(next, sender, event, SCTP, SCTP_BEFORE, after);
    }

    private static void row(
            byte[] next, int sender, int event, Map<String, FlowState> states, String before, String after) {
        String[] from = before.split(" ", -1);
        String[] to = after.split(" ", -1);
        for (int i = 0; i < from.length; i++) {
            next[at(sender, event, states.getOrDefault(from[i], FlowState.NONE))] =
                    (byte) states.getOrDefault(to[i], FlowState.NONE).code();
        }
    }

    private static int at(int sender, int event, FlowState before) {
        return (sender * FlowEvent.COUNT + event) * STATES + before.code();
    }
}

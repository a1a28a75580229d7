package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import dev.sluice.packet.Sctp;
import dev.sluice.packet.Transport;

/**
 * What a packet means to the state of its flow: one code for each kind of packet of each protocol, the rows of
 * {@link FlowState}'s table.
 */
public final class FlowEvent {
    static final int TCP_SYN = 0;
    static final int TCP_FIN = 1;
    /** A segment that acknowledges and does nothing else. */
    public static final int TCP_ACK = 2;

    static final int TCP_RST = 3;
    static final int TCP_OTHER = 4;

    /** Any UDP packet, and ESP and AH, which move no state. */
    public static final int DATAGRAM = 5;

    /** DATA, SACK, HEARTBEAT, and every chunk that IPVS does not know. */
    static final int SCTP_DATA = 6;

    static final int SCTP_INIT = 7;
    static final int SCTP_INIT_ACK = 8;
    static final int SCTP_COOKIE_ECHO = 9;
    static final int SCTP_COOKIE_ACK = 10;
    static final int SCTP_SHUTDOWN = 11;
    static final int SCTP_SHUTDOWN_ACK = 12;
    static final int SCTP_SHUTDOWN_COMPLETE = 13;
    static final int SCTP_ERROR = 14;
    static final int SCTP_ABORT = 15;
    /** An SCTP packet without a chunk changes nothing. */
    static final int SCTP_NO_CHUNK = 16;

    static final int COUNT = 17;

    private FlowEvent() {}

    /** The states that an event does not change, whoever sent it: of each the bit of its code. */
    public static int statesAlike(int event) {
        int states = 0;
        for (FlowState state : FlowState.values()) {
            int code = state.code();
            boolean alike = FlowTransitions.after(FlowTransitions.CLIENT_ALONE, code, event) == code
                    && FlowTransitions.after(FlowTransitions.CLIENT, code, event) == code
                    && FlowTransitions.after(FlowTransitions.SERVER, code, event) == code;
            states |= alike ? 1 << code : 0;
        }
        return states;
    }

    /** Whether an event may change the state of a flow that has one already; all but plain data may. */
    static boolean isTelling(int event) {
        return event != TCP_ACK && event != DATAGRAM && event != SCTP_DATA && event != SCTP_NO_CHUNK;
    }

    /** The event that a packet is. */
    static int of(PacketView packet) {
        return switch (packet.protocol()) {
            case Transport.TCP -> ofTcp(packet.tcpFlags());
            case Transport.SCTP -> ofSctp(packet.sctpChunk());
            default -> DATAGRAM;
        };
    }

    /** IPVS asks in this order, so that a SYN+ACK is a SYN, and anything with RST is an RST. */
    static int ofTcp(int tcpFlags) {
        if ((tcpFlags & Transport.RST) != 0) {
            return TCP_RST;
        }
        if ((tcpFlags & Transport.SYN) != 0) {
            return TCP_SYN;
        }
        if ((tcpFlags & Transport.FIN) != 0) {
            return TCP_FIN;
        }
        return (tcpFlags & Transport.ACK) != 0 ? TCP_ACK : TCP_OTHER;
    }

    /** By {@link PacketView#sctpChunk()}. */
    static int ofSctp(int chunk) {
        return switch (chunk) {
            case Sctp.NO_CHUNK -> SCTP_NO_CHUNK;
            case Sctp.INIT -> SCTP_INIT;
            case Sctp.INIT_ACK -> SCTP_INIT_ACK;
            case Sctp.COOKIE_ECHO -> SCTP_COOKIE_ECHO;
            case Sctp.COOKIE_ACK -> SCTP_COOKIE_ACK;
            case Sctp.SHUTDOWN -> SCTP_SHUTDOWN;
            case Sctp.SHUTDOWN_ACK -> SCTP_SHUTDOWN_ACK;
            case Sctp.SHUTDOWN_COMPLETE -> SCTP_SHUTDOWN_COMPLETE;
            case Sctp.ERROR -> SCTP_ERROR;
            case Sctp.ABORT -> SCTP_ABORT;
            default -> SCTP_DATA;
        };
    }
}

package dev.sluice.flow;

import dev.sluice.packet.Tcp;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.MemorySegment;

/**
 * What {@link SequenceTable} says of one connection, copied at one moment, and its use: the numbers of a segment are
 * translated in place. Owned by: worker; made once and filled again for every segment.
 *
 * <p>Sequence numbers follow vs_fix_seq() and vs_fix_ack_seq() of ip_vs_app.c. Two things are otherwise: an acknowledgement is
 * held against the last change in the sender's own numbers (as nf_ct_seq_adjust() does; IPVS counts the new difference in, and
 * acknowledges too much when a segment became shorter), and never falls behind that change, so that part of what was inserted
 * acknowledges nothing; and SACK blocks (RFC 2018) are translated, which IPVS forgets.
 */
public final class SequenceCopy {
    int tag;
    int flags;
    int toServerInit;
    int toServerDelta;
    int toServerPrevious;
    int toClientInit;
    int toClientDelta;
    int toClientPrevious;
    int windowShifts;
    int timestampDelta;
    int serverFirst;
    int cookie;
    int client;

    /** Becomes what another one is. */
    void set(SequenceCopy other) {
        tag = other.tag;
        flags = other.flags;
        toServerInit = other.toServerInit;
        toServerDelta = other.toServerDelta;
        toServerPrevious = other.toServerPrevious;
        toClientInit = other.toClientInit;
        toClientDelta = other.toClientDelta;
        toClientPrevious = other.toClientPrevious;
        windowShifts = other.windowShifts;
        timestampDelta = other.timestampDelta;
        serverFirst = other.serverFirst;
        cookie = other.cookie;
        client = other.client;
    }

    /**
     * Whether the client's segment that begins at {@code sequence} is the one that octets are put in front of: always until the
     * server has acknowledged them, and never from then on.
     *
     * @param sequence as the client has it
     */
    public boolean isPrefixDue(int sequence) {
        return isPrefixPending() && sequence == toServerInit;
    }

    /**
     * Whether the server's acknowledgement covers for the first time what was put in front of the client's first octet, after
     * which {@link SequenceTable#settle} is to be called.
     *
     * @param acknowledgement as the server has it
     */
    public boolean settlesPrefix(int acknowledgement) {
        return isPrefixPending() && acknowledgement - (toServerInit + toServerDelta) >= 0;
    }

    /** Whether octets are put in front of the client's first one, and the server has not acknowledged them. */
    public boolean isPrefixPending() {
        return (flags & SequenceTable.PREFIX) != 0 && toServerPrevious != toServerDelta;
    }

    /** Whether the client's segments carry its address. */
    public boolean announcesAddress() {
        return (flags & SequenceTable.ADDRESS) != 0;
    }

    /**
     * Whether the server's acknowledgement shows that it has taken a segment that carried the client's address: data of the client's, all of
     * which does. {@link SequenceTable#addressKnown} is to be called then.
     *
     * @param acknowledgement as the server has it
     */
    public boolean showsAddressKnown(int acknowledgement) {
        return announcesAddress() && acknowledgement - (toServerInit + toServerDelta) > 0;
    }

    /** Whether nothing is left to be changed in the connection's segments. */
    public boolean isSettled() {
        return (flags & ~SequenceTable.SERVER_FIRST) == 0;
    }

    /**
     * As {@link #isSettled}, once the client has sent an acknowledgement.
     *
     * @param acknowledgement as the client sent it
     */
    public boolean isSettledBy(int acknowledgement) {
        return (flags & ~SequenceTable.ADDRESS) == SequenceTable.SERVER_FIRST && acknowledgement - serverFirst > 0;
    }

    /** Whether the client knows the server's numbers as others. */
    public boolean isServerTranslated() {
        return (flags & SequenceTable.TO_CLIENT) != 0;
    }

    /** Whether the server's initial sequence number is known. */
    public boolean knowsServerFirst() {
        return (flags & SequenceTable.SERVER_FIRST) != 0;
    }

    /** The sequence number of the server's first octet, as the client acknowledges it; see {@link #knowsServerFirst}. */
    public int serverFirst() {
        return serverFirst;
    }

    /** Whether the client has been answered by a SYN cookie, and the server has not answered yet. */
    public boolean awaitsServer() {
        return (flags & SequenceTable.AWAITS_SERVER) != 0;
    }

    /** The initial sequence number given to the client instead of the server's. */
    public int cookie() {
        return cookie;
    }

    /** The client's window at the time of its last segment before the server was asked, as it stood there. */
    public int clientWindow() {
        return client & 0xffff;
    }

    /** What was kept of the client by {@link SequenceTable#awaitServer}. */
    public int clientOptions() {
        return client >>> 16;
    }

    /** The client's initial sequence number, of a connection that was answered by a SYN cookie. */
    public int clientInitial() {
        return toServerInit - 1;
    }

    /**
     * Translates a segment of the client's for the server.
     *
     * @param l4 absolute offset of the TCP header
     * @param headerBytes as {@link Tcp#headerBytes} gave it
     */
    public void shiftToServer(MemorySegment segment, long l4, int headerBytes) {
        if ((flags & SequenceTable.TO_SERVER) != 0) {
            shiftSequence(segment, l4, toServerInit, toServerDelta, toServerPrevious);
        }
        if ((flags & SequenceTable.TO_CLIENT) != 0) {
            shiftAcknowledgements(segment, l4, headerBytes, toClientInit, toClientDelta, toClientPrevious);
        }
        int windowShift = (byte) (windowShifts >> 8);
        if (windowShift != 0) {
            shiftWindow(segment, l4, windowShift);
        }
        if (timestampDelta != 0) {
            shiftTimestamp(segment, l4, headerBytes, Tcp.TIMESTAMP_ECHO, -timestampDelta);
        }
    }

    /** Translates a segment of the server's for the client; as {@link #shiftToServer}. */
    public void shiftToClient(MemorySegment segment, long l4, int headerBytes) {
        if ((flags & SequenceTable.TO_CLIENT) != 0) {
            shiftSequence(segment, l4, toClientInit, toClientDelta, toClientPrevious);
        }
        if ((flags & SequenceTable.TO_SERVER) != 0) {
            shiftAcknowledgements(segment, l4, headerBytes, toServerInit, toServerDelta, toServerPrevious);
        }
        int windowShift = (byte) windowShifts;
        if (windowShift != 0) {
            shiftWindow(segment, l4, windowShift);
        }
        if (timestampDelta != 0) {
            shiftTimestamp(segment, l4, headerBytes, Tcp.TIMESTAMP_VALUE, timestampDelta);
        }
    }

    /** The client's sequence number that the server knows as this one. */
    public int ofClient(int sequence) {
        return (flags & SequenceTable.TO_SERVER) == 0
                ? sequence
                : back(sequence, toServerInit, toServerDelta, toServerPrevious);
    }

    /** The server's sequence number that the client knows as this one. */
    public int ofServer(int sequence) {
        return (flags & SequenceTable.TO_CLIENT) == 0
                ? sequence
                : back(sequence, toClientInit, toClientDelta, toClientPrevious);
    }

    private static void shiftSequence(MemorySegment segment, long l4, int init, int delta, int previous) {
        long at = l4 + Tcp.SEQUENCE;
        int sequence = Wire.i32(segment, at);
        Tcp.putI32(segment, l4, at, sequence - init > 0 ? sequence + delta : sequence + previous);
    }

    private static void shiftAcknowledgements(
            MemorySegment segment, long l4, int headerBytes, int init, int delta, int previous) {
        if ((Wire.u8(segment, l4 + Transport.TCP_FLAGS) & Transport.ACK) == 0) {
            return;
        }
        shiftBack(segment, l4, l4 + Tcp.ACKNOWLEDGEMENT, init, delta, previous);
        if (headerBytes == Tcp.OPTIONS) {
            return;
        }
        long sack = Tcp.findOption(segment, l4, headerBytes, Tcp.SACK);
        if (sack != Tcp.NONE) {
            long end = sack + Wire.u8(segment, sack + 1);
            for (long block = sack + 2; block + Tcp.SACK_BLOCK_BYTES <= end; block += Tcp.SACK_BLOCK_BYTES) {
                shiftBack(segment, l4, block, init, delta, previous);
                shiftBack(segment, l4, block + 4, init, delta, previous);
            }
        }
    }

    private static void shiftBack(MemorySegment segment, long l4, long at, int init, int delta, int previous) {
        Tcp.putI32(segment, l4, at, back(Wire.i32(segment, at), init, delta, previous));
    }

    private static int back(int number, int init, int delta, int previous) {
        int shifted = number - previous;
        if (shifted - init > 0) {
            int behind = number - delta;
            return behind - init < 0 ? init : behind;
        }
        return shifted;
    }

    /** In a SYN the window is not scaled (RFC 7323 section 2.2), and stays as it is. */
    private static void shiftWindow(MemorySegment segment, long l4, int shift) {
        if ((Wire.u8(segment, l4 + Transport.TCP_FLAGS) & Transport.SYN) == 0) {
            int window = Wire.u16(segment, l4 + Tcp.WINDOW);
            int shifted = shift > 0 ? Math.min(window << shift, Tcp.MAX_WINDOW) : window >>> -shift;
            Tcp.putU16(segment, l4, l4 + Tcp.WINDOW, shifted);
        }
    }

    private static void shiftTimestamp(MemorySegment segment, long l4, int headerBytes, int field, int delta) {
        long option = Tcp.findOption(segment, l4, headerBytes, Tcp.TIMESTAMPS, Tcp.TIMESTAMPS_BYTES);
        if (option != Tcp.NONE) {
            long at = option + field;
            Tcp.putI32(segment, l4, at, Wire.i32(segment, at) + delta);
        }
    }
}

package dev.sluice.flow;

import dev.sluice.packet.PacketView;

/**
 * What an entry of a flow table said when it was read: on the way from one worker's table into another's, or out of the
 * memory of a director that is gone. Owned by: whoever made it, who fills it again and again.
 */
public final class FlowCopy {
    static final int FLAGS_SHIFT = 8;
    static final int BYTES_SHIFT = 16;

    long clientHigh;
    long clientLow;
    long virtualHigh;
    long virtualLow;
    /** As {@link FlowHasher#tuple}. */
    long tuple;
    /** The low 32 bits. */
    int hash;

    int realServer;
    /** Modulo 2³². */
    int lastSeenMs;
    /** Modulo 2³². */
    int packets;
    /** The upper 48 bits, and 8 bits each. */
    long bytesFlagsState;
    /** The persistence template that it stands under, as its flag says; {@link PersistenceTable#NONE} where that is not known. */
    long template = PersistenceTable.NONE;
    /** What it is on the real server's side, if its flag says that it is translated; index NONE where that is not known. */
    final Translation translation = new Translation();
    /** Its numbers, if its translation {@link Translation#hasNumbers}. */
    final SequenceCopy numbers = new SequenceCopy();
    /** Whether it has numbers that could not be read. */
    boolean lacksNumbers;

    /** Nothing read yet. */
    public FlowCopy() {}

    /** The flow's real server. */
    public int realServer() {
        return realServer;
    }

    /** The code of the flow's state. */
    public int stateCode() {
        return (int) bytesFlagsState & 0xff;
    }

    /** The flow's flags. */
    public int flags() {
        return (int) bytesFlagsState >>> FLAGS_SHIFT & 0xff;
    }

    /** When its last packet came, modulo 2³² ms. */
    public int lastSeenMs() {
        return lastSeenMs;
    }

    /** The client's packets, modulo 2³². */
    public long packets() {
        return Integer.toUnsignedLong(packets);
    }

    /** Bytes of its IP packets, both ways as far as they pass the director. */
    public long bytes() {
        return bytesFlagsState >>> BYTES_SHIFT;
    }

    /** Whether its addresses are IPv6 ones. */
    public boolean inet6() {
        return (tuple & 0xff) == 6;
    }

    /** The IP protocol's number. */
    public int protocol() {
        return (int) tuple >>> 8 & 0xff;
    }

    /** The client's address: its upper half, 0 for IPv4. */
    public long clientHigh() {
        return clientHigh;
    }

    /** The client's address: its lower half, for IPv4 all of it. */
    public long clientLow() {
        return clientLow;
    }

    /** CPORT. */
    public int clientPort() {
        return (int) (tuple >>> 32) & 0xffff;
    }

    /** The VIP: its upper half, 0 for IPv4. */
    public long virtualHigh() {
        return virtualHigh;
    }

    /** The VIP: its lower half, for IPv4 all of it. */
    public long virtualLow() {
        return virtualLow;
    }

    /** VPORT. */
    public int virtualPort() {
        return (int) tuple >>> 16;
    }

    /** Whether its packets are translated. */
    public boolean isTranslated() {
        return (flags() & FlowTable.FLAG_TRANSLATED) != 0;
    }

    /** What it is on the real server's side, of a flow that is translated. */
    public Translation translation() {
        return translation;
    }

    /** Its numbers, if its translation {@link Translation#hasNumbers}. */
    public SequenceCopy numbers() {
        return numbers;
    }

    /** Sets a flag. */
    void flag(int flag) {
        bytesFlagsState |= (long) flag << FLAGS_SHIFT;
    }

    /** Clears a flag. */
    void clear(int flag) {
        bytesFlagsState &= ~((long) flag << FLAGS_SHIFT);
    }

    /** Becomes what another one is. */
    void set(FlowCopy other) {
        clientHigh = other.clientHigh;
        clientLow = other.clientLow;
        virtualHigh = other.virtualHigh;
        virtualLow = other.virtualLow;
        tuple = other.tuple;
        hash = other.hash;
        realServer = other.realServer;
        lastSeenMs = other.lastSeenMs;
        packets = other.packets;
        bytesFlagsState = other.bytesFlagsState;
        template = other.template;
        if (other.isTranslated()) {
            translation.set(other.translation);
            if (other.translation.hasNumbers()) {
                numbers.set(other.numbers);
            }
        }
    }

    /** Becomes a flow of which nothing is known but its first packet. */
    void open(PacketView packet, int newRealServer, long flagsAndState, long nowMs) {
        clientHigh = packet.sourceHigh();
        clientLow = packet.sourceLow();
        virtualHigh = packet.destinationHigh();
        virtualLow = packet.destinationLow();
        tuple = FlowHasher.tuple(packet);
        realServer = newRealServer;
        lastSeenMs = (int) nowMs;
        packets = 0;
        bytesFlagsState = flagsAndState;
        template = PersistenceTable.NONE;
    }
}

package dev.sluice.flow;

import dev.sluice.packet.PacketView;

/**
 * What a translated connection is on either side of the director: CIP:CPORT to VIP:VPORT on its client's, LIP:LPORT to RIP:RPORT
 * on its real server's. By NAT LIP:LPORT is CIP:CPORT. Also, where replies go on the client's link when no router leads to it.
 *
 * <p>A copy of an entry of a {@link TranslationTable}. Owned by: whoever made it, who fills it again and again.
 */
public final class Translation {
    long realHigh;
    long realLow;
    long localHigh;
    long localLow;
    /** {@link FlowHasher#tuple} of a reply: RPORT, LPORT, protocol, the RIP's family. */
    long realTuple;
    /** The low 32 bits of a reply's hash. */
    int hash;

    int realServer;
    int generation;
    int slot;
    int lastReplyMs;
    /** One more than the connection's slot in its worker's {@link SequenceTable}; 0 when it has none. */
    int numbers;

    long clientHigh;
    long clientLow;
    long virtualHigh;
    long virtualLow;
    /** {@link FlowHasher#tuple} of a packet of the client's: CPORT, VPORT, protocol, the VIP's family. */
    long tuple;
    /** The client's station: its MAC address, and the port that it is on in the lowest 16 bits. */
    long station;
    /** The director's MAC address on that port, in the upper 48 bits. */
    long self;
    /** The tags under which its packets came. */
    long tags;

    /** The worker that has the connection, where it was looked for among several. */
    int owner;

    /** The entry's place in its table. */
    int index;

    /** Nothing read yet. */
    public Translation() {}

    /** The family of the client's side. */
    public boolean clientInet6() {
        return (tuple & 0xff) == FlowHasher.INET6;
    }

    /** The family of the real server's side. */
    public boolean realInet6() {
        return (realTuple & 0xff) == FlowHasher.INET6;
    }

    /** Whether the client's side is of one family, and the real server's of the other. */
    public boolean crossesFamilies() {
        return ((tuple ^ realTuple) & 0xff) != 0;
    }

    /** CIP: its upper half, 0 for IPv4. */
    public long clientHigh() {
        return clientHigh;
    }

    /** CIP: its lower half, for IPv4 all of it. */
    public long clientLow() {
        return clientLow;
    }

    /** CPORT. */
    public int clientPort() {
        return (int) (tuple >>> 32) & 0xffff;
    }

    /** VIP: its upper half, 0 for IPv4. */
    public long virtualHigh() {
        return virtualHigh;
    }

    /** VIP: its lower half, for IPv4 all of it. */
    public long virtualLow() {
        return virtualLow;
    }

    /** VPORT. */
    public int virtualPort() {
        return (int) tuple >>> 16;
    }

    /** RIP: its upper half, 0 for IPv4. */
    public long realHigh() {
        return realHigh;
    }

    /** RIP: its lower half, for IPv4 all of it. */
    public long realLow() {
        return realLow;
    }

    /** RPORT. */
    public int realPort() {
        return (int) (realTuple >>> 32) & 0xffff;
    }

    /** LIP: its upper half, 0 for IPv4. */
    public long localHigh() {
        return localHigh;
    }

    /** LIP: its lower half, for IPv4 all of it. */
    public long localLow() {
        return localLow;
    }

    /** LPORT. */
    public int localPort() {
        return (int) realTuple >>> 16;
    }

    /** The IP protocol's number. */
    public int protocol() {
        return (int) realTuple >>> 8 & 0xff;
    }

    /** The connection's real server. */
    public int realServer() {
        return realServer;
    }

    /** The MAC address that the client's packets came from: the client's, or its router's. */
    public long stationMac() {
        return station >>> 16;
    }

    /** The port by which they came. */
    public int stationPort() {
        return (int) station & 0xffff;
    }

    /** The director's MAC address there. */
    public long selfMac() {
        return self >>> 16;
    }

    /** The VLAN tags under which they came, the outermost in the upper half; 0 for none. */
    public long tags() {
        return tags;
    }

    /** Sets the client's side as a packet of the client's shows it. */
    public void setClientSide(PacketView packet) {
        clientHigh = packet.sourceHigh();
        clientLow = packet.sourceLow();
        virtualHigh = packet.destinationHigh();
        virtualLow = packet.destinationLow();
        tuple = FlowHasher.tuple(packet);
    }

    /**
     * Sets the real server's side.
     *
     * @param reply a reply's addresses and ports: from RIP:RPORT to LIP:LPORT
     */
    public void setRealSide(PacketView reply, int newRealServer) {
        realHigh = reply.sourceHigh();
        realLow = reply.sourceLow();
        localHigh = reply.destinationHigh();
        localLow = reply.destinationLow();
        realTuple = FlowHasher.tuple(reply);
        realServer = newRealServer;
    }

    /** Sets where replies go on the client's link. */
    public void setStation(long stationMac, int port, long selfMac, long newTags) {
        station = stationMac << 16 | port;
        self = selfMac << 16;
        tags = newTags;
    }

    /** Whether a fragment, whose ports are unknown, may be part of a packet of the real server's. */
    boolean isFromReal(PacketView fragment) {
        return protocol() == fragment.protocol()
                && realInet6() == fragment.inet6()
                && realLow == fragment.sourceLow()
                && realHigh == fragment.sourceHigh()
                && localLow == fragment.destinationLow()
                && localHigh == fragment.destinationHigh();
    }

    /** Whether a fragment, whose ports are unknown, may be part of a packet of the client's. */
    boolean isFromClient(PacketView fragment) {
        return protocol() == fragment.protocol()
                && clientInet6() == fragment.inet6()
                && clientLow == fragment.sourceLow()
                && clientHigh == fragment.sourceHigh()
                && virtualLow == fragment.destinationLow()
                && virtualHigh == fragment.destinationHigh();
    }

    /** Whether the client's packets come from the same station as those of another connection. */
    public boolean isAtStationOf(Translation other) {
        return station == other.station && self == other.self && tags == other.tags;
    }

    /** Whether the real server sees a local address in place of the client's. */
    public boolean isLocal() {
        return localLow != clientLow || localHigh != clientHigh || realInet6() != clientInet6();
    }

    /** Whether there was one. */
    public boolean isThere() {
        return index != TranslationTable.NONE;
    }

    /** Whether the numbers of its segments may differ on either side. */
    public boolean hasNumbers() {
        return numbers != 0;
    }

    /** The connection's slot in its worker's {@link SequenceTable}; negative when it has none. */
    public int numbersSlot() {
        return numbers - 1;
    }

    /** What tells the connection from others in a {@link SequenceTable}. */
    public int numbersTag() {
        return hash == 0 ? 1 : hash;
    }

    /** Whether a worker has the connection. */
    public boolean isOwnedBy(int worker) {
        return owner == worker;
    }

    /** Says which worker has the connection. */
    public void setOwner(int worker) {
        owner = worker;
    }

    /** Makes a view that of a reply, to look it up. */
    public void toReply(PacketView view) {
        view.setFlow(realInet6(), protocol(), realHigh, realLow, realPort(), localHigh, localLow, localPort());
    }

    /** Becomes that of a flow of which nobody knows yet where its client's packets come from. */
    void recover(FlowCopy flow, PacketView reply, int replyHash) {
        clientHigh = flow.clientHigh;
        clientLow = flow.clientLow;
        virtualHigh = flow.virtualHigh;
        virtualLow = flow.virtualLow;
        tuple = flow.tuple;
        setRealSide(reply, flow.realServer);
        hash = replyHash;
        setStation(0, 0, 0, 0);
        numbers = 0;
        // Of no table, but of some.
        index = TranslationTable.NONE + 1;
    }

    /** Whether the client's packets come by a port, from a station that is known. */
    public boolean hasStationAt(int port) {
        return stationMac() != 0 && stationPort() == port;
    }

    /** Becomes what another one is. */
    void set(Translation other) {
        realHigh = other.realHigh;
        realLow = other.realLow;
        localHigh = other.localHigh;
        localLow = other.localLow;
        realTuple = other.realTuple;
        hash = other.hash;
        realServer = other.realServer;
        generation = other.generation;
        slot = other.slot;
        lastReplyMs = other.lastReplyMs;
        numbers = other.numbers;
        clientHigh = other.clientHigh;
        clientLow = other.clientLow;
        virtualHigh = other.virtualHigh;
        virtualLow = other.virtualLow;
        tuple = other.tuple;
        station = other.station;
        self = other.self;
        tags = other.tags;
        owner = other.owner;
        index = other.index;
    }
}

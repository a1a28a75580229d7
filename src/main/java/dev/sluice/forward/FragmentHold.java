package dev.sluice.forward;

import dev.sluice.flow.FragmentTable;
import dev.sluice.packet.Ipv4;
import dev.sluice.packet.PacketParser;
import dev.sluice.packet.PacketView;
import java.lang.foreign.MemorySegment;

/**
 * Keeps fragments that came before the first of their datagram, which alone says where they go, until it comes or a moment has
 * passed. Bounded, so that fragments of datagrams that have no first one take nothing but this room from others. Owned by:
 * worker.
 */
final class FragmentHold {
    /** How long a fragment waits; what overtakes another on its way does so by far less. */
    static final int WAIT_MS = 500;

    private static final int ROOM = Batch.MAX_RELEASED;
    /** Frames that follow a held packet's first one: 9000 octets in frames of 2048 have five. A larger packet is not held. */
    private static final int MAX_TAILS = 8;

    private final MemorySegment umem;
    private final long[] addresses = new long[ROOM];
    private final int[] lengths = new int[ROOM];
    private final int[] tails = new int[ROOM];
    private final long[] tailAddresses = new long[ROOM * MAX_TAILS];
    private final int[] tailLengths = new int[ROOM * MAX_TAILS];
    private final long[] deadlinesMs = new long[ROOM];
    private final long[] hashes = new long[ROOM];
    private final PacketView view = new PacketView();
    private int count;
    private int frames;
    private long sweptMs;

    FragmentHold(MemorySegment umem) {
        this.umem = umem;
    }

    /** How many packets it keeps, most of one frame. */
    int packets() {
        return count;
    }

    /** How many frames it keeps. */
    int frames() {
        return frames;
    }

    /**
     * Keeps a packet of the batch; false, and nothing done, when there is no room for it.
     *
     * @param hash of its datagram, as {@link FragmentTable#hash} gives it
     */
    boolean hold(Batch batch, int packet, long hash, long nowMs) {
        int of = batch.tails(packet);
        if (count == ROOM || of > MAX_TAILS) {
            return false;
        }
        addresses[count] = batch.address(packet);
        lengths[count] = batch.length(packet);
        tails[count] = of;
        for (int tail = 0; tail < of; tail++) {
            tailAddresses[count * MAX_TAILS + tail] = batch.tailAddress(packet, tail);
            tailLengths[count * MAX_TAILS + tail] = batch.tailLength(packet, tail);
        }
        deadlinesMs[count] = nowMs + WAIT_MS;
        hashes[count] = hash;
        count++;
        frames += 1 + of;
        batch.setEgress(packet, Batch.HELD);
        return true;
    }

    /**
     * Lets those go on that belong to a datagram, to the end of the batch, in the order in which they came; they are to be parsed
     * anew.
     *
     * @param hash of the datagram
     */
    void release(Batch batch, long hash) {
        int kept = 0;
        int before = count;
        for (int i = 0; i < before; i++) {
            if (hashes[i] != hash || !add(batch, i)) {
                keep(i, kept++);
            }
        }
        count = kept;
    }

    /**
     * Lets those go on that have waited too long, and those whose first fragment another worker has seen meanwhile; looks at them
     * once a millisecond.
     */
    void sweep(Batch batch, FragmentTable table, long nowMs) {
        if (count == 0 || sweptMs == nowMs) {
            return;
        }
        sweptMs = nowMs;
        int kept = 0;
        int before = count;
        for (int i = 0; i < before; i++) {
            boolean goes = nowMs - deadlinesMs[i] >= 0 || isKnown(i, table, nowMs);
            if (!goes || !add(batch, i)) {
                keep(i, kept++);
            }
        }
        count = kept;
    }

    private boolean isKnown(int held, FragmentTable table, long nowMs) {
        PacketParser.parse(umem, addresses[held], lengths[held], Ipv4.MAX_PACKET_BYTES, view);
        return table.find(view, hashes[held], nowMs) != FragmentTable.NONE;
    }

    private boolean add(Batch batch, int held) {
        if (batch.count() >= Batch.CAPACITY - Batch.MAX_SPARES || !batch.hasRoomFor(tails[held])) {
            return false;
        }
        frames -= 1 + tails[held];
        batch.add(addresses[held], lengths[held]);
        for (int tail = 0; tail < tails[held]; tail++) {
            batch.addTail(tailAddresses[held * MAX_TAILS + tail], tailLengths[held * MAX_TAILS + tail]);
        }
        return true;
    }

    private void keep(int from, int to) {
        if (from == to) {
            return;
        }
        addresses[to] = addresses[from];
        lengths[to] = lengths[from];
        tails[to] = tails[from];
        deadlinesMs[to] = deadlinesMs[from];
        hashes[to] = hashes[from];
        for (int tail = 0; tail < tails[from]; tail++) {
            tailAddresses[to * MAX_TAILS + tail] = tailAddresses[from * MAX_TAILS + tail];
            tailLengths[to * MAX_TAILS + tail] = tailLengths[from * MAX_TAILS + tail];
        }
    }
}

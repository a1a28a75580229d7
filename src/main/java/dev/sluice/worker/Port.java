package dev.sluice.worker;

import dev.sluice.ffi.generated.Native;
import dev.sluice.forward.Batch;
import dev.sluice.xsk.FramePool;
import dev.sluice.xsk.TxRing;
import dev.sluice.xsk.XskSocket;

/**
 * One interface as one worker sees it: the socket of the worker's queue there, and how many frames the kernel holds for
 * it.
 *
 * <p>Owned by: worker.
 */
final class Port {
    /** Fewer frames than this are not worth a turn of the fill ring. */
    private static final int REFILL_BATCH = 16;

    private static final int AGAIN = -Native.EAGAIN();

    private final XskSocket socket;
    private final FramePool pool;
    private final boolean multiBuffer;
    private final PacketChains chains;
    private int receiving;
    private int sending;
    private int unsubmitted;

    Port(XskSocket socket, FramePool pool) {
        this.socket = socket;
        this.pool = pool;
        multiBuffer = socket.isMultiBuffer();
        chains = new PacketChains(pool);
    }

    /** Takes frames that the kernel has sent back into the pool: how many. */
    int reapCompletions(int max) {
        int count = socket.completion().drain(pool, max);
        sending -= count;
        return count;
    }

    /** Gives the kernel as many free frames to receive into as the fill ring takes. */
    void refill() {
        int room = socket.fill().free(REFILL_BATCH);
        if (room >= REFILL_BATCH) {
            receiving += socket.fill().refill(pool, room);
        }
        // Does nothing where the kernel asks for nothing and the socket is not busy polled.
        socket.wakeRx();
    }

    /** Moves up to {@code max} received packets out of the RX ring into an empty batch. The frames are the caller's. */
    void receive(Batch batch, int max) {
        if (multiBuffer) {
            receiving -= chains.receive(socket.rx(), batch, max);
            return;
        }
        int count = socket.rx().receive(batch.addresses(), batch.lengths(), max);
        receiving -= count;
        batch.received(count);
    }

    /** How many packets {@link #receive} has dropped since the last call because they were in too many frames. */
    int takeTooLong() {
        return multiBuffer ? chains.takeTooLong() : 0;
    }

    /** Queues a packet for {@link #transmit}; false, and nothing done, when the TX ring has no room for all of its frames. */
    boolean send(Batch batch, int packet) {
        int tails = batch.tails(packet);
        TxRing tx = socket.tx();
        if (tx.reserve(1 + tails) == 0) {
            return false;
        }
        if (tails == 0) {
            tx.set(unsubmitted++, batch.address(packet), batch.length(packet));
            return true;
        }
        tx.setContinued(unsubmitted++, batch.address(packet), batch.length(packet));
        for (int tail = 0; tail < tails - 1; tail++) {
            tx.setContinued(unsubmitted++, batch.tailAddress(packet, tail), batch.tailLength(packet, tail));
        }
        tx.set(unsubmitted++, batch.tailAddress(packet, tails - 1), batch.tailLength(packet, tails - 1));
        return true;
    }

    /** Hands what was queued to the kernel and has it sent: 0, or the negative error number of a failed kick. */
    int transmit() {
        if (unsubmitted > 0) {
            socket.tx().submit(unsubmitted);
            sending += unsubmitted;
            unsubmitted = 0;
        }
        // Also without new packets: what an earlier kick left behind would otherwise wait for the next packet.
        if (sending == 0) {
            return 0;
        }
        int result = socket.kickTx();
        return result == AGAIN ? 0 : result;
    }

    /** Frames the kernel has to receive into and has not returned. */
    int receiving() {
        return receiving;
    }

    /** Frames the kernel has to send and has not completed. */
    int sending() {
        return sending;
    }
}

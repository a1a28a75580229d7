package dev.sluice.worker;

import dev.sluice.ffi.generated.Native;
import dev.sluice.xsk.FramePool;
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
    private int receiving;
    private int sending;
    private int unsubmitted;

    Port(XskSocket socket, FramePool pool) {
        this.socket = socket;
        this.pool = pool;
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

    /** Moves received packets out of the RX ring: how many. The frames are the caller's. */
    int receive(long[] addresses, int[] lengths, int max) {
        int count = socket.rx().receive(addresses, lengths, max);
        receiving -= count;
        return count;
    }

    /** Queues a packet for {@link #transmit}; false, and nothing done, when the TX ring is full. */
    boolean send(long address, int lengthBytes) {
        if (socket.tx().reserve(1) == 0) {
            return false;
        }
        socket.tx().set(unsubmitted++, address, lengthBytes);
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

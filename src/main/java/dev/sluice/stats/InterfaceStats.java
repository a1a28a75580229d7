package dev.sluice.stats;

import java.util.List;
import java.util.Map;

/**
 * One interface that the director steers from.
 *
 * @param name the interface
 * @param xdpMode {@code native} or {@code generic}
 * @param dispatcher whether the program shares the interface through libxdp's dispatcher
 * @param steering packets by outcome of the XDP program
 * @param queues its AF_XDP sockets by queue
 */
public record InterfaceStats(
        String name, String xdpMode, boolean dispatcher, Map<String, Long> steering, List<QueueStats> queues) {
    /**
     * One AF_XDP socket.
     *
     * @param queue the queue it is bound to
     * @param zeroCopy whether the driver gave zero-copy
     * @param xsk the kernel's {@code XDP_STATISTICS} of the socket
     */
    public record QueueStats(int queue, boolean zeroCopy, Map<String, Long> xsk) {}
}

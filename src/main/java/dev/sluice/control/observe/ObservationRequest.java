package dev.sluice.control.observe;

import dev.sluice.forward.observe.PacketFilter;
import dev.sluice.forward.observe.Selection;

/**
 * What one wants to observe.
 *
 * @param filter which packets
 * @param selection what of them
 * @param before whether as they come in
 * @param after whether as they leave
 * @param snapBytes the most octets of each
 * @param perSecond the most packets of a worker in a second
 * @param queue the one worker, -1 for all
 */
record ObservationRequest(
        PacketFilter filter,
        Selection selection,
        boolean before,
        boolean after,
        int snapBytes,
        int perSecond,
        int queue) {}

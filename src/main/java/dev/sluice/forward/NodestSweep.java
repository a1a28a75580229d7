package dev.sluice.forward;

import dev.sluice.flow.FlowTable;

/**
 * Forgets the flows of removed real servers with {@code expire_nodest_conn}, without waiting for their packets, as IPVS
 * does on a removal (ip_vs_expire_nodest_conn_flush): one pass over the flow table after each snapshot with other real
 * servers, some slots a duty cycle. Owned by: worker.
 *
 * <p>A flow that another's removal moves past the pass is missed; its next packet or its timeout finds it.
 */
final class NodestSweep {
    private final FlowTable flows;
    private final Counters counters;
    private ForwardingSnapshot swept = ForwardingSnapshot.empty();
    private int slot;

    NodestSweep(FlowTable flows, Counters counters) {
        this.flows = flows;
        this.counters = counters;
        slot = flows.slots();
    }

    /**
     * Goes on with the pass, or starts one.
     *
     * @param budget how many slots to look at
     * @return how many were looked at
     */
    int run(ForwardingSnapshot snapshot, int budget) {
        if (!snapshot.hasRealServersOf(swept)) {
            swept = snapshot;
            slot = flows.size() == 0 ? flows.slots() : 0;
        }
        int looked = 0;
        while (looked < budget && slot < flows.slots()) {
            looked++;
            int realServer = flows.isFree(slot) ? ForwardingSnapshot.NONE : flows.realServer(slot);
            if (realServer != ForwardingSnapshot.NONE && snapshot.serviceOf(realServer) == ForwardingSnapshot.NONE) {
                // Another flow may take the place: look at the slot again.
                flows.remove(slot);
                counters.increment(Counter.FLOW_NODEST_EXPIRED);
            } else {
                slot++;
            }
        }
        return looked;
    }
}

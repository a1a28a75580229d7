package dev.sluice.forward;

import dev.sluice.flow.FlowState;
import dev.sluice.flow.FlowTable;
import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import org.jspecify.annotations.Nullable;

/**
 * Whether the flow table takes a new flow. Owned by: worker.
 *
 * <p>Under overload some new flows are forwarded without an entry. All their packets find their way by the flow's hash
 * alone, so once that has happened, later packets without an entry are scheduled by hash as well, for as long as the flow
 * could have been silent in between: a SYN may be such a flow's second, an ACK the end of its handshake.
 */
final class FlowAdmission {
    private static final int SECOND_MS = 1000;

    private final FlowTable flows;
    private final int maxNewFlowsPerSecond;

    private long secondStartMs;
    private int newFlowsThisSecond;
    private boolean everRefused;
    private long lastRefusalMs;

    FlowAdmission(FlowTable flows, int maxNewFlowsPerSecond) {
        this.flows = flows;
        this.maxNewFlowsPerSecond = maxNewFlowsPerSecond;
    }

    /** Why a packet's flow, which is not in the table, cannot be entered; null when it can. */
    @Nullable
    Counter refuse(PacketView packet, long nowMs) {
        Counter reason = reason(packet, nowMs);
        if (reason != null) {
            everRefused = true;
            lastRefusalMs = nowMs;
        }
        return reason;
    }

    private @Nullable Counter reason(PacketView packet, long nowMs) {
        // Every new flow counts towards the rate, entered or not.
        boolean tooFast = isAboveRate(nowMs);
        if (flows.isFull()) {
            return Counter.FLOW_TABLE_FULL;
        }
        if (tooFast) {
            return Counter.FLOW_RATE_LIMITED;
        }
        return packet.opensConnection() && flows.isHalfOpenFull() ? Counter.FLOW_HALF_OPEN_FULL : null;
    }

    /** Whether a packet may belong to a flow that was forwarded without an entry. */
    boolean mayBeUnremembered(PacketView packet, long nowMs) {
        return everRefused && nowMs - lastRefusalMs < flows.timeoutMs(stateBefore(packet));
    }

    private static FlowState stateBefore(PacketView packet) {
        return switch (packet.protocol()) {
            case Transport.TCP -> packet.opensConnection() ? FlowState.SYN_RECV : FlowState.ESTABLISHED;
            case Transport.SCTP -> packet.opensConnection() ? FlowState.SCTP_INIT : FlowState.SCTP_ESTABLISHED;
            default -> FlowState.UDP;
        };
    }

    /** Katran's rule (MAX_CONN_RATE): no entries for what exceeds a number of new flows within a second. */
    private boolean isAboveRate(long nowMs) {
        if (maxNewFlowsPerSecond == 0) {
            return false;
        }
        if (nowMs - secondStartMs >= SECOND_MS) {
            secondStartMs = nowMs;
            newFlowsThisSecond = 0;
        }
        // Stops at the limit, so that it cannot overflow.
        if (newFlowsThisSecond == maxNewFlowsPerSecond) {
            return true;
        }
        newFlowsThisSecond++;
        return false;
    }
}

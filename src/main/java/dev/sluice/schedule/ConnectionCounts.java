package dev.sluice.schedule;

/**
 * How many connections each real server has, over all workers: what the least-connection schedulers compare. Follows
 * {@code activeconns} and {@code inactconns} of ip_vs.h.
 *
 * <p>Any thread may ask. Other workers open and close connections meanwhile, so a worker sees their changes soon, not at
 * once; its own it sees at once.
 */
public abstract class ConnectionCounts {
    /** No connections at all: for schedulers that do not ask. */
    public static final ConnectionCounts NONE = new None();

    /** Only subclasses are instantiated. */
    protected ConnectionCounts() {}

    /** Connections in a state that IPVS calls active: TCP's from the SYN until the first FIN or RST. */
    public abstract int active(int realServerId);

    /** All other connections: closing ones, and UDP's. */
    public abstract int inactive(int realServerId);

    /** Whether a real server has reached its upper threshold and not fallen below the lower one: IP_VS_DEST_F_OVERLOAD. */
    public abstract boolean isOverloaded(int realServerId);

    /** The load of ip_vs_dest_conn_overhead(): an active connection counts as much as 256 inactive ones. */
    final long overhead(int realServerId) {
        return ((long) active(realServerId) << 8) + inactive(realServerId);
    }

    private static final class None extends ConnectionCounts {
        @Override
        public int active(int realServerId) {
            return 0;
        }

        @Override
        public int inactive(int realServerId) {
            return 0;
        }

        @Override
        public boolean isOverloaded(int realServerId) {
            return false;
        }
    }
}

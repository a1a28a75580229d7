package dev.sluice.flow;

import dev.sluice.packet.PacketView;
import dev.sluice.packet.Transport;
import dev.sluice.schedule.HashKey;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.SplittableRandom;

/**
 * TCP connections that another connection has announced, an FTP control connection say, and that a client will open: from which CIP to
 * which VIP:VPORT, and the real server and RPORT that they are for. What IPVS enters as a connection without CPORT (IP_VS_CONN_F_NO_CPORT).
 * Shared by all workers, for the announcement and the connection may come by different queues.
 *
 * <p>A {@link FragmentTable} by another key: a full set forgets what is to expire first, so that a flood of announcements keeps nobody out.
 */
public final class Expectations {
    /** Nothing of the kind is expected. */
    public static final long NONE = FragmentTable.NONE;

    /** As long as IPVS keeps a connection in LISTEN. */
    private static final int LIFETIME_MS = FlowState.LISTEN.defaultTimeoutMs();

    private static final int CAPACITY = 4096;
    private static final int PORT_SHIFT = 16;

    private static final VarHandle USED =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();

    private final FragmentTable table;
    /** Not 0 once anything was announced: else nobody looks. */
    private final int[] used = new int[1];

    Expectations() {
        SplittableRandom random = new SplittableRandom();
        table = new FragmentTable(CAPACITY, new HashKey(random.nextLong(), random.nextLong()), LIFETIME_MS);
    }

    /**
     * Announces a connection. Any worker.
     *
     * @param addresses a view from CIP to VIP
     * @param virtualPort its VPORT
     * @param realPort its RPORT
     * @param scratch of no meaning afterwards
     * @return false when others kept the place busy, and nothing is announced
     */
    public boolean put(
            PacketView addresses, int virtualPort, int realServer, int realPort, PacketView scratch, long nowMs) {
        USED.setOpaque(used, 0, 1);
        scratch.setNumbered(addresses, Transport.TCP, virtualPort);
        return table.put(scratch, table.hash(scratch), (long) realPort << PORT_SHIFT | realServer, nowMs);
    }

    /**
     * What a client's packet was announced as, or {@link #NONE}: for {@link #realServer} and {@link #realPort}. Any worker.
     *
     * @param scratch of no meaning afterwards
     */
    public long find(PacketView packet, PacketView scratch, long nowMs) {
        if ((int) USED.getOpaque(used, 0) == 0 || packet.protocol() != Transport.TCP) {
            return NONE;
        }
        scratch.setNumbered(packet, Transport.TCP, packet.destinationPort());
        return table.find(scratch, table.hash(scratch), nowMs);
    }

    /** The real server that an announced connection is for. */
    public static int realServer(long expected) {
        return FragmentTable.realServer(expected);
    }

    /** The port there. */
    public static int realPort(long expected) {
        return (int) (expected >>> PORT_SHIFT) & 0xffff;
    }

    /** Whether a connection to a real server is expected. Any thread; walks over the whole table. */
    boolean holds(int realServer, long nowMs) {
        return table.holds(realServer, nowMs);
    }
}

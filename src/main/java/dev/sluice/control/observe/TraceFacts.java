package dev.sluice.control.observe;

import dev.sluice.control.admin.AdminException;
import dev.sluice.packet.IpAddress;
import dev.sluice.service.FwmarkRule;
import dev.sluice.service.Protocol;
import dev.sluice.service.RealServer;
import dev.sluice.service.VirtualService;
import java.util.List;

/** What a director knows of what a packet meets, beside what the worker says of it. Any thread but the workers'. */
public interface TraceFacts {
    /**
     * The services that workers have.
     *
     * @param generation of the snapshot
     * @param services those in service, with the real servers in service
     * @param fwmarkRules in the order in which they are asked
     */
    record Services(long generation, List<VirtualService> services, List<FwmarkRule> fwmarkRules) {}

    /** The latest. */
    Services services();

    /** The way to a real server, in words. */
    String nextHop(RealServer real);

    /** How many active connections a real server has, over all workers. */
    long active(int realServer);

    /** How many inactive connections it has. */
    long inactive(int realServer);

    /** Whether it gets no new connections because of its thresholds. */
    boolean isOverloaded(int realServer);

    /**
     * What the maps of the steering program say of packets.
     *
     * @param isSteered whether they are a worker's
     * @param why in words
     */
    record Steering(boolean isSteered, String why) {}

    /** What they say of packets to a VIP and port. */
    Steering steering(Protocol protocol, IpAddress client, IpAddress vip, int port) throws AdminException;

    /** The MAC address of one of the director's interfaces. */
    long stationAddress(String interfaceName) throws AdminException;
}

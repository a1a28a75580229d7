package dev.sluice.control;

import dev.sluice.forward.Counters;
import dev.sluice.stats.Traffic;
import dev.sluice.worker.Worker;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What services and real servers got, summed over the workers, since they were last set to zero. Workers' counters only grow,
 * and an id has several owners in its time: what it had counted at its owner's beginning is taken off.
 *
 * <p>Any thread; {@link #estimate} by one at a time.
 */
final class TrafficReader {
    private final Datapath datapath;
    private final Map<Integer, Traffic> serviceZero = new ConcurrentHashMap<>();
    private final Map<Integer, Traffic> realServerZero = new ConcurrentHashMap<>();
    private final RateEstimator serviceRates = new RateEstimator();
    private final RateEstimator realServerRates = new RateEstimator();

    /** Reads the counters of these workers. */
    TrafficReader(Datapath datapath) {
        this.datapath = datapath;
    }

    /** What the service with an id got. */
    Traffic ofService(int id) {
        return serviceSum(id).minus(serviceZero.getOrDefault(id, Traffic.NONE));
    }

    /** What the real server with an id got. */
    Traffic ofRealServer(int id) {
        return realServerSum(id).minus(realServerZero.getOrDefault(id, Traffic.NONE));
    }

    /** What the service with an id gets in a second. */
    Traffic rateOfService(int id) {
        return serviceRates.rate(id);
    }

    /** What the real server with an id gets in a second. */
    Traffic rateOfRealServer(int id) {
        return realServerRates.rate(id);
    }

    /** Sets a service to zero; its real servers keep theirs. */
    void zeroService(int id) {
        Traffic sum = serviceSum(id);
        serviceZero.put(id, sum);
        serviceRates.zero(id, sum);
    }

    /** Sets a real server to zero. */
    void zeroRealServer(int id) {
        Traffic sum = realServerSum(id);
        realServerZero.put(id, sum);
        realServerRates.zero(id, sum);
    }

    /** Brings the rates up to date, every {@link RateEstimator#PERIOD_MS}; those of ids without an owner are forgotten. */
    void estimate(Iterable<Integer> services, Iterable<Integer> realServers) {
        serviceRates.update(services, this::serviceSum);
        realServerRates.update(realServers, this::realServerSum);
    }

    private Traffic serviceSum(int id) {
        long connections = 0;
        long packets = 0;
        long bytes = 0;
        long outPackets = 0;
        long outBytes = 0;
        for (Worker worker : datapath.workers()) {
            Counters counters = worker.counters();
            connections += counters.serviceConnections(id);
            packets += counters.servicePackets(id);
            bytes += counters.serviceBytes(id);
            outPackets += counters.serviceOutPackets(id);
            outBytes += counters.serviceOutBytes(id);
        }
        return new Traffic(connections, packets, outPackets, bytes, outBytes);
    }

    private Traffic realServerSum(int id) {
        long connections = 0;
        long packets = 0;
        long bytes = 0;
        long outPackets = 0;
        long outBytes = 0;
        for (Worker worker : datapath.workers()) {
            Counters counters = worker.counters();
            connections += counters.realServerConnections(id);
            packets += counters.realServerPackets(id);
            bytes += counters.realServerBytes(id);
            outPackets += counters.realServerOutPackets(id);
            outBytes += counters.realServerOutBytes(id);
        }
        return new Traffic(connections, packets, outPackets, bytes, outBytes);
    }
}

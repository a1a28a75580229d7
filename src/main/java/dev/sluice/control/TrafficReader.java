package dev.sluice.control;

import dev.sluice.control.RateEstimator.Sum;
import dev.sluice.forward.Counters;
import dev.sluice.stats.Traffic;
import dev.sluice.worker.Worker;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What services and real servers got, summed over the workers, since they were last set to zero. Workers' counters only grow,
 * and an id has several owners in its time: what it had counted at its owner's beginning is taken off.
 *
 * <p>Any thread; {@link #follow} and {@link #estimate} by one at a time.
 */
final class TrafficReader {
    private final Datapath datapath;
    private final Map<Integer, Traffic> serviceZero = new ConcurrentHashMap<>();
    private final Map<Integer, Traffic> realServerZero = new ConcurrentHashMap<>();
    private final RateEstimator serviceRates = new RateEstimator();
    private final RateEstimator realServerRates = new RateEstimator();
    private final RateEstimator.Counted countedOfServices = this::readService;
    private final RateEstimator.Counted countedOfRealServers = this::readRealServer;

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

    /** What the service with an id got: connections, packets and bytes, in before out, from a place in an array on. */
    void countsOfService(int id, Sum sum, long[] counts, int at) {
        readService(id, sum);
        put(sum, serviceZero.getOrDefault(id, Traffic.NONE), counts, at);
    }

    /** As {@link #countsOfService}. */
    void countsOfRealServer(int id, Sum sum, long[] counts, int at) {
        readRealServer(id, sum);
        put(sum, realServerZero.getOrDefault(id, Traffic.NONE), counts, at);
    }

    private static void put(Sum sum, Traffic zero, long[] counts, int at) {
        counts[at] = sum.connections - zero.connections();
        counts[at + 1] = sum.inPackets - zero.inPackets();
        counts[at + 2] = sum.outPackets - zero.outPackets();
        counts[at + 3] = sum.inBytes - zero.inBytes();
        counts[at + 4] = sum.outBytes - zero.outBytes();
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

    /** Says of which ids there are rates from now on; those of others are forgotten. */
    void follow(Iterable<Integer> services, Iterable<Integer> realServers) {
        serviceRates.follow(services);
        realServerRates.follow(realServers);
    }

    /** Brings the rates up to date, every {@link RateEstimator#PERIOD_MS}. */
    void estimate() {
        serviceRates.update(countedOfServices);
        realServerRates.update(countedOfRealServers);
    }

    private Traffic serviceSum(int id) {
        Sum sum = new Sum();
        readService(id, sum);
        return sum.traffic();
    }

    private void readService(int id, Sum sum) {
        sum.set(Traffic.NONE);
        List<Worker> workers = datapath.workers();
        for (int i = 0; i < workers.size(); i++) {
            Counters counters = workers.get(i).counters();
            sum.connections += counters.serviceConnections(id);
            sum.inPackets += counters.servicePackets(id);
            sum.inBytes += counters.serviceBytes(id);
            sum.outPackets += counters.serviceOutPackets(id);
            sum.outBytes += counters.serviceOutBytes(id);
        }
    }

    private Traffic realServerSum(int id) {
        Sum sum = new Sum();
        readRealServer(id, sum);
        return sum.traffic();
    }

    private void readRealServer(int id, Sum sum) {
        sum.set(Traffic.NONE);
        List<Worker> workers = datapath.workers();
        for (int i = 0; i < workers.size(); i++) {
            Counters counters = workers.get(i).counters();
            sum.connections += counters.realServerConnections(id);
            sum.inPackets += counters.realServerPackets(id);
            sum.inBytes += counters.realServerBytes(id);
            sum.outPackets += counters.realServerOutPackets(id);
            sum.outBytes += counters.realServerOutBytes(id);
        }
    }
}

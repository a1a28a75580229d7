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
 * <p>Any thread.
 */
final class TrafficReader {
    private static final Traffic NOTHING = new Traffic(0, 0, 0);

    private final Datapath datapath;
    private final Map<Integer, Traffic> serviceZero = new ConcurrentHashMap<>();
    private final Map<Integer, Traffic> realServerZero = new ConcurrentHashMap<>();

    /** Reads the counters of these workers. */
    TrafficReader(Datapath datapath) {
        this.datapath = datapath;
    }

    /** What the service with an id got. */
    Traffic ofService(int id) {
        return minus(serviceSum(id), serviceZero.getOrDefault(id, NOTHING));
    }

    /** What the real server with an id got. */
    Traffic ofRealServer(int id) {
        return minus(realServerSum(id), realServerZero.getOrDefault(id, NOTHING));
    }

    /** Sets a service to zero; its real servers keep theirs. */
    void zeroService(int id) {
        serviceZero.put(id, serviceSum(id));
    }

    /** Sets a real server to zero. */
    void zeroRealServer(int id) {
        realServerZero.put(id, realServerSum(id));
    }

    private Traffic serviceSum(int id) {
        Traffic sum = NOTHING;
        for (Worker worker : datapath.workers()) {
            Counters counters = worker.counters();
            sum = plus(sum, counters.serviceConnections(id), counters.servicePackets(id), counters.serviceBytes(id));
        }
        return sum;
    }

    private Traffic realServerSum(int id) {
        Traffic sum = NOTHING;
        for (Worker worker : datapath.workers()) {
            Counters counters = worker.counters();
            sum = plus(
                    sum,
                    counters.realServerConnections(id),
                    counters.realServerPackets(id),
                    counters.realServerBytes(id));
        }
        return sum;
    }

    private static Traffic plus(Traffic sum, long connections, long packets, long bytes) {
        return new Traffic(sum.connections() + connections, sum.packets() + packets, sum.bytes() + bytes);
    }

    private static Traffic minus(Traffic sum, Traffic zero) {
        return new Traffic(
                sum.connections() - zero.connections(), sum.packets() - zero.packets(), sum.bytes() - zero.bytes());
    }
}

package dev.sluice.control;

import dev.sluice.control.http.Names;
import dev.sluice.control.http.Sample;
import dev.sluice.forward.Counter;
import dev.sluice.service.RealServer;
import dev.sluice.worker.Worker;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads what services and real servers have got, those that are out of service as well: once a second while the director
 * lives, so it leaves nothing to collect as long as none comes or goes. Any thread, one at a time.
 */
final class TrafficSampler {
    /** Stands in the list of ids before one of a service. */
    private static final int SERVICE = -1;

    private static final Counter[] DROPS = Arrays.stream(Counter.values())
            .filter(counter -> counter.kind() == Counter.Kind.DROP)
            .toArray(Counter[]::new);

    private final SnapshotCompiler compiler;
    private final TrafficReader traffic;
    private final Datapath datapath;
    private final RateEstimator.Sum sum = new RateEstimator.Sum();
    private List<ServiceState> states = List.of();
    private List<String> names = List.of();
    /** A pair for each name: the id of the service, or {@link #SERVICE} before, and that of the real server. */
    private int[] ids = {};

    private long[] counts = {};

    TrafficSampler(SnapshotCompiler compiler, TrafficReader traffic, Datapath datapath) {
        this.compiler = compiler;
        this.traffic = traffic;
        this.datapath = datapath;
    }

    /** What they have got; its array is written again by the next call. */
    Sample sample() {
        List<ServiceState> current = compiler.current().states();
        if (!current.equals(states)) {
            take(current);
        }
        for (int i = 0; i < names.size(); i++) {
            int at = i * Sample.COUNTS;
            if (ids[2 * i] == SERVICE) {
                traffic.countsOfService(ids[2 * i + 1], sum, counts, at);
            } else {
                traffic.countsOfRealServer(ids[2 * i + 1], sum, counts, at);
            }
        }
        long dropped = 0;
        for (Counter reason : DROPS) {
            dropped += total(reason);
        }
        return new Sample(names, counts, total(Counter.PACKETS_IN), total(Counter.FORWARDED), dropped);
    }

    private void take(List<ServiceState> current) {
        List<String> all = new ArrayList<>();
        List<Integer> pairs = new ArrayList<>();
        for (ServiceState state : current) {
            String service = state.configured().key().toString();
            all.add(service);
            pairs.add(SERVICE);
            pairs.add(state.configured().id());
            for (RealServer real : state.allRealServers()) {
                all.add(Sample.real(service, Names.endpoint(real.address().toString(), real.port())));
                pairs.add(state.configured().id());
                pairs.add(real.id());
            }
        }
        states = current;
        names = List.copyOf(all);
        ids = pairs.stream().mapToInt(Integer::intValue).toArray();
        counts = new long[all.size() * Sample.COUNTS];
    }

    private long total(Counter counter) {
        long total = 0;
        List<Worker> workers = datapath.workers();
        for (int i = 0; i < workers.size(); i++) {
            total += workers.get(i).counters().get(counter);
        }
        return total;
    }
}

package dev.sluice.cli.top;

import dev.sluice.bpf.SteeringOutcome;
import dev.sluice.cli.top.Interval.Rate;
import dev.sluice.cli.top.Line.Style;
import dev.sluice.cli.top.Table.Column;
import dev.sluice.cli.top.Table.Row;
import dev.sluice.forward.Counter;
import dev.sluice.stats.DirectorStats;
import dev.sluice.stats.HealthStats;
import dev.sluice.stats.InterfaceStats;
import dev.sluice.stats.RealServerStats;
import dev.sluice.stats.ServiceStats;
import dev.sluice.stats.WorkerStats;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tables of the views. */
final class Tables {
    private static final List<Column> SERVICES = List.of(
            new Column("SERVICE / REAL", 17, 0),
            new Column("PPS-IN", 7, 0),
            new Column("PPS-OUT", 7, 4),
            new Column("BPS-IN", 7, 2),
            new Column("BPS-OUT", 7, 4),
            new Column("CPS", 6, 1),
            new Column("ACTIVE", 7, 0),
            new Column("INACT", 7, 3),
            new Column("WEIGHT", 6, 5),
            new Column("STATE", 6, 0));

    private static final List<Column> WORKERS = List.of(
            new Column("WORKER", 13, 0),
            new Column("CPU", 4, 5),
            new Column("BUSY", 5, 0),
            new Column("PPS-RX", 7, 0),
            new Column("PPS-TX", 7, 0),
            new Column("BATCH", 6, 1),
            new Column("P99", 4, 2),
            new Column("CONNS", 7, 3),
            new Column("STALLS", 6, 1),
            new Column("LONGEST", 8, 4),
            new Column("FRAMES", 7, 4));

    private static final List<Column> RINGS = List.of(
            new Column("RING", 13, 0),
            new Column("MODE", 9, 3),
            new Column("RX-DROP", 8, 0),
            new Column("RX-FULL", 8, 0),
            new Column("NO-FILL", 8, 1),
            new Column("NO-TX", 8, 2),
            new Column("INVALID", 8, 4));

    private static final List<Column> DROPS = List.of(
            new Column("OUTCOME", 20, 0),
            new Column("RATE", 7, 0),
            new Column("TOTAL", 12, 0),
            new Column("SHARE", 6, 1));

    private Tables() {}

    /** The tables of a view, one below the other. */
    static List<Table> of(TopState.View view, Interval interval) {
        return switch (view) {
            case SERVICES -> List.of(services(interval));
            case WORKERS -> List.of(workers(interval), rings(interval));
            case DROPS -> List.of(outcomes(interval));
        };
    }

    private static List<Column> columnsOf(TopState.View view) {
        return switch (view) {
            case SERVICES -> SERVICES;
            case WORKERS -> WORKERS;
            case DROPS -> DROPS;
        };
    }

    /** How many columns there are to sort by. */
    static int columns(TopState.View view) {
        return columnsOf(view).size();
    }

    /** The column with a name, in any case; 0 for none. */
    static int column(TopState.View view, String name) {
        for (int i = 1; i < columns(view); i++) {
            if (columnsOf(view).get(i).header().equalsIgnoreCase(name)) {
                return i;
            }
        }
        return 0;
    }

    /** The names of the columns that a view can be sorted by. */
    static List<String> names(TopState.View view) {
        return columnsOf(view).stream().skip(1).map(Column::header).toList();
    }

    private static Table services(Interval interval) {
        DirectorStats now = interval.now();
        Map<String, HealthStats.Service> health = new HashMap<>();
        now.health()
                .services()
                .forEach(service -> health.put(
                        service.protocol() + service.address() + " " + service.port() + service.family(), service));
        List<Row> rows = new ArrayList<>();
        for (ServiceStats service : now.services()) {
            rows.add(service(
                    interval,
                    service,
                    health.get(service.protocol() + service.address() + " " + service.port() + service.family())));
        }
        return new Table(SERVICES, rows, true);
    }

    private static Row service(Interval interval, ServiceStats service, HealthStats.@Nullable Service health) {
        List<Row> children = new ArrayList<>();
        long active = 0;
        long inactive = 0;
        int weight = 0;
        for (RealServerStats real : service.realServers()) {
            children.add(realServer(interval.rate(service, real), real));
            active += real.active();
            inactive += real.inactive();
            weight += real.weight();
        }
        boolean noQuorum = health != null && !health.quorum().reached();
        boolean sorry =
                health != null && health.sorry() != null && health.sorry().inUse();
        if (health != null) {
            for (HealthStats.RealServer real : health.realServers()) {
                if (!real.inService()) {
                    children.add(failed(real));
                }
            }
        }
        Rate rate = interval.rate(service);
        boolean none = service.realServers().isEmpty();
        String state = none ? "NO RS" : sorry ? "SORRY" : noQuorum ? "QUORUM" : "";
        return row(
                name(service),
                rate,
                active,
                inactive,
                weight,
                state,
                state.isEmpty() ? Style.STRONG : Style.ALARM,
                rate.isIdle()
                        && active == 0
                        && state.isEmpty()
                        && children.stream().allMatch(Row::idle),
                children);
    }

    private static Row realServer(Rate rate, RealServerStats real) {
        String state = !real.reachable() ? "NO WAY" : real.overloaded() ? "FULL" : real.weight() == 0 ? "drain" : "up";
        boolean alarm = !real.reachable() || real.overloaded();
        return row(
                "  -> " + endpoint(real.address(), real.port()),
                rate,
                real.active(),
                real.inactive(),
                real.weight(),
                state,
                alarm ? Style.ALARM : rate.isIdle() ? Style.FAINT : Style.PLAIN,
                rate.isIdle() && real.active() == 0 && !alarm,
                List.of());
    }

    /** A real server that its checks have taken out of service. */
    private static Row failed(HealthStats.RealServer real) {
        boolean down = real.state().equals("down");
        return row(
                "  -> " + endpoint(real.address(), real.port()),
                new Rate(0, 0, 0, 0, 0),
                0,
                0,
                0,
                down ? "DOWN" : "wait",
                down ? Style.ALARM : Style.FAINT,
                false,
                List.of());
    }

    private static Row row(
            String name,
            Rate rate,
            long active,
            long inactive,
            int weight,
            String state,
            Style style,
            boolean idle,
            List<Row> children) {
        return new Row(
                List.of(
                        name,
                        Scale.of(rate.inPackets()),
                        Scale.of(rate.outPackets()),
                        Scale.of(rate.inBits()),
                        Scale.of(rate.outBits()),
                        Scale.of(rate.connections()),
                        count(active),
                        count(inactive),
                        count(weight),
                        state),
                List.of(
                        0.0,
                        rate.inPackets(),
                        rate.outPackets(),
                        rate.inBits(),
                        rate.outBits(),
                        rate.connections(),
                        (double) active,
                        (double) inactive,
                        (double) weight,
                        style == Style.ALARM ? 1.0 : 0.0),
                style,
                idle,
                children);
    }

    private static Table workers(Interval interval) {
        List<Row> rows = new ArrayList<>();
        for (WorkerStats worker : interval.now().workers()) {
            double busy = interval.busy(worker);
            double rx = interval.worker(worker, "rx_packets");
            double tx = interval.worker(worker, "tx_packets");
            double stalls = interval.worker(worker, "stalls");
            double batch = interval.batch(worker);
            int p99 = percentile(interval.batches(worker), 0.99);
            long connections = worker.counters().getOrDefault("connections", 0L);
            double longestMs = worker.counters().getOrDefault("longest_cycle_ns", 0L) / 1e6;
            long free = worker.counters().getOrDefault("frames_free", 0L);
            long frames = worker.counters().getOrDefault("frames_total", 0L);
            rows.add(new Row(
                    List.of(
                            "queue " + worker.queue(),
                            worker.cpu() < 0 ? "-" : Integer.toString(worker.cpu()),
                            Scale.percent(busy),
                            Scale.of(rx),
                            Scale.of(tx),
                            Scale.of(batch),
                            p99 == 0 ? "-" : Integer.toString(p99),
                            count(connections),
                            Scale.of(stalls),
                            Scale.of(longestMs) + " ms",
                            frames == 0 ? "-" : Scale.percent((double) free / frames)),
                    List.of(
                            0.0,
                            (double) worker.cpu(),
                            busy,
                            rx,
                            tx,
                            batch,
                            (double) p99,
                            (double) connections,
                            stalls,
                            longestMs,
                            (double) free),
                    stalls > 0 || busy > 0.95 ? Style.ALARM : rx == 0 ? Style.FAINT : Style.PLAIN,
                    rx == 0 && tx == 0,
                    List.of()));
        }
        return new Table(WORKERS, rows, true);
    }

    /** The size that so many of the batches are not above. */
    private static int percentile(Map<Integer, Long> batches, double share) {
        long sum = batches.values().stream().mapToLong(count -> count).sum();
        long seen = 0;
        for (Map.Entry<Integer, Long> size : batches.entrySet()) {
            seen += size.getValue();
            if (sum > 0 && seen >= share * sum) {
                return size.getKey();
            }
        }
        return 0;
    }

    private static Table rings(Interval interval) {
        List<Row> rows = new ArrayList<>();
        for (InterfaceStats nic : interval.now().interfaces()) {
            for (InterfaceStats.QueueStats queue : nic.queues()) {
                double dropped = interval.xsk(nic, queue, "rx_dropped");
                double full = interval.xsk(nic, queue, "rx_ring_full");
                double noFill = interval.xsk(nic, queue, "rx_fill_ring_empty_descs");
                double noTx = interval.xsk(nic, queue, "tx_ring_empty_descs");
                double invalid =
                        interval.xsk(nic, queue, "rx_invalid_descs") + interval.xsk(nic, queue, "tx_invalid_descs");
                boolean alarm = dropped + full + invalid > 0;
                rows.add(new Row(
                        List.of(
                                nic.name() + ":" + queue.queue(),
                                queue.zeroCopy() ? "zero-copy" : "copy",
                                Scale.of(dropped),
                                Scale.of(full),
                                Scale.of(noFill),
                                Scale.of(noTx),
                                Scale.of(invalid)),
                        List.of(),
                        alarm ? Style.ALARM : Style.PLAIN,
                        false,
                        List.of()));
            }
        }
        return new Table(RINGS, rows, false);
    }

    private static Table outcomes(Interval interval) {
        DirectorStats now = interval.now();
        long in = now.outcomes().getOrDefault(Counter.PACKETS_IN.label(), 0L);
        List<Row> rows = new ArrayList<>();
        for (Counter counter : Counter.values()) {
            if (counter.kind() == Counter.Kind.DROP) {
                rows.add(outcome(
                        counter.label(),
                        interval.outcome(counter.label()),
                        now.outcomes().getOrDefault(counter.label(), 0L),
                        in,
                        true));
            }
        }
        for (InterfaceStats nic : now.interfaces()) {
            long all =
                    nic.steering().values().stream().mapToLong(count -> count).sum();
            for (SteeringOutcome steering : SteeringOutcome.values()) {
                boolean drop = steering.verdict() == SteeringOutcome.Verdict.DROP;
                rows.add(outcome(
                        nic.name() + " " + steering.label(),
                        interval.steering(nic, steering.label()),
                        nic.steering().getOrDefault(steering.label(), 0L),
                        all,
                        drop));
            }
        }
        for (Counter counter : Counter.values()) {
            if (counter.kind() != Counter.Kind.DROP) {
                rows.add(outcome(
                        counter.label(),
                        interval.outcome(counter.label()),
                        now.outcomes().getOrDefault(counter.label(), 0L),
                        in,
                        false));
            }
        }
        // What has never happened is of no interest, and there are a hundred of those.
        rows.removeIf(row -> row.keys().get(2) == 0);
        return new Table(DROPS, rows, true);
    }

    private static Row outcome(String name, double rate, long total, long of, boolean drop) {
        double share = of == 0 ? 0 : (double) total / of;
        return new Row(
                List.of(name, Scale.of(rate), Long.toString(total), Scale.percent(share)),
                List.of(0.0, rate, (double) total, share),
                drop && rate > 0 ? Style.ALARM : rate == 0 ? Style.FAINT : Style.PLAIN,
                rate == 0,
                List.of());
    }

    /** Whole below a million. */
    private static String count(long value) {
        return value < 1_000_000 ? Long.toString(value) : Scale.of((double) value);
    }

    /** {@code TCP 10.0.0.100:80}, {@code FWM 7}. */
    static String name(ServiceStats service) {
        return service.protocol() + " "
                + (service.protocol().equals("FWM")
                        ? service.address() + (service.family().equals("inet6") ? " IPv6" : "")
                        : endpoint(service.address(), service.port()));
    }

    private static String endpoint(String address, int port) {
        return (address.indexOf(':') >= 0 ? "[" + address + "]" : address) + ":" + port;
    }
}

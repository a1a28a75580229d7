package dev.sluice.bench.net;

import dev.sluice.bench.harness.Measurement;
import dev.sluice.bench.harness.Measurement.Better;
import dev.sluice.bench.harness.Run;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What {@code line-rate} found at one rate in all rounds. */
final class LineFindings {
    /** A figure: of the whole, or of the queue or CPU that its parameters name. */
    private record Figure(String metric, String unit, Better better, Map<String, String> parameters) {}

    private final Map<Figure, List<Double>> samples = new LinkedHashMap<>();
    private final Map<String, Long> lost = new TreeMap<>();
    private double seconds;

    /** A round, from one reading to another. */
    void add(LineReading before, LineReading now, String ingress, String egress) {
        if (now.offered() >= 0) {
            double offered = now.offeredSince(before);
            add("offered", "packets/s", Better.NEITHER, Map.of(), offered);
            add(
                    "lost",
                    "%",
                    Better.LOWER,
                    Map.of(),
                    offered > 0 ? 100 * Math.max(0, 1 - now.forwardedSince(before) / offered) : 0);
        }
        add("in", "packets/s", Better.HIGHER, Map.of(), now.receivedSince(before));
        add("rate", "packets/s", Better.HIGHER, Map.of(), now.forwardedSince(before));
        add("rate on the wire", "Gbit/s", Better.HIGHER, Map.of(), now.gigabitsSince(before));
        add("NIC in", "packets/s", Better.NEITHER, Map.of(), now.nicSince(before, ingress, "rx_packets"));
        add("NIC out", "packets/s", Better.NEITHER, Map.of(), now.nicSince(before, egress, "tx_packets"));
        for (LineReading.QueueUse queue : now.queuesSince(before)) {
            Map<String, String> which =
                    Map.of("queue", Integer.toString(queue.queue()), "worker CPU", Integer.toString(queue.cpu()));
            add("queue in", "packets/s", Better.NEITHER, which, queue.received());
            add("queue out", "packets/s", Better.NEITHER, which, queue.sent());
            add("queue's busy cycles", "%", Better.NEITHER, which, 100 * queue.busyCycles());
        }
        now.nicQueuesSince(before, ingress)
                .forEach((queue, packets) -> add(
                        "NIC queue in",
                        "packets/s",
                        Better.NEITHER,
                        Map.of("queue", Integer.toString(queue)),
                        packets));
        now.cpus().since(before.cpus()).shares().forEach((cpu, share) -> {
            Map<String, String> which = Map.of("cpu", Integer.toString(cpu));
            add("CPU busy", "%", Better.NEITHER, which, 100 * share.busy());
            add("CPU softirq", "%", Better.NEITHER, which, 100 * share.softirq());
        });
        now.lossesSince(before).forEach((cause, count) -> lost.merge(cause, count, Long::sum));
        seconds += now.secondsSince(before);
    }

    private void add(String metric, String unit, Better better, Map<String, String> parameters, double value) {
        samples.computeIfAbsent(new Figure(metric, unit, better, parameters), _ -> new ArrayList<>())
                .add(value);
    }

    /** Puts it into the run. */
    void report(Run run, String subject, Map<String, String> parameters) {
        samples.forEach((figure, values) -> {
            Map<String, String> all = new TreeMap<>(parameters);
            all.putAll(figure.parameters());
            run.add(new Measurement(subject, figure.metric(), figure.unit(), figure.better(), all, values));
        });
        lost.forEach((cause, count) -> {
            Map<String, String> all = new TreeMap<>(parameters);
            all.put("cause", cause);
            run.add(new Measurement(
                    subject, "dropped", "packets/s", Better.LOWER, all, List.of(count / Math.max(seconds, 1e-9))));
        });
        if (lost.isEmpty()) {
            run.remark("At " + parameters.get("offered") + " packets/s nothing was dropped, by any count.");
        }
    }

    /** From one reading to another, in a line. */
    static String text(LineReading now, LineReading before, String ingress) {
        StringBuilder text = new StringBuilder();
        if (now.offered() >= 0) {
            text.append(String.format(Locale.ROOT, "offered %.0f, ", now.offeredSince(before)));
        }
        text.append(String.format(
                Locale.ROOT,
                "NIC in %.0f, director in %.0f, out %.0f packets/s, %.3f Gbit/s; ",
                now.nicSince(before, ingress, "rx_packets"),
                now.receivedSince(before),
                now.forwardedSince(before),
                now.gigabitsSince(before)));
        if (now.queuesSince(before).size() > 1) {
            now.queuesSince(before)
                    .forEach(queue -> text.append(String.format(
                            Locale.ROOT,
                            "queue %d: %.0f in, %.0f out; ",
                            queue.queue(),
                            queue.received(),
                            queue.sent())));
        }
        text.append(now.cpus().since(before.cpus()).text());
        Map<String, Long> lost = now.lossesSince(before);
        return text + (lost.isEmpty() ? "" : "; dropped " + lost);
    }
}

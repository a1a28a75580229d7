package dev.sluice.control.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.forward.Counter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Metrics of readings that are made up. */
class MetricsPageTest {
    private static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private static String scrape(Source source, String accept) throws Exception {
        return new String(new MetricsPage(source).inFormat(accept).body(), StandardCharsets.UTF_8);
    }

    @Test
    void valuesHaveTheirPlaceAndUnit() throws Exception {
        List<String> lines = scrape(new Readings(2, 3), "text/plain").lines().toList();
        for (String line : List.of(
                "sluice_build_info{version=\"1.2.3\"} 1",
                "sluice_config_generation 7.0",
                "sluice_config_last_reload_successful 1.0",
                "sluice_config_last_reload_success_timestamp_seconds 1.7953416E9",
                "sluice_service_connections_total{service=\"TCP 10.1.0.2:80\"} 31.0",
                "sluice_service_in_bytes_total{service=\"TCP 10.1.0.2:80\"} 21007.0",
                "sluice_service_real_servers{service=\"TCP 10.1.0.1:80\",state=\"down\"} 1.0",
                "sluice_service_real_servers{service=\"TCP 10.1.0.1:80\",state=\"up\"} 2.0",
                "sluice_real_server_connections_total{real_server=\"10.2.0.2:80\",service=\"TCP 10.1.0.1:80\"} 12.0",
                "sluice_real_server_up{real_server=\"10.2.0.3:80\",service=\"TCP 10.1.0.1:80\"} 0.0",
                "sluice_real_server_weight{real_server=\"10.2.0.3:80\",service=\"TCP 10.1.0.1:80\"} 3.0",
                "sluice_real_server_effective_weight{real_server=\"10.2.0.3:80\",service=\"TCP 10.1.0.1:80\"} 0.0",
                "sluice_real_server_last_change_timestamp_seconds{real_server=\"10.2.0.3:80\",service=\"TCP 10.1.0.1:80\"}"
                        + " 1.795341601E9",
                "sluice_check_last_duration_seconds{check=\"0\",real_server=\"10.2.0.1:80\",service=\"TCP"
                        + " 10.1.0.1:80\",type=\"tcp\"} 0.003",
                "sluice_check_results_total{check=\"0\",real_server=\"10.2.0.1:80\",result=\"failure\",service=\"TCP"
                        + " 10.1.0.1:80\",type=\"tcp\"} 1.0",
                "sluice_persistence_templates 12.0",
                "sluice_next_hops{state=\"resolved\"} 6.0",
                "sluice_xsk_zero_copy{interface=\"eth1\",queue=\"0\"} 1.0",
                "sluice_xsk_rx_ring_full_total{interface=\"eth1\",queue=\"0\"} 23.0",
                "sluice_worker_batch_packets_bucket{queue=\"1\",le=\"1.0\"} 5",
                "sluice_worker_batch_packets_bucket{queue=\"1\",le=\"2.0\"} 12",
                "sluice_worker_batch_packets_bucket{queue=\"1\",le=\"256.0\"} 13",
                "sluice_worker_batch_packets_bucket{queue=\"1\",le=\"+Inf\"} 13",
                "sluice_worker_batch_packets_count{queue=\"1\"} 13")) {
            assertTrue(lines.contains(line), line);
        }
    }

    /** Each outcome is there once, with its own value, and what is dropped adds up. */
    @Test
    void everyCounterIsExposed() throws Exception {
        List<String> lines = scrape(new Readings(1, 1), "text/plain").lines().toList();
        long value = 1000;
        for (Counter counter : Counter.values()) {
            String name = switch (counter.kind()) {
                case INPUT -> "sluice_packets_received_total";
                case FORWARDED -> "sluice_packets_forwarded_total";
                case DROP -> "sluice_packets_dropped_total{reason=\"" + counter.label() + "\"}";
                case MADE, EVENT -> "sluice_" + counter.label() + "_total";
            };
            assertTrue(lines.contains(name + " " + value + ".0"), name + " " + value);
            value++;
        }
    }

    @Test
    void theFormatIsTheOneAskedFor() throws Exception {
        MetricsPage page = new MetricsPage(new Readings(1, 1));
        assertEquals(
                "text/plain; version=0.0.4; charset=utf-8", page.inFormat(null).type());
        assertEquals(
                "text/plain; version=0.0.4; charset=utf-8",
                page.inFormat("text/plain;version=0.0.4").type());
        Answer open = page.inFormat(OPEN_METRICS + ",text/plain;version=0.0.4;q=0.5");
        assertEquals(OPEN_METRICS, open.type());
        assertTrue(new String(open.body(), StandardCharsets.UTF_8).endsWith("# EOF\n"));
    }

    /** The documentation has a row for each metric, and none for what there is not. */
    @Test
    void everyMetricIsDocumented() throws IOException {
        List<String> rows = new ArrayList<>();
        for (Metric metric : Metric.values()) {
            rows.add(row(
                    metric.exposedName(),
                    metric.type().word(),
                    metric.labels().stream().map(label -> "`" + label + "`").collect(Collectors.joining(", ")),
                    metric.help()));
        }
        List<String> reasons = new ArrayList<>();
        for (Counter counter : Counter.values()) {
            switch (counter.kind()) {
                case MADE, EVENT ->
                    rows.add(row(
                            DirectorMetrics.nameOf(counter) + "_total", "counter", "", DirectorMetrics.help(counter)));
                case DROP -> reasons.add("| `" + counter.label() + "` | " + counter.help() + " |");
                case INPUT, FORWARDED -> {}
            }
        }
        List<String> text = Files.readAllLines(Path.of("docs/metrics.md"));
        Set<String> documented = text.stream()
                .filter(line -> line.startsWith("| `sluice_"))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(String.join("\n", new TreeSet<>(rows)), String.join("\n", documented));
        reasons.forEach(reason -> assertTrue(text.contains(reason), reason));
    }

    private static String row(String name, String type, String labels, String help) {
        return "| `" + name + "` | " + type + " | " + labels + " | " + help + " |";
    }

    /** What a scrape of a thousand real servers costs; the bounds leave room for a machine with much else to do. */
    @Test
    void aScrapeIsCheap() throws Exception {
        Readings source = new Readings(50, 20);
        DirectorMetrics metrics = new DirectorMetrics();
        MetricsPage page = new MetricsPage(source);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = 0;
        long[] ns = new long[12];
        int size = 0;
        for (int i = 0; i < ns.length; i++) {
            Thread.sleep(260);
            long before = threads.getCurrentThreadAllocatedBytes();
            long startNs = threads.getCurrentThreadCpuTime();
            size = page.inFormat("text/plain").body().length;
            ns[i] = threads.getCurrentThreadCpuTime() - startNs;
            bytes = threads.getCurrentThreadAllocatedBytes() - before;
        }
        Arrays.sort(ns);
        System.out.printf(
                Locale.ROOT,
                "a scrape of 1000 real servers: %d bytes of text, %.1f ms, %d KB allocated, the made-up reading included%n",
                size,
                ns[ns.length / 2] / 1e6,
                bytes >> 10);
        assertEquals(source.count(), ns.length);
        assertTrue(bytes < 24 << 20, bytes + " bytes allocated");
        assertTrue(ns[ns.length / 2] < 400_000_000L, Arrays.toString(ns));
        assertTrue(metrics.of(source.read()).size() > 50);
    }
}

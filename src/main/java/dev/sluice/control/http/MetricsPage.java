package dev.sluice.control.http;

import com.sun.net.httpserver.HttpExchange;
import dev.sluice.control.admin.AdminException;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.instrumentation.jvm.JvmBufferPoolMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmClassLoadingMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmCompilationMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmGarbageCollectorMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmMemoryMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmRuntimeInfoMetric;
import io.prometheus.metrics.instrumentation.jvm.ProcessMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Metrics, in the format that is asked for. Whoever asks more often than {@link #FRESH_NS} gets what was made before, so that no
 * number of clients costs more than a few scrapes a second. Any thread.
 */
final class MetricsPage {
    private static final long FRESH_NS = 250_000_000;

    private final Source source;
    private final ExpositionFormats formats = ExpositionFormats.init();
    private final DirectorMetrics director = new DirectorMetrics();
    private final PrometheusRegistry jvm = new PrometheusRegistry();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(64 * 1024);
    private final Map<String, Made> made = new HashMap<>();

    private record Made(Answer answer, long atNs) {}

    MetricsPage(Source source) {
        this.source = source;
        // Not those of threads: to list them and their locks all threads have to stop, workers among them.
        JvmBufferPoolMetrics.builder().register(jvm);
        JvmClassLoadingMetrics.builder().register(jvm);
        JvmCompilationMetrics.builder().register(jvm);
        JvmGarbageCollectorMetrics.builder().register(jvm);
        JvmMemoryMetrics.builder().register(jvm);
        JvmRuntimeInfoMetric.builder().register(jvm);
        ProcessMetrics.builder().register(jvm);
    }

    Answer answer(HttpExchange exchange) throws IOException, AdminException {
        return inFormat(exchange.getRequestHeaders().getFirst("Accept"));
    }

    synchronized Answer inFormat(@Nullable String accept) throws IOException, AdminException {
        ExpositionFormatWriter writer = formats.findWriter(accept);
        String type = writer.getContentType();
        long nowNs = System.nanoTime();
        Made before = made.get(type);
        if (before != null && nowNs - before.atNs() < FRESH_NS) {
            return before.answer();
        }
        out.reset();
        writer.write(out, scrape());
        Answer answer = Answer.fresh(type, out.toByteArray());
        made.put(type, new Made(answer, nowNs));
        return answer;
    }

    private MetricSnapshots scrape() throws AdminException {
        List<MetricSnapshot> all = Stream.concat(director.of(source.read()).stream(), jvm.scrape().stream())
                .toList();
        return new MetricSnapshots(all);
    }
}

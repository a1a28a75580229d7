package dev.sluice.bench.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;

/**
 * Results as JSON: {@code results.json} in the run's folder. Histograms stand in HdrHistogram's compressed encoding, base64, beside the
 * percentiles that people look for.
 */
final class ResultsFile {
    /** The file's name in a run's folder. */
    static final String NAME = "results.json";
    /** Of the format; another one is refused. */
    static final int FORMAT = 1;

    private static final ObjectMapper JSON = new ObjectMapper();

    private ResultsFile() {}

    static void write(Results results, Path file) throws IOException {
        Files.writeString(
                file,
                JSON.writerWithDefaultPrettyPrinter().writeValueAsString(toJson(results)) + System.lineSeparator());
    }

    /**
     * Reads a run.
     *
     * @param path the file, or the folder it lies in
     * @throws IOException with a message fit for users
     */
    static Results read(Path path) throws IOException {
        Path file = Files.isDirectory(path) ? path.resolve(NAME) : path;
        if (!Files.isRegularFile(file)) {
            throw new IOException(file + " does not exist: give a folder that a benchmark wrote, or its " + NAME);
        }
        try {
            JsonNode root = JSON.readTree(Files.readString(file));
            if (root.path("format").asInt() != FORMAT) {
                throw new IllegalArgumentException("format " + root.path("format") + " is not " + FORMAT);
            }
            return fromJson(root);
        } catch (JsonProcessingException e) {
            throw new IOException(file + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException | DateTimeException e) {
            throw new IOException(file + " does not hold a benchmark's results: " + e.getMessage(), e);
        }
    }

    static ObjectNode toJson(Results results) {
        ObjectNode root = JSON.createObjectNode();
        root.put("format", FORMAT);
        root.put("benchmark", results.benchmark());
        root.put("started", results.started().toString());
        root.put("durationSeconds", results.duration().toMillis() / 1e3);
        root.put("complete", results.isComplete());
        if (!results.isComplete()) {
            root.put("trouble", results.trouble());
        }
        results.commandLine().forEach(root.putArray("commandLine")::add);
        put(root, "options", results.options());
        put(root, "source", results.facts().source());
        put(root, "machine", results.facts().machine());
        put(root, "interfaces", results.facts().interfaces());
        put(root, "jvm", results.facts().jvm());
        put(root, "commands", results.commands());
        ArrayNode targets = root.putArray("targets");
        for (Target target : results.targets()) {
            targets.addObject()
                    .put("name", target.name())
                    .put("value", target.value())
                    .put(target.atLeast() ? "atLeast" : "atMost", target.wanted())
                    .put("met", target.isMet());
        }
        ArrayNode measurements = root.putArray("measurements");
        for (Measurement measurement : results.measurements()) {
            ObjectNode node = measurements
                    .addObject()
                    .put("subject", measurement.subject())
                    .put("metric", measurement.metric())
                    .put("unit", measurement.unit())
                    .put("better", measurement.better().name());
            put(node, "parameters", measurement.parameters());
            node.put("median", measurement.median())
                    .put("min", measurement.min())
                    .put("max", measurement.max());
            measurement.samples().forEach(node.putArray("samples")::add);
        }
        ArrayNode latencies = root.putArray("latencies");
        for (Latency latency : results.latencies()) {
            ObjectNode node = latencies.addObject().put("subject", latency.subject());
            put(node, "parameters", latency.parameters());
            ObjectNode percentiles = node.put("unit", "ns").putObject("percentiles");
            for (Percentile percentile : Percentile.values()) {
                percentiles.put(percentile.label(), percentile.of(latency.histogram()));
            }
            node.put("count", latency.histogram().getTotalCount()).put("histogram", encode(latency.histogram()));
        }
        results.remarks().forEach(root.putArray("remarks")::add);
        return root;
    }

    private static void put(ObjectNode node, String name, Map<String, String> values) {
        ObjectNode object = node.putObject(name);
        values.forEach(object::put);
    }

    private static String encode(Histogram histogram) {
        ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
        int length = histogram.encodeIntoCompressedByteBuffer(buffer);
        byte[] bytes = new byte[length];
        buffer.flip().get(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static Results fromJson(JsonNode root) {
        List<Measurement> measurements = new ArrayList<>();
        for (JsonNode node : root.path("measurements")) {
            List<Double> samples = new ArrayList<>();
            node.path("samples").forEach(sample -> samples.add(sample.asDouble()));
            measurements.add(new Measurement(
                    text(node, "subject"),
                    text(node, "metric"),
                    text(node, "unit"),
                    Measurement.Better.valueOf(text(node, "better")),
                    map(node, "parameters"),
                    samples));
        }
        List<Latency> latencies = new ArrayList<>();
        for (JsonNode node : root.path("latencies")) {
            latencies.add(new Latency(text(node, "subject"), map(node, "parameters"), decode(text(node, "histogram"))));
        }
        List<Target> targets = new ArrayList<>();
        for (JsonNode node : root.path("targets")) {
            boolean atLeast = node.has("atLeast");
            double wanted = node.path(atLeast ? "atLeast" : "atMost").asDouble();
            targets.add(new Target(text(node, "name"), node.path("value").asDouble(Double.NaN), wanted, atLeast));
        }
        String trouble = root.path("complete").asBoolean() ? "" : text(root, "trouble");
        return new Results(
                text(root, "benchmark"),
                Instant.parse(text(root, "started")),
                Duration.ofMillis(Math.round(root.path("durationSeconds").asDouble() * 1e3)),
                trouble,
                list(root, "commandLine"),
                map(root, "options"),
                new Facts(map(root, "source"), map(root, "machine"), map(root, "interfaces"), map(root, "jvm")),
                map(root, "commands"),
                measurements,
                latencies,
                targets,
                list(root, "remarks"));
    }

    private static Histogram decode(String base64) {
        try {
            return Histogram.decodeFromCompressedByteBuffer(
                    ByteBuffer.wrap(Base64.getDecoder().decode(base64)), 0);
        } catch (DataFormatException e) {
            throw new IllegalArgumentException("a histogram cannot be read: " + e.getMessage(), e);
        }
    }

    private static String text(JsonNode node, String name) {
        if (!node.path(name).isTextual()) {
            throw new IllegalArgumentException("\"" + name + "\" is missing");
        }
        return node.path(name).asText();
    }

    private static List<String> list(JsonNode node, String name) {
        List<String> values = new ArrayList<>();
        node.path(name).forEach(value -> values.add(value.asText()));
        return values;
    }

    private static Map<String, String> map(JsonNode node, String name) {
        Map<String, String> values = new LinkedHashMap<>();
        node.path(name)
                .properties()
                .forEach(entry -> values.put(entry.getKey(), entry.getValue().asText()));
        return values;
    }
}

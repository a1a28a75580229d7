package dev.sluice.bench.harness;

import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** A run's report: one file that needs nothing beside it. */
final class ReportPage {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private ReportPage() {}

    static String of(Results results) {
        Map<String, Integer> colours = colours(results);
        StringBuilder body = new StringBuilder(head(results));
        if (!results.targets().isEmpty()) {
            body.append(Html.section("What must hold", targets(results.targets())));
        }
        if (!results.remarks().isEmpty()) {
            StringBuilder list = new StringBuilder("<ul>\n");
            results.remarks()
                    .forEach(remark ->
                            list.append("<li>").append(Html.escape(remark)).append("</li>\n"));
            body.append(Html.section("Remarks", list.append("</ul>\n").toString()));
        }
        Map<String, List<Measurement>> metrics = metrics(results);
        metrics.forEach((title, measurements) -> body.append(Html.section(title, metric(measurements, colours))));
        if (!results.latencies().isEmpty()) {
            StringBuilder latency = new StringBuilder();
            LatencyPlots.of(results.latencies(), colours).forEach(plot -> latency.append(plot.figure()));
            body.append(Html.section("latency", latency + percentiles(results.latencies())));
        }
        if (!metrics.isEmpty()) {
            StringBuilder tables = new StringBuilder();
            metrics.forEach((title, measurements) -> tables.append("<h3>")
                    .append(Html.escape(title))
                    .append("</h3>\n")
                    .append(table(measurements)));
            body.append(Html.section("All figures", tables.toString()));
        }
        body.append(Html.section("How it was run", commands(results)));
        body.append(machine(results.facts()));
        return Html.page(results.benchmark() + " " + TIME.format(results.started()), body.toString());
    }

    private static String head(Results results) {
        String commit = results.facts().source().getOrDefault("commit", "");
        boolean clean = results.facts().source().getOrDefault("tree", "clean").equals("clean");
        StringBuilder head = new StringBuilder("<h1>Sluice: ")
                .append(Html.escape(results.benchmark()))
                .append("</h1>\n<p class=\"dim\">")
                .append(TIME.format(results.started()))
                .append(", ")
                .append(length(results.duration()));
        if (!commit.isEmpty()) {
            head.append(", commit <code>")
                    .append(Html.escape(commit.substring(0, Math.min(12, commit.length()))))
                    .append("</code>")
                    .append(clean ? "" : " with changes");
        }
        head.append("</p>\n<div>");
        if (!results.isComplete()) {
            head.append("<span class=\"badge bad\">incomplete: ")
                    .append(Html.escape(results.trouble()))
                    .append("</span>");
        }
        int targets = results.targets().size();
        if (targets > 0) {
            boolean all = results.targetsMet() == targets;
            head.append("<span class=\"badge ")
                    .append(all ? "good" : "bad")
                    .append("\">")
                    .append(results.targetsMet())
                    .append(" of ")
                    .append(targets)
                    .append(targets == 1 ? " target met" : " targets met")
                    .append("</span>");
        }
        return head.append("</div>\n").toString();
    }

    private static String length(Duration duration) {
        long seconds = duration.toSeconds();
        return seconds < 120 ? seconds + " s" : seconds / 60 + " min " + seconds % 60 + " s";
    }

    private static String targets(List<Target> targets) {
        List<List<String>> rows = new ArrayList<>();
        for (Target target : targets) {
            rows.add(List.of(
                    target.isMet() ? "<b class=\"good\">✓ met</b>" : "<b class=\"bad\">✗ missed</b>",
                    Html.escape(target.name()),
                    Html.escape(Html.number(target.value())),
                    (target.atLeast() ? "≥ " : "≤ ") + Html.escape(Html.number(target.wanted()))));
        }
        return Html.table(List.of("", "what", "measured", "wanted"), 2, rows);
    }

    /** Measurements by metric and unit, in the order of their first appearance. */
    private static Map<String, List<Measurement>> metrics(Results results) {
        Map<String, List<Measurement>> metrics = new LinkedHashMap<>();
        for (Measurement measurement : results.measurements()) {
            metrics.computeIfAbsent(measurement.metric() + ", " + measurement.unit(), _ -> new ArrayList<>())
                    .add(measurement);
        }
        return metrics;
    }

    private static String metric(List<Measurement> measurements, Map<String, Integer> colours) {
        StringBuilder html = new StringBuilder("<p class=\"dim small\">")
                .append(
                        switch (measurements.getFirst().better()) {
                            case HIGHER -> "Higher is better. ";
                            case LOWER -> "Lower is better. ";
                            case NEITHER -> "";
                        })
                .append("Medians; whiskers from the smallest sample to the largest.");
        String same = Parameters.textWithout(
                measurements.getFirst().parameters(),
                Parameters.varying(
                        measurements.stream().map(Measurement::parameters).toList()));
        html.append(same.isEmpty() ? "" : " All with " + Html.escape(same) + ".")
                .append("</p>\n");
        for (Plot plot : SizePlots.of(measurements, colours)) {
            html.append(plot.figure());
        }
        return html.append(Bars.of(measurements, colours)).toString();
    }

    private static String table(List<Measurement> measurements) {
        Set<String> varying = Parameters.varying(
                measurements.stream().map(Measurement::parameters).toList());
        List<List<String>> rows = new ArrayList<>();
        for (Measurement measurement : measurements) {
            rows.add(List.of(
                    Html.escape(measurement.subject()),
                    Html.escape(Parameters.text(measurement.parameters(), varying)),
                    Html.escape(Html.number(measurement.median())),
                    Html.escape(Html.number(measurement.min())),
                    Html.escape(Html.number(measurement.max())),
                    Integer.toString(measurement.samples().size())));
        }
        return Html.table(List.of("subject", "with", "median", "min", "max", "samples"), 2, rows);
    }

    private static String percentiles(List<Latency> latencies) {
        List<String> headings = new ArrayList<>(List.of("subject", "with"));
        for (Percentile percentile : Percentile.values()) {
            headings.add(percentile.label());
        }
        headings.add("packets");
        List<List<String>> rows = new ArrayList<>();
        for (Latency latency : latencies) {
            List<String> row = new ArrayList<>(List.of(
                    Html.escape(latency.subject()),
                    Html.escape(Parameters.text(
                            latency.parameters(), latency.parameters().keySet()))));
            for (Percentile percentile : Percentile.values()) {
                row.add(Html.escape(Html.duration((double) percentile.of(latency.histogram()))));
            }
            row.add(Html.escape(Html.number((double) latency.histogram().getTotalCount())));
            rows.add(row);
        }
        return Html.table(headings, 2, rows);
    }

    private static String commands(Results results) {
        StringBuilder html = new StringBuilder("<pre>bench/run ")
                .append(Html.escape(String.join(" ", results.commandLine())))
                .append("</pre>\n");
        results.commands()
                .forEach((subject, command) -> html.append("<div>")
                        .append(Html.escape(subject))
                        .append("</div><pre>")
                        .append(Html.escape(command))
                        .append("</pre>\n"));
        if (!results.options().isEmpty()) {
            html.append("<details><summary>All options</summary>\n")
                    .append(Html.facts(results.options()))
                    .append("</details>\n");
        }
        return html.toString();
    }

    private static String machine(Facts facts) {
        String html = Html.facts(facts.machine())
                + (facts.interfaces().isEmpty() ? "" : "<h3>Interfaces</h3>\n" + Html.facts(facts.interfaces()))
                + (facts.jvm().isEmpty() ? "" : "<h3>JVM</h3>\n" + Html.facts(facts.jvm()))
                + (facts.source().isEmpty() ? "" : "<h3>Source</h3>\n" + Html.facts(facts.source()));
        return html.isEmpty() ? "" : Html.section("Machine", html);
    }

    /** Subjects keep their colour through all of a report. */
    static Map<String, Integer> colours(Results results) {
        Map<String, Integer> colours = new LinkedHashMap<>();
        results.measurements().forEach(measurement -> colours.putIfAbsent(measurement.subject(), colours.size()));
        results.latencies().forEach(latency -> colours.putIfAbsent(latency.subject(), colours.size()));
        return colours;
    }
}

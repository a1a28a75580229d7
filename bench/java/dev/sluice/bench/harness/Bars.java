package dev.sluice.bench.harness;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Medians as bars, subject beside subject, with the spread of the samples as whiskers. */
final class Bars {
    private Bars() {}

    /**
     * Bars of one metric.
     *
     * @param colours of subjects
     */
    static String of(List<Measurement> measurements, Map<String, Integer> colours) {
        double largest = measurements.stream()
                .mapToDouble(Measurement::max)
                .filter(Double::isFinite)
                .max()
                .orElse(0);
        Set<String> varying = Parameters.varying(
                measurements.stream().map(Measurement::parameters).toList());
        Map<Map<String, String>, List<Measurement>> cases = new LinkedHashMap<>();
        for (Measurement measurement : measurements) {
            cases.computeIfAbsent(measurement.parameters(), _ -> new ArrayList<>())
                    .add(measurement);
        }
        StringBuilder html = new StringBuilder("<div class=\"bars\">\n");
        cases.forEach((parameters, ofCase) -> {
            if (!varying.isEmpty()) {
                html.append("<div class=\"case\">")
                        .append(Html.escape(Parameters.text(parameters, varying)))
                        .append("</div>\n");
            }
            for (Measurement measurement : ofCase) {
                html.append("<div>")
                        .append(Html.escape(measurement.subject()))
                        .append("</div>")
                        .append(bar(measurement, largest, colours.getOrDefault(measurement.subject(), 0)))
                        .append("<div class=\"number\">")
                        .append(Html.escape(Html.number(measurement.median())))
                        .append("</div>\n");
            }
        });
        return html.append("</div>\n").toString();
    }

    /** Stretched to whatever room there is, but for the strokes. */
    private static String bar(Measurement measurement, double largest, int colour) {
        double scale = largest > 0 ? 99 / largest : 0;
        double median = Math.max(0, measurement.median() * scale);
        double low = Math.max(0, measurement.min() * scale);
        double high = Math.max(0, measurement.max() * scale);
        String stroke = "stroke=\"currentColor\" stroke-width=\"1.5\" vector-effect=\"non-scaling-stroke\"";
        String whisker = measurement.samples().size() < 2
                ? ""
                : "<path d=\"M%1$s 10H%2$sM%1$s 6V14M%2$s 6V14\" fill=\"none\" %3$s/>"
                        .formatted(Html.coordinate(low), Html.coordinate(high), stroke);
        String title = "%s: median %s, %s to %s %s, %d samples"
                .formatted(
                        measurement.subject(),
                        Html.number(measurement.median()),
                        Html.number(measurement.min()),
                        Html.number(measurement.max()),
                        measurement.unit(),
                        measurement.samples().size());
        return "<svg viewBox=\"0 0 100 20\" preserveAspectRatio=\"none\" role=\"img\"><title>%s</title>"
                        .formatted(Html.escape(title))
                + "<rect x=\"0\" y=\"2\" width=\"%s\" height=\"16\" fill=\"var(--s%d)\" opacity=\"0.85\"/>"
                        .formatted(Html.coordinate(median), colour % Html.COLOURS)
                + whisker + "</svg>";
    }
}

package dev.sluice.bench.harness;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** A comparison of two runs, as a page and as lines for a terminal. */
final class ComparePage {
    private ComparePage() {}

    static String html(String nameA, String nameB, Comparison comparison) {
        StringBuilder body = new StringBuilder("<h1>Sluice: two runs</h1>\n<p class=\"dim\">A: <code>")
                .append(Html.escape(nameA))
                .append("</code><br>B: <code>")
                .append(Html.escape(nameB))
                .append("</code></p>\n");
        Set<String> varying = varying(comparison);
        List<List<String>> rows = new ArrayList<>();
        for (Comparison.Pair pair : comparison.pairs()) {
            String verdict = pair.verdict();
            String style = verdict.equals("better") ? "good" : verdict.equals("worse") ? "bad" : "dim";
            rows.add(List.of(
                    Html.escape(pair.subject() + " " + pair.metric()),
                    Html.escape(Parameters.text(pair.parameters(), varying)),
                    "<span class=\"" + style + "\">" + verdict + "</span>",
                    Html.escape(Html.number(pair.a())),
                    Html.escape(Html.number(pair.b())),
                    Html.escape(Html.number(pair.ratio())),
                    Html.escape(pair.unit())));
        }
        body.append(
                rows.isEmpty()
                        ? Html.section("Nothing in common", "<p>No measurement is in both runs.</p>\n")
                        : Html.section(
                                "Medians",
                                Html.table(List.of("what", "with", "B is", "A", "B", "B/A", "unit"), 3, rows)));
        appendSection(body, "Targets that changed", comparison.targets());
        appendSection(body, "What else differs", comparison.differences());
        appendSection(body, "Only in A", comparison.onlyA());
        appendSection(body, "Only in B", comparison.onlyB());
        return Html.page("compare " + nameA + " " + nameB, body.toString());
    }

    private static void appendSection(StringBuilder body, String heading, List<String> sentences) {
        if (!sentences.isEmpty()) {
            StringBuilder list = new StringBuilder("<ul>\n");
            sentences.forEach(
                    text -> list.append("<li>").append(Html.escape(text)).append("</li>\n"));
            body.append(Html.section(heading, list.append("</ul>\n").toString()));
        }
    }

    static String text(Comparison comparison) {
        StringBuilder text = new StringBuilder();
        Set<String> varying = varying(comparison);
        if (comparison.pairs().isEmpty()) {
            text.append("No measurement is in both runs.\n");
        } else {
            text.append(row("subject", "metric", "A", "B", "B/A", "B is", "with"));
        }
        for (Comparison.Pair pair : comparison.pairs()) {
            text.append(row(
                    pair.subject(),
                    pair.metric() + ", " + pair.unit(),
                    Html.number(pair.a()),
                    Html.number(pair.b()),
                    Html.number(pair.ratio()),
                    pair.verdict(),
                    Parameters.text(pair.parameters(), varying)));
        }
        appendLines(text, "Targets that changed:", comparison.targets());
        appendLines(text, "What else differs:", comparison.differences());
        appendLines(text, "Only in A:", comparison.onlyA());
        appendLines(text, "Only in B:", comparison.onlyB());
        return text.toString();
    }

    private static void appendLines(StringBuilder text, String heading, List<String> sentences) {
        if (!sentences.isEmpty()) {
            text.append(heading).append('\n');
            sentences.forEach(sentence -> text.append("  ").append(sentence).append('\n'));
        }
    }

    private static String row(
            String subject, String metric, String a, String b, String ratio, String verdict, String parameters) {
        return String.format(
                                Locale.ROOT,
                                "%-18s %-26s %10s %10s %8s  %-13s %s",
                                subject,
                                metric,
                                a,
                                b,
                                ratio,
                                verdict,
                                parameters)
                        .stripTrailing()
                + "\n";
    }

    private static Set<String> varying(Comparison comparison) {
        return Parameters.varying(
                comparison.pairs().stream().map(Comparison.Pair::parameters).toList());
    }
}

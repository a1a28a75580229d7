package dev.sluice.bench.harness;

import java.util.List;

/**
 * Lines over an axis, as SVG: once for wide screens and once for narrow ones, which style sheets choose from, so that letters are
 * legible on both.
 *
 * @param series in the order in which the legend names them
 */
record Plot(String title, Axis x, Axis y, List<Series> series) {
    private static final int LEFT = 78;
    private static final int RIGHT = 16;
    private static final int TOP = 10;
    private static final int BOTTOM = 44;

    /** Patterns of dashes: solid first. */
    private static final List<String> DASHES = List.of("", "7 4", "2 4", "9 3 2 3");

    /**
     * A point with its spread.
     *
     * @param text what is said of it
     */
    record Point(double x, double y, double low, double high, String text) {}

    /**
     * A line.
     *
     * @param colour below {@link Html#COLOURS}
     * @param dash which pattern
     * @param marked whether its points are drawn, with their spread
     */
    record Series(String name, int colour, int dash, boolean marked, List<Point> points) {
        Series {
            points = List.copyOf(points);
        }

        private String stroke() {
            String dashes = DASHES.get(dash % DASHES.size());
            return "stroke=\"var(--s" + colour % Html.COLOURS + ")\" stroke-width=\"2\""
                    + (dashes.isEmpty() ? "" : " stroke-dasharray=\"" + dashes + "\"");
        }
    }

    Plot {
        series = List.copyOf(series);
    }

    /** A figure with caption and legend. */
    String figure() {
        StringBuilder html = new StringBuilder("<figure>\n<figcaption>")
                .append(Html.escape(title))
                .append("</figcaption>\n<ul class=\"legend\">\n");
        for (Series line : series) {
            html.append("<li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><path d=\"M1 5H25\" fill=\"none\" ")
                    .append(line.stroke())
                    .append("/></svg>")
                    .append(Html.escape(line.name()))
                    .append("</li>\n");
        }
        html.append("</ul>\n");
        draw(html, "wide", 1000, 340);
        draw(html, "narrow", 380, 300);
        return html.append("</figure>\n").toString();
    }

    private void draw(StringBuilder html, String style, int width, int height) {
        double right = width - (double) RIGHT;
        double bottom = height - (double) BOTTOM;
        html.append("<svg class=\"plot ")
                .append(style)
                .append("\" viewBox=\"0 0 ")
                .append(width)
                .append(' ')
                .append(height)
                .append("\" role=\"img\" aria-label=\"")
                .append(Html.escape(title))
                .append("\">\n");
        for (Axis.Tick tick : y.ticks()) {
            double at = bottom - y.at(tick.value()) * (bottom - TOP);
            line(html, "grid", LEFT, at, right, at);
            text(html, LEFT - 8.0, at + 4, "end", tick.text());
        }
        double free = Double.NEGATIVE_INFINITY;
        for (Axis.Tick tick : x.ticks()) {
            double at = LEFT + x.at(tick.value()) * (right - LEFT);
            line(html, "grid", at, TOP, at, bottom);
            double half = tick.text().length() * 3.4;
            if (at - half > free) {
                boolean last = at + half > width;
                text(html, last ? width - 1.0 : at, bottom + 17, last ? "end" : "middle", tick.text());
                free = at + half + 4;
            }
        }
        line(html, "axis", LEFT, bottom, right, bottom);
        text(html, (LEFT + right) / 2, height - 8.0, "middle", x.label());
        html.append("<text transform=\"translate(13 ")
                .append(Html.coordinate((TOP + bottom) / 2))
                .append(") rotate(-90)\" text-anchor=\"middle\">")
                .append(Html.escape(y.label()))
                .append("</text>\n");
        for (Series line : series) {
            draw(html, line, right, bottom);
        }
        html.append("</svg>\n");
    }

    private void draw(StringBuilder html, Series line, double right, double bottom) {
        StringBuilder path = new StringBuilder();
        StringBuilder marks = new StringBuilder();
        String colour = "var(--s" + line.colour() % Html.COLOURS + ")";
        for (Point point : line.points()) {
            double atX = LEFT + x.at(point.x()) * (right - LEFT);
            double atY = bottom - y.at(point.y()) * (bottom - TOP);
            path.append(path.isEmpty() ? 'M' : 'L')
                    .append(Html.coordinate(atX))
                    .append(' ')
                    .append(Html.coordinate(atY));
            if (line.marked()) {
                double low = bottom - y.at(point.low()) * (bottom - TOP);
                double high = bottom - y.at(point.high()) * (bottom - TOP);
                marks.append("<path d=\"M%s %sV%s\" stroke=\"%s\" stroke-width=\"1.5\" opacity=\"0.7\"/>"
                        .formatted(Html.coordinate(atX), Html.coordinate(low), Html.coordinate(high), colour));
                marks.append("<circle cx=\"%s\" cy=\"%s\" r=\"4\" fill=\"%s\"><title>%s</title></circle>\n"
                        .formatted(
                                Html.coordinate(atX),
                                Html.coordinate(atY),
                                colour,
                                Html.escape(line.name() + ": " + point.text())));
            }
        }
        html.append("<path d=\"")
                .append(path)
                .append("\" fill=\"none\" stroke-linejoin=\"round\" ")
                .append(line.stroke())
                .append("/>\n")
                .append(marks);
    }

    private static void line(StringBuilder html, String style, double x1, double y1, double x2, double y2) {
        html.append("<line class=\"%s\" x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\"/>\n"
                .formatted(style, Html.coordinate(x1), Html.coordinate(y1), Html.coordinate(x2), Html.coordinate(y2)));
    }

    private static void text(StringBuilder html, double x, double y, String anchor, String text) {
        html.append("<text x=\"%s\" y=\"%s\" text-anchor=\"%s\">%s</text>\n"
                .formatted(Html.coordinate(x), Html.coordinate(y), anchor, Html.escape(text)));
    }
}

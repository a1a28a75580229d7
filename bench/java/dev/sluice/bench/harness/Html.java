package dev.sluice.bench.harness;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Pieces of HTML pages that need nothing but themselves: no script, no other file. */
final class Html {
    /** How many colours there are for subjects: {@code --s0} and so on. */
    static final int COLOURS = 8;

    private static final String STYLE = """
            :root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #1b2430; --dim: #5d6878; --line: #dfe3e9;
              --good: #0b7a4b; --bad: #c2261d; --good-back: #e2f4ea; --bad-back: #fdeae8;
              --s0: #2563eb; --s1: #e0650d; --s2: #0f9a73; --s3: #8b35d6; --s4: #cf2c66; --s5: #64707f; --s6: #a57c00;
              --s7: #0787a8; }
            @media (prefers-color-scheme: dark) { :root { --page: #12161c; --card: #1a2029; --text: #e4e9f0; --dim: #98a4b5;
              --line: #303a48; --good: #57d39a; --bad: #ff8a80; --good-back: #143527; --bad-back: #43201f;
              --s0: #6ea0ff; --s1: #ff9d52; --s2: #42d1a5; --s3: #c08bff; --s4: #ff7ba6; --s5: #a2afc0; --s6: #e2bc4a;
              --s7: #4cc9e6; } }
            * { box-sizing: border-box; }
            body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
            main { max-width: 1080px; margin: 0 auto; padding: 20px 16px 48px; }
            h1 { font-size: 1.7rem; margin: 0 0 2px; } h2 { font-size: 1.2rem; margin: 0 0 10px; }
            h3 { font-size: 1rem; margin: 18px 0 4px; } h3:first-of-type { margin-top: 0; }
            section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px;
              margin: 16px 0; }
            .dim, figcaption { color: var(--dim); } .small { font-size: 0.86rem; } p { margin: 4px 0 10px; }
            .badge { display: inline-block; border-radius: 999px; padding: 3px 12px; margin: 6px 6px 0 0; font-weight: 600; }
            .good { color: var(--good); } .bad { color: var(--bad); }
            .badge.good { background: var(--good-back); } .badge.bad { background: var(--bad-back); }
            .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
            th { text-align: left; color: var(--dim); font-weight: 600; } td, th { padding: 4px 10px 4px 0; vertical-align: top;
              border-bottom: 1px solid var(--line); } tr:last-child td { border-bottom: 0; }
            .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
            td.fact { overflow-wrap: anywhere; } td.name { white-space: nowrap; color: var(--dim); }
            code, pre { font: 0.84rem/1.45 ui-monospace, monospace; } pre { white-space: pre-wrap; overflow-wrap: anywhere;
              margin: 2px 0 10px; padding: 8px 10px; background: var(--page); border-radius: 6px; }
            .bars { display: grid; grid-template-columns: minmax(110px, max-content) 1fr max-content; gap: 3px 12px;
              align-items: center; font-size: 0.9rem; }
            .bars .case { grid-column: 1 / -1; margin-top: 8px; color: var(--dim); font-size: 0.86rem; }
            .bars svg { width: 100%; height: 20px; display: block; }
            .legend { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 0.86rem; margin: 0 0 4px; padding: 0;
              list-style: none; } .legend svg { width: 26px; height: 10px; margin-right: 6px; }
            figure { margin: 0 0 20px; } figcaption { font-size: 0.86rem; margin-bottom: 6px; }
            svg.plot { width: 100%; height: auto; display: block; } svg.narrow { display: none; }
            svg.plot text { fill: var(--dim); font: 12px system-ui, sans-serif; } .grid { stroke: var(--line); }
            .axis { stroke: var(--dim); } details > summary { cursor: pointer; font-weight: 600; }
            @media (max-width: 620px) { main { padding: 12px 8px 32px; } section { padding: 12px; border-radius: 8px; }
              svg.wide { display: none; } svg.narrow { display: block; } td.name { white-space: normal; }
              .bars { grid-template-columns: minmax(70px, max-content) 1fr max-content; gap: 3px 8px; } }
            """;

    private Html() {}

    /** A text without meaning to a browser. */
    static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.append(c);
            }
        }
        return escaped.toString();
    }

    /** A whole page; {@code body} is HTML. */
    static String page(String title, String body) {
        return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + escape(title)
                + "</title>\n<style>\n" + STYLE + "</style>\n</head>\n<body>\n<main>\n" + body
                + "</main>\n</body>\n</html>\n";
    }

    /** A section with a heading; {@code body} is HTML. */
    static String section(String heading, String body) {
        return "<section>\n<h2>" + escape(heading) + "</h2>\n" + body + "</section>\n";
    }

    /** A table of facts; nothing for none. */
    static String facts(Map<String, String> facts) {
        StringBuilder rows = new StringBuilder();
        facts.forEach((name, value) -> rows.append("<tr><td class=\"name\">")
                .append(escape(name))
                .append("</td><td class=\"fact\">")
                .append(escape(value))
                .append("</td></tr>\n"));
        return rows.isEmpty() ? "" : "<div class=\"scroll\"><table>\n" + rows + "</table></div>\n";
    }

    /** A table; cells are HTML, those from the given column on are numbers. */
    static String table(List<String> headings, int firstNumber, List<List<String>> rows) {
        StringBuilder table = new StringBuilder("<div class=\"scroll\"><table>\n<tr>");
        for (int i = 0; i < headings.size(); i++) {
            table.append(i < firstNumber ? "<th>" : "<th class=\"number\">")
                    .append(escape(headings.get(i)))
                    .append("</th>");
        }
        table.append("</tr>\n");
        for (List<String> row : rows) {
            table.append("<tr>");
            for (int i = 0; i < row.size(); i++) {
                table.append(i < firstNumber ? "<td>" : "<td class=\"number\">")
                        .append(row.get(i))
                        .append("</td>");
            }
            table.append("</tr>\n");
        }
        return table.append("</table></div>\n").toString();
    }

    /** Three or four significant digits, with k, M or G. */
    static String number(double value) {
        double size = Math.abs(value);
        if (Double.isNaN(value)) {
            return "–";
        }
        if (size >= 1e10) {
            return digits(value / 1e9) + " G";
        }
        if (size >= 1e6) {
            return digits(value / 1e6) + " M";
        }
        if (size >= 1e4) {
            return digits(value / 1e3) + " k";
        }
        return digits(value);
    }

    private static String digits(double value) {
        double size = Math.abs(value);
        if (value == Math.rint(value) && size < 1e5) {
            return String.format(Locale.ROOT, "%.0f", value);
        }
        int places = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.001 ? 3 : 6;
        return String.format(Locale.ROOT, "%." + places + "f", value);
    }

    /** Nanoseconds in a unit that suits them. */
    static String duration(double ns) {
        double size = Math.abs(ns);
        if (size >= 1e9) {
            return digits(ns / 1e9) + " s";
        }
        if (size >= 1e6) {
            return digits(ns / 1e6) + " ms";
        }
        if (size >= 1e3) {
            return digits(ns / 1e3) + " µs";
        }
        return digits(ns) + " ns";
    }

    /** A coordinate: two places are finer than any screen. */
    static String coordinate(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}

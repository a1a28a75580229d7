package dev.sluice.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * Manual pages of a command line, in man(7), from what its {@code --help} prints: one of the command itself and one of each of its
 * commands, with the commands of that in it.
 */
final class ManPages {
    private static final String SECTION = "8";

    /** What footers call the parts that have a place of their own in a page. */
    private static final String EXIT_CODES = "Exit codes:";

    private static final String SEE_ALSO = "See also:";
    private static final String ENVIRONMENT = "Environment:";

    private static final Map<String, String> FILES = new LinkedHashMap<>();

    static {
        FILES.put("/etc/sluice/sluice.toml", "The configuration of the packaged service; sluice.toml(5).");
        FILES.put("/run/sluice/sluice.sock", "The admin socket.");
        FILES.put("/dev/shm/sluice", "Connection tables that outlive a director (flow_table_memory = \"shared\").");
    }

    private final String date;
    private final String version;

    /**
     * @param date of the pages, {@code 2026-01-31}
     * @param version of Sluice
     */
    ManPages(String date, String version) {
        this.date = date;
        this.version = version;
    }

    /** All pages: file names, such as {@code sluice-run.8}, and their text. */
    Map<String, String> of(CommandLine root) {
        Map<String, String> pages = new TreeMap<>();
        pages.put(root.getCommandName() + "." + SECTION, page(root.getCommandSpec()));
        visible(root.getCommandSpec()).stream()
                .filter(command -> !isElsewhere(command))
                .forEach(command -> pages.put(pageName(command) + "." + SECTION, page(command)));
        return pages;
    }

    /** Of which there is no page here: {@code help}, and {@code ipvsadm}, whose own is made from docs/ipvsadm.md. */
    private static boolean isElsewhere(CommandSpec command) {
        return command.name().equals("help") || command.name().equals(IpvsadmCommand.NAME);
    }

    private static List<CommandSpec> visible(CommandSpec command) {
        return command.subcommands().values().stream()
                .map(CommandLine::getCommandSpec)
                .filter(each -> !each.usageMessage().hidden())
                .toList();
    }

    private static String pageName(CommandSpec command) {
        return command.qualifiedName("-");
    }

    private String page(CommandSpec command) {
        Roff roff = new Roff(pageName(command), SECTION, date, "Sluice " + version);
        roff.section("NAME");
        roff.text(pageName(command) + " - " + headline(command));
        roff.section("SYNOPSIS");
        roff.verbatim(synopsis(command));
        visible(command).stream()
                .filter(each -> command.parent() != null)
                .forEach(each -> roff.verbatim(synopsis(each)));
        roff.section("DESCRIPTION");
        paragraphs(command.usageMessage().description()).forEach(roff::text);
        if (command.parent() == null) {
            roff.section("COMMANDS");
            visible(command)
                    .forEach(each -> roff.item(
                            each.name().equals("help") ? "sluice help" : reference(pageName(each)), headline(each)));
        }
        arguments(roff, command);
        Footer footer = Footer.of(formatted(command.usageMessage().footer()));
        if (command.parent() != null) {
            for (CommandSpec each : visible(command)) {
                roff.section(each.qualifiedName().toUpperCase(Locale.ROOT));
                roff.text(headline(each));
                paragraphs(each.usageMessage().description()).forEach(roff::text);
                arguments(roff, each);
                footer = footer.with(Footer.of(formatted(each.usageMessage().footer())));
            }
        }
        roff.section("EXAMPLES");
        roff.verbatim(footer.examples.isEmpty() ? List.of(command.qualifiedName()) : footer.examples);
        roff.section("EXIT STATUS");
        footer.exitCodes.forEach(roff::text);
        if (footer.exitCodes.isEmpty() || command.parent() == null) {
            Arrays.stream(ExitCode.values())
                    .forEach(code -> roff.item(Integer.toString(code.code()), sentence(code.meaning())));
        } else {
            roff.text("All of them are in sluice(8).");
        }
        if (!footer.environment.isEmpty()) {
            roff.section("ENVIRONMENT");
            roff.verbatim(footer.environment);
        }
        if (!footer.rest.isEmpty()) {
            roff.section("NOTES");
            footer.rest.forEach(roff::text);
        }
        roff.section("FILES");
        FILES.forEach(roff::item);
        roff.section("SEE ALSO");
        roff.text(seeAlso(command));
        footer.seeAlso.forEach(roff::text);
        return roff.toString();
    }

    private static String seeAlso(CommandSpec command) {
        List<String> pages = new ArrayList<>();
        CommandSpec root = command.root();
        if (command != root) {
            pages.add(reference(pageName(root)));
        }
        visible(root).stream()
                .filter(each -> each != command && !each.name().equals("help"))
                .forEach(each -> pages.add(reference(pageName(each))));
        pages.add("sluice.toml(5)");
        return String.join(", ", pages) + ".";
    }

    private static String reference(String page) {
        return page + "(" + SECTION + ")";
    }

    private static void arguments(Roff roff, CommandSpec command) {
        List<PositionalParamSpec> parameters = command.positionalParameters();
        List<OptionSpec> options =
                command.options().stream().filter(option -> !option.hidden()).toList();
        boolean nested = command.parent() != null && command.parent().parent() != null;
        if (!parameters.isEmpty()) {
            heading(roff, nested, "Arguments");
            parameters.stream()
                    .filter(parameter -> !parameter.hidden())
                    .forEach(parameter -> roff.item(parameter.paramLabel(), description(parameter)));
        }
        if (!options.isEmpty()) {
            heading(roff, nested, "Options");
            options.forEach(option -> roff.item(term(option), description(option)));
        }
    }

    private static void heading(Roff roff, boolean nested, String heading) {
        if (nested) {
            roff.subsection(heading);
        } else {
            roff.section(heading.toUpperCase(Locale.ROOT));
        }
    }

    private static String term(OptionSpec option) {
        String names = String.join(", ", option.names());
        return option.arity().max() == 0 ? names : names + " " + option.paramLabel();
    }

    private static String description(ArgSpec argument) {
        return String.join(" ", formatted(argument.description()));
    }

    private static String headline(CommandSpec command) {
        String headline =
                String.join(" ", formatted(command.usageMessage().header())).strip();
        return headline.endsWith(".") ? headline.substring(0, headline.length() - 1) : headline;
    }

    private static String sentence(String meaning) {
        return meaning.substring(0, 1).toUpperCase(Locale.ROOT) + meaning.substring(1) + ".";
    }

    private static List<String> synopsis(CommandSpec command) {
        return new Help(command, Help.defaultColorScheme(Help.Ansi.OFF))
                .synopsis(0)
                .lines()
                .map(String::stripTrailing)
                .toList();
    }

    /** Texts as picocli prints them: each is a format without arguments. */
    private static List<String> formatted(String[] texts) {
        return Arrays.stream(texts)
                .flatMap(text -> String.format(Locale.ROOT, text).lines())
                .toList();
    }

    private static List<String> paragraphs(String[] texts) {
        return formatted(texts).stream().filter(text -> !text.isBlank()).toList();
    }

    /**
     * The lines below a help, sorted: examples come first, then what begins with a word that has a place.
     *
     * @param examples as they stand
     * @param environment variables, as they stand
     * @param exitCodes without the words before
     * @param seeAlso without the words before
     * @param rest everything else, a paragraph each
     */
    private record Footer(
            List<String> examples,
            List<String> environment,
            List<String> exitCodes,
            List<String> seeAlso,
            List<String> rest) {
        static Footer of(List<String> lines) {
            Footer footer = new Footer(
                    new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
            List<String> block = footer.examples;
            for (String line : lines) {
                if (line.startsWith(EXIT_CODES)) {
                    footer.exitCodes.add(line.substring(EXIT_CODES.length()).strip());
                } else if (line.startsWith(SEE_ALSO)) {
                    footer.seeAlso.add(line.substring(SEE_ALSO.length()).strip());
                } else if (line.equals(ENVIRONMENT)) {
                    block = footer.environment;
                } else if (line.startsWith(" ")) {
                    block.add(line);
                } else if (!line.isBlank()) {
                    footer.rest.add(line);
                }
            }
            return footer;
        }

        Footer with(Footer more) {
            return new Footer(
                    joined(examples, more.examples),
                    joined(environment, more.environment),
                    joined(exitCodes, more.exitCodes),
                    joined(seeAlso, more.seeAlso),
                    joined(rest, more.rest));
        }

        private static List<String> joined(List<String> first, List<String> second) {
            List<String> all = new ArrayList<>(first);
            second.stream().filter(line -> !all.contains(line)).forEach(all::add);
            return all;
        }
    }

    /** The little of man(7) that is needed. */
    private static final class Roff {
        private final StringBuilder out = new StringBuilder();

        Roff(String name, String section, String date, String source) {
            line(".TH " + quoted(name.toUpperCase(Locale.ROOT)) + " " + section + " \"" + date + "\" " + quoted(source)
                    + " " + quoted("Sluice"));
        }

        void section(String heading) {
            line(".SH " + quoted(heading));
        }

        void subsection(String heading) {
            line(".SS " + quoted(heading));
        }

        void text(String paragraph) {
            if (!out.toString().endsWith(quotedHeadingEnd())) {
                line(".PP");
            }
            line(escaped(paragraph));
        }

        /** Whether a heading is the last line: a paragraph begins there by itself. */
        private String quotedHeadingEnd() {
            int last = out.lastIndexOf("\n", out.length() - 2);
            String line = out.substring(last + 1);
            return line.startsWith(".SH") || line.startsWith(".SS") ? line : "\0";
        }

        void item(String term, String text) {
            line(".TP");
            line("\\fB" + escaped(term) + "\\fR");
            line(escaped(text));
        }

        void verbatim(List<String> lines) {
            if (quotedHeadingEnd().equals("\0")) {
                line(".PP");
            }
            line(".nf");
            line(lines.stream().map(Roff::escaped).collect(Collectors.joining("\n")));
            line(".fi");
        }

        private void line(String text) {
            out.append(text).append('\n');
        }

        private static String quoted(String argument) {
            return '"' + escaped(argument).replace("\"", "\\(dq") + '"';
        }

        private static String escaped(String text) {
            String plain = text.replace("\\", "\\e")
                    .replace("-", "\\-")
                    .replace("~", "\\(ti")
                    .replace("^", "\\(ha");
            return plain.startsWith(".") || plain.startsWith("'") ? "\\&" + plain : plain;
        }

        @Override
        public String toString() {
            return out.toString();
        }
    }
}

package dev.sluice.control.keepalived;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Reads keepalived's configuration files into statements, as {@code lib/parser.c} of keepalived does: a statement a line,
 * braces anywhere outside quotes, comments from {@code #} or {@code !}, {@code include} with patterns, definitions
 * {@code $NAME=value}. What of its macro language is not read is noted.
 */
final class KeepalivedReader {
    private static final int MAX_DEPTH = 16;
    private static final int MAX_BYTES = 16 << 20;
    private static final int MAX_LINE = 64 << 10;
    private static final int MAX_FILES = 1000;
    private static final Pattern DEFINITION = Pattern.compile("\\s*\\$([A-Za-z_][A-Za-z0-9_]*)\\s*=\\s*(.*)");
    private static final Pattern USE = Pattern.compile("\\$(?:\\{([A-Za-z_][A-Za-z0-9_]*)}|([A-Za-z_][A-Za-z0-9_]*))");
    private static final Pattern CONDITION = Pattern.compile("\\s*@[\\^!]?[^\\s]*.*");

    private final Notes notes;
    private final ObjectNode top;
    private final Map<String, String> definitions = new HashMap<>();
    private final Deque<List<Statement>> open = new ArrayDeque<>();
    private int files;
    private boolean mayHaveBlock;

    /**
     * @param top where notes go that belong to no table
     */
    KeepalivedReader(Notes notes, ObjectNode top) {
        this.notes = notes;
        this.top = top;
        open.push(new ArrayList<>());
    }

    /** Reads a file and what it includes. */
    List<Statement> read(Path file) throws IOException {
        readText(file.toString(), file, text(file), 0);
        return finish(file.toString());
    }

    /** Reads text that includes nothing; {@code name} stands for the file in notes. */
    List<Statement> read(String name, String text) {
        readText(name, Path.of("/nonexistent/keepalived.conf"), text, 0);
        return finish(name);
    }

    private List<Statement> finish(String name) {
        if (open.size() > 1) {
            notes.add(top, name + ": " + (open.size() - 1) + " blocks are not closed by \"}\"");
        }
        return open.getLast();
    }

    private static String text(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw new IOException(file + " is larger than " + (MAX_BYTES >> 20) + " MiB");
            }
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    private void readText(String name, Path file, String text, int depth) {
        String[] lines = text.split("\\R", -1);
        for (int i = 0; i < lines.length; i++) {
            int number = i + 1;
            StringBuilder line = new StringBuilder(decommented(lines[i]));
            while (line.length() > 0 && line.charAt(line.length() - 1) == '\\' && i + 1 < lines.length) {
                line.setLength(line.length() - 1);
                i++;
                line.append(' ').append(decommented(lines[i]));
            }
            readLine(name, number, file, line.toString(), depth);
        }
    }

    private void readLine(String name, int number, Path file, String line, int depth) {
        Matcher definition = DEFINITION.matcher(line);
        if (definition.matches()) {
            definitions.put(definition.group(1), substituted(name, number, definition.group(2)));
            return;
        }
        String whole = substituted(name, number, line);
        if (CONDITION.matcher(whole).matches()) {
            note(name, number, whole, "lines for one host of several are not read; apply the conditions by hand");
        } else if (whole.startsWith("~")) {
            note(name, number, whole, "repetitions are not read; write the lines out");
        } else if (whole.length() > MAX_LINE) {
            note(name, number, whole, "the line is longer than " + MAX_LINE + " characters");
        } else {
            List<Token> tokens = tokens(name, number, whole);
            if (!tokens.isEmpty()
                    && !tokens.getFirst().brace
                    && tokens.getFirst().text.matches("include[a-z]?")) {
                include(name, number, file, tokens, depth);
            } else {
                add(name, number, tokens);
            }
        }
    }

    private void note(String name, int number, String line, String why) {
        notes.add(top, new Statement(name, number, List.of(line.strip()), null), why);
    }

    /** The line up to its comment, which begins anywhere outside quotes. */
    private static String decommented(String line) {
        boolean quoted = false;
        StringBuilder kept = new StringBuilder();
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '"') {
                quoted = !quoted;
            } else if (c == '\\' && i + 1 < line.length()) {
                char next = line.charAt(++i);
                kept.append(!quoted && (next == '#' || next == '!') ? "" : "\\").append(next);
                continue;
            } else if (!quoted && (c == '#' || c == '!')) {
                break;
            }
            kept.append(c);
        }
        return kept.toString().strip();
    }

    private String substituted(String name, int number, String line) {
        if (line.indexOf('$') < 0) {
            return line;
        }
        StringBuilder result = new StringBuilder();
        Matcher use = USE.matcher(line);
        while (use.find()) {
            String variable = use.group(1) == null ? use.group(2) : use.group(1);
            String value = definitions.get(variable);
            // Each use adds its value once, and values are made of values: what doubles with every line has to end.
            if (value == null || result.length() + value.length() > MAX_LINE) {
                note(
                        name,
                        number,
                        use.group(),
                        value == null ? "is not defined above in these files" : "is too long with its value");
                value = use.group();
            }
            use.appendReplacement(result, Matcher.quoteReplacement(value));
        }
        return use.appendTail(result).toString();
    }

    private record Token(String text, boolean brace) {}

    /** Words without quotes and with escapes replaced, and braces. */
    private List<Token> tokens(String name, int number, String line) {
        List<Token> tokens = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '\\' && i + 1 < line.length()) {
                i = Escapes.append(word, line, i + 1);
                inWord = true;
            } else if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '"' || c == '\'') {
                quote = c;
                inWord = true;
            } else if (c == '{' || c == '}' || Character.isWhitespace(c)) {
                if (inWord) {
                    tokens.add(new Token(word.toString(), false));
                    word.setLength(0);
                    inWord = false;
                }
                if (c == '{' || c == '}') {
                    tokens.add(new Token(String.valueOf(c), true));
                }
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (inWord) {
            tokens.add(new Token(word.toString(), false));
        }
        if (quote != 0) {
            note(name, number, line, "a quote is not closed in its line");
        }
        return tokens;
    }

    private void add(String name, int number, List<Token> tokens) {
        List<String> words = new ArrayList<>();
        for (Token token : tokens) {
            if (!token.brace) {
                words.add(token.text);
                continue;
            }
            end(name, number, words);
            if (token.text.equals("{")) {
                openBlock(name, number);
            } else {
                closeBlock(name, number);
            }
        }
        end(name, number, words);
    }

    /** Ends the statement of these words, if there are any. */
    private void end(String name, int number, List<String> words) {
        if (!words.isEmpty()) {
            open.element().add(new Statement(name, number, words, null));
            words.clear();
            mayHaveBlock = true;
        }
    }

    /** The last statement has a block. */
    private void openBlock(String name, int number) {
        List<Statement> around = open.element();
        List<Statement> block = new ArrayList<>();
        if (open.size() > MAX_DEPTH) {
            note(name, number, "{", "blocks are nested more than " + MAX_DEPTH + " deep");
        } else if (mayHaveBlock && !around.isEmpty()) {
            Statement last = around.removeLast();
            around.add(new Statement(last.file(), last.line(), last.words(), block));
        } else {
            note(name, number, "{", "the block belongs to no keyword");
        }
        // Also one that nobody will see, so that its end finds it.
        open.push(block);
        mayHaveBlock = false;
    }

    private void closeBlock(String name, int number) {
        if (open.size() > 1) {
            open.pop();
        } else {
            note(name, number, "}", "there is no block to end");
        }
        mayHaveBlock = false;
    }

    private void include(String name, int number, Path file, List<Token> tokens, int depth) {
        String pattern = tokens.size() == 2 ? tokens.getLast().text : "";
        String line = "include " + pattern;
        if (pattern.isEmpty() || depth >= MAX_DEPTH) {
            note(name, number, line, pattern.isEmpty() ? "names no file" : "includes are nested too deep");
            return;
        }
        try {
            List<Path> found = matching(file, pattern);
            if (found.isEmpty()) {
                note(name, number, line, "no such file");
            }
            for (Path each : found) {
                if (++files > MAX_FILES) {
                    note(name, number, line, "these are more than " + MAX_FILES + " files");
                    return;
                }
                readText(each.toString(), each, text(each), depth + 1);
            }
        } catch (IOException | InvalidPathException | PatternSyntaxException e) {
            note(name, number, line, "cannot be read: " + e.getMessage());
        }
    }

    /** Files of a pattern in the last part of a path; relative paths begin where the including file is. */
    private static List<Path> matching(Path file, String pattern) throws IOException {
        Path wanted = file.resolveSibling(pattern);
        Path folder = wanted.getParent();
        Path last = wanted.getFileName();
        if (last == null || folder == null || !last.toString().matches(".*[*?\\[{].*")) {
            return Files.isRegularFile(wanted) ? List.of(wanted) : List.of();
        }
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, last.toString())) {
                stream.forEach(found::add);
            }
        }
        found.removeIf(path -> !Files.isRegularFile(path));
        found.sort(null);
        return found;
    }
}

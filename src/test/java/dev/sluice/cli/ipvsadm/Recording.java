package dev.sluice.cli.ipvsadm;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Command lines that were recorded, and what became of them. */
final class Recording {
    private Recording() {}

    /** A command line, and what it wrote and exited with. */
    record Outcome(String command, String out, String err, int exitCode) {
        /** The outcome in one of the recording's objects. */
        static Outcome of(JsonNode json) {
            return new Outcome(
                    json.path("command").asText(),
                    json.path("stdout").asText(),
                    json.path("stderr").asText(),
                    json.path("exit").asInt());
        }
    }

    /** Runs recorded command lines. */
    @FunctionalInterface
    interface Runner {
        Outcome run(String command, String in);
    }

    /** A runner within this JVM. */
    static Runner inProcess(Director director, Names names) {
        return (command, in) -> {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            List<String> words = words(command);
            int exitCode = Ipvsadm.run(
                    words.subList(1, words.size()),
                    words.getFirst(),
                    director,
                    names,
                    new ByteArrayInputStream(in.getBytes(StandardCharsets.UTF_8)),
                    new PrintStream(out, false, StandardCharsets.UTF_8),
                    new PrintStream(err, false, StandardCharsets.UTF_8));
            return new Outcome(
                    command, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8), exitCode);
        };
    }

    /** A command line as a POSIX shell splits it: quotes, but neither variables nor patterns. */
    static List<String> words(String command) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int i = 0; i < command.length(); i++) {
            char c = command.charAt(i);
            if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
                inWord = true;
            } else if (c == '\\') {
                word.append(command.charAt(++i));
                inWord = true;
            } else if (c == ' ') {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                }
                inWord = false;
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }
}

package dev.sluice.control.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/** The files of the page, in memory: those that are listed here. */
final class Assets {
    private static final String HTML = "text/html; charset=utf-8";
    private static final String CSS = "text/css; charset=utf-8";
    private static final String SCRIPT = "text/javascript; charset=utf-8";
    private static final String SVG = "image/svg+xml";
    private static final int TAG_DIGITS = 16;

    private Assets() {}

    /** The answers by path. */
    static Map<String, Answer> all() {
        Map<String, Answer> answers = new LinkedHashMap<>();
        answers.put("/", read("index.html", HTML));
        answers.put("/page.css", read("page.css", CSS));
        for (String script : new String[] {"theme", "page", "view", "rows", "panels", "graph", "format", "actions"}) {
            answers.put("/" + script + ".js", read(script + ".js", SCRIPT));
        }
        answers.put("/icon.svg", read("icon.svg", SVG));
        return answers;
    }

    private static Answer read(String name, String type) {
        try (InputStream in = Assets.class.getResourceAsStream("page/" + name)) {
            if (in == null) {
                throw new IllegalStateException("the distribution has no page/" + name);
            }
            byte[] body = in.readAllBytes();
            return Answer.lasting(type, body, '"' + digest(body) + '"');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String digest(byte[] body) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(body);
            return HexFormat.of().formatHex(digest).substring(0, TAG_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new LinkageError("every JDK has SHA-256", e);
        }
    }
}

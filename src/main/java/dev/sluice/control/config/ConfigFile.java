package dev.sluice.control.config;

import dev.sluice.service.FwmarkRule;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;

/** Loads a configuration file. Any thread. */
public final class ConfigFile {
    private static final int MAX_BYTES = 16 << 20;
    private static final TomlPosition START = TomlPosition.positionAt(1, 1);

    private ConfigFile() {}

    /**
     * Reads and checks a file without looking at the system it would run on.
     *
     * @throws ConfigException with every problem of the file
     */
    public static SluiceConfig load(Path file) throws ConfigException {
        return parse(file.toString(), decode(file));
    }

    /**
     * As {@link #load}, from text.
     *
     * @param name stands for the file in messages
     * @throws ConfigException with every problem
     */
    public static SluiceConfig parse(String name, String text) throws ConfigException {
        Problems problems = new Problems(name);
        TomlParseResult toml = toml(text, problems);
        TableReader root = new TableReader(toml, "the file", START, problems);
        @Nullable DirectorConfig director = director(root, problems);
        boolean poolKnown = !problems.any();
        ServicesReader reader = new ServicesReader(
                problems, director == null ? DirectorReader.DEFAULT_MAGLEV : director.maglevTableSize(), true);
        List<ServiceConfig> services = reader.read(root.tables("service", "[[service]]"));
        List<TableReader> marks = root.tables("fwmark", "[[fwmark]]");
        List<FwmarkRule> rules = new FwmarkReader(problems).read(marks);
        if (rules.size() == marks.size()) {
            reader.checkMarks(services, rules);
        }
        if (director != null && poolKnown) {
            reader.checkTranslation(services, director.fullnat().pool(), rules, root.positionOf("director"));
        }
        root.finish();
        problems.throwIfAny();
        if (director == null) {
            throw new AssertionError("a file without [director] has been reported");
        }
        return new SluiceConfig(director, services, rules);
    }

    /**
     * Reads services and rules alone, as in a file but for what {@code ipvsadm} takes and a file need not: addresses that are no
     * use, ports of real servers, a {@code fwmark} service without a rule. The registry has the last word.
     *
     * @throws ConfigException with every problem; positions are those of {@code text}
     */
    public static ServiceTables parseTables(String text) throws ConfigException {
        Problems problems = new Problems("request");
        TomlParseResult toml = toml(text, problems);
        TableReader root = new TableReader(toml, "the request", START, problems);
        List<ServiceConfig> services =
                new ServicesReader(problems, Integer.MAX_VALUE, false).read(root.tables("service", "[[service]]"));
        List<FwmarkRule> rules = new FwmarkReader(problems).read(root.tables("fwmark", "[[fwmark]]"));
        root.finish();
        problems.throwIfAny();
        return new ServiceTables(services, rules);
    }

    private static TomlParseResult toml(String text, Problems problems) throws ConfigException {
        TomlPosition deep = TomlNesting.tooDeep(text);
        if (deep != null) {
            problems.value(
                    deep,
                    "arrays and tables lie more than " + TomlNesting.MAX_DEPTH + " deep in each other; allowed: less");
            problems.throwIfAny();
        }
        TomlParseResult toml = Toml.parse(text);
        for (TomlParseError error : toml.errors()) {
            problems.syntax(error.position().line(), error.position().column(), String.valueOf(error.getMessage()));
        }
        return toml;
    }

    private static @Nullable DirectorConfig director(TableReader root, Problems problems) {
        Optional<TableReader> table = root.table("director", "[director]");
        if (!root.has("director")) {
            problems.missing(START, "the file has no [director]; required: [director] with interfaces = [\"eth1\"]");
        }
        return table.map(found -> new DirectorReader(found).read()).orElse(null);
    }

    private static String decode(Path file) throws ConfigException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        } catch (NoSuchFileException e) {
            throw unreadable(file, "no such file");
        } catch (AccessDeniedException e) {
            throw unreadable(file, "permission denied");
        } catch (IOException e) {
            throw unreadable(file, Files.isDirectory(file) ? "is a directory" : String.valueOf(e.getMessage()));
        }
        if (bytes.length > MAX_BYTES) {
            throw unreadable(file, "larger than " + (MAX_BYTES >> 20) + " MiB");
        }
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        CoderResult result = decoder.decode(in, out, true);
        String text = out.flip().toString();
        if (result.isError()) {
            int lineStart = text.lastIndexOf('\n') + 1;
            int line = 1 + (int) text.chars().filter(c -> c == '\n').count();
            throw new ConfigException(List.of(new ConfigProblem(
                    file.toString(), line, text.length() - lineStart + 1, "not UTF-8 text; TOML files are UTF-8")));
        }
        // Some editors put a byte order mark first, which TOML does not know.
        return text.startsWith("\ufeff") ? text.substring(1) : text;
    }

    private static ConfigException unreadable(Path file, String why) {
        return new ConfigException(List.of(new ConfigProblem(file.toString(), 0, 0, "cannot be read: " + why)));
    }
}

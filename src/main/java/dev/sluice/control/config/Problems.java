package dev.sluice.control.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.tomlj.TomlPosition;

/**
 * Gathers what is wrong with one file.
 *
 * <p>Once the file is not even TOML, its tables are what the parser could rescue: values in them are still worth a look,
 * but a key that seems to be missing or in the wrong table may only be a consequence of the line the parser stumbled over.
 * Such follow-on problems are kept back.
 */
final class Problems {
    private final String file;
    private final List<ConfigProblem> found = new ArrayList<>();
    private boolean damaged;
    private int firstDamagedLine = Integer.MAX_VALUE;

    Problems(String file) {
        this.file = file;
    }

    /** The text is not TOML here. */
    void syntax(int line, int column, String text) {
        damaged = true;
        firstDamagedLine = Math.min(firstDamagedLine, line);
        found.add(new ConfigProblem(file, line, column, text));
    }

    /** A value is wrong in itself. */
    void value(TomlPosition position, String text) {
        found.add(new ConfigProblem(file, position.line(), position.column(), text));
    }

    /** Something stands where it does not belong. */
    void misplaced(TomlPosition position, String text) {
        if (position.line() < firstDamagedLine) {
            value(position, text);
        }
    }

    /** Something is not there that must be. */
    void missing(TomlPosition position, String text) {
        if (!damaged) {
            value(position, text);
        }
    }

    /** Whether anything has been found so far. */
    boolean any() {
        return !found.isEmpty();
    }

    void throwIfAny() throws ConfigException {
        if (!found.isEmpty()) {
            found.sort(Comparator.comparingInt(ConfigProblem::line).thenComparingInt(ConfigProblem::column));
            throw new ConfigException(found);
        }
    }
}

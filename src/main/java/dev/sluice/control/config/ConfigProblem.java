package dev.sluice.control.config;

/**
 * One thing that is wrong with a configuration file.
 *
 * @param file the file as the user named it
 * @param line from 1; 0 when the problem is the file as a whole
 * @param column from 1; 0 when the problem is the file as a whole
 * @param text what is wrong; what is allowed
 */
public record ConfigProblem(String file, int line, int column, String text) {
    /** {@code file:line:column: what is wrong; what is allowed}. */
    @Override
    public String toString() {
        return line == 0 ? file + ": " + text : file + ":" + line + ":" + column + ": " + text;
    }
}

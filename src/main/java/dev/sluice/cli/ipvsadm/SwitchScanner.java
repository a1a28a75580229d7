package dev.sluice.cli.ipvsadm;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes a command line apart as popt(3) does: short switches may stand together, the last of them with its value ({@code -w5},
 * {@code -w=5}); a long one's value stands behind it or behind an equals sign; an optional value must not begin with a dash;
 * {@code --} ends the switches; what is left over may stand anywhere. {@code -b} beside a real server and without a value is
 * DPVS's, and means FULLNAT.
 */
final class SwitchScanner {
    private final List<String> words;
    private final Deque<String> leftOver = new ArrayDeque<>();
    private int next;
    private boolean switchesEnded;
    /** What is left of a word of short switches. */
    private @Nullable String cluster;
    /** The command, which comes first. */
    private @Nullable Switch first;

    /**
     * @param words the command line without the command's own name
     */
    SwitchScanner(List<String> words) {
        this.words = List.copyOf(words);
    }

    /**
     * One switch.
     *
     * @param value what belongs to it, null for none
     */
    record Scanned(Switch name, @Nullable String value) {}

    /**
     * The next switch, null behind the last one.
     *
     * @throws IpvsadmException for an unknown one, or one with a value too few or too many
     */
    @Nullable
    Scanned next() throws IpvsadmException {
        Scanned scanned = scan();
        if (scanned != null && first == null) {
            first = scanned.name();
        }
        return scanned;
    }

    private @Nullable Scanned scan() throws IpvsadmException {
        String word = cluster;
        if (word == null) {
            word = nextSwitchWord();
            if (word == null) {
                return null;
            }
            if (word.startsWith("--")) {
                return longSwitch(word.substring(2));
            }
            word = word.substring(1);
        }
        return shortSwitch(word);
    }

    /** Whether any word is left to be looked at. */
    boolean hasMore() {
        return cluster != null || next < words.size();
    }

    /** The word that was looked at last. */
    String lastWord() {
        return words.get(next - 1);
    }

    /** What is no switch and no switch's value, in order; for when {@link #next} has come to its end. */
    Deque<String> leftOver() {
        return leftOver;
    }

    private @Nullable String nextSwitchWord() {
        while (next < words.size()) {
            String word = words.get(next++);
            if (switchesEnded || !word.startsWith("-") || word.equals("-")) {
                leftOver.add(word);
            } else if (word.equals("--")) {
                switchesEnded = true;
            } else {
                return word;
            }
        }
        return null;
    }

    private Scanned longSwitch(String text) throws IpvsadmException {
        int equals = text.indexOf('=');
        Switch found = Switch.ofLongName(equals < 0 ? text : text.substring(0, equals));
        return scanned(found, equals < 0 ? null : text.substring(equals + 1), equals >= 0);
    }

    private Scanned shortSwitch(String text) throws IpvsadmException {
        Switch found = Switch.ofShortName(text.charAt(0));
        String rest = text.length() == 1 ? null : text.substring(1);
        if (found == Switch.SCHED_FLAGS && isFullnat(rest)) {
            found = Switch.FULLNAT;
        }
        boolean equals = rest != null && rest.startsWith("=");
        if (rest != null && equals) {
            rest = rest.substring(1);
        }
        if (found != null && found.value() == Switch.Value.NONE && !equals) {
            cluster = rest;
            return new Scanned(found, null);
        }
        cluster = null;
        return scanned(found, rest, equals);
    }

    /** Whether {@code -b} stands beside a real server, with nothing that could be scheduler flags. */
    private boolean isFullnat(@Nullable String rest) {
        return (first == Switch.ADD_SERVER || first == Switch.EDIT_SERVER)
                && rest == null
                && (next == words.size() || words.get(next).startsWith("-"));
    }

    private Scanned scanned(@Nullable Switch found, @Nullable String attached, boolean equals) throws IpvsadmException {
        if (found == null) {
            throw bad("unknown option");
        }
        if (found.value() == Switch.Value.NONE) {
            if (equals) {
                throw bad("option does not take an argument");
            }
            return new Scanned(found, null);
        }
        if (attached != null) {
            return new Scanned(found, attached);
        }
        if (found.value() == Switch.Value.OPTIONAL
                && (next == words.size() || words.get(next).startsWith("-"))) {
            return new Scanned(found, null);
        }
        if (next == words.size()) {
            throw bad("missing argument");
        }
        return new Scanned(found, words.get(next++));
    }

    private IpvsadmException bad(String what) {
        return IpvsadmException.fatal(lastWord() + ": " + what, IpvsadmException.REFUSED);
    }
}

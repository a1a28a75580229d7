package dev.sluice.health;

import java.io.IOException;
import java.util.regex.Pattern;

/**
 * A regular expression whose search ends: by the steps it takes, so that the same text has the same result on a busy machine, and
 * at the check's deadline. The expressions of the JDK backtrack; {@code a*a*a*a*a*a*b} takes years for a page of
 * {@code a}. Any thread.
 */
final class BoundedPattern {
    /** Looks at single characters: some 100 ms. */
    private static final int MAX_STEPS = 20_000_000;
    /** Between two looks at the clock; a power of two. */
    private static final int STEPS_A_LOOK = 1 << 16;

    private final Pattern pattern;

    BoundedPattern(Probe.BodyPattern pattern) {
        this.pattern = Pattern.compile(pattern.text());
    }

    /**
     * Whether the text has in it what the expression describes.
     *
     * @throws UnhealthyException when that cannot be found out with as much work as is allowed
     * @throws java.net.SocketTimeoutException when the deadline passes
     */
    boolean isIn(String text, Deadline deadline) throws IOException {
        try {
            return pattern.matcher(new Watched(text, deadline)).find();
        } catch (TooLong e) {
            deadline.expect("end of the search for the pattern");
            deadline.remainingMs();
            throw new UnhealthyException("the search for the pattern takes more than " + MAX_STEPS + " steps");
        } catch (StackOverflowError e) {
            throw new UnhealthyException("the search for the pattern nests too deeply");
        }
    }

    /** Ends a search from within. */
    private static final class TooLong extends RuntimeException {
        TooLong() {
            super("search ended", null, false, false);
        }
    }

    /** Text that counts the looks at it. */
    private static final class Watched implements CharSequence {
        private final String text;
        private final Deadline deadline;
        private int steps;

        Watched(String text, Deadline deadline) {
            this.text = text;
            this.deadline = deadline;
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int index) {
            if (++steps > MAX_STEPS || ((steps & (STEPS_A_LOOK - 1)) == 0 && deadline.hasPassed())) {
                throw new TooLong();
            }
            return text.charAt(index);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}

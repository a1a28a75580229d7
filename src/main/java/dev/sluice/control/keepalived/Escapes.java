package dev.sluice.control.keepalived;

/** The escapes of keepalived's strings, those of the shell. */
final class Escapes {
    private static final String LETTERS = "abEfnrtv";
    private static final String MEANT = "\7\b\33\f\n\r\t\13";

    private Escapes() {}

    /**
     * Appends what an escape stands for.
     *
     * @param at the character behind the backslash
     * @return where the escape ends
     */
    static int append(StringBuilder word, String line, int at) {
        char c = line.charAt(at);
        if (c == 'x' && digit(line, at + 1, 16) >= 0) {
            return number(word, line, at + 1, 16, 2);
        }
        if (digit(line, at, 8) >= 0) {
            return number(word, line, at, 8, 3);
        }
        if (c == 'c' && at + 1 < line.length()) {
            word.append((char) (line.charAt(at + 1) & 0x1f));
            return at + 1;
        }
        int letter = LETTERS.indexOf(c);
        word.append(letter >= 0 ? MEANT.charAt(letter) : c);
        return at;
    }

    private static int number(StringBuilder word, String line, int at, int radix, int maxDigits) {
        int value = 0;
        int end = at;
        while (end < at + maxDigits && digit(line, end, radix) >= 0) {
            value = value * radix + digit(line, end, radix);
            end++;
        }
        word.append((char) (value & 0xff));
        return end - 1;
    }

    private static int digit(String line, int at, int radix) {
        return at < line.length() && line.charAt(at) < 128 ? Character.digit(line.charAt(at), radix) : -1;
    }
}

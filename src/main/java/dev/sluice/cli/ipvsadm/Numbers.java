package dev.sluice.cli.ipvsadm;

import dev.sluice.packet.IpAddress;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Numbers and addresses as the C library reads them, which takes more spellings than Java does. */
final class Numbers {
    private static final String SPACE = " \t\n\u000b\f\r";

    private Numbers() {}

    /**
     * A decimal number, all of the text but for space before it: strtol(3).
     *
     * @return empty for other text, and outside {@code min} to {@code max}
     */
    static OptionalLong decimal(String text, long min, long max) {
        int at = afterSpace(text);
        boolean negative = at < text.length() && text.charAt(at) == '-';
        if (at < text.length() && (negative || text.charAt(at) == '+')) {
            at++;
        }
        if (at == text.length()) {
            return OptionalLong.empty();
        }
        long value = 0;
        for (; at < text.length(); at++) {
            int digit = text.charAt(at) - '0';
            if (digit < 0 || digit > 9) {
                return OptionalLong.empty();
            }
            // Beyond every range that is asked for, and far from an overflow.
            value = Math.min(value * 10 + digit, Long.MAX_VALUE / 100);
        }
        value = negative ? -value : value;
        return value < min || value > max ? OptionalLong.empty() : OptionalLong.of(value);
    }

    /** The number with which a text begins, 0 if with none: atoi(3). */
    static int leading(String text) {
        int end = afterSpace(text);
        if (end < text.length() && (text.charAt(end) == '-' || text.charAt(end) == '+')) {
            end++;
        }
        while (end < text.length() && Character.digit(text.charAt(end), 10) >= 0 && text.charAt(end) <= '9') {
            end++;
        }
        OptionalLong value = decimal(text.substring(0, end), Integer.MIN_VALUE, Integer.MAX_VALUE);
        return (int) value.orElse(0);
    }

    /**
     * An IPv4 address of one to four numbers, each decimal, octal (0…) or hexadecimal (0x…), the last of which fills the rest of
     * the address: inet_aton(3). Space may follow.
     *
     * @return the address in network order, empty for other text
     */
    static OptionalInt inetAton(String text) {
        String address = text;
        for (int i = 0; i < text.length(); i++) {
            if (SPACE.indexOf(text.charAt(i)) >= 0) {
                address = text.substring(0, i);
                break;
            }
        }
        String[] parts = address.split("\\.", -1);
        if (parts.length > 4) {
            return OptionalInt.empty();
        }
        long value = 0;
        for (int i = 0; i < parts.length; i++) {
            boolean last = i == parts.length - 1;
            int bits = last ? 8 * (5 - parts.length) : 8;
            OptionalLong part = part(parts[i]);
            if (part.isEmpty() || part.getAsLong() >= 1L << bits) {
                return OptionalInt.empty();
            }
            value = value << bits | part.getAsLong();
        }
        return OptionalInt.of((int) value);
    }

    /** An IPv6 address without zone: inet_pton(3). Empty for other text. */
    static Optional<IpAddress> inet6(String text) {
        if (text.indexOf(':') < 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(IpAddress.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static OptionalLong part(String text) {
        int base = 10;
        String digits = text;
        if (text.length() > 1 && text.charAt(0) == '0') {
            boolean hexadecimal = text.charAt(1) == 'x' || text.charAt(1) == 'X';
            base = hexadecimal ? 16 : 8;
            digits = text.substring(hexadecimal ? 2 : 1);
        }
        if (digits.isEmpty() || digits.length() > 11) {
            return OptionalLong.empty();
        }
        long value = 0;
        for (int i = 0; i < digits.length(); i++) {
            int digit = digits.charAt(i) < 128 ? Character.digit(digits.charAt(i), base) : -1;
            if (digit < 0) {
                return OptionalLong.empty();
            }
            value = value * base + digit;
        }
        return OptionalLong.of(value);
    }

    private static int afterSpace(String text) {
        int at = 0;
        while (at < text.length() && SPACE.indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        return at;
    }
}

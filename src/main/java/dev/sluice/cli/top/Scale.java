package dev.sluice.cli.top;

import java.util.Locale;

/** Numbers in three digits: {@code 0}, {@code 0.5}, {@code 999}, {@code 12.3k}, {@code 1.23M}, {@code 45.6G}. */
final class Scale {
    private static final String UNITS = " kMGTPE";

    private Scale() {}

    static String of(double value) {
        if (value > 0 && value < 0.05) {
            return "<0.1";
        }
        if (value > 0 && value < 9.95) {
            String text = String.format(Locale.ROOT, "%.1f", value);
            return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
        }
        int unit = 0;
        double rest = value;
        while (rest >= 999.5 && unit < UNITS.length() - 1) {
            rest /= 1000;
            unit++;
        }
        if (unit == 0) {
            return String.format(Locale.ROOT, "%.0f", rest);
        }
        String format = rest < 9.995 ? "%.2f" : rest < 99.95 ? "%.1f" : "%.0f";
        return String.format(Locale.ROOT, format, rest) + UNITS.charAt(unit);
    }

    /** A share of 1 in percent: {@code 0%}, {@code 0.4%}, {@code 12%}, {@code 100%}. */
    static String percent(double share) {
        double percent = share * 100;
        if (percent > 0 && percent < 0.05) {
            return "<0.1%";
        }
        return percent > 0 && percent < 9.95
                ? String.format(Locale.ROOT, "%.1f%%", percent)
                : String.format(Locale.ROOT, "%.0f%%", percent);
    }
}

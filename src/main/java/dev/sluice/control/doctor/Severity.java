package dev.sluice.control.doctor;

import java.util.Locale;

/** How much a finding matters. */
public enum Severity {
    /** Traffic does not flow, all of it or some. */
    ERROR,
    /** Traffic flows, but not as it should, or soon will not. */
    WARNING,
    /** Worth knowing; nothing is wrong. */
    INFO;

    /** {@code error}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}

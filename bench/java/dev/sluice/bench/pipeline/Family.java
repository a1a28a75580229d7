package dev.sluice.bench.pipeline;

import java.util.Locale;

/** Address families of clients, VIPs and real servers. */
public enum Family {
    INET("4"),
    INET6("6"),
    /** Every other flow is IPv6. */
    MIXED("mixed");

    private final String keyword;

    Family(String keyword) {
        this.keyword = keyword;
    }

    /** As given on command lines: {@code 4}, {@code 6} or {@code mixed}. */
    String keyword() {
        return keyword;
    }

    /** Whether a flow, by its number, is IPv6. */
    boolean isInet6(int flow) {
        return this == INET6 || (this == MIXED && (flow & 1) == 1);
    }

    /** Reads a {@link #keyword}; throws {@link IllegalArgumentException} for anything else. */
    static Family of(String keyword) {
        for (Family family : values()) {
            if (family.keyword.equals(keyword.toLowerCase(Locale.ROOT))) {
                return family;
            }
        }
        throw new IllegalArgumentException("\"" + keyword + "\" is no family: 4, 6 or mixed");
    }
}

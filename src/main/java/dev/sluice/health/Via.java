package dev.sluice.health;

/** The way that a check takes. */
public enum Via {
    /** Straight to the RIP. */
    RIP("rip"),
    /**
     * To the VIP, by the real server's forwarding method: what a client's packets meet, so that a missing tunnel, or a VIP
     * missing on {@code lo}, is found.
     */
    VIP("vip");

    private final String keyword;

    Via(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

package dev.sluice.control.config;

/** What a worker does when its rings are empty. */
public enum IdleMode {
    /** Spins a while, then sleeps in {@code poll}: no CPU time without traffic. */
    ADAPTIVE("adaptive"),
    /** Spins for ever: the lowest latency, and a whole CPU for each worker. */
    BUSY("busy");

    private final String keyword;

    IdleMode(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

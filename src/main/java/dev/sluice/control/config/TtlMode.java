package dev.sluice.control.config;

/** What becomes of a packet's TTL or hop limit on its way to a real server. */
public enum TtlMode {
    /** It is lowered by one, as at a router and at IPVS. */
    DECREMENT("decrement"),
    /** It stays, as at a switch. */
    KEEP("keep");

    private final String keyword;

    TtlMode(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

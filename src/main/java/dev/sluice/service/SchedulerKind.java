package dev.sluice.service;

/** The schedulers by the names that ipvsadm's {@code -s} takes, and Sluice's own. */
public enum SchedulerKind {
    /** Round robin, as {@code ip_vs_rr.c}. */
    RR("rr"),
    /** Weighted round robin, as {@code ip_vs_wrr.c}. */
    WRR("wrr"),
    /** Weighted consistent hashing by a Maglev table (NSDI 2016, section 3.4). The default. */
    MAGLEV("maglev");

    private final String keyword;

    SchedulerKind(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files and on command lines. */
    public String keyword() {
        return keyword;
    }
}

package dev.sluice.service;

/** The schedulers by the names that ipvsadm's {@code -s} takes, and Sluice's own. */
public enum SchedulerKind {
    /** Round robin, as {@code ip_vs_rr.c}. */
    RR("rr"),
    /** Weighted round robin, as {@code ip_vs_wrr.c}. */
    WRR("wrr"),
    /** Least connections, as {@code ip_vs_lc.c}. */
    LC("lc"),
    /** Weighted least connections, as {@code ip_vs_wlc.c}. */
    WLC("wlc"),
    /** Locality-based least connections, as {@code ip_vs_lblc.c}. */
    LBLC("lblc"),
    /** Locality-based least connections with replication, as {@code ip_vs_lblcr.c}. */
    LBLCR("lblcr"),
    /** Destination hashing, as {@code ip_vs_dh.c}. */
    DH("dh"),
    /** Source hashing, as {@code ip_vs_sh.c}. */
    SH("sh"),
    /** Shortest expected delay, as {@code ip_vs_sed.c}. */
    SED("sed"),
    /** Never queue, as {@code ip_vs_nq.c}. */
    NQ("nq"),
    /** Weighted failover, as {@code ip_vs_fo.c}. */
    FO("fo"),
    /** Weighted overflow, as {@code ip_vs_ovf.c}. */
    OVF("ovf"),
    /** IPVS's Maglev hashing, as {@code ip_vs_mh.c}. */
    MH("mh"),
    /** Weighted random choice of two, as {@code ip_vs_twos.c}. */
    TWOS("twos"),
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

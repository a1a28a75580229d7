package dev.sluice.forward;

/** What becomes of a packet from the middle of a connection that nobody knows. */
public enum Sloppy {
    /** It is dropped, as by IPVS with {@code sloppy_tcp} or {@code sloppy_sctp} 0 it never reaches a real server. */
    OFF("off"),
    /**
     * It goes where the hash of its flow leads: the same real server after every restart and from every sibling director with
     * the same key, whatever the scheduler.
     */
    HASH("hash"),
    /** The scheduler chooses, as with IPVS's {@code sloppy_tcp} or {@code sloppy_sctp} 1. */
    SCHEDULE("schedule");

    private final String keyword;

    Sloppy(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

package dev.sluice.control.config;

/** What becomes of a real server that fails its checks. */
public enum FailureMode {
    /** It leaves the service, as by {@code ipvsadm -d}, until it has recovered. */
    REMOVE("remove"),
    /** Its weight is 0 until it has recovered, as with keepalived's {@code inhibit_on_failure}. */
    QUIESCE("quiesce");

    private final String keyword;

    FailureMode(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

package dev.sluice.control.config;

/** Whether frames are copied between the driver and the UMEM. */
public enum BindMode {
    /** Zero-copy where the driver offers it, copy otherwise. */
    AUTO("auto"),
    /** {@code XDP_ZEROCOPY}; refused where the driver cannot. */
    ZEROCOPY("zerocopy"),
    /** {@code XDP_COPY}. */
    COPY("copy");

    private final String keyword;

    BindMode(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

package dev.sluice.control.config;

/** Where in the receive path the steering program runs. */
public enum XdpMode {
    /** Native where the driver can, generic otherwise. */
    AUTO("auto"),
    /** In the driver ({@code XDP_FLAGS_DRV_MODE}); refused where the driver cannot. */
    NATIVE("native"),
    /** In the network stack, for any driver ({@code XDP_FLAGS_SKB_MODE}); slow. */
    GENERIC("generic");

    private final String keyword;

    XdpMode(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

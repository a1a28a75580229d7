package dev.sluice.control.config;

/** Who answers echo requests to a VIP. */
public enum EchoMode {
    /** The kernel, if the VIP is an address of the director. */
    KERNEL("kernel"),
    /** The director itself, whether or not the VIP is an address of its. */
    DIRECTOR("director");

    private final String keyword;

    EchoMode(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

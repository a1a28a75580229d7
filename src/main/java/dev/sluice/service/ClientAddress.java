package dev.sluice.service;

/** How a real server reached by {@link ForwardingMethod#FULLNAT}, which sees the director's address, learns the client's. */
public enum ClientAddress {
    /** Not at all. */
    NONE("none"),
    /** By the TCP option of the public kernel modules (TOA). */
    TOA("toa"),
    /** By the PROXY protocol's header, version 2, before the client's first octet. */
    PROXY("proxy");

    private final String keyword;

    ClientAddress(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

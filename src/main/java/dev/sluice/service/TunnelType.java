package dev.sluice.service;

/** Kinds of encapsulation. */
public enum TunnelType {
    /** RFC 2003, RFC 2473, RFC 4213. */
    IPIP("ipip"),
    /** Generic UDP encapsulation, draft-ietf-intarea-gue. */
    GUE("gue"),
    /** RFC 2784. */
    GRE("gre");

    private final String keyword;

    TunnelType(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files and ipvsadm's options. */
    public String keyword() {
        return keyword;
    }
}

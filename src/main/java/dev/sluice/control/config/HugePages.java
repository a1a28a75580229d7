package dev.sluice.control.config;

/** Whether the UMEM lies on huge pages. */
public enum HugePages {
    /** Huge pages when enough are free, plain ones otherwise. */
    AUTO("auto"),
    /** Huge pages; refused when too few are free. */
    ON("on"),
    /** Plain pages. */
    OFF("off");

    private final String keyword;

    HugePages(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

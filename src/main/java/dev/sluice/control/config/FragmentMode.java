package dev.sluice.control.config;

/** Which packet is fragmented where an encapsulated one is too large and may be. */
public enum FragmentMode {
    /** The encapsulated one: the real server reassembles before it decapsulates. */
    OUTER("outer"),
    /** The one inside, before it is encapsulated: each fragment can be decapsulated by itself. */
    INNER("inner");

    private final String keyword;

    FragmentMode(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

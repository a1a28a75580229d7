package dev.sluice.control.config;

/** What the steering program does with packets for services while no director is there to take them. */
public enum WithoutDirector {
    /** They are dropped: clients send them again, and the next director finds them. */
    DROP("drop"),
    /** They go to the kernel, which answers with a reset where nothing listens. */
    PASS("pass");

    private final String keyword;

    WithoutDirector(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    public String keyword() {
        return keyword;
    }
}

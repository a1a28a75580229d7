package dev.sluice.control.config;

/** Where connection tables lie. */
enum FlowTableMemory {
    /** In memory of the process: they end with it. */
    PRIVATE("private"),
    /** In files that outlive the process. */
    SHARED("shared");

    private final String keyword;

    FlowTableMemory(String keyword) {
        this.keyword = keyword;
    }

    /** The word for it in configuration files. */
    String keyword() {
        return keyword;
    }
}
